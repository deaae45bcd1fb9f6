#include "storage/groups.h"

#include <catch2/catch.hpp>

#include "storage/chats.h"
#include "storage/member_receipts.h"
#include "tests/storage/fixture.h"
#include "tests/storage/sliced_store.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;

namespace {

const SessionId anna{1};
const Jid ben("100000000000002", "lid"), carl("100000000000003", "lid");

Jid group(int number) { return Jid("12036300000000000" + std::to_string(number), "g.us"); }

GroupRow row(int number, const std::string& subject) {
  GroupRow out;
  out.group = group(number);
  out.subject = subject;
  out.metadata = {1, 2, static_cast<std::uint8_t>(number)};
  out.fetched_at = 5;
  out.heard = {9, 8, 7};
  return out;
}

MessageRow own_message(const std::string& id) {
  MessageRow message = test::message_row(anna, group(1), id, 1);
  message.from_me = true;
  return message;
}

}  // namespace

TEST_CASE("a group is as it was put last, and stale when it was aged") {
  test::InlineStore store;
  CHECK(stale_groups(store.db(), anna, 9).empty());
  store.turn([](Changes& changes) {
    changes.add(PutGroup{anna, row(1, "first")});
    changes.add(PutGroup{anna, row(2, "second")});
    changes.add(PutGroup{SessionId{2}, row(1, "of another")});
    changes.add(AgeGroup{anna, group(2)});
    changes.add(AgeGroup{anna, group(9)});
  });
  CHECK(stale_groups(store.db(), anna, 9) == std::vector<Jid>{group(2)});
  CHECK(find_group(store.db(), anna, group(1)) == row(1, "first"));
  CHECK(find_group(store.db(), anna, group(2))->stale);
  CHECK_FALSE(find_group(store.db(), anna, group(9)));
  store.turn([](Changes& changes) { changes.add(AgeGroup{anna, std::nullopt}); });
  CHECK(find_group(store.db(), anna, group(1))->stale);
  CHECK(stale_groups(store.db(), anna, 9).size() == 2);
  CHECK(stale_groups(store.db(), anna, 1).size() == 1);
  CHECK_FALSE(find_group(store.db(), SessionId{2}, group(1))->stale);
  store.turn([](Changes& changes) {
    GroupRow left = row(3, "left");
    left.member = false;
    changes.add(PutGroup{anna, left});
    changes.add(AgeGroup{anna, std::nullopt});
  });
  CHECK_FALSE(find_group(store.db(), anna, group(3))->stale);
  store.turn([](Changes& changes) { changes.add(PutGroup{anna, row(1, "renamed")}); });
  CHECK(find_group(store.db(), anna, group(1)) == row(1, "renamed"));
}

TEST_CASE("groups are listed in pages, without those that were left") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    for (int number = 1; number <= 5; ++number) {
      GroupRow put = row(number, "g");
      put.member = number != 3;
      changes.add(PutGroup{anna, put});
    }
  });
  const GroupPage first = page_groups(store.db(), anna, 2, 0);
  REQUIRE(first.groups.size() == 2);
  CHECK(first.groups[1].group == group(2));
  REQUIRE(first.next);
  const GroupPage second = page_groups(store.db(), anna, 2, *first.next);
  REQUIRE(second.groups.size() == 2);
  CHECK(second.groups[0].group == group(4));
  CHECK(second.groups[1].group == group(5));
  CHECK_FALSE(second.next);
}

TEST_CASE("a group's chat is called by its subject, whichever comes first") {
  test::InlineStore store;
  const auto name = [&] { return find_chat(store.db(), anna, group(1))->name; };
  const auto message = [&](const std::string& id) {
    store.turn([&](Changes& changes) {
      MessageRow said = test::message_row(anna, group(1), id, 1);
      said.push_name = "Ben";
      changes.add(InsertMessage{said, true, std::nullopt});
    });
  };
  message("A");
  CHECK(name().empty());
  store.turn([](Changes& changes) { changes.add(PutGroup{anna, row(1, "crew")}); });
  CHECK(name() == "crew");
  store.turn([](Changes& changes) { changes.add(RemoveChat{anna, group(1)}); });
  message("B");
  CHECK(name() == "crew");
}

