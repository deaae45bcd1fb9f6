// Our sender keys against libsignal-protocol-c: a group of two of ours and two of the library's where everybody reads
// everybody, in random order, with delays, losses, duplicates, rotated keys and late joiners, our keys stored and
// loaded around every single step.

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "protocol/signal/message_codec.h"
#include "protocol/signal/sender_key.h"
#include "tests/protocol/signal/oracle/libsignal_group.h"

using namespace wharf::protocol;
using wharf::test::LibsignalMember;

namespace {

enum class Reading { read, duplicate, no_key, other };

class Member {
 public:
  virtual ~Member() = default;
  struct Sent {
    Bytes distribution;  // that reads this message
    Bytes body;
  };
  virtual Sent send(ByteView plaintext) = 0;
  virtual void rotate() = 0;
  virtual void learn(const std::string& author, ByteView distribution) = 0;
  virtual Reading read(const std::string& author, ByteView body, Bytes& plaintext) = 0;
};

class OurMember final : public Member {
 public:
  explicit OurMember(std::uint64_t seed) : random_(seed), own_(OwnSenderKey::create(random_)) {}

  Sent send(ByteView plaintext) override {
    own_ = OwnSenderKey::parse(own_.serialize()).value();
    GroupCiphertext sent = own_.encrypt(plaintext, random_).value();
    return {std::move(sent.distribution), std::move(sent.body)};
  }
  void rotate() override { own_ = OwnSenderKey::create(random_); }
  void learn(const std::string& author, ByteView distribution) override {
    SenderKeyRecord record = load(author);
    REQUIRE(record.process(distribution).value() == DistributionEffect::added);
    records_[author] = record.serialize();
  }
  Reading read(const std::string& author, ByteView body, Bytes& plaintext) override {
    SenderKeyRecord record = load(author);
    auto decrypted = record.decrypt(body);
    if (!decrypted && records_.contains(author)) REQUIRE(record.serialize() == records_.at(author));
    if (decrypted) {
      records_[author] = record.serialize();
      plaintext = std::move(decrypted->plaintext);
      return Reading::read;
    }
    if (decrypted.error().code == Errc::duplicate_message) return Reading::duplicate;
    return decrypted.error().code == Errc::no_sender_key ? Reading::no_key : Reading::other;
  }

 private:
  SenderKeyRecord load(const std::string& author) const {
    const auto found = records_.find(author);
    return found == records_.end() ? SenderKeyRecord() : SenderKeyRecord::parse(found->second).value();
  }

  SeededRandom random_;
  OwnSenderKey own_;
  std::map<std::string, Bytes> records_;
};

class TheirMember final : public Member {
 public:
  explicit TheirMember(std::uint64_t seed) : library_(seed) {}

  Sent send(ByteView plaintext) override {
    Bytes distribution = library_.distribution();
    return {std::move(distribution), library_.encrypt(plaintext)};
  }
  void rotate() override { library_.rotate(); }
  void learn(const std::string& author, ByteView distribution) override {
    REQUIRE(library_.process(author, distribution) == 0);
  }
  Reading read(const std::string& author, ByteView body, Bytes& plaintext) override {
    auto outcome = library_.decrypt(author, body);
    plaintext = std::move(outcome.plaintext);
    if (outcome.code == 0) return Reading::read;
    if (outcome.code == LibsignalMember::duplicate_message) return Reading::duplicate;
    // An unknown key id is an invalid message to the library.
    const bool no_key = outcome.code == LibsignalMember::no_session || outcome.code == LibsignalMember::invalid_message;
    return no_key ? Reading::no_key : Reading::other;
  }

