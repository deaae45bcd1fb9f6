#include "api/validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "api/chat_id.h"
#include "api/event_id.h"
#include "api/event_names.h"
#include "api/iso_time.h"
#include "net/url.h"
#include "protocol/bytes.h"
#include "protocol/messages/content.h"
#include "web/header_parameters.h"

namespace wharf::api::formats {
namespace {

using Problem = std::optional<web::FormatProblem>;

Problem must(bool good, std::string_view what) {
  if (good) return std::nullopt;
  return web::FormatProblem{fmt::format("must be {}", what), false};
}

bool alphanumeric(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x80 && isalnum(c); });
}

bool printable_word(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

Problem check_session_name(std::string_view text) {
  return must(is_session_name(text), "1 to 64 characters of A-Z a-z 0-9 . _ -");
}
Problem check_chat_id(std::string_view text) {
  if (parse_chat_id(text)) return std::nullopt;
  return web::FormatProblem{chat_id_problem(text), false};
}
Problem check_user_id(std::string_view text) {
  const auto user = parse_chat_id(text);
  if (user && user->has_devices()) return std::nullopt;
  return web::FormatProblem{person_id_problem(text), false};
}
Problem check_group_id(std::string_view text) {
  const auto group = parse_chat_id(text);
  if (group && group->is_group()) return std::nullopt;
  return web::FormatProblem{group_id_problem(text), false};
}
Problem check_message_id(std::string_view text) {
  return must(parse_message_id(text).has_value(), "a message id: true_<chat>_<id> or the bare WhatsApp id");
}
Problem check_new_message_id(std::string_view text) {
  return must(text.size() >= 8 && text.size() <= 64 && alphanumeric(text), "8 to 64 letters and digits");
}

Problem check_url(std::string_view text) {
  const auto url = net::parse_url(text);
  if (!url) return must(false, "an http or https URL: " + url.error());
  return must(url->scheme == "http" || url->scheme == "https", "an http or https URL");
}

Problem check_event_pattern(std::string_view name) {
  return must(is_event_pattern(name),
              fmt::format("*, a prefix such as group_*, or one of: {}", fmt::join(known_event_names(), ", ")));
}

Problem check_event_list(std::string_view text) {
  const auto names = split_names(text);
  for (const std::string& name : names)
    if (auto problem = check_event_pattern(name)) return problem;
  // A subscriber that waits for them would wait for ever.
  for (const std::string& name : names)
    if (!can_fire(name))
      return web::FormatProblem{
          fmt::format("{} is not fired yet; these are: {}", name, fmt::join(fired_event_names(), ", ")), true};
  return std::nullopt;
}

Problem check_event_position(std::string_view text) {
  return must(parse_event_id(text).has_value(), "the id of an event or a nextCursor, as it came; 0: the oldest kept");
}

Problem check_header(std::string_view text) {
  const bool control =
      std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f; });
  if (!control) return std::nullopt;
  return web::FormatProblem{"must not contain control characters", false};
}

Problem check_file_type(std::string_view text) {
  using Kind = protocol::MessageKind;
  constexpr std::array kinds = {Kind::image, Kind::video, Kind::gif,      Kind::video_note,
                                Kind::audio, Kind::voice, Kind::document, Kind::sticker};
  std::vector<std::string_view> names;
  for (const Kind kind : kinds) names.emplace_back(protocol::name(kind));
  if (std::find(names.begin(), names.end(), text) != names.end()) return std::nullopt;
  return web::FormatProblem{fmt::format("must be one of: {}", fmt::join(names, ", ")), false};
}

Problem check_secret(std::string_view text) {
  if (!printable_word(text)) return must(false, "printable ASCII without spaces");
  return must(!text.starts_with("whsec_") || protocol::from_base64(text.substr(6)),
              "padded base64 behind the prefix whsec_");
}

}  // namespace

const web::Format session_name{check_session_name, "^(?!\\.{1,2}$)[A-Za-z0-9._-]{1,64}$", {}};
// Whatever is taken is of these forms; how many digits there are is told by the check.
#define WHARF_USER_FORM R"(^\+?[0-9 .()-]+$|^\+?[0-9 ._:-]+@(c\.us|s\.whatsapp\.net|lid|hosted|hosted\.lid)$)"
#define WHARF_GROUP_FORM R"(^[0-9]+(-[0-9]+)?@g\.us$)"
const web::Format chat_id{check_chat_id, WHARF_USER_FORM "|" WHARF_GROUP_FORM "|^[0-9]+@newsletter$", {}};
const web::Format user_id{check_user_id, WHARF_USER_FORM, {}};
const web::Format group_id{check_group_id, WHARF_GROUP_FORM, {}};
#undef WHARF_USER_FORM
#undef WHARF_GROUP_FORM
const web::Format message_id{check_message_id, {}, {}};
const web::Format new_message_id{check_new_message_id, "^[A-Za-z0-9]{8,64}$", {}};
const web::Format url{check_url, {}, "uri"};
const web::Format event_pattern{check_event_pattern, {}, {}};
const web::Format event_list{check_event_list, {}, {}};
const web::Format header{check_header, {}, {}};
const web::Format secret{check_secret, {}, {}};
const web::Format media_type{[](std::string_view text) -> Problem {
  if (web::is_media_type(text)) return std::nullopt;
  return web::FormatProblem{"must be a media type, for example application/pdf", false};
}};
const web::Format file_type{check_file_type, {}, {}};
const web::Format date_time{
    [](std::string_view text) -> std::optional<web::FormatProblem> {
      if (parse_iso(text)) return std::nullopt;
      return web::FormatProblem{"must be a time with its offset, for example 2026-12-24T18:00:00Z or …+01:00", false};
    },
    {},
    "date-time"};
const web::Format event_position{check_event_position, {}, {}};

bool names_chat(const web::Format* format) { return format == &chat_id || format == &user_id || format == &group_id; }

}  // namespace wharf::api::formats
