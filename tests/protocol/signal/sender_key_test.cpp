// How sender keys behave when the network, the other members and the author misbehave.

#include "protocol/signal/sender_key.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/group_author.h"

using namespace wharf::protocol;
using wharf::test::GroupAuthor;
using wharf::test::ScriptedRandom;

namespace {

constexpr std::uint32_t key_id = 0x12345678;

struct Group {
  SeededRandom random{42};
  GroupAuthor author = GroupAuthor::make(random, key_id);
  SenderKeyRecord record;

  explicit Group(std::uint32_t start = 0) { process(author.distribution(start), DistributionEffect::added); }

  /// A distribution that changes nothing leaves the record byte for byte.
  void process(const Bytes& distribution, DistributionEffect expected) {
    const Bytes before = record.serialize();
    REQUIRE(record.process(distribution).value() == expected);
    REQUIRE((record.serialize() == before) == (expected == DistributionEffect::none));
  }
  void read(const Bytes& body, std::string_view expected) {
    const auto decrypted = record.decrypt(body);
    INFO((decrypted.has_error() ? decrypted.error().detail : "decrypted"));
    REQUIRE(decrypted.has_value());
    REQUIRE(as_text(decrypted->plaintext) == expected);
  }
  void read(std::uint32_t iteration) { read(author.message(iteration, "text"), "text"); }
  /// Fails with this code and leaves the record as it was.
  void refuse(const Bytes& body, Errc code) {
    const Bytes before = record.serialize();
    const auto decrypted = record.decrypt(body);
    REQUIRE_FALSE(decrypted.has_value());
    REQUIRE(name(decrypted.error().code) == std::string(name(code)));
    REQUIRE(record.serialize() == before);
  }
  void refuse(std::uint32_t iteration, Errc code) { refuse(author.message(iteration, "text"), code); }
};

}  // namespace

TEST_CASE("a message and its distribution come together, so the key never starts behind its message") {
  SeededRandom random(1);
  OwnSenderKey key = OwnSenderKey::create(random);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const GroupCiphertext sent = key.encrypt(as_bytes("text"), random).value();
    REQUIRE(sent.key_id == key.id());
    REQUIRE(sent.iteration == i);
    REQUIRE(key.iteration() == i + 1);

    SenderKeyRecord member;
    REQUIRE(member.process(sent.distribution).value() == DistributionEffect::added);
    const auto decrypted = member.decrypt(sent.body).value();
    REQUIRE(decrypted.plaintext == to_bytes("text"));
    REQUIRE(decrypted.key_id == key.id());
    REQUIRE(decrypted.iteration == i);

    SenderKeyRecord too_late;
    REQUIRE(too_late.process(key.distribution()).value() == DistributionEffect::added);
    REQUIRE(too_late.decrypt(sent.body).error().code == Errc::no_sender_key);
    OwnSenderKey ahead = key;
    REQUIRE(too_late.decrypt(ahead.encrypt(as_bytes("next"), random)->body)->plaintext == to_bytes("next"));
  }
}

TEST_CASE("gaps, late messages in any order, and each of them once") {
  Group group;
  for (const std::uint32_t iteration : {0u, 3u, 7u, 5u, 1u, 6u, 8u, 4u, 2u, 9u}) group.read(iteration);
  REQUIRE(group.record.states().front().skipped.empty());
  for (std::uint32_t iteration = 0; iteration < 10; ++iteration) group.refuse(iteration, Errc::duplicate_message);
}

TEST_CASE("what was sent before our key is not ours: no duplicate, or it would be lost") {
  Group group(5);
  for (std::uint32_t iteration = 0; iteration < 5; ++iteration) group.refuse(iteration, Errc::no_sender_key);
  group.read(7);
  group.refuse(4, Errc::no_sender_key);
  group.refuse(7, Errc::duplicate_message);
  group.read(5);
  group.refuse(5, Errc::duplicate_message);
}

