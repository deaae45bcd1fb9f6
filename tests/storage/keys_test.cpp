#include "storage/keys.h"
#include "storage/peers.h"

#include "tests/storage/counts.h"
#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Bytes;
using protocol::Jid;

namespace {

const SessionId session{1}, other{2};

protocol::PublicKey public_key(std::uint8_t fill) {
  protocol::PublicKey key;
  key.fill(fill);
  return key;
}

protocol::KeyPair pair(std::uint8_t fill) {
  protocol::Key32 scalar;
  scalar.fill(fill);
  return protocol::KeyPair{protocol::PrivateKey(scalar), public_key(static_cast<std::uint8_t>(fill + 1))};
}

}  // namespace

TEST_CASE("prekeys are found by id, listed by window and used up") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    changes.add(AddPreKeys{session, {{1, pair(10)}, {2, pair(20)}, {16'777'215, pair(30)}}});
    changes.add(AddPreKeys{other, {{2, pair(99)}}});
  });
  CHECK(count_pre_keys(store.db(), session) == 3);
  const auto found = find_pre_key(store.db(), session, 2);
  REQUIRE(found);
  CHECK(protocol::equal(found->secret.view(), pair(20).secret.view()));
  CHECK(found->pub == pair(20).pub);
  const auto window = load_pre_keys(store.db(), session, 1, 16'777'215);
  REQUIRE(window.size() == 2);
  CHECK(window[0].id == 1);
  CHECK(window[1].id == 2);
  CHECK(load_pre_keys(store.db(), session, 2, 16'777'216).size() == 2);
  store.turn([](Changes& changes) { changes.add(RemovePreKey{session, 2}); });
  CHECK(!find_pre_key(store.db(), session, 2));
  CHECK(find_pre_key(store.db(), other, 2));
  CHECK(count_pre_keys(store.db(), session) == 2);
}

TEST_CASE("the newest signed prekeys are kept, the one just added always") {
  test::InlineStore store;
  for (const protocol::PreKeyId id : {1u, 2u, 3u, 4u, 5u}) {
    protocol::SignedPreKey key{id, pair(static_cast<std::uint8_t>(id)), {}};
    key.signature.fill(static_cast<std::uint8_t>(id));
    store.turn([&](Changes& changes) { changes.add(AddSignedPreKey{session, key}); });
  }
  CHECK(!find_signed_pre_key(store.db(), session, 2));
  const auto third = find_signed_pre_key(store.db(), session, 3);
  REQUIRE(third);
  CHECK(third->id == 3);
  CHECK(third->signature[0] == 3);
  CHECK(third->pair.pub == pair(3).pub);
  // Ids start again after 24 bits.
  store.turn([](Changes& changes) { changes.add(AddSignedPreKey{session, {1, pair(1), {}}, 2}); });
  CHECK(find_signed_pre_key(store.db(), session, 1));
  CHECK(find_signed_pre_key(store.db(), session, 5));
  CHECK(!find_signed_pre_key(store.db(), session, 4));
}

TEST_CASE("ratchets and identities are filed by device") {
  test::InlineStore store;
  const Jid phone("1", "lid"), companion("1", "lid", 7);
  store.turn([&](Changes& changes) {
    changes.add(PutRatchet{session, phone, {1}});
    changes.add(PutRatchet{session, companion, {2}});
    changes.add(PutRatchet{session, companion, {3}});
    changes.add(PutIdentity{session, phone, public_key(4)});
  });
  CHECK(find_ratchet(store.db(), session, phone) == Bytes{1});
  CHECK(find_ratchet(store.db(), session, companion) == Bytes{3});
  CHECK(!find_ratchet(store.db(), other, phone));
  CHECK(find_identity(store.db(), session, phone) == public_key(4));
  CHECK(!find_identity(store.db(), session, companion));
  CHECK(has_ratchets_of(store.db(), session, phone));
  CHECK(!has_ratchets_of(store.db(), other, phone));
  CHECK(!has_ratchets_of(store.db(), session, Jid("1", "s.whatsapp.net")));
  store.turn([&](Changes& changes) { changes.add(RemoveRatchet{session, phone}); });
  CHECK(!find_ratchet(store.db(), session, phone));
  CHECK(has_ratchets_of(store.db(), session, phone));
  store.turn([&](Changes& changes) { changes.add(ForgetUserKeys{session, phone}); });
  CHECK(!has_ratchets_of(store.db(), session, phone));
  CHECK(!find_identity(store.db(), session, phone));
}

