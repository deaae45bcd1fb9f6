// The storage format: what it costs, that it keeps everything, and that hostile blobs are refused.

#include <catch2/catch.hpp>
#include <numeric>

#include "protocol/signal/ratchet_state.h"
#include "tests/support/signal_peer.h"

using namespace wharf::protocol;
using wharf::test::SignalPeer;

namespace {

struct Pair {
  SeededRandom random{7};
  SignalPeer anna = SignalPeer::make(random, 1111);
  SignalPeer ben = SignalPeer::make(random, 2222);

  Pair() { REQUIRE(start_session(anna.session, anna.local, ben.bundle(), random).has_value()); }
  void exchange(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      REQUIRE(ben.receive(anna.send("ping"), random).has_value());
      REQUIRE(anna.receive(ben.send("pong"), random).has_value());
    }
  }
};

Errc parse_error(const Bytes& blob) { return SessionRecord::parse(blob).error().code; }

}  // namespace

TEST_CASE("an empty record reads back empty") {
  const SessionRecord record = SessionRecord::parse(SessionRecord().serialize()).value();
  REQUIRE_FALSE(record.has_current());
  REQUIRE_FALSE(record.awaiting_reply());
  REQUIRE(record.remote_registration_id() == 0);
  REQUIRE_FALSE(record.remote_identity());
  REQUIRE(record.base_key().empty());
  REQUIRE(record.archived_count() == 0);
}

TEST_CASE("a record keeps every field through storage") {
  Pair pair;
  pair.exchange(2);
  const Ciphertext skipped = pair.anna.send("skipped");
  REQUIRE(pair.ben.receive(pair.anna.send("arrived"), pair.random).has_value());
  REQUIRE(start_session(pair.ben.session, pair.ben.local, pair.anna.bundle(), pair.random).has_value());

  const SessionRecord copy = SessionRecord::parse(pair.ben.session.serialize()).value();
  REQUIRE(copy.awaiting_reply());
  REQUIRE(copy.archived_count() == 1);
  REQUIRE(copy.remote_registration_id() == 1111);
  REQUIRE(copy.remote_identity() == pair.anna.local.identity.pub);
  REQUIRE(copy.base_key() == pair.ben.session.base_key());
  REQUIRE(copy.serialize() == pair.ben.session.serialize());

  pair.ben.session = copy;
  REQUIRE(pair.ben.receive(skipped, pair.random)->plaintext == to_bytes("skipped"));
}

TEST_CASE("established records stay small") {
  Pair pair;
  pair.exchange(1);
  REQUIRE(pair.ben.session.serialize().size() < 300);
  pair.exchange(10);  // five receiving chains, the most there are
  REQUIRE(pair.ben.session.serialize().size() < 600);
}

TEST_CASE("a blob cut at any byte or followed by garbage is malformed") {
  Pair pair;
  pair.exchange(1);
  pair.anna.send("skipped");
  REQUIRE(pair.ben.receive(pair.anna.send("arrived"), pair.random).has_value());
  const Bytes blob = pair.ben.session.serialize();
  for (std::size_t length = 0; length < blob.size(); ++length)
    REQUIRE(parse_error(to_bytes(ByteView(blob).first(length))) == Errc::malformed);
  REQUIRE(parse_error(concat(blob, Bytes{0})) == Errc::malformed);
}

TEST_CASE("a newer version is unsupported, unknown flags and counts over the limits are malformed") {
  Pair pair;
  pair.exchange(1);
  const Bytes blob = pair.ben.session.serialize();
  const auto with = [&](std::size_t at, std::uint8_t value) {
    Bytes changed = blob;
    changed[at] = value;
    return changed;
  };
  constexpr std::size_t chains_at = 3 + 1 + 32 + 4 + 5 * 32 + 8;
  REQUIRE(blob[chains_at] == 1);
  REQUIRE(parse_error(with(0, 2)) == Errc::unsupported);
  REQUIRE(parse_error(with(0, 0)) == Errc::malformed);
  REQUIRE(parse_error(with(1, 2)) == Errc::malformed);                  // record flags
  REQUIRE(parse_error(with(2, 0)) == Errc::malformed);                  // current without a state
  REQUIRE(parse_error(with(2, 255)) == Errc::malformed);                // states
  REQUIRE(parse_error(with(3, 8)) == Errc::malformed);                  // state flags
  REQUIRE(parse_error(with(3, 4)) == Errc::malformed);                  // one-time id without pending
  REQUIRE(parse_error(with(chains_at, 255)) == Errc::malformed);        // chains
  REQUIRE(parse_error(with(blob.size() - 2, 255)) == Errc::malformed);  // skipped keys
}

