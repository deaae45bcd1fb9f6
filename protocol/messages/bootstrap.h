#pragma once
// The two peer messages with which a phone starts a companion it just linked: the first app-state key and an empty
// initial history; and how a companion asks for a key it lacks. Specification 06 section 14 ("measured minimum"), 04
// sections 7.1 and 8.2.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "protocol/bytes.h"

namespace wharf::protocol {

struct AppStateKeyShare {
  std::array<std::uint8_t, 6> key_id{};  // BE16 device || BE32 epoch
  std::array<std::uint8_t, 32> key_data{};
  std::uint32_t raw_id = 0;         // fingerprint: of the account's ADV identity
  std::uint32_t current_index = 0;  // newest key index
  std::vector<std::uint32_t> device_indexes;
  std::int64_t timestamp = 0;  // unix milliseconds
  std::vector<Bytes> missing;  // ids that were asked for and that the phone has no key of
};
/// Encoded Message{protocolMessage{APP_STATE_SYNC_KEY_SHARE}}.
Bytes build_key_share(const AppStateKeyShare& share);

/// Encoded Message{protocolMessage{APP_STATE_SYNC_KEY_REQUEST}}: what a companion asks its phone for.
Bytes build_key_request(std::span<const Bytes> key_ids);

/// Encoded Message{protocolMessage{HISTORY_SYNC_NOTIFICATION}}: an inline INITIAL_BOOTSTRAP chunk without
/// conversations, progress 100.
Bytes build_empty_initial_history();

}  // namespace wharf::protocol
