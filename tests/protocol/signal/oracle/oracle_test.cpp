// Our sessions against libsignal-protocol-c: long conversations in random order, with delays, losses, duplicates, new
// sessions from either side (also both at once), and our record stored and loaded around every single step.

#include <catch2/catch.hpp>
#include <vector>

#include "tests/protocol/signal/oracle/libsignal_peer.h"
#include "tests/support/signal_peer.h"

using namespace wharf::protocol;
using wharf::test::LibsignalPeer;
using wharf::test::SignalPeer;

namespace {

constexpr unsigned one_time_keys = 60;

enum class Side { ours, theirs };

struct InFlight {
  Side author{};
  Ciphertext message;
  Bytes plaintext;
  int due = 0;  // the tick by which it is delivered or lost
};

class Conversation {
 public:
  explicit Conversation(std::uint64_t seed)
      : random_(seed),
        ours_(SignalPeer::make(random_, 1111, one_time_keys)),
        theirs_(seed + 1000, 2222, one_time_keys) {}

  /// The bundle that the server would hand out: every one-time prekey once, then none.
  void start(Side initiator) {
    if (initiator == Side::ours) {
      const PreKeyId id = theirs_offered_ < one_time_keys ? ++theirs_offered_ : 0;
      REQUIRE(start_session(ours_.session, ours_.local, theirs_.bundle(id), random_).has_value());
    } else {
      PreKeyBundle bundle = ours_.bundle();
      bundle.one_time.reset();
      if (ours_offered_ < one_time_keys) bundle.one_time = {++ours_offered_, ours_.one_time.at(ours_offered_).pub};
      REQUIRE(theirs_.start(bundle) == 0);
    }
    initiated_ = true;
    reload();
  }

  void send(Side author) {
    InFlight sent;
    sent.author = author;
    sent.plaintext.resize(random_.below(200));
    random_.fill(sent.plaintext);
    if (author == Side::ours) {
      sent.message = encrypt(ours_.session, ours_.local, sent.plaintext).value();
      reload();
    } else {
      sent.message = theirs_.encrypt(sent.plaintext);
    }
    // Five receiving chains are kept and a side makes at most one per tick: within three ticks nothing is lost to that.
    sent.due = tick_ + static_cast<int>(random_.below(4));
    (sent.message.kind == CiphertextKind::message ? messages : pre_key_messages) += 1;
    in_flight_.push_back(std::move(sent));
  }

  void deliver(const InFlight& sent) {
    if (sent.author == Side::ours) {
      const auto outcome = theirs_.decrypt(sent.message);
      REQUIRE(outcome.code == 0);
      REQUIRE(outcome.plaintext == sent.plaintext);
      theirs_replies_ = true;
    } else {
      const auto decrypted = ours_.receive(sent.message, random_);
      INFO((decrypted.has_error() ? decrypted.error().detail : "decrypted"));
      REQUIRE(decrypted.has_value());
      REQUIRE(decrypted->plaintext == sent.plaintext);
      REQUIRE_FALSE(decrypted->identity_changed);
      if (decrypted->used_one_time)
        REQUIRE(*decrypted->used_one_time == read_pre_key_message(sent.message.body)->one_time_id);
      reload();
    }
    ++delivered;
  }

  void deliver_again(const InFlight& sent) {
    if (sent.author == Side::ours) {
      REQUIRE(theirs_.decrypt(sent.message).code == LibsignalPeer::duplicate_message);
    } else {
      const Bytes before = ours_.session.serialize();
      REQUIRE(ours_.receive(sent.message, random_).error().code == Errc::duplicate_message);
      REQUIRE(ours_.session.serialize() == before);
    }
    ++duplicates;
  }

  /// Sends from both sides that can, then delivers a random choice in random order.
  void tick() {
    ++tick_;
    for (const Side side : {Side::ours, Side::theirs}) {
      if (!can_send(side)) continue;
      for (std::uint32_t n = random_.below(4); n > 0; --n) send(side);
    }
    for (std::size_t i = in_flight_.size(); i > 1; --i)
      std::swap(in_flight_[i - 1], in_flight_[random_.below(static_cast<std::uint32_t>(i))]);
    std::vector<InFlight> later;
    for (InFlight& sent : std::exchange(in_flight_, {})) {
      if (sent.due > tick_) {
        later.push_back(std::move(sent));
      } else if (random_.below(100) < 3) {
        ++lost;
      } else {
        deliver(sent);
        if (random_.below(10) == 0) deliver_again(sent);
      }
    }
    in_flight_ = std::move(later);
  }

  void finish() {
    for (const InFlight& sent : std::exchange(in_flight_, {})) deliver(sent);
  }

