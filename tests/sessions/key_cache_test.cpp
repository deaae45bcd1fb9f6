// The ratchets of one session between its turns: nothing that changed is lost before it is in a row.
#include "sessions/key_cache.h"

#include <catch2/catch.hpp>

#include "tests/sessions/session_fixture.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Jid;

namespace {

const Jid ben("100000000000002", "lid");
const Jid ben_pn("15550000002", "s.whatsapp.net");

/// The store of a session and what one turn would do to it.
struct Rows {
  test::SessionFixture fixture;
  Records records{fixture.store->reader(), fixture.row.id};
  KeyCache cache{records};
  test::SignalPeer peer = test::SignalPeer::make(fixture.random, 77, 4);
  protocol::LocalIdentity local{protocol::KeyPair::generate(fixture.random), 5};

  void start(const Jid& device) {
    REQUIRE(protocol::start_session(cache.open(device), local, peer.bundle(), fixture.random).has_value());
    cache.mark_changed(device);
  }
  /// The identity of the message key that the next text to the device uses.
  protocol::MessageKeyIdentity encrypt(KeyCache& keys, const Jid& device) {
    auto* record = keys.find(device);
    REQUIRE(record != nullptr);
    const auto sealed = protocol::encrypt(*record, local, protocol::as_bytes("text"));
    REQUIRE(sealed.has_value());
    keys.mark_changed(device);
    return *protocol::read_message_key(sealed->kind, sealed->body);
  }
  void end_turn() {
    cache.flush();
    fixture.store->commit(records.take(), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
    cache.end_turn();
  }
  KeyCache fresh() { return KeyCache(records); }
};

}  // namespace

TEST_CASE("a ratchet step is in the rows after its turn, also when the cache was told to rest before it") {
  Rows rows;
  rows.start(ben);
  rows.end_turn();
  const auto first = rows.encrypt(rows.cache, ben);
  rows.cache.rest();
  const auto second = rows.encrypt(rows.cache, ben);
  REQUIRE(first != second);
  rows.end_turn();
  auto restarted = rows.fresh();
  const auto third = rows.encrypt(restarted, ben);
  REQUIRE(third != first);
  REQUIRE(third != second);
  REQUIRE(rows.encrypt(rows.cache, ben) == third);  // the rested cache reads the same row
}

TEST_CASE("a change that was not flushed is a broken invariant, not a forgotten key") {
  Rows rows;
  rows.start(ben);
  REQUIRE_THROWS_AS(rows.cache.end_turn(), std::logic_error);
}

TEST_CASE("more devices than the cache keeps are all stored") {
  Rows rows;
  constexpr std::size_t devices = KeyCache::kept_records * 3;
  for (std::uint16_t device = 0; device < devices; ++device) rows.start(ben.with_device(device));
  rows.end_turn();
  auto restarted = rows.fresh();
  for (std::uint16_t device = 0; device < devices; ++device)
    REQUIRE(restarted.find(ben.with_device(device)) != nullptr);
}

TEST_CASE("a session moves to the LID within the turn that learns it, the step of that turn included") {
  Rows rows;
  rows.start(ben_pn);
  rows.end_turn();
  const auto first = rows.encrypt(rows.cache, ben_pn);
  rows.cache.migrate(ben_pn, ben);
  const auto second = rows.encrypt(rows.cache, ben);
  REQUIRE(first != second);
  rows.end_turn();
  auto restarted = rows.fresh();
  REQUIRE(restarted.find(ben_pn) == nullptr);
  const auto third = rows.encrypt(restarted, ben);
  REQUIRE(third != first);
  REQUIRE(third != second);
}

TEST_CASE("two numbers learnt for one LID in one turn leave no copy of a ratchet behind") {
  Rows rows;
  const Jid other_pn("15550000009", protocol::server::user);
  rows.start(ben_pn);
  rows.cache.set_identity(ben_pn, rows.peer.local.identity.pub);
  rows.end_turn();
  const auto first = rows.encrypt(rows.cache, ben_pn);
  rows.cache.migrate(ben_pn, ben);
  const auto second = rows.encrypt(rows.cache, ben);
  rows.cache.migrate(other_pn, ben);
  CHECK(rows.cache.find(ben_pn) == nullptr);
  CHECK(rows.cache.identity(ben) == rows.peer.local.identity.pub);
  rows.end_turn();
  auto restarted = rows.fresh();
  CHECK(restarted.find(ben_pn) == nullptr);
  CHECK(restarted.find(other_pn) == nullptr);
  const auto third = rows.encrypt(restarted, ben);
  CHECK(third != first);
  CHECK(third != second);
}

TEST_CASE("a number learnt for two LIDs in one turn has its ratchet under the first alone") {
  Rows rows;
  const Jid other_lid("200000000000009", protocol::server::lid);
  rows.start(ben_pn);
  rows.end_turn();
  rows.cache.migrate(ben_pn, ben);
  rows.cache.migrate(ben_pn, other_lid);
  CHECK(rows.cache.find(ben) != nullptr);
  CHECK(rows.cache.find(other_lid) == nullptr);
  rows.end_turn();
  auto restarted = rows.fresh();
  CHECK(restarted.find(ben) != nullptr);
  CHECK(restarted.find(other_lid) == nullptr);
  CHECK(restarted.find(ben_pn) == nullptr);
}

TEST_CASE("a forgotten user has no session and no identity, in its turn and after it") {
  Rows rows;
  rows.start(ben);
  rows.cache.set_identity(ben, rows.peer.local.identity.pub);
  rows.end_turn();
  rows.cache.forget_user(ben);
  REQUIRE(rows.cache.find(ben) == nullptr);
  REQUIRE_FALSE(rows.cache.identity(ben).has_value());
  rows.end_turn();
  auto restarted = rows.fresh();
  REQUIRE(restarted.find(ben) == nullptr);
  REQUIRE_FALSE(restarted.identity(ben).has_value());
}

TEST_CASE("what a turn forgets does not come back under the LID that it learns next") {
  Rows rows;
  rows.start(ben_pn);
  rows.cache.set_identity(ben_pn, rows.peer.local.identity.pub);
  rows.end_turn();
  rows.cache.forget_user(ben_pn);
  rows.cache.migrate(ben_pn, ben);
  REQUIRE(rows.cache.find(ben) == nullptr);
  REQUIRE_FALSE(rows.cache.identity(ben).has_value());
  rows.end_turn();
  auto restarted = rows.fresh();
  for (const Jid& device : {ben, ben_pn}) {
    REQUIRE(restarted.find(device) == nullptr);
    REQUIRE_FALSE(restarted.identity(device).has_value());
  }
}

TEST_CASE("an identity learnt in the turn that learns the LID is filed under the LID") {
  Rows rows;
  rows.cache.set_identity(ben_pn, rows.peer.local.identity.pub);
  rows.cache.migrate(ben_pn, ben);
  REQUIRE(rows.cache.identity(ben) == rows.peer.local.identity.pub);
  rows.end_turn();
  auto restarted = rows.fresh();
  REQUIRE(restarted.identity(ben) == rows.peer.local.identity.pub);
  REQUIRE_FALSE(restarted.identity(ben_pn).has_value());
}

TEST_CASE("a one-time prekey is gone in the turn that used it, and from the rows after it") {
  Rows rows;
  storage::Changes changes;
  changes.add(storage::AddPreKeys{rows.fixture.row.id, {{9, protocol::KeyPair::generate(rows.fixture.random)}}});
  rows.fixture.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  REQUIRE(rows.cache.own_pre_keys().one_time(9).has_value());
  rows.cache.consume_pre_key(9);
  REQUIRE_FALSE(rows.cache.own_pre_keys().one_time(9).has_value());
  rows.end_turn();
  REQUIRE_FALSE(storage::find_pre_key(rows.fixture.store->reader(), rows.fixture.row.id, 9).has_value());
}

TEST_CASE("only a replaced identity is reported as changed") {
  Rows rows;
  const auto other = protocol::KeyPair::generate(rows.fixture.random).pub;
  REQUIRE_FALSE(rows.cache.set_identity(ben, rows.peer.local.identity.pub));
  REQUIRE_FALSE(rows.cache.set_identity(ben, rows.peer.local.identity.pub));
  REQUIRE(rows.cache.set_identity(ben, other));
}
