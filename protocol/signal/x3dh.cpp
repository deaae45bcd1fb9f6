#include "protocol/signal/x3dh.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace wharf::protocol {

namespace detail {

namespace {

struct Agreement {
  const PrivateKey& own;
  const PublicKey& peer;
};

Result<X3dhKeys> derive(std::initializer_list<Agreement> agreements) {
  std::array<std::uint8_t, 5 * 32> secret;
  std::fill_n(secret.begin(), 32, std::uint8_t{0xff});
  std::size_t used = 32;
  bool valid = true;
  for (const Agreement& agreement : agreements) {
    const Result<Key32> shared = agree(agreement.own, agreement.peer);
    valid = valid && shared;
    if (!shared) break;
    Secret32 scoped(*shared);
    std::copy(scoped.bytes.begin(), scoped.bytes.end(), secret.begin() + static_cast<std::ptrdiff_t>(used));
    used += 32;
  }
  if (!valid) {
    wipe(secret);
    return Error(Errc::invalid_key, "X3DH agreement is all zero");
  }

  constexpr Key32 no_salt{};
  auto derived = hkdf_sha256<64>(ByteView(secret).first(used), no_salt, as_bytes("WhisperText"));
  wipe(secret);
  X3dhKeys keys;
  std::copy_n(derived.begin(), 32, keys.root_key.bytes.begin());
  std::copy_n(derived.begin() + 32, 32, keys.unused_chain_key.bytes.begin());
  wipe(derived);
  return keys;
}

}  // namespace

Result<X3dhKeys> x3dh_initiator(const KeyPair& identity, const KeyPair& base, const PreKeyBundle& bundle) {
  const Agreement dh1{identity.secret, bundle.signed_pre_key};
  const Agreement dh2{base.secret, bundle.identity};
  const Agreement dh3{base.secret, bundle.signed_pre_key};
  if (!bundle.one_time) return derive({dh1, dh2, dh3});
  return derive({dh1, dh2, dh3, {base.secret, bundle.one_time->pub}});
}

Result<X3dhKeys> x3dh_responder(const KeyPair& identity, const KeyPair& signed_pre_key, const KeyPair* one_time,
                                const PublicKey& remote_identity, const PublicKey& remote_base) {
  const Agreement dh1{signed_pre_key.secret, remote_identity};
  const Agreement dh2{identity.secret, remote_base};
  const Agreement dh3{signed_pre_key.secret, remote_base};
  if (one_time == nullptr) return derive({dh1, dh2, dh3});
  return derive({dh1, dh2, dh3, {one_time->secret, remote_base}});
}

}  // namespace detail

SignedPreKey make_signed_pre_key(const KeyPair& identity, PreKeyId id, Random& random) {
  SignedPreKey key;
  key.id = id;
  key.pair = KeyPair::generate(random);
  key.signature = xeddsa_sign(identity, typed(key.pair.pub), random);
  return key;
}

}  // namespace wharf::protocol