TEST_CASE("migrating a user moves every device, hosted ones too, and twice is as good as once") {
  test::InlineStore store;
  const Jid pn("15550000001", "s.whatsapp.net"), lid("100000000000001", "lid");
  const Jid hosted_pn("15550000001", "hosted", 99), hosted_lid("100000000000001", "hosted.lid", 99);
  store.turn([&](Changes& changes) {
    changes.add(PutRatchet{session, pn, {1}});
    changes.add(PutRatchet{session, pn.with_device(3), {3}});
    changes.add(PutRatchet{session, hosted_pn, {9}});
    changes.add(PutIdentity{session, pn, public_key(1)});
    changes.add(PutIdentity{session, pn.with_device(3), public_key(3)});
    // On the LID side: an older ratchet loses, an existing identity stays.
    changes.add(PutRatchet{session, lid, {100}});
    changes.add(PutRatchet{session, lid.with_device(5), {105}});
    changes.add(PutIdentity{session, lid, public_key(100)});
    changes.add(PutRatchet{other, pn, {77}});
  });
  for (int time = 0; time < 2; ++time) {
    store.turn([&](Changes& changes) { changes.add(MigrateUser{session, pn, lid}); });
    CHECK(find_ratchet(store.db(), session, lid) == Bytes{1});
    CHECK(find_ratchet(store.db(), session, lid.with_device(3)) == Bytes{3});
    CHECK(find_ratchet(store.db(), session, lid.with_device(5)) == Bytes{105});
    CHECK(find_ratchet(store.db(), session, hosted_lid) == Bytes{9});
    CHECK(find_identity(store.db(), session, lid) == public_key(100));
    CHECK(find_identity(store.db(), session, lid.with_device(3)) == public_key(3));
    CHECK(!has_ratchets_of(store.db(), session, pn));
    CHECK(!find_identity(store.db(), session, pn));
    CHECK(!find_identity(store.db(), session, pn.with_device(3)));
    CHECK(find_ratchet(store.db(), other, pn) == Bytes{77});
  }
}

TEST_CASE("a phone number has one current LID, the newest, both ways") {
  test::InlineStore store;
  const Jid pn("1", "s.whatsapp.net"), pn2("2", "s.whatsapp.net"), lid("10", "lid"), lid2("20", "lid");
  store.turn([&](Changes& changes) { changes.add(PutLid{session, pn, lid}); });
  CHECK(find_lid(store.db(), session, pn) == lid);
  CHECK(find_pn(store.db(), session, lid) == pn);
  CHECK(!find_lid(store.db(), other, pn));
  store.turn([&](Changes& changes) { changes.add(PutLid{session, pn, lid2}); });
  CHECK(find_lid(store.db(), session, pn) == lid2);
  CHECK(!find_pn(store.db(), session, lid));
  store.turn([&](Changes& changes) { changes.add(PutLid{session, pn2, lid2}); });
  CHECK(!find_lid(store.db(), session, pn));
  CHECK(find_lid(store.db(), session, pn2) == lid2);
  CHECK(find_pn(store.db(), session, lid2) == pn2);
}

TEST_CASE("device lists keep their order and their facts") {
  test::InlineStore store;
  const Jid user("1", "lid");
  CHECK(!find_device_list(store.db(), session, user));
  store.turn([&](Changes& changes) { changes.add(PutDeviceList{session, user, {{0, 65'535, 7}, 0xffffffff, 12}}); });
  const auto row = find_device_list(store.db(), session, user);
  REQUIRE(row);
  CHECK(row->devices == std::vector<std::uint16_t>{0, 65'535, 7});
  CHECK(row->raw_id == 0xffffffff);
  CHECK(row->fetched_at == 12);
  store.turn([&](Changes& changes) { changes.add(PutDeviceList{session, user, {{}, 1, 13}}); });
  CHECK(find_device_list(store.db(), session, user)->devices.empty());
  store.turn([&](Changes& changes) { changes.add(RemoveDeviceList{session, user}); });
  CHECK(!find_device_list(store.db(), session, user));
}

TEST_CASE("retry counters are kept for a day") {
  test::InlineStore store;
  const Jid author("1", "lid", 3);
  const UnixMs day = 24 * 60 * 60 * 1000;
  CHECK(find_retry(store.db(), session, author, "A").count == 0);
  store.turn([&](Changes& changes) {
    changes.add(PutRetry{session, author, "A", {1, false}, 1'000});
    changes.add(PutRetry{session, author, "A", {2, true, 3}, 2'000});
    changes.add(PutRetry{session, author, "B", {5, false}, 3'000});
  });
  CHECK(find_retry(store.db(), session, author, "A") == RetryRow{2, true, 3});
  CHECK(find_retry(store.db(), session, author.with_device(4), "A").count == 0);
  // Whom a message is awaited of is asked by the chat as well.
  const Jid crew("120363000000000001", "g.us");
  store.turn([&](Changes& changes) { changes.add(PutRetry{session, author, "D", {1, false, 1, crew}, 3'000}); });
  CHECK(find_retry(store.db(), session, author, "D").chat == crew);
  CHECK(awaited_authors(store.db(), session, "D", crew, 8) == std::vector{author});
  CHECK(awaited_authors(store.db(), session, "D", author.user_jid(), 8).empty());
  CHECK(awaited_authors(store.db(), session, "B", crew, 8).empty());
  store.turn([&](Changes& changes) { changes.add(PutRetry{session, author, "C", {1, false}, day + 2'001}); });
  CHECK(find_retry(store.db(), session, author, "A").count == 0);
  CHECK(find_retry(store.db(), session, author, "B") == RetryRow{5, false});
}

TEST_CASE("app state keys are kept by their id") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    changes.add(PutAppStateKey{session, {0, 1}, {7, 7}, 1});
    changes.add(PutAppStateKey{session, {0, 1}, {8, 8}, 2});
  });
  CHECK(find_app_state_key(store.db(), session, Bytes{0, 1}) == Bytes{8, 8});
  CHECK(!find_app_state_key(store.db(), session, Bytes{0, 2}));
}
