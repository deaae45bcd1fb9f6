#include "protocol/stanzas/key_nodes.h"

namespace wharf::protocol {

namespace {

constexpr std::size_t max_device_identity_bytes = 1024;

struct SignedKey {
  PreKeyId id = 0;
  PublicKey key{};
  Signature signature{};
};
std::optional<SignedKey> read_signed_key(const Node* skey) {
  if (skey == nullptr) return std::nullopt;
  const auto id = read_key_id(skey->child_data("id").value_or(ByteView()));
  const auto key = exactly<32>(skey->child_data("value").value_or(ByteView()));
  const auto signature = exactly<64>(skey->child_data("signature").value_or(ByteView()));
  if (!id || !key || !signature) return std::nullopt;
  return SignedKey{*id, *key, *signature};
}

bool has_signal_type(const Node& node) {
  const auto type = node.child_data("type");
  return !type || (type->size() == 1 && type->front() == signal_key_type);
}

}  // namespace

Node key_node(PreKeyId id, const PublicKey& key) {
  return Node("key").add(Node("id").bytes(big_endian(id, 3))).add(Node("value").bytes(key));
}

Node signed_key_node(PreKeyId id, const PublicKey& key, const Signature& signature) {
  return Node("skey")
      .add(Node("id").bytes(big_endian(id, 3)))
      .add(Node("value").bytes(key))
      .add(Node("signature").bytes(signature));
}

std::optional<PreKeyId> read_key_id(ByteView bytes) {
  if (bytes.size() != 3) return std::nullopt;
  return static_cast<PreKeyId>(from_big_endian(bytes));
}

std::optional<PreKeyBundle::OneTime> read_key_node(const Node& key) {
  const auto id = read_key_id(key.child_data("id").value_or(ByteView()));
  const auto value = exactly<32>(key.child_data("value").value_or(ByteView()));
  if (!id || !value) return std::nullopt;
  return PreKeyBundle::OneTime{*id, *value};
}

std::optional<PublishedKeys> read_published_keys(const Node& node) {
  const ByteView registration = node.child_data("registration").value_or(ByteView());
  const auto identity = exactly<32>(node.child_data("identity").value_or(ByteView()));
  const auto skey = read_signed_key(node.child("skey"));
  if (registration.size() != 4 || !has_signal_type(node) || !identity || !skey) return std::nullopt;
  return PublishedKeys{static_cast<std::uint32_t>(from_big_endian(registration)), *identity, skey->id, skey->key,
                       skey->signature};
}

std::optional<PreKeyBundle> read_retry_keys(const Node& keys, std::uint32_t registration_id) {
  const auto identity = exactly<32>(keys.child_data("identity").value_or(ByteView()));
  const auto skey = read_signed_key(keys.child("skey"));
  if (!has_signal_type(keys) || !identity || !skey) return std::nullopt;
  PreKeyBundle bundle;
  bundle.registration_id = registration_id;
  bundle.identity = *identity;
  bundle.signed_pre_key_id = skey->id;
  bundle.signed_pre_key = skey->key;
  bundle.signed_pre_key_signature = skey->signature;
  if (const Node* key = keys.child("key")) {
    bundle.one_time = read_key_node(*key);
    if (!bundle.one_time) return std::nullopt;
  }
  if (const auto identity_bytes = keys.child_data("device-identity")) {
    if (identity_bytes->size() > max_device_identity_bytes) return std::nullopt;
    bundle.device_identity = to_bytes(*identity_bytes);
  }
  return bundle;
}

std::optional<PreKeyBundle> read_bundle(const Node& node) {
  const auto registration = node.child_data("registration");
  if (!registration || registration->size() != 4) return std::nullopt;
  return read_retry_keys(node, static_cast<std::uint32_t>(from_big_endian(*registration)));
}

}  // namespace wharf::protocol
