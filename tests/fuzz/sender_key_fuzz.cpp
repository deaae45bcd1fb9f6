// Sender keys with hostile input: both parsers, the records as the database holds them, and, since nobody can forge a
// signature, messages that the author himself signed around the input. The first byte selects the target; keys and key
// id are those of tests/vectors/sender-key.json, so that the seed corpus really decrypts.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "protocol/signal/message_codec.h"
#include "protocol/signal/sender_key.h"

using namespace wharf::protocol;

namespace {

// clang-format off
constexpr std::string_view signing_key =
    "184e152087e5fbabf4183e1d10bc4c0649ebb0e3b0b721a7e0f2f30357b3fa68";
constexpr std::string_view distribution =
    "3308f8acd1910110001a2099b47c7b6a509687efaba1118739c38f04433f562901c32e1a02c0ee2b5312bf2221059855d345a2266c205bea"
    "ba692d56c7436e3e633347fe8a9355dfeb8447db2759";
constexpr std::string_view message_1 =
    "3308f8acd1910110011a10abf20d826d45a5093bc36a3e9fbc5f5375890b1296545ccd6c7d431fcf13737fae50febdd0784aa9226d4e113d"
    "c2573e9f7acb1725c3f5f75b3bb793e3eb3f04bb7a3537487df5e46e8bd32d13fab30a";
constexpr std::string_view message_3 =
    "3308f8acd1910110031a1038884395d92bc110d086692cad911c667fc8e63811e8c5f2cbd231385612ca53ebc6f52f7e2512d1a6e92e2109"
    "b1c849423bf27b7f0a48cf1cc77eee0a96e0574f2e176614f8a3577c43202fe6c9a900";
// clang-format on

Bytes hex(std::string_view text) { return *from_hex(text); }

void check(bool invariant) {
  if (!invariant) std::abort();
}

/// A failure must not leave a trace in the record; a success must leave one that can be stored.
void check_change(const SenderKeyRecord& record, const Bytes& before, bool changed) {
  const Bytes after = record.serialize();
  check((after != before) == changed);
  const auto again = SenderKeyRecord::parse(after);
  check(again && again->serialize() == after);
}

void decrypt(SenderKeyRecord record, ByteView body) {
  const Bytes before = record.serialize();
  const auto decrypted = record.decrypt(body);
  check_change(record, before, decrypted.has_value());
  if (!decrypted) return;
  const auto again = record.decrypt(body);
  check(!again && again.error().code == Errc::duplicate_message);
}

void process(SenderKeyRecord record, ByteView body) {
  const Bytes before = record.serialize();
  const auto effect = record.process(body);
  check_change(record, before, effect && *effect != DistributionEffect::none);
  if (effect) check(record.process(body).value() == DistributionEffect::none);
}

void use_record(ByteView blob) {
  const auto record = SenderKeyRecord::parse(blob);
  if (!record) return;
  check(equal(record->serialize(), blob));
  static const Bytes known = hex(distribution), late = hex(message_1), ahead = hex(message_3);
  process(*record, known);
  decrypt(*record, late);
  decrypt(*record, ahead);
}

void use_own_key(ByteView blob) {
  auto key = OwnSenderKey::parse(blob);
  if (!key) return;
  const Bytes before = key->serialize();
  check(OwnSenderKey::parse(before)->serialize() == before);
  SeededRandom random(1);
  const auto sent = key->encrypt(as_bytes("text"), random);
  check((key->serialize() == before) == sent.has_error());
  if (!sent) return;
  SenderKeyRecord record;
  check(record.process(sent->distribution).has_value());
  const auto read = record.decrypt(sent->body);
  // A blob whose two halves of the signing key are no pair signs what nobody verifies.
  check(read || read.error().code == Errc::bad_signature);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const SenderKeyRecord established = [] {
    SenderKeyRecord record;
    check(record.process(hex(distribution)).has_value());
    check(record.decrypt(hex(message_3)).has_value());
    return record;
  }();
  static const KeyPair author = KeyPair::from_secret(*exactly<32>(hex(signing_key)));
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  switch (data[0] % 6) {
    case 0: decrypt(established, input); break;
    case 1: {
      SeededRandom random(1);
      Bytes body = concat(Bytes{detail::message_version}, input);
      append(body, xeddsa_sign(author, body, random));
      decrypt(established, body);
      break;
    }
    case 2: process(established, input); break;
    case 3: process(SenderKeyRecord(), input); break;
    case 4: use_record(input); break;
    case 5: use_own_key(input); break;
  }
  return 0;
}
