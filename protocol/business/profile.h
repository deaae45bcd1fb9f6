#pragma once
// What a business says of itself: address, opening hours, categories. Specification 05 section 9, 02 section 10.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "protocol/binary/node.h"

namespace wharf::protocol {

enum class Weekday : std::uint8_t { sun, mon, tue, wed, thu, fri, sat };

/// One line of the opening hours; a day may have several, one without any is closed.
struct BusinessHours {
  enum class Mode : std::uint8_t { open_24h, specific_hours, appointment_only };
  Weekday day{};
  Mode mode{};
  std::uint16_t opens = 0, closes = 0;  // of specific_hours: minutes from midnight, 0..1440
  friend bool operator==(const BusinessHours&, const BusinessHours&) = default;
};
struct BusinessCategory {
  std::string id, name;
  friend bool operator==(const BusinessCategory&, const BusinessCategory&) = default;
};

/// Texts are untrusted: an address of a website is one line and nothing more is known of it. "" = not said.
struct BusinessProfile {
  Jid jid = {};
  std::string tag = {};  // changes with the profile
  std::string description = {}, address = {}, email = {};
  std::vector<std::string> websites = {};  // at most 2
  std::optional<double> latitude = {}, longitude = {};
  std::vector<BusinessCategory> categories = {};
  std::string timezone = {};
  std::vector<BusinessHours> hours = {};
  friend bool operator==(const BusinessProfile&, const BusinessProfile&) = default;
};

Node business_profile_iq(std::string_view id, std::span<const Jid> businesses);
/// Those that are businesses; rows and values that cannot be used are left out. Errors: as iq_refusal
/// (protocol/stanzas/iq_reading.h), but 404 is an empty answer; malformed (over 1,000 rows).
Result<std::vector<BusinessProfile>> read_business_profiles(const Node& answer);

/// The network's side. nullopt when it is no such request.
std::optional<std::vector<Jid>> read_business_profile_query(const Node& iq);
Node business_profile_answer(const Node& request, std::span<const BusinessProfile> profiles);

}  // namespace wharf::protocol
