#pragma once
// The key elements that uploads, fetch answers and retry receipts share: <key>, <skey>, <registration>, <identity>.
// Every width is exact (vectors prekey-upload.json): registration 4, ids 3, keys 32, signature 64, type one byte 05.

#include <optional>

#include "protocol/binary/node.h"
#include "protocol/stanzas/prekeys.h"

namespace wharf::protocol {

inline constexpr std::uint8_t signal_key_type = 5;

Node key_node(PreKeyId id, const PublicKey& key);                                     // <key>
Node signed_key_node(PreKeyId id, const PublicKey& key, const Signature& signature);  // <skey>

std::optional<PreKeyId> read_key_id(ByteView bytes);                  // exactly 3 bytes
std::optional<PreKeyBundle::OneTime> read_key_node(const Node& key);  // id and value of a <key>

/// registration, type (absent = 05), identity and skey among the children of `node`; nullopt when one is missing or has
/// a wrong width.
std::optional<PublishedKeys> read_published_keys(const Node& node);
/// The same as a bundle, with key and device-identity when present. A malformed <key> refuses the whole bundle.
std::optional<PreKeyBundle> read_bundle(const Node& node);
/// identity, skey, key and device-identity without the registration, which a retry receipt carries elsewhere.
std::optional<PreKeyBundle> read_retry_keys(const Node& keys, std::uint32_t registration_id);

}  // namespace wharf::protocol
