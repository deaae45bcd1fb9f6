// The storage formats of sender keys: what they cost, that they keep everything, and that hostile blobs are refused.

#include <catch2/catch.hpp>

#include "tests/support/group_author.h"

using namespace wharf::protocol;
using wharf::test::GroupAuthor;

namespace {

struct Author : GroupAuthor {
  explicit Author(std::uint32_t key_id, std::uint64_t seed = 7) {
    SeededRandom random(seed);
    static_cast<GroupAuthor&>(*this) = make(random, key_id);
  }
};

/// Two keys; the second read up to 4, with 1 and 3 missing.
SenderKeyRecord some_record() {
  SenderKeyRecord record;
  REQUIRE(record.process(Author(1, 1).distribution(9)).has_value());
  const Author author(2, 2);
  REQUIRE(record.process(author.distribution(0)).has_value());
  for (const std::uint32_t iteration : {0u, 2u, 4u}) REQUIRE(record.decrypt(author.message(iteration, "")).has_value());
  return record;
}

constexpr std::size_t second_key = 2 + 78;  // offset of the second key in some_record()
constexpr std::size_t first_skipped = second_key + 78;

Bytes with_number(Bytes blob, std::size_t at, std::uint32_t value, std::size_t width = 4) {
  const Bytes number = big_endian(value, width);
  std::copy(number.begin(), number.end(), blob.begin() + static_cast<std::ptrdiff_t>(at));
  return blob;
}

Errc parse_error(const Bytes& blob) { return SenderKeyRecord::parse(blob).error().code; }

}  // namespace

TEST_CASE("an empty sender-key record reads back empty") {
  const Bytes blob = SenderKeyRecord().serialize();
  REQUIRE(blob.size() == 2);
  REQUIRE(SenderKeyRecord::parse(blob)->empty());
}

TEST_CASE("a member without gaps costs 80 bytes, a skipped message 36, an own key 105") {
  SenderKeyRecord record;
  const Author author(1);
  REQUIRE(record.process(author.distribution(0)).has_value());
  REQUIRE(record.decrypt(author.message(0, "text")).has_value());
  REQUIRE(record.serialize().size() == 80);
  REQUIRE(record.decrypt(author.message(3, "text")).has_value());
  REQUIRE(record.serialize().size() == 80 + 2 * 36);
  REQUIRE(author.own().serialize().size() == 105);
}

TEST_CASE("a sender-key record keeps every field through storage") {
  const SenderKeyRecord record = some_record();
  SenderKeyRecord copy = SenderKeyRecord::parse(record.serialize()).value();
  REQUIRE(copy.serialize() == record.serialize());
  REQUIRE(copy.states().size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto &kept = copy.states()[i], &original = record.states()[i];
    REQUIRE(kept.id == original.id);
    REQUIRE(kept.start == original.start);
    REQUIRE(kept.iteration == original.iteration);
    REQUIRE(kept.chain_key.bytes == original.chain_key.bytes);
    REQUIRE(kept.signing_key == original.signing_key);
    REQUIRE(kept.skipped.size() == original.skipped.size());
  }
  REQUIRE(copy.states()[0].start == 9);
  REQUIRE(copy.decrypt(Author(2, 2).message(3, "late"))->plaintext == to_bytes("late"));
  REQUIRE(copy.decrypt(Author(2, 2).message(5, "next"))->plaintext == to_bytes("next"));
  REQUIRE(copy.decrypt(Author(2, 2).message(2, "again")).error().code == Errc::duplicate_message);
  REQUIRE(copy.decrypt(Author(1, 1).message(9, "other"))->plaintext == to_bytes("other"));
}

