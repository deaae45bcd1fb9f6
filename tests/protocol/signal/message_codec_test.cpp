// What the parsers refuse, and that they never look past the end.

#include <catch2/catch.hpp>

#include "protocol/signal/message_codec.h"
#include "tests/support/signal_peer.h"

using namespace wharf::protocol;
using namespace wharf::protocol::detail;
using wharf::test::SignalPeer;

namespace {

const PublicKey some_key = {9};

Bytes some_message() { return concat(write_signal_message(some_key, 7, 3, Bytes(32, 0xcc)), Bytes(mac_bytes, 0x11)); }

PreKeyMessageHeader some_header() {
  PreKeyMessageHeader header;
  header.registration_id = 1111;
  header.identity = {1};
  header.base_key = {2};
  header.one_time_id = 77;
  header.signed_pre_key_id = 5;
  return header;
}

Bytes field(std::uint8_t number, ByteView value) {
  return concat(Bytes{static_cast<std::uint8_t>(number << 3 | 2), static_cast<std::uint8_t>(value.size())}, value);
}

Errc code_of_message(const Bytes& protobuf) {
  return parse_signal_message(concat(Bytes{message_version}, protobuf, Bytes(mac_bytes))).error().code;
}

Errc code_of_pre_key_message(const Bytes& protobuf) {
  return parse_pre_key_signal_message(concat(Bytes{message_version}, protobuf)).error().code;
}

}  // namespace

TEST_CASE("a SignalMessage reads back, with its MAC and the bytes the MAC covers") {
  const Bytes body = some_message();
  const auto message = parse_signal_message(body).value();
  REQUIRE(message.ratchet_key == some_key);
  REQUIRE(message.counter == 7);
  REQUIRE(message.previous_counter == 3);
  REQUIRE(message.ciphertext == Bytes(32, 0xcc));
  REQUIRE(equal(concat(message.authenticated, message.mac), body));
  REQUIRE(message.mac.size() == 8);
}

TEST_CASE("counters are written even when they are zero") {
  const Bytes body = write_signal_message(some_key, 0, 0, Bytes(16));
  REQUIRE(to_hex(ByteView(body).subspan(1 + 35, 4)) == "10001800");
}

TEST_CASE("a missing previous counter reads as zero") {
  const Bytes protobuf = concat(field(1, typed(some_key)), Bytes{0x10, 0x02}, field(4, Bytes(16)));
  const auto message = parse_signal_message(concat(Bytes{message_version}, protobuf, Bytes(mac_bytes)));
  REQUIRE(message->counter == 2);
  REQUIRE(message->previous_counter == 0);
}

TEST_CASE("a SignalMessage without ratchet key, counter or ciphertext is malformed") {
  const Bytes key = field(1, typed(some_key)), counter{0x10, 0x02}, ciphertext = field(4, Bytes(16));
  REQUIRE(code_of_message(concat(counter, ciphertext)) == Errc::malformed);
  REQUIRE(code_of_message(concat(key, ciphertext)) == Errc::malformed);
  REQUIRE(code_of_message(concat(key, counter)) == Errc::malformed);
}

TEST_CASE("a ratchet key of another length or type is an invalid key") {
  const Bytes rest = concat(Bytes{0x10, 0x02}, field(4, Bytes(16)));
  Bytes wrong_type = to_bytes(ByteView(typed(some_key)));
  wrong_type[0] = 6;
  REQUIRE(code_of_message(concat(field(1, some_key), rest)) == Errc::invalid_key);
  REQUIRE(code_of_message(concat(field(1, wrong_type), rest)) == Errc::invalid_key);
  REQUIRE(code_of_message(concat(field(1, Bytes(34, 5)), rest)) == Errc::invalid_key);
  REQUIRE(code_of_message(concat(field(1, {}), rest)) == Errc::invalid_key);
}

TEST_CASE("only message version 3 is read, whatever the sender's maximum is") {
  Bytes body = some_message();
  for (unsigned version = 0; version < 16; ++version) {
    body[0] = static_cast<std::uint8_t>(version << 4 | 3);
    REQUIRE(parse_signal_message(body).has_value() == (version == 3));
    if (version != 3) REQUIRE(parse_signal_message(body).error().code == Errc::unsupported);
  }
  body[0] = 0x34;
  REQUIRE(parse_signal_message(body).has_value());
}

