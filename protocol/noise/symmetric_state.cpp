#include "protocol/noise/symmetric_state.h"

#include <algorithm>

namespace wharf::protocol {

GcmIv noise_iv(std::uint32_t counter) {
  GcmIv iv{};
  for (std::size_t i = 0; i < 4; ++i) iv[8 + i] = static_cast<std::uint8_t>(counter >> (24 - 8 * i));
  return iv;
}

SymmetricState::SymmetricState(std::string_view protocol_name, ByteView prologue) {
  if (protocol_name.size() <= hash_.size()) {
    std::copy(protocol_name.begin(), protocol_name.end(), hash_.begin());
  } else {
    hash_ = sha256(as_bytes(protocol_name));
  }
  chaining_key_ = key_ = hash_;
  mix_hash(prologue);
}

SymmetricState::~SymmetricState() {
  wipe(chaining_key_);
  wipe(key_);
}

void SymmetricState::mix_hash(ByteView data) { hash_ = sha256(concat(hash_, data)); }

void SymmetricState::mix_key(ByteView input) {
  auto keys = hkdf_sha256<64>(input, chaining_key_, {});
  std::copy_n(keys.begin(), 32, chaining_key_.begin());
  std::copy_n(keys.begin() + 32, 32, key_.begin());
  counter_ = 0;
  wipe(keys);
}

Result<void> SymmetricState::mix_agreement(const PrivateKey& own, const PublicKey& peer) {
  Result<Key32> shared = agree(own, peer);
  if (!shared) return shared.error();
  mix_key(*shared);
  wipe(*shared);
  return {};
}

Bytes SymmetricState::encrypt(ByteView plaintext) {
  Bytes sealed = gcm_seal(key_, noise_iv(counter_++), plaintext, hash_);
  mix_hash(sealed);
  return sealed;
}

Result<Bytes> SymmetricState::decrypt(ByteView sealed) {
  Result<Bytes> plaintext = gcm_open(key_, noise_iv(counter_), sealed, hash_);
  if (!plaintext) return plaintext;
  ++counter_;
  mix_hash(sealed);
  return plaintext;
}

SymmetricState::Split SymmetricState::split() const {
  auto keys = hkdf_sha256<64>({}, chaining_key_, {});
  Split out;
  std::copy_n(keys.begin(), 32, out.client_to_server.begin());
  std::copy_n(keys.begin() + 32, 32, out.server_to_client.begin());
  wipe(keys);
  return out;
}

}  // namespace wharf::protocol
