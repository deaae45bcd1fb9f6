// One signature scheme with five messages: the account (the phone's identity key) vouches for the companion's identity
// key, the companion countersigns, and the key-index list revokes. Every message starts with a two-byte prefix so that
// a signature for one purpose is worthless for another. `details` is signed as it was received: a re-encoded copy may
// differ in field order or unknown fields and would break a genuine signature.
#include "protocol/pairing/adv.h"

#include <array>

#include "protocol/crypto/hash.h"
#include "protocol/proto/adv.pb.h"

namespace wharf::protocol {

namespace {

using Prefix = std::array<std::uint8_t, 2>;
constexpr Prefix account_prefix = {6, 0};
constexpr Prefix device_prefix = {6, 1};
constexpr Prefix key_index_prefix = {6, 2};
constexpr Prefix hosted_account_prefix = {6, 5};  // also in front of the HMAC input of a hosted account
constexpr Prefix hosted_device_prefix = {6, 6};
constexpr Prefix hosted_key_index_prefix = {6, 7};

constexpr std::size_t max_container_bytes = 500;  // 02 section 2.5
constexpr std::size_t max_identity_bytes = 1024;  // details are some 20 bytes, keys and signatures 160
constexpr std::size_t max_key_index_list_bytes = 16 * 1024;
constexpr int max_valid_indexes = 2048;

template <class Message>
bool parse(Message& message, ByteView bytes) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

template <class Message>
Bytes serialise(const Message& message) {
  return to_bytes(as_bytes(message.SerializeAsString()));
}

void set(std::string* field, ByteView value) { field->assign(as_text(value)); }

Digest32 container_hmac(const Key32& adv_secret, bool hosted, ByteView details) {
  return hosted ? hmac_sha256(adv_secret, concat(hosted_account_prefix, details)) : hmac_sha256(adv_secret, details);
}

Bytes account_message(const Prefix& prefix, ByteView details, const PublicKey& companion) {
  return concat(prefix, details, companion);
}

Bytes device_message(const Prefix& prefix, ByteView details, const PublicKey& companion, const PublicKey& account) {
  return concat(prefix, details, companion, account);
}

}  // namespace

Result<PairSuccessIdentity> accept_pair_success(ByteView container, const Key32& adv_secret, const KeyPair& identity,
                                                Random& random) {
  if (container.empty() || container.size() > max_container_bytes) {
    return Error(Errc::malformed, "device identity container has a bad size");
  }
  wire::adv::SignedDeviceIdentityHmac outer;
  if (!parse(outer, container) || !outer.has_details() || !outer.has_hmac()) {
    return Error(Errc::malformed, "device identity container");
  }
  const ByteView signed_bytes = as_bytes(outer.details());
  const bool hosted_account = outer.account_type() == wire::adv::HOSTED;
  // The secret reached the phone out of band: this MAC, not the signature below, proves who signed.
  if (!equal_constant_time(container_hmac(adv_secret, hosted_account, signed_bytes), as_bytes(outer.hmac()))) {
    return Error(Errc::bad_mac, "device identity HMAC");
  }

  wire::adv::SignedDeviceIdentity signed_identity;
  if (!parse(signed_identity, signed_bytes) || !signed_identity.has_details() ||
      !signed_identity.has_account_signature_key() || !signed_identity.has_account_signature()) {
    return Error(Errc::malformed, "signed device identity");
  }
  const Bytes details = to_bytes(as_bytes(signed_identity.details()));
  wire::adv::DeviceIdentity device;
  if (!parse(device, details) || !device.has_key_index()) return Error(Errc::malformed, "device identity details");

  const auto account_key = exactly<32>(as_bytes(signed_identity.account_signature_key()));
  if (!account_key) return Error(Errc::invalid_key, "account signature key is not 32 bytes");
  const Prefix& prefix = device.device_type() == wire::adv::HOSTED ? hosted_account_prefix : account_prefix;
  if (!xeddsa_verify(*account_key, account_message(prefix, details, identity.pub),
                     as_bytes(signed_identity.account_signature()))) {
    return Error(Errc::bad_signature, "account signature");
  }

  set(signed_identity.mutable_device_signature(),
      xeddsa_sign(identity, device_message(device_prefix, details, identity.pub, *account_key), random));
  PairSuccessIdentity accepted;
  accepted.account = serialise(signed_identity);
  signed_identity.clear_account_signature_key();
  accepted.reply = serialise(signed_identity);
  accepted.account_key = *account_key;
  accepted.key_index = device.key_index();
  return accepted;
}

std::optional<PublicKey> account_key_of(ByteView account) {
  wire::adv::SignedDeviceIdentity parsed;
  if (account.empty() || account.size() > max_identity_bytes || !parse(parsed, account)) return std::nullopt;
  if (!parsed.has_account_signature_key()) return std::nullopt;
  return exactly<32>(as_bytes(parsed.account_signature_key()));
}

Result<void> verify_device_identity(ByteView signed_identity, const PublicKey& identity,
                                    const std::optional<PublicKey>& known_account_key) {
  wire::adv::SignedDeviceIdentity parsed;
  wire::adv::DeviceIdentity device;
  if (signed_identity.empty() || signed_identity.size() > max_identity_bytes || !parse(parsed, signed_identity) ||
      !parsed.has_details() || !parsed.has_account_signature() || !parsed.has_device_signature() ||
      !parse(device, as_bytes(parsed.details()))) {
    return Error(Errc::malformed, "device identity");
  }
  std::optional<PublicKey> account = known_account_key;
  if (parsed.has_account_signature_key()) {
    const auto embedded = exactly<32>(as_bytes(parsed.account_signature_key()));
    if (!embedded) return Error(Errc::invalid_key, "account signature key is not 32 bytes");
    if (account && *account != *embedded) return Error(Errc::bad_signature, "signed by another account key");
    account = embedded;
  }
  if (!account) return Error(Errc::not_found, "no account key to verify the device identity with");

  const ByteView details = as_bytes(parsed.details());
  const auto signed_by = [](const PublicKey& key, const Bytes& plain, const Bytes& hosted,
                            const std::string& signature) {
    return xeddsa_verify(key, plain, as_bytes(signature)) || xeddsa_verify(key, hosted, as_bytes(signature));
  };
  if (!signed_by(*account, account_message(account_prefix, details, identity),
                 account_message(hosted_account_prefix, details, identity), parsed.account_signature())) {
    return Error(Errc::bad_signature, "account signature of the device identity");
  }
  if (!signed_by(identity, device_message(device_prefix, details, identity, *account),
                 device_message(hosted_device_prefix, details, identity, *account), parsed.device_signature())) {
    return Error(Errc::bad_signature, "device signature of the device identity");
  }
  return {};
}

Result<KeyIndexList> read_key_index_list(ByteView signed_list, const std::optional<PublicKey>& account_key) {
  wire::adv::SignedKeyIndexList outer;
  wire::adv::KeyIndexList inner;
  if (signed_list.empty() || signed_list.size() > max_key_index_list_bytes || !parse(outer, signed_list) ||
      !outer.has_details() || !parse(inner, as_bytes(outer.details())) ||
      inner.valid_indexes_size() > max_valid_indexes) {
    return Error(Errc::malformed, "key index list");
  }
  std::optional<PublicKey> key = account_key;
  if (outer.has_account_signature_key()) {
    const auto embedded = exactly<32>(as_bytes(outer.account_signature_key()));
    if (!embedded) return Error(Errc::malformed, "account signature key of the key index list");
    if (key && *key != *embedded) return Error(Errc::bad_signature, "key index list of another account key");
    key = embedded;
  }
  const Prefix& prefix = inner.account_type() == wire::adv::HOSTED ? hosted_key_index_prefix : key_index_prefix;
  if (key && !xeddsa_verify(*key, concat(prefix, as_bytes(outer.details())), as_bytes(outer.account_signature()))) {
    return Error(Errc::bad_signature, "key index list");
  }

  KeyIndexList list;
  list.raw_id = inner.raw_id();
  list.timestamp = inner.timestamp();
  list.current_index = inner.current_index();
  list.valid_indexes.assign(inner.valid_indexes().begin(), inner.valid_indexes().end());
  return list;
}

Bytes issue_device_identity(const KeyPair& account, const PublicKey& companion_identity,
                            const DeviceIdentityDetails& details, const Key32& adv_secret, Random& random) {
  wire::adv::DeviceIdentity device;
  device.set_raw_id(details.raw_id);
  device.set_timestamp(details.timestamp);
  device.set_key_index(details.key_index);
  const Bytes device_bytes = serialise(device);

  wire::adv::SignedDeviceIdentity signed_identity;
  set(signed_identity.mutable_details(), device_bytes);
  set(signed_identity.mutable_account_signature_key(), account.pub);
  set(signed_identity.mutable_account_signature(),
      xeddsa_sign(account, account_message(account_prefix, device_bytes, companion_identity), random));
  const Bytes signed_bytes = serialise(signed_identity);

  wire::adv::SignedDeviceIdentityHmac container;
  set(container.mutable_details(), signed_bytes);
  set(container.mutable_hmac(), container_hmac(adv_secret, false, signed_bytes));
  return serialise(container);
}

Result<Bytes> complete_device_identity(ByteView reply, ByteView container, const PublicKey& companion_identity) {
  wire::adv::SignedDeviceIdentityHmac outer;
  wire::adv::SignedDeviceIdentity issued, answer;
  if (!parse(outer, container) || !parse(issued, as_bytes(outer.details()))) {
    return Error(Errc::malformed, "issued device identity");
  }
  if (reply.empty() || reply.size() > max_identity_bytes || !parse(answer, reply) || !answer.has_details() ||
      !answer.has_device_signature()) {
    return Error(Errc::malformed, "pair-device-sign reply");
  }
  // Most clients blank it, some in the field send it.
  if (answer.has_account_signature_key() && answer.account_signature_key() != issued.account_signature_key()) {
    return Error(Errc::conflict, "reply names another account signature key");
  }
  if (answer.details() != issued.details() || answer.account_signature() != issued.account_signature()) {
    return Error(Errc::conflict, "reply is about another device identity");
  }
  const auto account_key = exactly<32>(as_bytes(issued.account_signature_key()));
  if (!account_key) return Error(Errc::malformed, "issued device identity");
  const Bytes message = device_message(device_prefix, as_bytes(issued.details()), companion_identity, *account_key);
  if (!xeddsa_verify(companion_identity, message, as_bytes(answer.device_signature()))) {
    return Error(Errc::bad_signature, "device signature");
  }
  issued.set_device_signature(answer.device_signature());
  return serialise(issued);
}

Bytes issue_key_index_list(const KeyPair& account, const KeyIndexList& list, Random& random) {
  wire::adv::KeyIndexList inner;
  inner.set_raw_id(list.raw_id);
  inner.set_timestamp(list.timestamp);
  inner.set_current_index(list.current_index);
  for (const std::uint32_t index : list.valid_indexes) inner.add_valid_indexes(index);
  const Bytes details = serialise(inner);

  wire::adv::SignedKeyIndexList outer;
  set(outer.mutable_details(), details);
  set(outer.mutable_account_signature(), xeddsa_sign(account, concat(key_index_prefix, details), random));
  return serialise(outer);
}

}  // namespace wharf::protocol
