// The parsers and decryption paths of pairwise sessions with hostile input. The first byte selects the target; the keys
// are Bob's of the first transcript in tests/vectors/signal-session.json, so that the seed corpus really decrypts.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "protocol/signal/session.h"

using namespace wharf::protocol;

namespace {

// clang-format off
constexpr std::string_view identity_key =
    "8810fce81df5f69f35bd74913a422d5609dbf69924df87a2b354e7886f96ae57";
constexpr std::string_view signed_pre_key =
    "408fc7e38f4ae0c202fe2ada727b417b2b9727f9c67e8534682a62c272b34d4b";
constexpr std::string_view one_time_pre_key =
    "18e20201880d5aed33b4bc4ff6f1bfd83c51b2c20619ada3c627c856fd177560";
constexpr std::string_view ratchet_key =
    "28d8e1b654dee4180211cfc438fafc323a92e135409a0ad180bcca6f49928c61";
constexpr std::string_view first_message =
    "33084d1221051c2d7fe717ffbcea55b231776713f13cd261c18bb322efa3bbd3bca0d69ab1061a21054870d54a4fddaf"
    "d9a49ec9f42506c34266f03611c560fc03ce052eede2fc7d232252330a210558f0f83718f77b6608651c2f1465109ca9"
    "0293520722e860988f211738417d7a10001800222037d6e3bb257d58824d6c18f12deab793707c21d103bf8b6942b614"
    "b88bfcc8311680225b473addc928d7083001";
constexpr std::string_view later_message =
    "330a210562f44db89bc039791f93f4d2e111795fb85a6a37227b7d97b9d2cad546f2670210011802222075316daa3e3d"
    "344aa87ee022d0b2b8d98bebbbf8c9ce25be8b6d53fe3f7fd5c5b6fedf5cc0f88ac6";
// clang-format on

Bytes hex(std::string_view text) { return *from_hex(text); }
KeyPair key(std::string_view text) { return KeyPair::from_secret(*exactly<32>(hex(text))); }

/// Always the same key: the transcript's ratchet key of Bob.
class OneKeyRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = key_[i % key_.size()];
  }

 private:
  Bytes key_ = hex(ratchet_key);
};

struct Bob {
  LocalIdentity local;
  OwnPreKeys keys;
  SessionRecord established;

  Bob() {
    local.identity = key(identity_key);
    local.registration_id = 2222;
    keys.signed_pre_key = [](PreKeyId id) { return id == 1 ? std::optional(key(signed_pre_key)) : std::nullopt; };
    keys.one_time = [](PreKeyId id) { return id == 77 ? std::optional(key(one_time_pre_key)) : std::nullopt; };
    OneKeyRandom random;
    if (!decrypt_pre_key_message(established, local, keys, hex(first_message), random)) std::abort();
  }
};

/// A failure must not leave a trace in the record; a success must leave one that can be stored.
void check(const SessionRecord& record, const Bytes& before, bool decrypted) {
  const Bytes after = record.serialize();
  if (!decrypted && after != before) std::abort();
  if (decrypted && (after == before || !SessionRecord::parse(after))) std::abort();
}

void fuzz_record(const Bob& bob, ByteView blob) {
  auto record = SessionRecord::parse(blob);
  if (!record) return;
  const Bytes stored = record->serialize();
  const auto again = SessionRecord::parse(stored);
  if (!again || again->serialize() != stored) std::abort();

  OneKeyRandom random;
  const bool decrypted = decrypt_message(*record, bob.local, hex(later_message), random).has_value();
  check(*record, stored, decrypted);
  (void)encrypt(*record, bob.local, as_bytes("reply"));
  record->archive_current();
  if (!SessionRecord::parse(record->serialize())) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Bob bob;
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  OneKeyRandom random;
  switch (data[0] % 5) {
    case 0: {
      SessionRecord record = bob.established;
      const Bytes before = record.serialize();
      check(record, before, decrypt_message(record, bob.local, input, random).has_value());
      break;
    }
    case 1: {
      SessionRecord record;
      const Bytes before = record.serialize();
      check(record, before, decrypt_pre_key_message(record, bob.local, bob.keys, input, random).has_value());
      break;
    }
    case 2: fuzz_record(bob, input); break;
    case 3:
      (void)read_pre_key_message(input);
      (void)read_message_key(CiphertextKind::message, input);
      (void)read_message_key(CiphertextKind::pre_key_message, input);
      break;
    case 4: {
      SessionRecord record = bob.established;
      const Bytes before = record.serialize();
      check(record, before, decrypt_pre_key_message(record, bob.local, bob.keys, input, random).has_value());
      break;
    }
  }
  return 0;
}
