#pragma once
// The types of receipts that chats and groups treat alike. Specification 03 section 7.2, 06 sections 8.5 and 8.6.

#include <cstdint>
#include <string_view>

namespace wharf::sandbox {

/// How often one device may ask for a message again; what asks more often goes no further.
inline constexpr std::uint64_t max_retry_count = 5;

/// Said to the author.
inline bool is_read(std::string_view type) { return type == "read" || type == "played"; }
/// Said to the own devices alone.
inline bool is_self_read(std::string_view type) { return type == "read-self" || type == "played-self"; }
/// What the own devices hear of either.
inline std::string_view self_read_of(std::string_view type) {
  return type.starts_with("read") ? "read-self" : "played-self";
}

}  // namespace wharf::sandbox
