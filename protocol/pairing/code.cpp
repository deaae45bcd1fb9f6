#include "protocol/pairing/code.h"

#include "protocol/crypto/aes.h"
#include "protocol/crypto/hash.h"

namespace wharf::protocol {

namespace {

constexpr std::string_view alphabet = "123456789ABCDEFGHJKLMNPQRSTVWXYZ";
constexpr std::size_t code_characters = 8;
constexpr unsigned pbkdf2_iterations = 131072;
constexpr std::size_t wrapped_ephemeral_bytes = 32 + 16 + 32;
constexpr std::size_t bundle_plain_bytes = 3 * 32;
constexpr std::size_t wrapped_bundle_bytes = 32 + 12 + bundle_plain_bytes + 16;

AesKey bundle_key(const Key32& ephemeral_shared, ByteView salt) {
  return hkdf_sha256<32>(ephemeral_shared, salt, as_bytes("link_code_pairing_key_bundle_encryption_key"));
}

Key32 derive_adv_secret(const Key32& ephemeral_shared, const Key32& identity_shared, ByteView random) {
  Bytes input = concat(ephemeral_shared, identity_shared, random);
  const Key32 secret = hkdf_sha256<32>(input, {}, as_bytes("adv_secret"));
  wipe(input);
  return secret;
}

}  // namespace

std::string pairing_code(const std::array<std::uint8_t, 5>& random) {
  std::uint64_t bits = from_big_endian(random);
  std::string code(code_characters, '\0');
  for (auto character = code.rbegin(); character != code.rend(); ++character, bits >>= 5) {
    *character = alphabet[bits & 31];
  }
  return code;
}

Result<std::string> normalise_pairing_code(std::string_view text) {
  std::string code;
  for (char character : text) {
    if (character == '-' || character == ' ') continue;
    if (character >= 'a' && character <= 'z') character = static_cast<char>(character - 'a' + 'A');
    if (alphabet.find(character) == std::string_view::npos) {
      return Error(Errc::malformed, "a pairing code has no such character");
    }
    if (code.size() == code_characters) return Error(Errc::malformed, "a pairing code has 8 characters");
    code += character;
  }
  if (code.size() != code_characters) return Error(Errc::malformed, "a pairing code has 8 characters");
  return code;
}

Key32 pairing_code_key(std::string_view code, const Key32& salt) {
  return pbkdf2_sha256(as_bytes(code), salt, pbkdf2_iterations);
}

Bytes wrap_pairing_ephemeral(const Key32& code_key, const Key32& salt, const std::array<std::uint8_t, 16>& iv,
                             const PublicKey& ephemeral) {
  return concat(salt, iv, ctr_crypt(code_key, iv, ephemeral));
}

Result<Key32> wrapped_ephemeral_salt(ByteView wrapped) {
  if (wrapped.size() != wrapped_ephemeral_bytes) return Error(Errc::malformed, "wrapped ephemeral is not 80 bytes");
  return *exactly<32>(wrapped.first(32));
}

Result<PublicKey> unwrap_pairing_ephemeral(const Key32& code_key, ByteView wrapped) {
  if (wrapped.size() != wrapped_ephemeral_bytes) return Error(Errc::malformed, "wrapped ephemeral is not 80 bytes");
  // There is no MAC: a wrong code gives another key and shows only when the bundle is opened.
  return *exactly<32>(ctr_crypt(code_key, *exactly<16>(wrapped.subspan(32, 16)), wrapped.subspan(48)));
}

Result<CompanionFinish> make_companion_finish(const KeyPair& identity, const KeyPair& ephemeral,
                                              const PublicKey& primary_ephemeral, const PublicKey& primary_identity,
                                              Random& random) {
  const Result<Key32> ephemeral_shared = agree(ephemeral.secret, primary_ephemeral);
  if (!ephemeral_shared) return ephemeral_shared.error();
  const Result<Key32> identity_shared = agree(identity.secret, primary_identity);
  if (!identity_shared) return identity_shared.error();

  const auto adv_random = random.bytes<32>();
  const auto salt = random.bytes<32>();
  const auto iv = random.bytes<12>();
  const Bytes bundle = concat(identity.pub, primary_identity, adv_random);
  CompanionFinish finish;
  finish.wrapped_bundle = concat(salt, iv, gcm_seal(bundle_key(*ephemeral_shared, salt), iv, bundle));
  finish.adv_secret = derive_adv_secret(*ephemeral_shared, *identity_shared, adv_random);
  return finish;
}

Result<Key32> open_companion_finish(ByteView wrapped_bundle, const KeyPair& primary_identity,
                                    const KeyPair& primary_ephemeral, const PublicKey& companion_ephemeral,
                                    const PublicKey& companion_identity) {
  if (wrapped_bundle.size() != wrapped_bundle_bytes) return Error(Errc::malformed, "key bundle is not 156 bytes");
  const Result<Key32> ephemeral_shared = agree(primary_ephemeral.secret, companion_ephemeral);
  if (!ephemeral_shared) return ephemeral_shared.error();
  const AesKey key = bundle_key(*ephemeral_shared, wrapped_bundle.first(32));
  const Result<Bytes> bundle = gcm_open(key, *exactly<12>(wrapped_bundle.subspan(32, 12)), wrapped_bundle.subspan(44));
  if (!bundle) return bundle.error();

  const ByteView inside = *bundle;
  if (!equal(inside.subspan(0, 32), companion_identity) || !equal(inside.subspan(32, 32), primary_identity.pub)) {
    return Error(Errc::conflict, "the identities inside the key bundle are others");
  }
  const Result<Key32> identity_shared = agree(primary_identity.secret, companion_identity);
  if (!identity_shared) return identity_shared.error();
  return derive_adv_secret(*ephemeral_shared, *identity_shared, inside.subspan(64, 32));
}

}  // namespace wharf::protocol