TEST_CASE("the fullest sender-key record fits and reads back") {
  SenderKeyRecord record;
  for (std::uint32_t id = 0; id < SenderKeyLimits::max_keys; ++id) {
    const Author author(id, id);
    REQUIRE(record.process(author.distribution(0)).has_value());
    REQUIRE(record.decrypt(author.message(3'000, "far")).has_value());
  }
  const Bytes blob = record.serialize();
  REQUIRE(blob.size() == 2 + 5 * (78 + 2'000 * 36));
  REQUIRE(SenderKeyRecord::parse(blob)->serialize() == blob);
}

TEST_CASE("a sender-key record cut at any byte, or with more behind it, is malformed") {
  const Bytes blob = some_record().serialize();
  for (std::size_t length = 0; length < blob.size(); ++length)
    REQUIRE(parse_error({blob.begin(), blob.begin() + static_cast<std::ptrdiff_t>(length)}) == Errc::malformed);
  REQUIRE(parse_error(concat(blob, Bytes{0})) == Errc::malformed);
}

TEST_CASE("a sender-key record of a newer version says so, version zero is malformed") {
  Bytes blob = some_record().serialize();
  blob[0] = 2;
  REQUIRE(parse_error(blob) == Errc::unsupported);
  blob[0] = 0;
  REQUIRE(parse_error(blob) == Errc::malformed);
}

TEST_CASE("contradictions inside a sender-key record are malformed") {
  const Bytes blob = some_record().serialize();
  REQUIRE(SenderKeyRecord::parse(with_number(blob, second_key, 7)).has_value());
  REQUIRE(parse_error(with_number(blob, second_key, 1)) == Errc::malformed);          // the id of the first
  REQUIRE(parse_error(with_number(blob, 2 + 4, 10)) == Errc::malformed);              // starts behind its position
  REQUIRE(parse_error(with_number(blob, 2 + 8, 0x8000'0001)) == Errc::malformed);     // no chain stands there
  REQUIRE(parse_error(with_number(blob, first_skipped, 3)) == Errc::malformed);       // not ascending
  REQUIRE(parse_error(with_number(blob, first_skipped + 36, 5)) == Errc::malformed);  // not passed yet
  REQUIRE(parse_error(with_number(blob, second_key + 4, 2)) == Errc::malformed);      // from before the start
  REQUIRE(parse_error(with_number(blob, second_key + 76, 1, 2)) == Errc::malformed);  // fewer than there are
  REQUIRE(parse_error(with_number(blob, second_key + 76, 3, 2)) == Errc::malformed);  // more than there are
  REQUIRE(parse_error(with_number(blob, second_key + 76, 0xffff, 2)) == Errc::malformed);
  Bytes counted = blob;
  for (const auto count : std::initializer_list<std::uint8_t>{0, 1, 3, 6, 255}) {
    counted[1] = count;
    REQUIRE(parse_error(counted) == Errc::malformed);
  }
}

TEST_CASE("more keys or skipped messages than the limits are malformed, though the bytes are there") {
  Bytes keys = {1, 6};
  for (std::uint8_t id = 0; id < 6; ++id) append(keys, with_number(Bytes(78), 0, id));
  REQUIRE(parse_error(keys) == Errc::malformed);
  keys[1] = 5;
  keys.resize(keys.size() - 78);
  REQUIRE(SenderKeyRecord::parse(keys).has_value());

  for (const std::uint32_t count : {2'000u, 2'001u}) {
    Bytes blob = concat(Bytes{1, 1}, with_number(with_number(Bytes(78), 8, 9'999), 76, count, 2));
    for (std::uint32_t i = 0; i < count; ++i) append(blob, with_number(Bytes(36), 0, i));
    REQUIRE(SenderKeyRecord::parse(blob).has_value() == (count == 2'000));
  }
}

TEST_CASE("flipping any bit of a sender-key record never crashes and never grows it") {
  const Bytes blob = some_record().serialize();
  const Bytes message = Author(2, 2).message(3, "late");
  for (std::size_t bit = 0; bit < blob.size() * 8; ++bit) {
    Bytes changed = blob;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1u << bit % 8));
    auto record = SenderKeyRecord::parse(changed);
    if (!record) continue;
    REQUIRE(record->serialize() == changed);
    (void)record->decrypt(message);
    REQUIRE(record->serialize().size() <= blob.size());
  }
}

TEST_CASE("an own sender key keeps everything through storage") {
  SeededRandom random(9);
  OwnSenderKey key = OwnSenderKey::create(random);
  SenderKeyRecord reader;
  REQUIRE(reader.process(key.distribution()).has_value());
  for (std::uint32_t i = 0; i < 3; ++i) {
    const Bytes blob = key.serialize();
    key = OwnSenderKey::parse(blob).value();
    REQUIRE(key.serialize() == blob);
    REQUIRE(key.iteration() == i);
    REQUIRE(reader.decrypt(key.encrypt(as_bytes("text"), random)->body)->iteration == i);
  }
}

TEST_CASE("an own sender key that is cut, lengthened or of another version is refused") {
  const Bytes blob = Author(5).own().serialize();
  for (std::size_t length = 0; length < blob.size(); ++length)
    REQUIRE(OwnSenderKey::parse(ByteView(blob).first(length)).error().code == Errc::malformed);
  REQUIRE(OwnSenderKey::parse(concat(blob, Bytes{0})).error().code == Errc::malformed);
  REQUIRE(OwnSenderKey::parse(with_number(blob, 5, 0x8000'0001)).error().code == Errc::malformed);
  REQUIRE(OwnSenderKey::parse(with_number(blob, 0, 2, 1)).error().code == Errc::unsupported);
  REQUIRE(OwnSenderKey::parse(with_number(blob, 0, 0, 1)).error().code == Errc::malformed);
}
