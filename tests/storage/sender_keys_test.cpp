#include "storage/sender_keys.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "storage/changes.h"
#include "tests/storage/fixture.h"
#include "tests/storage/injection.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Bytes;
using protocol::Jid;

namespace {

const SessionId anna{1};
const Jid group("120363000000000001", "g.us"), other_group("120363000000000002", "g.us");
const Jid ben("100000000000002", "lid"), ben_pn("15550000002", "s.whatsapp.net"), carl("100000000000003", "lid");

KeyCopy ready(const Jid& device) {
  return {device, KeyCopy::State::ready, protocol::CiphertextKind::pre_key_message, {1, 2, 3}, {}};
}
KeyCopy held(const Jid& device) { return {device, KeyCopy::State::held, protocol::CiphertextKind::message, {}, {}}; }

/// "100000000000002@lid held, …" in the order of the devices.
std::string copies_of(Database& db, const Jid& of) {
  auto copies = load_key_copies(db, anna, of);
  std::sort(copies.begin(), copies.end(), [](const KeyCopy& a, const KeyCopy& b) { return a.device < b.device; });
  std::string out;
  for (const KeyCopy& copy : copies) {
    const char* state[] = {"ready", "sent", "held", "again"};
    out += copy.device.to_string() + " " + state[static_cast<int>(copy.state)] + ", ";
  }
  return out;
}

}  // namespace

TEST_CASE("sender keys are those of one author's device in one group") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    changes.add(PutSenderKey{anna, group, ben.with_device(1), {1}});
    changes.add(PutSenderKey{anna, group, ben.with_device(2), {2}});
    changes.add(PutSenderKey{anna, group, ben.with_device(1), {3}});
    changes.add(PutSenderKey{anna, other_group, ben.with_device(1), {4}});
    changes.add(PutSenderKey{SessionId{2}, group, ben.with_device(1), {5}});
  });
  CHECK(find_sender_key(store.db(), anna, group, ben.with_device(1)) == Bytes{3});
  CHECK_FALSE(find_sender_key(store.db(), anna, group, carl));
  CHECK(sender_keys_of(store.db(), anna, group, ben, 9).size() == 2);
  CHECK(sender_keys_of(store.db(), anna, group, ben, 1).size() == 1);
  CHECK(sender_keys_of(store.db(), anna, group, carl, 9).empty());
  store.turn([](Changes& changes) { changes.add(ForgetGroupKeys{anna, group}); });
  CHECK_FALSE(find_sender_key(store.db(), anna, group, ben.with_device(1)));
  CHECK(find_sender_key(store.db(), anna, other_group, ben.with_device(1)) == Bytes{4});
  CHECK(find_sender_key(store.db(), SessionId{2}, group, ben.with_device(1)) == Bytes{5});
}

TEST_CASE("an own sender key of an earlier ratchet epoch is not used again") {
  test::InlineStore store;
  store.turn([](Changes& changes) { changes.add(PutOwnSenderKey{anna, group, {7}}); });
  CHECK(find_own_sender_key(store.db(), anna, group) == Bytes{7});
  store.turn([](Changes& changes) {
    test::inject(changes, [](Database& db) {
      return db.execute("UPDATE continuity SET ratchet_epoch = ratchet_epoch + 1 WHERE id = 1");
    });
  });
  CHECK_FALSE(find_own_sender_key(store.db(), anna, group));
  store.turn([](Changes& changes) { changes.add(PutOwnSenderKey{anna, group, {8}}); });
  CHECK(find_own_sender_key(store.db(), anna, group) == Bytes{8});
}

TEST_CASE("copies of the own key go with a message and are held when it arrives") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    changes.add(PutOwnSenderKey{anna, group, {7}});
    changes.add(PutKeyCopies{anna, group, {ready(ben.with_device(1)), held(carl)}});
    changes.add(PutKeyCopies{anna, other_group, {ready(ben.with_device(1))}});
  });
  const auto copies = load_key_copies(store.db(), anna, other_group);
  REQUIRE(copies.size() == 1);
  CHECK(copies[0] == ready(ben.with_device(1)));
  store.turn([](Changes& changes) {
    changes.add(SendKeyCopies{anna, group, "A"});
    changes.add(PutKeyCopies{anna, group, {ready(ben.with_device(2))}});
    changes.add(SendKeyCopies{anna, group, "B"});
  });
  CHECK(copies_of(store.db(), group) ==
        "100000000000002:1@lid sent, 100000000000002:2@lid sent, 100000000000003@lid held, ");
  CHECK(copies_of(store.db(), other_group) == "100000000000002:1@lid ready, ");
  store.turn([](Changes& changes) { changes.add(SettleKeyCopies{anna, group, "A", true}); });
  CHECK(copies_of(store.db(), group) ==
        "100000000000002:1@lid held, 100000000000002:2@lid sent, 100000000000003@lid held, ");
  store.turn([](Changes& changes) { changes.add(SettleKeyCopies{anna, group, "B", false}); });
  CHECK(copies_of(store.db(), group) ==
        "100000000000002:1@lid held, 100000000000002:2@lid again, 100000000000003@lid held, ");
  store.turn([](Changes& changes) { changes.add(DropOwnSenderKey{anna, group}); });
  CHECK(copies_of(store.db(), group).empty());
  CHECK_FALSE(find_own_sender_key(store.db(), anna, group));
  CHECK(copies_of(store.db(), other_group) == "100000000000002:1@lid ready, ");
}

TEST_CASE("copies are taken back of a user, of one of its devices, or in one group") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    for (const Jid& of : {group, other_group})
      changes.add(PutKeyCopies{anna, of, {held(ben), held(ben.with_device(1)), held(carl)}});
  });
  const auto take = [&](std::optional<Jid> of, std::optional<std::uint16_t> device) {
    store.turn([&](Changes& changes) { changes.add(TakeKeyCopiesBack{anna, ben, of, device}); });
  };
  SECTION("of the user") {
    take(std::nullopt, std::nullopt);
    for (const Jid& of : {group, other_group})
      CHECK(copies_of(store.db(), of) ==
            "100000000000002@lid again, 100000000000002:1@lid again, 100000000000003@lid held, ");
  }
  SECTION("of a device in one group") {
    take(group, 1);
    CHECK(copies_of(store.db(), group) ==
          "100000000000002@lid held, 100000000000002:1@lid again, 100000000000003@lid held, ");
    CHECK(copies_of(store.db(), other_group) ==
          "100000000000002@lid held, 100000000000002:1@lid held, 100000000000003@lid held, ");
  }
}

TEST_CASE("keys and copies move with the number's LID, and one that is there stays") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    changes.add(PutSenderKey{anna, group, ben_pn.with_device(1), {1}});
    changes.add(PutSenderKey{anna, other_group, ben_pn.with_device(1), {2}});
    changes.add(PutSenderKey{anna, other_group, ben.with_device(1), {3}});
    changes.add(PutKeyCopies{anna, group, {held(ben_pn.with_device(1))}});
    changes.add(MoveSenderKeys{anna, ben_pn, ben});
  });
  CHECK(find_sender_key(store.db(), anna, group, ben.with_device(1)) == Bytes{1});
  CHECK(find_sender_key(store.db(), anna, other_group, ben.with_device(1)) == Bytes{3});
  CHECK(sender_keys_of(store.db(), anna, other_group, ben_pn, 9).empty());
  CHECK(copies_of(store.db(), group) == "100000000000002:1@lid held, ");
}