TEST_CASE("a message cut at any byte, with a length over its end or with trailing garbage is malformed") {
  const Bytes body = some_message();
  for (std::size_t length = 0; length < body.size(); ++length) {
    const auto cut = parse_signal_message(ByteView(body).first(length));
    REQUIRE_FALSE(cut.has_value());  // the MAC always takes bytes of the ciphertext field
    REQUIRE(cut.error().code == Errc::malformed);
  }
  Bytes oversized = body;
  oversized[1 + 35 + 4 + 1] = 0x7f;  // the ciphertext's length
  REQUIRE(parse_signal_message(oversized).error().code == Errc::malformed);
  REQUIRE(parse_signal_message(concat(body, Bytes{0x00})).error().code == Errc::malformed);
  REQUIRE(parse_signal_message(Bytes(max_message_bytes + 1, message_version)).error().code == Errc::too_large);
}

TEST_CASE("a PreKeySignalMessage reads back, with and without one-time prekey") {
  PreKeyMessageHeader header = some_header();
  for (const bool with_one_time : {true, false}) {
    if (!with_one_time) header.one_time_id.reset();
    const Bytes body = write_pre_key_signal_message(header, some_message());
    const auto message = parse_pre_key_signal_message(body).value();
    REQUIRE(message.message == some_message());
    const PreKeyMessageHeader read = read_pre_key_message(body).value();
    REQUIRE(read.registration_id == 1111);
    REQUIRE(read.identity == header.identity);
    REQUIRE(read.base_key == header.base_key);
    REQUIRE(read.one_time_id == header.one_time_id);
    REQUIRE(read.signed_pre_key_id == 5);
    REQUIRE((read_message_key(CiphertextKind::pre_key_message, body).value() == MessageKeyIdentity{some_key, 7}));
  }
}

TEST_CASE("a PreKeySignalMessage without a needed field is malformed, with a bad key it is an invalid key") {
  const Bytes base = field(2, typed(some_key)), identity = field(3, typed(some_key)), inner = field(4, Bytes(20)),
              signed_id{0x30, 0x01};
  REQUIRE(code_of_pre_key_message(concat(identity, inner, signed_id)) == Errc::malformed);
  REQUIRE(code_of_pre_key_message(concat(base, inner, signed_id)) == Errc::malformed);
  REQUIRE(code_of_pre_key_message(concat(base, identity, signed_id)) == Errc::malformed);
  REQUIRE(code_of_pre_key_message(concat(base, identity, inner)) == Errc::malformed);
  REQUIRE(code_of_pre_key_message(concat(field(2, some_key), identity, inner, signed_id)) == Errc::invalid_key);
  REQUIRE(code_of_pre_key_message(concat(base, field(3, some_key), inner, signed_id)) == Errc::invalid_key);
}

TEST_CASE("a PreKeySignalMessage cut at any byte never decrypts") {
  SeededRandom random(1);
  SignalPeer anna = SignalPeer::make(random, 1), ben = SignalPeer::make(random, 2);
  REQUIRE(start_session(anna.session, anna.local, ben.bundle(), random).has_value());
  const Ciphertext whole = anna.send("hello");
  for (std::size_t length = 0; length < whole.body.size(); ++length) {
    const Ciphertext cut{whole.kind, to_bytes(ByteView(whole.body).first(length))};
    REQUIRE_FALSE(ben.receive(cut, random).has_value());
    REQUIRE_FALSE(ben.session.has_current());
  }
  REQUIRE(ben.receive(whole, random).has_value());
}

// --- sender keys (03 section 2)

namespace {

Bytes some_distribution() { return write_sender_key_distribution({7, 3, Secret32(Key32{8}), some_key}); }

Errc code_of_sender_key_message(const Bytes& protobuf) {
  return parse_sender_key_message(concat(Bytes{message_version}, protobuf, Bytes(signature_bytes))).error().code;
}
Errc code_of_distribution(const Bytes& protobuf) {
  return parse_sender_key_distribution(concat(Bytes{message_version}, protobuf)).error().code;
}

}  // namespace

