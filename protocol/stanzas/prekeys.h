#pragma once
// Prekey upload, count, digest, rotation and bundle fetch. Specification 02 section 6; 06 section 6.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "protocol/binary/node.h"
#include "protocol/signal/session.h"

namespace wharf::protocol {

struct PublishedKeys {
  std::uint32_t registration_id = 0;
  PublicKey identity{};
  PreKeyId signed_pre_key_id = 0;
  PublicKey signed_pre_key{};
  Signature signature{};
};

Node upload_prekeys_iq(std::string_view id, const PublishedKeys& keys, std::span<const PreKey> one_time);
Node prekey_count_iq(std::string_view id);
std::uint64_t prekey_count(const Node& answer);  // missing or unparsable = 0
Node prekey_digest_iq(std::string_view id);
struct PreKeyDigest {
  PublishedKeys keys;
  std::vector<PreKeyId> one_time;
  std::array<std::uint8_t, 20> hash{};
};
Result<PreKeyDigest> read_digest(const Node& answer);
/// SHA-1(identity || skey public || skey signature || one-time publics in list order).
std::array<std::uint8_t, 20> digest_hash(const PublishedKeys& keys, std::span<const PublicKey> one_time);
Node rotate_signed_prekey_iq(std::string_view id, const SignedPreKey& key);

Node fetch_bundles_iq(std::string_view id, std::span<const Jid> devices, bool identity_changed = false);
struct FetchedBundle {
  Jid jid;                             // as requested
  std::optional<PreKeyBundle> bundle;  // absent on error
  unsigned error_code = 0;             // 404/406: the device is gone; 0 with no bundle: malformed
};
/// One entry per <user>, in the order of the answer; only widths are checked here (signatures are start_session's
/// work). Duplicate users, users that were not asked for and users missing from the answer are the caller's concern. An
/// answer of type error gives an empty list: ask iq_error_of first.
std::vector<FetchedBundle> read_bundles(const Node& answer);

/// Server side and retry receipts: reads registration, identity, skey, key… Errors: malformed.
struct UploadedKeys {
  PublishedKeys keys;
  std::vector<PreKeyBundle::OneTime> one_time;
};
Result<UploadedKeys> read_upload(const Node& iq);
Node bundle_user_node(const Jid& jid, const PreKeyBundle& bundle);  // <user> of a fetch answer

}  // namespace wharf::protocol