 private:
  LibsignalMember library_;
};

/// What one member still has to read.
struct InFlight {
  std::size_t author = 0;
  Bytes body, plaintext;
  int due = 0;
};

class Group {
 public:
  explicit Group(std::uint64_t seed) : random_(seed) {
    members_.push_back(std::make_unique<OurMember>(seed + 1'000));
    members_.push_back(std::make_unique<TheirMember>(seed + 2'000));
    members_.push_back(std::make_unique<OurMember>(seed + 3'000));
    members_.push_back(std::make_unique<TheirMember>(seed + 4'000));
    in_flight_.resize(members_.size());
    joined_ = {true, true, false, false};
  }

  void join(std::size_t member) { joined_[member] = true; }

  void send(std::size_t author) {
    Bytes plaintext(random_.below(200));
    random_.fill(plaintext);
    const Member::Sent sent = members_[author]->send(plaintext);
    for (std::size_t reader = 0; reader < members_.size(); ++reader) {
      if (reader == author) continue;
      if (!joined_[reader]) {
        not_for_[reader].push_back({author, sent.body, plaintext, 0});
        continue;
      }
      if (!has_key_[{author, reader}]) {
        members_[reader]->learn(name(author), sent.distribution);
        has_key_[{author, reader}] = true;
      }
      // Five keys are kept: within four ticks nobody makes more than two new ones.
      in_flight_[reader].push_back({author, sent.body, plaintext, tick_ + static_cast<int>(random_.below(4))});
    }
  }

  void rotate(std::size_t author) {
    members_[author]->rotate();
    for (std::size_t reader = 0; reader < members_.size(); ++reader) has_key_[{author, reader}] = false;
    ++rotations;
  }

  void tick() {
    ++tick_;
    for (std::size_t member = 0; member < members_.size(); ++member) {
      if (!joined_[member]) continue;
      if (random_.below(12) == 0 && tick_ - rotated_[member] > 2) {
        rotate(member);
        rotated_[member] = tick_;
      }
      for (std::uint32_t n = random_.below(4); n > 0; --n) send(member);
    }
    for (std::size_t reader = 0; reader < members_.size(); ++reader) deliver_due(reader);
  }

  void finish() {
    tick_ += 10;
    for (std::size_t reader = 0; reader < members_.size(); ++reader) deliver_due(reader);
  }

  /// What was said before a member joined is closed to him: to us it is a missing key, not a duplicate.
  void check_the_past() {
    for (const auto& [reader, messages] : not_for_) {
      for (const InFlight& sent : messages) {
        Bytes plaintext;
        const Reading reading = members_[reader]->read(name(sent.author), sent.body, plaintext);
        if (reader % 2 == 0) REQUIRE(reading == Reading::no_key);
        else REQUIRE(reading != Reading::read);
        ++closed;
      }
    }
  }

  std::size_t delivered = 0, duplicates = 0, lost = 0, rotations = 0, closed = 0;

 private:
  static std::string name(std::size_t member) { return "member " + std::to_string(member); }

  void deliver_due(std::size_t reader) {
    auto& waiting = in_flight_[reader];
    for (std::size_t i = waiting.size(); i > 1; --i)
      std::swap(waiting[i - 1], waiting[random_.below(static_cast<std::uint32_t>(i))]);
    std::vector<InFlight> later;
    for (InFlight& sent : std::exchange(waiting, {})) {
      if (sent.due > tick_) later.push_back(std::move(sent));
      else if (random_.below(100) < 3) ++lost;
      else deliver(reader, sent);
    }
    waiting = std::move(later);
  }

  void deliver(std::size_t reader, const InFlight& sent) {
    INFO("from " << sent.author << " to " << reader << " in tick " << tick_);
    Bytes plaintext;
    if (random_.below(10) == 0) {
      Bytes forged = sent.body;
      forged[random_.below(static_cast<std::uint32_t>(forged.size()))] ^= 0x04;
      REQUIRE(members_[reader]->read(name(sent.author), forged, plaintext) != Reading::read);
    }
    REQUIRE(members_[reader]->read(name(sent.author), sent.body, plaintext) == Reading::read);
    REQUIRE(plaintext == sent.plaintext);
    ++delivered;
    if (random_.below(10) != 0) return;
    REQUIRE(members_[reader]->read(name(sent.author), sent.body, plaintext) == Reading::duplicate);
    ++duplicates;
  }

  SeededRandom random_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<bool> joined_;
  std::map<std::pair<std::size_t, std::size_t>, bool> has_key_;  // author, reader
  std::map<std::size_t, int> rotated_;
  std::map<std::size_t, std::vector<InFlight>> not_for_;
  std::vector<std::vector<InFlight>> in_flight_;
  int tick_ = 0;
};

}  // namespace

TEST_CASE("thousands of group messages in random order are read by both implementations") {
  std::size_t delivered = 0, duplicates = 0, lost = 0, rotations = 0, closed = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    INFO("seed " << seed);
    Group group(seed);
    for (int tick = 0; tick < 60; ++tick) {
      if (tick == 5) group.join(2);
      if (tick == 10) group.join(3);
      group.tick();
    }
    group.finish();
    group.check_the_past();
    delivered += group.delivered;
    duplicates += group.duplicates;
    lost += group.lost;
    rotations += group.rotations;
    closed += group.closed;
  }
  REQUIRE(delivered >= 2'000);
  REQUIRE(duplicates >= 100);
  REQUIRE(lost >= 30);
  REQUIRE(rotations >= 20);
  REQUIRE(closed >= 100);
}

TEST_CASE("each implementation writes distributions as the other does and verifies its signatures") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {  // forty signing keys: both signs of the Edwards key occur
    INFO("seed " << seed);
    SeededRandom random(seed);
    OwnSenderKey ours = OwnSenderKey::create(random);
    LibsignalMember theirs(seed);
    REQUIRE(theirs.process("ours", ours.distribution()) == 0);
    SenderKeyRecord record;
    const Bytes distribution = theirs.distribution();
    REQUIRE(record.process(distribution).value() == DistributionEffect::added);
    const auto parsed = detail::parse_sender_key_distribution(distribution).value();
    REQUIRE(detail::write_sender_key_distribution(parsed) == distribution);

    for (int i = 0; i < 3; ++i) {
      Bytes body = ours.encrypt(as_bytes("text"), random)->body;
      Bytes forged = body;
      forged[forged.size() - 20] ^= 1;
      REQUIRE(theirs.decrypt("ours", forged).code < 0);
      REQUIRE(theirs.decrypt("ours", body).plaintext == to_bytes("text"));

      body = theirs.encrypt(as_bytes("reply"));
      forged = body;
      forged[forged.size() - 20] ^= 1;
      REQUIRE(record.decrypt(forged).error().code == Errc::bad_signature);
      REQUIRE(record.decrypt(body)->plaintext == to_bytes("reply"));
    }
  }
}

TEST_CASE("gaps within the limit of the library are read by it and by us") {
  SeededRandom random(1);
  OwnSenderKey ours = OwnSenderKey::create(random);
  LibsignalMember theirs(2);
  REQUIRE(theirs.process("ours", ours.distribution()) == 0);
  SenderKeyRecord record;
  REQUIRE(record.process(theirs.distribution()).has_value());
  Bytes our_body, their_body, our_first, their_first;
  for (int i = 0; i <= 1'999; ++i) {
    our_body = ours.encrypt(as_bytes("ours"), random)->body;
    their_body = theirs.encrypt(as_bytes("theirs"));
    if (i == 0) our_first = our_body, their_first = their_body;
  }
  REQUIRE(theirs.decrypt("ours", our_body).plaintext == to_bytes("ours"));
  REQUIRE(theirs.decrypt("ours", our_first).plaintext == to_bytes("ours"));
  REQUIRE(record.decrypt(their_body)->plaintext == to_bytes("theirs"));
  REQUIRE(record.decrypt(their_first)->plaintext == to_bytes("theirs"));
}
