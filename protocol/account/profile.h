#pragma once
// The about text, the text status and the default timer of the own account. All are read of anybody with a profile
// query (protocol/account/profile_query.h). Specification 05 section 13 (items 2 and 6), 02 section 10.

#include <array>
#include <optional>
#include <string>

#include "protocol/binary/node.h"
#include "protocol/mex/query.h"

namespace wharf::protocol {

inline constexpr std::size_t max_about_characters = 139;
/// Well-formed UTF-8 of at most 139 characters, without NUL. Empty clears it.
bool acceptable_about(std::string_view text);
Node set_about_iq(std::string_view id, std::string_view text);  // answered by result_only()
/// The network's side. nullopt when it is no such request or the text is not acceptable.
std::optional<std::string> read_about_change(const Node& iq);

/// The newer form of it, with an emoji and an end. Answered by read_mex_answer().
struct OwnTextStatus {
  std::string text, emoji;                     // "" = none
  std::optional<std::uint64_t> lasts_seconds;  // nullopt: until it is changed
  friend bool operator==(const OwnTextStatus&, const OwnTextStatus&) = default;
};
MexRequest text_status_request(const OwnTextStatus& status);
/// The network's side, of the operation UpdateTextStatus. nullopt when the text is not acceptable_about().
std::optional<OwnTextStatus> read_text_status_request(const MexRequest& request);

/// What new chats may be set to forget after: off, a day, a week, 90 days.
inline constexpr std::array<std::uint32_t, 4> default_timers = {0, 86'400, 604'800, 7'776'000};
bool acceptable_default_timer(std::uint32_t seconds);
Node set_default_timer_iq(std::string_view id, std::uint32_t seconds);  // answered by result_only()
std::optional<std::uint32_t> read_default_timer_change(const Node& iq);

}  // namespace wharf::protocol