  bool can_send(Side side) const {
    return initiated_ && (side == Side::ours ? ours_.session.has_current() : theirs_replies_);
  }
  void let_theirs_send() { theirs_replies_ = true; }
  Random& random() { return random_; }
  SignalPeer& ours() { return ours_; }
  LibsignalPeer& theirs() { return theirs_; }
  std::vector<InFlight>& in_flight() { return in_flight_; }

  std::size_t delivered = 0, duplicates = 0, lost = 0, messages = 0, pre_key_messages = 0;

 private:
  void reload() { ours_.session = SessionRecord::parse(ours_.session.serialize()).value(); }

  SeededRandom random_;
  SignalPeer ours_;
  LibsignalPeer theirs_;
  PreKeyId ours_offered_ = 0, theirs_offered_ = 0;
  bool initiated_ = false;
  bool theirs_replies_ = false;  // their side has a session
  int tick_ = 0;
  std::vector<InFlight> in_flight_;
};

}  // namespace

TEST_CASE("thousands of messages in random order are read by both implementations") {
  std::size_t delivered = 0, duplicates = 0, lost = 0, messages = 0, pre_key_messages = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    INFO("seed " << seed);
    Conversation world(seed);
    const Side first = seed % 2 == 0 ? Side::ours : Side::theirs;
    world.start(first);
    if (first == Side::theirs) world.let_theirs_send();
    for (int tick = 0; tick < 120; ++tick) world.tick();
    world.finish();
    delivered += world.delivered;
    duplicates += world.duplicates;
    lost += world.lost;
    messages += world.messages;
    pre_key_messages += world.pre_key_messages;
  }
  REQUIRE(delivered >= 1'000);
  REQUIRE(duplicates >= 50);
  REQUIRE(lost >= 10);
  REQUIRE(messages >= 500);
  REQUIRE(pre_key_messages >= 6);
}

TEST_CASE("conversations survive new sessions from either side and from both at once") {
  std::size_t delivered = 0, pre_key_messages = 0;
  for (std::uint64_t seed = 101; seed <= 106; ++seed) {
    INFO("seed " << seed);
    Conversation world(seed);
    world.start(Side::ours);
    for (int tick = 0; tick < 100; ++tick) {
      if (world.random().below(8) == 0) world.start(Side::ours);
      if (world.random().below(8) == 0) {
        world.start(Side::theirs);
        world.let_theirs_send();
      }
      world.tick();
    }
    world.finish();
    delivered += world.delivered;
    pre_key_messages += world.pre_key_messages;
  }
  REQUIRE(delivered >= 1'000);
  REQUIRE(pre_key_messages >= 200);
}

TEST_CASE("simultaneous initiation with libsignal: both first messages arrive and one session remains in use") {
  for (std::uint64_t seed = 201; seed <= 205; ++seed) {
    INFO("seed " << seed);
    Conversation world(seed);
    world.start(Side::ours);
    world.start(Side::theirs);
    world.let_theirs_send();
    world.send(Side::ours);
    world.send(Side::theirs);
    for (const auto& sent : world.in_flight()) REQUIRE(sent.message.kind == CiphertextKind::pre_key_message);
    world.finish();
    REQUIRE(world.ours().session.archived_count() == 1);
    for (int i = 0; i < 4; ++i) {  // alternating, so the sides agree
      world.send(i % 2 == 0 ? Side::ours : Side::theirs);
      REQUIRE(world.in_flight().back().message.kind == CiphertextKind::message);
      world.finish();
    }
    const Bytes agreed = world.ours().session.base_key();
    world.send(Side::theirs);
    world.finish();
    REQUIRE(world.ours().session.base_key() == agreed);
  }
}

TEST_CASE("bundles of each implementation are verified by the other, forged ones refused") {
  for (std::uint64_t seed = 301; seed <= 330; ++seed) {
    INFO("seed " << seed);
    Conversation world(seed);  // thirty identities: both signs of the Edwards key occur
    SignalPeer& ours = world.ours();
    LibsignalPeer& theirs = world.theirs();

    PreKeyBundle forged = theirs.bundle(1);
    forged.signed_pre_key_signature[10] ^= 1;
    REQUIRE(start_session(ours.session, ours.local, forged, world.random()).error().code == Errc::bad_signature);
    REQUIRE(start_session(ours.session, ours.local, theirs.bundle(seed % 2 == 0 ? 0 : 1), world.random()).has_value());

    forged = ours.bundle();
    forged.signed_pre_key_signature[10] ^= 1;
    REQUIRE(theirs.start(forged) == LibsignalPeer::invalid_key);
    REQUIRE(theirs.start(ours.bundle()) == 0);

    const Ciphertext hello = ours.send("hello");
    REQUIRE(theirs.decrypt(hello).plaintext == to_bytes("hello"));
    REQUIRE(theirs.holds_one_time(1) == (seed % 2 == 0));
  }
}