TEST_CASE("a group message has reached all when every member has said so") {
  test::InlineStore store;
  store.turn([](Changes& changes) { changes.add(InsertMessage{own_message("A"), false, std::nullopt}); });
  const std::int64_t message = find_message(store.db(), anna, group(1), "A")->row;
  const auto say = [&](const Jid& who, AckLevel level, UnixMs at) {
    store.turn([&](Changes& changes) { changes.add(NoteMember{message, who, level, at}); });
    return find_reach(store.db(), message)->level();
  };
  store.turn([&](Changes& changes) {
    changes.add(NoteMember{message, ben, AckLevel::read, 1});  // of a message that the server does not have
    changes.add(OpenReach{message, 2});
    changes.add(OpenReach{message, 9});
    changes.add(OpenReach{message + 100, 2});
  });
  CHECK(find_reach(store.db(), message) == GroupReach{2, 0, 0, 0});
  CHECK_FALSE(find_reach(store.db(), message + 100));
  CHECK(say(ben, AckLevel::delivered, 5) == AckLevel::server);
  CHECK(say(ben, AckLevel::delivered, 6) == AckLevel::server);  // another device of the same member
  CHECK(say(carl, AckLevel::read, 7) == AckLevel::delivered);
  CHECK(say(carl, AckLevel::delivered, 8) == AckLevel::delivered);  // late
  CHECK(say(ben, AckLevel::played, 9) == AckLevel::read);
  CHECK(find_reach(store.db(), message) == GroupReach{2, 2, 2, 1});
  CHECK(find_member_receipt(store.db(), message, ben) == MemberReceipt{ben, AckLevel::played, 5, 0, 9});
  CHECK(find_member_receipt(store.db(), message, carl) == MemberReceipt{carl, AckLevel::read, 0, 7, 0});
  CHECK(member_receipts(store.db(), message, 9).size() == 2);
  CHECK(member_receipts(store.db(), message, 1).size() == 1);
}

TEST_CASE("what somebody said under two identities is said by one") {
  test::InlineStore store;
  store.turn([](Changes& changes) { changes.add(InsertMessage{own_message("A"), false, std::nullopt}); });
  const std::int64_t message = find_message(store.db(), anna, group(1), "A")->row;
  const Jid number("15550000003", "s.whatsapp.net");
  store.turn([&](Changes& changes) {
    changes.add(OpenReach{message, 2});
    changes.add(NoteMember{message, number, AckLevel::read, 7});
    changes.add(NoteMember{message, carl, AckLevel::delivered, 5});
  });
  CHECK(find_reach(store.db(), message) == GroupReach{2, 2, 1, 0});
  store.turn([&](Changes& changes) { changes.add(NoteMember{message, carl, AckLevel::delivered, 9, number}); });
  CHECK(find_reach(store.db(), message) == GroupReach{2, 1, 1, 0});
  CHECK(find_member_receipt(store.db(), message, carl) == MemberReceipt{carl, AckLevel::read, 5, 7, 0});
  CHECK(member_receipts(store.db(), message, 9).size() == 1);
}

TEST_CASE("no more members speak of a message than can have had it") {
  test::InlineStore store;
  store.turn([](Changes& changes) { changes.add(InsertMessage{own_message("A"), false, std::nullopt}); });
  const std::int64_t message = find_message(store.db(), anna, group(1), "A")->row;
  const std::uint32_t most = max_speakers({3, 0, 0, 0});
  store.turn([&](Changes& changes) {
    changes.add(OpenReach{message, 3});
    for (std::uint32_t i = 0; i < most + 5; ++i)
      changes.add(NoteMember{message, Jid(std::to_string(100 + i), "lid"), AckLevel::delivered, 1});
  });
  CHECK(find_reach(store.db(), message)->delivered == most);
}

TEST_CASE("what members said of a message goes after it, in slices") {
  test::SlicedStore store(25);
  store.turn([](Changes& changes) {
    changes.add(InsertMessage{own_message("A"), false, std::nullopt});
    changes.add(InsertMessage{own_message("B"), false, std::nullopt});
  });
  const std::int64_t gone = find_message(store.db(), anna, group(1), "A")->row;
  const std::int64_t stays = find_message(store.db(), anna, group(1), "B")->row;
  store.turn([&](Changes& changes) {
    for (const std::int64_t message : {gone, stays}) {
      changes.add(OpenReach{message, 40});
      for (int i = 0; i < 40; ++i)
        changes.add(NoteMember{message, Jid(std::to_string(100 + i), "lid"), AckLevel::delivered, 1});
    }
    changes.add(RemoveMessage{anna, group(1), "A", true});
  });
  CHECK_FALSE(find_reach(store.db(), gone));
  while (!store.purged()) CHECK(store.slice() <= 25 + test::marks);
  CHECK(test::count(store.db(), "SELECT count(*) FROM group_receipt") == 40);
  CHECK(test::count(store.db(), "SELECT count(*) FROM removed_reach") == 0);
  CHECK(find_reach(store.db(), stays)->delivered == 40);
}