TEST_CASE("a key that is not held is a missing key, whatever its signature") {
  Group group;
  GroupAuthor other = GroupAuthor::make(group.random, key_id + 1);
  group.refuse(other.message(0, "text"), Errc::no_sender_key);
  SenderKeyRecord empty;
  REQUIRE(empty.decrypt(group.author.message(0, "text")).error().code == Errc::no_sender_key);
  REQUIRE(empty.empty());
}

TEST_CASE("a jump of 20,000 is read, one more is refused before any derivation") {
  Group group;
  group.refuse(20'001, Errc::future_message);
  group.read(20'000);
  group.refuse(40'002, Errc::future_message);
  group.read(40'001);
  // Walking there would take the suite's whole time limit.
  group.refuse(group.author.signed_ciphertext(0xffff'ffff, Bytes(16)), Errc::future_message);
  group.refuse(group.author.signed_ciphertext(0x8000'0000, Bytes(16)), Errc::future_message);
}

TEST_CASE("2,000 skipped keys are kept for each key, the oldest go") {
  Group group;
  const auto& skipped = group.record.states().front().skipped;
  group.read(5'000);
  REQUIRE(skipped.size() == 2'000);
  group.refuse(2'999, Errc::duplicate_message);
  group.read(3'000);
  REQUIRE(skipped.size() == 1'999);
  group.read(5'011);  // passes ten
  REQUIRE(skipped.size() == 2'000);
  group.refuse(3'009, Errc::duplicate_message);
  group.read(3'010);
  group.read(5'010);
  group.read(7'500);  // more than 2,000 at once: nothing from before is left
  REQUIRE(skipped.size() == 2'000);
  REQUIRE(skipped.front().counter == 5'500);
  group.refuse(5'009, Errc::duplicate_message);
}

TEST_CASE("five keys are kept, the sixth puts out the oldest") {
  Group group;
  std::vector<GroupAuthor> authors{group.author};
  for (std::uint32_t i = 1; i <= 5; ++i) {
    authors.push_back(GroupAuthor::make(group.random, key_id + i));
    group.process(authors.back().distribution(0), DistributionEffect::added);
  }
  REQUIRE(group.record.states().size() == 5);
  REQUIRE_FALSE(group.record.holds(key_id));
  group.refuse(authors[0].message(0, "text"), Errc::no_sender_key);
  for (std::uint32_t i = 1; i <= 5; ++i) {
    REQUIRE(group.record.holds(key_id + i));
    group.read(authors[i].message(0, "text"), "text");
  }
}

TEST_CASE("another signing key under a known id takes its place and is the newest") {
  Group group;
  group.read(0);
  const GroupAuthor next = GroupAuthor::make(group.random, key_id + 1);
  group.process(next.distribution(0), DistributionEffect::added);
  const GroupAuthor again = GroupAuthor::make(group.random, key_id);
  group.process(again.distribution(0), DistributionEffect::added);
  REQUIRE(group.record.states().size() == 2);
  REQUIRE(group.record.states().back().id == key_id);
  group.refuse(1, Errc::bad_signature);
  group.read(again.message(0, "text"), "text");
  group.read(next.message(0, "text"), "text");
}

TEST_CASE("a full record takes another signing key under a known id without losing a key") {
  Group group;
  for (std::uint32_t i = 1; i < 5; ++i)
    group.process(GroupAuthor::make(group.random, key_id + i).distribution(0), DistributionEffect::added);
  group.process(GroupAuthor::make(group.random, key_id + 3).distribution(0), DistributionEffect::added);
  for (std::uint32_t i = 0; i < 5; ++i) REQUIRE(group.record.holds(key_id + i));
}

TEST_CASE("a known key that is distributed again stays where it is") {
  Group group;
  group.read(0);
  group.read(3);
  group.process(group.author.distribution(0), DistributionEffect::none);
  group.process(group.author.distribution(2), DistributionEffect::none);
  group.process(group.author.distribution(100), DistributionEffect::none);
  group.refuse(0, Errc::duplicate_message);
  group.refuse(3, Errc::duplicate_message);
  group.read(1);
  group.read(4);
}

TEST_CASE("an earlier start of a known key adds what was missed and opens nothing twice") {
  Group group(5);
  group.read(5);
  group.read(8);
  group.process(group.author.distribution(2), DistributionEffect::extended);
  group.refuse(1, Errc::no_sender_key);
  group.refuse(5, Errc::duplicate_message);
  group.refuse(8, Errc::duplicate_message);
  for (const std::uint32_t iteration : {4u, 2u, 6u, 9u, 3u, 7u}) group.read(iteration);
  group.refuse(3, Errc::duplicate_message);
  group.process(group.author.distribution(2), DistributionEffect::none);
}

TEST_CASE("an earlier start is taken as far as there is room and work allowed") {
  Group group(30'000);
  group.process(group.author.distribution(9'999), DistributionEffect::none);  // 20,001 back
  group.process(group.author.distribution(10'000), DistributionEffect::extended);
  REQUIRE(group.record.states().front().skipped.size() == 2'000);
  REQUIRE(group.record.states().front().start == 28'000);
  group.refuse(27'999, Errc::no_sender_key);
  group.process(group.author.distribution(27'999), DistributionEffect::none);  // no room
  group.read(28'000);
  group.process(group.author.distribution(27'998), DistributionEffect::extended);
  group.refuse(27'998, Errc::no_sender_key);
  group.read(27'999);
  group.refuse(28'000, Errc::duplicate_message);
}

TEST_CASE("a false chain under a known key costs its author his own messages only") {
  Group group(5);
  GroupAuthor forger = group.author;
  forger.first_chain_key = detail::Secret32();
  group.process(forger.distribution(3), DistributionEffect::extended);
  group.refuse(3, Errc::malformed);
  group.read(5);
}

TEST_CASE("whatever is changed or cut in a message, it is refused and changes nothing") {
  Group group;
  group.read(0);
  group.read(4);
  for (const std::uint32_t iteration : {2u, 6u}) {  // a late one and one ahead
    const Bytes genuine = group.author.message(iteration, "text");
    const Bytes before = group.record.serialize();
    for (std::size_t bit = 0; bit < genuine.size() * 8; ++bit) {
      INFO("bit " << bit);
      Bytes changed = genuine;
      changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1u << bit % 8));
      REQUIRE_FALSE(group.record.decrypt(changed).has_value());
    }
    for (std::size_t length = 0; length < genuine.size(); ++length)
      REQUIRE_FALSE(group.record.decrypt(ByteView(genuine).first(length)).has_value());
    REQUIRE_FALSE(group.record.decrypt(concat(genuine, Bytes{0})).has_value());
    REQUIRE(group.record.serialize() == before);

    Bytes forged = genuine;
    forged.back() ^= 1;
    group.refuse(forged, Errc::bad_signature);
    forged = genuine;
    forged[forged.size() - 65] ^= 1;  // the last byte of the ciphertext
    group.refuse(forged, Errc::bad_signature);
    group.read(genuine, "text");
  }
}

TEST_CASE("whatever is changed in a distribution, the record stays whole and what it read stays read") {
  Group group;
  group.read(0);
  const Bytes before = group.record.serialize();
  const Bytes genuine = group.author.distribution(0);
  for (std::size_t bit = 0; bit < genuine.size() * 8; ++bit) {
    INFO("bit " << bit);
    Bytes changed = genuine;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1u << bit % 8));
    const auto effect = group.record.process(changed);
    const bool unchanged = !effect || *effect == DistributionEffect::none;
    REQUIRE((group.record.serialize() == before) == unchanged);
    REQUIRE(SenderKeyRecord::parse(group.record.serialize()).has_value());
    REQUIRE_FALSE(group.record.decrypt(group.author.message(0, "text")).has_value());
    group.record = SenderKeyRecord::parse(before).value();
  }
  for (std::size_t length = 0; length < genuine.size(); ++length)
    REQUIRE_FALSE(group.record.process(ByteView(genuine).first(length)).has_value());
  REQUIRE(group.record.serialize() == before);
}

TEST_CASE("a member who has the chain key cannot speak in the author's name") {
  Group group;
  GroupAuthor member = group.author;
  member.signing = KeyPair::generate(group.random);
  group.refuse(member.message(0, "text"), Errc::bad_signature);
  group.refuse(member.message(30'000, "text"), Errc::bad_signature);  // before the jump is looked at
}

TEST_CASE("what the author signed and nobody can decrypt is an invalid message and consumes no key") {
  Group group;
  group.read(0);
  group.read(4);
  for (const std::uint32_t iteration : {2u, 6u}) {
    group.refuse(group.author.signed_ciphertext(iteration, Bytes()), Errc::malformed);
    group.refuse(group.author.signed_ciphertext(iteration, Bytes(15)), Errc::malformed);
    group.refuse(group.author.signed_ciphertext(iteration, Bytes(16)), Errc::malformed);  // padding
    group.refuse(group.author.signed_ciphertext(iteration, Bytes(33)), Errc::malformed);
    group.read(iteration);
  }
}

TEST_CASE("a signature covers the version byte, and its low half is free") {
  Group group;
  Bytes body = group.author.message(0, "text");
  body[0] = 0x34;
  group.refuse(body, Errc::bad_signature);
  body.resize(body.size() - 64);
  append(body, xeddsa_sign(group.author.signing, body, group.random));
  group.read(body, "text");
}

TEST_CASE("an empty text is a text") {
  Group group;
  OwnSenderKey own = group.author.own();
  group.read(own.encrypt({}, group.random)->body, "");
}

TEST_CASE("key ids have 31 bits") {
  ScriptedRandom random(Bytes(4, 0xff));
  random.push(Bytes(32, 1));
  random.push(Bytes(32, 2));
  const OwnSenderKey key = OwnSenderKey::create(random);
  REQUIRE(key.id() == 0x7fff'ffff);
  REQUIRE(random.drained());
  REQUIRE(detail::parse_sender_key_distribution(key.distribution())->id == 0x7fff'ffff);
}

TEST_CASE("a used-up key encrypts nothing more and stays as it is") {
  SeededRandom random(3);
  const GroupAuthor author = GroupAuthor::make(random, key_id);
  Bytes blob = author.own().serialize();
  const auto at_iteration = [&](std::uint32_t iteration) {
    const Bytes number = big_endian(iteration, 4);
    std::copy(number.begin(), number.end(), blob.begin() + 5);
    return OwnSenderKey::parse(blob).value();
  };
  OwnSenderKey key = at_iteration(SenderKeyLimits::max_iteration);
  SenderKeyRecord record;
  REQUIRE(record.process(key.distribution()).value() == DistributionEffect::added);
  REQUIRE(record.decrypt(key.encrypt(as_bytes("the last"), random)->body)->plaintext == to_bytes("the last"));
  REQUIRE(SenderKeyRecord::parse(record.serialize()).has_value());
  REQUIRE(record.decrypt(author.signed_ciphertext(0x8000'0000, Bytes(16))).error().code == Errc::future_message);

  const Bytes before = key.serialize();
  REQUIRE(OwnSenderKey::parse(before)->serialize() == before);
  REQUIRE(key.encrypt(as_bytes("one more"), random).error().code == Errc::no_sender_key);
  REQUIRE(key.serialize() == before);
  REQUIRE(record.process(key.distribution()).error().code == Errc::malformed);
}

TEST_CASE("the identity of a group message's key is read without the key") {
  const Group group;
  REQUIRE(read_group_message_key(group.author.message(7, "text")).value() == GroupMessageKey{key_id, 7});
  REQUIRE(read_group_message_key(Bytes(64)).error().code == Errc::malformed);
}