TEST_CASE("a SenderKeyMessage reads back, with its signature and the bytes the signature covers") {
  const Bytes body = concat(write_sender_key_message(7, 3, Bytes(32, 0xcc)), Bytes(signature_bytes, 0x11));
  const auto message = parse_sender_key_message(body).value();
  REQUIRE(message.id == 7);
  REQUIRE(message.iteration == 3);
  REQUIRE(message.ciphertext == Bytes(32, 0xcc));
  REQUIRE(equal(concat(message.authenticated, message.signature), body));
  REQUIRE(equal(message.signature, Bytes(64, 0x11)));
}

TEST_CASE("ids and iterations of sender keys are written even when they are zero") {
  REQUIRE(to_hex(write_sender_key_message(0, 0, Bytes())) == "33080010001a00");
  REQUIRE(to_hex(ByteView(write_sender_key_distribution({0, 0, {}, some_key})).first(5)) == "3308001000");
}

TEST_CASE("SenderKeyMessages that lack something are malformed, of another version unsupported") {
  const Bytes id = {0x08, 7}, iteration = {0x10, 3}, ciphertext = field(3, Bytes(16));
  REQUIRE(code_of_sender_key_message(concat(iteration, ciphertext)) == Errc::malformed);
  REQUIRE(code_of_sender_key_message(concat(id, ciphertext)) == Errc::malformed);
  REQUIRE(code_of_sender_key_message(concat(id, iteration)) == Errc::malformed);
  REQUIRE(code_of_sender_key_message({}) == Errc::malformed);
  REQUIRE(parse_sender_key_message(Bytes(64, message_version)).error().code == Errc::malformed);
  Bytes body = concat(write_sender_key_message(7, 3, Bytes(16)), Bytes(signature_bytes));
  for (const auto version : std::initializer_list<std::uint8_t>{0x03, 0x23, 0x43}) {
    body[0] = version;
    REQUIRE(parse_sender_key_message(body).error().code == Errc::unsupported);
  }
  body[0] = 0x34;
  REQUIRE(parse_sender_key_message(body).has_value());
  REQUIRE(parse_sender_key_message(Bytes(max_message_bytes + 1, message_version)).error().code == Errc::too_large);
}

TEST_CASE("a distribution reads back; a missing iteration is zero, unknown fields are passed over") {
  const auto read = parse_sender_key_distribution(some_distribution()).value();
  REQUIRE(read.id == 7);
  REQUIRE(read.iteration == 3);
  REQUIRE(read.chain_key.bytes == Key32{8});
  REQUIRE(read.signing_key == some_key);

  const Bytes sparse = concat(Bytes{0x08, 7}, field(3, Bytes(32)), field(9, Bytes(5)), field(4, typed(some_key)));
  REQUIRE(parse_sender_key_distribution(concat(Bytes{message_version}, sparse))->iteration == 0);
}

TEST_CASE("distributions with keys of another form, without keys or of another version are refused") {
  const Bytes id = {0x08, 7}, chain_key = field(3, Bytes(32)), signing_key = field(4, typed(some_key));
  REQUIRE(code_of_distribution(concat(chain_key, signing_key)) == Errc::malformed);
  REQUIRE(code_of_distribution(concat(id, signing_key)) == Errc::malformed);
  REQUIRE(code_of_distribution(concat(id, chain_key)) == Errc::malformed);
  for (const std::size_t length : {0u, 31u, 33u})
    REQUIRE(code_of_distribution(concat(id, field(3, Bytes(length)), signing_key)) == Errc::invalid_key);
  for (const Bytes& key : {Bytes(), Bytes(32, 5), Bytes(33, 6), Bytes(34, 5)})
    REQUIRE(code_of_distribution(concat(id, chain_key, field(4, key))) == Errc::invalid_key);
  Bytes body = some_distribution();
  body[0] = 0x23;
  REQUIRE(parse_sender_key_distribution(body).error().code == Errc::unsupported);
}

TEST_CASE("a distribution cut at any byte is refused") {
  const Bytes body = some_distribution();
  for (std::size_t length = 0; length < body.size(); ++length)
    REQUIRE_FALSE(parse_sender_key_distribution(ByteView(body).first(length)).has_value());
}