TEST_CASE("skipped keys must ascend and stay below the chain's counter") {
  Pair pair;
  pair.anna.send("0");
  pair.anna.send("1");
  REQUIRE(pair.ben.receive(pair.anna.send("2"), pair.random).has_value());
  SessionRecord record = pair.ben.session;
  auto& skipped = record.states().front().receiving.front().skipped;
  REQUIRE(skipped.size() == 2);
  REQUIRE(SessionRecord::parse(record.serialize()).has_value());
  std::swap(skipped[0].counter, skipped[1].counter);
  REQUIRE(parse_error(record.serialize()) == Errc::malformed);
  skipped[0].counter = 0;
  skipped[1].counter = 3;
  REQUIRE(parse_error(record.serialize()) == Errc::malformed);
}

TEST_CASE("no single changed byte of a blob crashes the parser or a later use") {
  Pair pair;
  pair.exchange(2);
  const Ciphertext message = pair.anna.send("hello");
  const Bytes blob = pair.ben.session.serialize();
  std::size_t parsed = 0;
  for (std::size_t at = 0; at < blob.size(); ++at) {
    Bytes changed = blob;
    changed[at] ^= 0x81;
    auto record = SessionRecord::parse(changed);
    if (!record) continue;
    ++parsed;
    (void)decrypt_message(*record, pair.ben.local, message.body, pair.random);
    (void)encrypt(*record, pair.ben.local, as_bytes("reply"));
  }
  REQUIRE(parsed > blob.size() / 2);
}

TEST_CASE("a moved-from record is an empty record") {
  Pair pair;
  SessionRecord taken = std::move(pair.anna.session);
  REQUIRE(taken.has_current());
  REQUIRE_FALSE(pair.anna.session.has_current());
  REQUIRE(pair.anna.session.archived_count() == 0);
  pair.anna.session = std::move(taken);
  REQUIRE(pair.anna.session.has_current());
  REQUIRE_FALSE(taken.has_current());
}

TEST_CASE("archiving keeps the newest forty states") {
  Pair pair;
  const Bytes oldest = pair.anna.session.base_key();
  for (std::size_t i = 1; i <= SessionLimits::max_archived_states + 5; ++i)
    REQUIRE(start_session(pair.anna.session, pair.anna.local, pair.ben.bundle(), pair.random).has_value());
  REQUIRE(pair.anna.session.archived_count() == 40);
  const Bytes newest = pair.anna.session.base_key();

  pair.anna.session.archive_current();
  REQUIRE_FALSE(pair.anna.session.has_current());
  REQUIRE(pair.anna.session.archived_count() == 40);
  REQUIRE(equal(pair.anna.session.states().front().base_key, newest));
  for (const auto& state : pair.anna.session.states()) REQUIRE_FALSE(equal(state.base_key, oldest));
  REQUIRE(SessionRecord::parse(pair.anna.session.serialize()).has_value());

  pair.anna.session.archive_current();
  REQUIRE(pair.anna.session.archived_count() == 40);
}

TEST_CASE("skipped keys of archived states give way to the limit per record") {
  SessionRecord record;
  for (int i = 0; i < 3; ++i) {
    detail::RatchetState state;
    state.receiving.resize(SessionLimits::max_receiving_chains);
    for (auto& chain : state.receiving) {
      chain.counter = 1'500;
      for (std::uint32_t counter = 0; counter < 1'500; ++counter) chain.skipped.push_back({counter, {}});
    }
    record.make_current(std::move(state));
  }
  REQUIRE(SessionRecord::parse(record.serialize()).error().code == Errc::malformed);
  record.forget_surplus_keys();
  const auto& states = record.states();
  REQUIRE(states[0].skipped_count() == 7'500);  // the current one keeps all
  REQUIRE(states[1].skipped_count() == 1'500);
  REQUIRE(states[1].receiving.back().skipped.size() == 1'500);  // its oldest chains went first
  REQUIRE(states[2].skipped_count() == 0);
  REQUIRE(SessionRecord::parse(record.serialize()).has_value());
}
