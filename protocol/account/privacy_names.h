#pragma once
// The privacy settings of an account and what they may be set to. Specification 05 section 13 (item 4), 02 section 11.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace wharf::protocol {

/// What a setting rules. Others that servers name (cover_photo, groupcreation, …) are not read.
enum class PrivacyCategory : std::uint8_t {
  last_seen,        // last
  profile_picture,  // profile
  about,            // status
  online,
  read_receipts,  // readreceipts: none = send none in one-to-one chats either
  group_add,      // groupadd
  call_add,       // calladd
  messages,
  defense,
  stickers,
  linked_profiles,
  pix,
};
inline constexpr std::size_t privacy_category_count = 12;

enum class PrivacyValue : std::uint8_t {
  all,
  contacts,
  contact_blacklist,  // contacts without those of the exclusion list
  contact_allowlist,
  none,
  match_last_seen,
  known,
  off,
  on_standard,
};

struct PrivacySetting {
  PrivacyCategory category{};
  PrivacyValue value{};
  friend bool operator==(const PrivacySetting&, const PrivacySetting&) = default;
};

/// The names on the wire.
std::string_view name(PrivacyCategory category);
std::string_view name(PrivacyValue value);
std::optional<PrivacyCategory> privacy_category(std::string_view name);
std::optional<PrivacyValue> privacy_value(std::string_view name);

/// Whether a server takes this value for this category. What it says itself is not held against the table.
bool allowed(PrivacySetting setting);

}  // namespace wharf::protocol
