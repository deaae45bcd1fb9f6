#include "protocol/stanzas/prekeys.h"

#include "protocol/crypto/hash.h"
#include "protocol/stanzas/iq.h"
#include "protocol/stanzas/key_nodes.h"

namespace wharf::protocol {

namespace {

constexpr std::size_t max_uploaded_keys = 1000;  // 06 section 6
constexpr std::size_t max_digest_keys = 65535;
constexpr std::uint64_t max_prekey_count = 1u << 24;

}  // namespace

Node upload_prekeys_iq(std::string_view id, const PublishedKeys& keys, std::span<const PreKey> one_time) {
  Node list("list");
  for (const PreKey& key : one_time) list.add(key_node(key.id, key.pair.pub));
  Node iq = iq_set(id, "encrypt");
  iq.add(Node("registration").bytes(big_endian(keys.registration_id, 4)))
      .add(Node("type").bytes(Bytes{signal_key_type}))
      .add(Node("identity").bytes(keys.identity))
      .add(std::move(list))
      .add(signed_key_node(keys.signed_pre_key_id, keys.signed_pre_key, keys.signature));
  return iq;
}

Node prekey_count_iq(std::string_view id) { return iq_get(id, "encrypt").add(Node("count")); }

std::uint64_t prekey_count(const Node& answer) {
  const Node* count = answer.child("count");
  if (count == nullptr) return 0;
  return std::min(count->number("value").value_or(0), max_prekey_count);
}

Node prekey_digest_iq(std::string_view id) { return iq_get(id, "encrypt").add(Node("digest")); }

Result<PreKeyDigest> read_digest(const Node& answer) {
  const Node* digest = answer.child("digest");
  if (digest == nullptr) return Error(Errc::malformed, "digest answer without digest");
  const auto keys = read_published_keys(*digest);
  const auto hash = exactly<20>(digest->child_data("hash").value_or(ByteView()));
  const Node* list = digest->child("list");
  if (!keys || !hash || list == nullptr || list->children().size() > max_digest_keys) {
    return Error(Errc::malformed, "prekey digest");
  }
  PreKeyDigest out{*keys, {}, *hash};
  for (const Node* entry : list->children("id")) {
    const auto id = read_key_id(entry->data());
    if (!id) return Error(Errc::malformed, "prekey id of the digest");
    out.one_time.push_back(*id);
  }
  return out;
}

std::array<std::uint8_t, 20> digest_hash(const PublishedKeys& keys, std::span<const PublicKey> one_time) {
  Bytes input = concat(keys.identity, keys.signed_pre_key, keys.signature);
  for (const PublicKey& key : one_time) append(input, key);
  return sha1(input);
}

Node rotate_signed_prekey_iq(std::string_view id, const SignedPreKey& key) {
  return iq_set(id, "encrypt").add(Node("rotate").add(signed_key_node(key.id, key.pair.pub, key.signature)));
}

Node fetch_bundles_iq(std::string_view id, std::span<const Jid> devices, bool identity_changed) {
  Node key("key");
  for (const Jid& device : devices) {
    Node user("user");
    user.set("jid", device);
    if (identity_changed) user.set("reason", "identity");
    key.add(std::move(user));
  }
  return iq_get(id, "encrypt").add(std::move(key));
}

std::vector<FetchedBundle> read_bundles(const Node& answer) {
  std::vector<FetchedBundle> out;
  const Node* list = answer.child("list");
  if (list == nullptr) return out;
  for (const Node* user : list->children("user")) {
    const auto jid = user->jid("jid");
    if (!jid || jid->user.empty()) continue;
    FetchedBundle fetched;
    fetched.jid = *jid;
    if (const Node* error = user->child("error")) {
      fetched.error_code = static_cast<unsigned>(std::min<std::uint64_t>(error->number("code").value_or(0), 9999));
    } else {
      const Node* keys = user->child("keys");  // some servers wrap the children
      fetched.bundle = read_bundle(keys != nullptr ? *keys : *user);
    }
    out.push_back(std::move(fetched));
  }
  return out;
}

Result<UploadedKeys> read_upload(const Node& iq) {
  const auto keys = read_published_keys(iq);
  const Node* list = iq.child("list");
  if (!keys || list == nullptr) return Error(Errc::malformed, "prekey upload");
  if (list->children().empty() || list->children().size() > max_uploaded_keys) {
    return Error(Errc::malformed, "a prekey upload holds 1 to 1000 keys");
  }
  UploadedKeys out{*keys, {}};
  for (const Node& entry : list->children()) {
    const auto key = entry.is("key") ? read_key_node(entry) : std::nullopt;
    if (!key) return Error(Errc::malformed, "one-time prekey of the upload");
    out.one_time.push_back(*key);
  }
  return out;
}

Node bundle_user_node(const Jid& jid, const PreKeyBundle& bundle) {
  Node user("user");
  user.set("jid", jid)
      .add(Node("registration").bytes(big_endian(bundle.registration_id, 4)))
      .add(Node("type").bytes(Bytes{signal_key_type}))
      .add(Node("identity").bytes(bundle.identity))
      .add(signed_key_node(bundle.signed_pre_key_id, bundle.signed_pre_key, bundle.signed_pre_key_signature));
  if (bundle.one_time) user.add(key_node(bundle.one_time->id, bundle.one_time->pub));
  if (!bundle.device_identity.empty()) user.add(Node("device-identity").bytes(bundle.device_identity));
  return user;
}

}  // namespace wharf::protocol
