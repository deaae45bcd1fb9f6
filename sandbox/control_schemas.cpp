#include "sandbox/control_schemas.h"

#include "sandbox/media/media_faults.h"
#include "sandbox/phones.h"
#include "web/json_body.h"

namespace wharf::sandbox::schemas {
namespace {

std::optional<web::FormatProblem> check_phone(std::string_view text) {
  const auto digits = normalise_phone(text);
  if (digits) return std::nullopt;
  return web::FormatProblem{"is not valid: " + digits.error().detail, false};
}

std::optional<web::FormatProblem> check_chat(std::string_view text) {
  if (text.ends_with("@g.us")) return std::nullopt;
  return check_phone(text.substr(0, text.find('@')));
}

}  // namespace

constexpr web::Format phone_number{check_phone, {}, {}};
constexpr web::Format chat_text{check_chat, {}, {}};

namespace {

using web::Field;
using web::Format;
using web::FormatProblem;
using web::Type;

std::optional<FormatProblem> check_how(std::string_view text) {
  const bool code = text.size() == 3 && text.find_first_not_of("0123456789") == std::string_view::npos;
  if (code || text == "replaced" || text == "drop") return std::nullopt;
  return FormatProblem{"must be replaced, drop or a stream error code such as 515 or 503", false};
}

std::optional<FormatProblem> check_lid(std::string_view text) {
  if (text.ends_with("@lid")) text.remove_suffix(4);
  const bool digits = text.find_first_not_of("0123456789") == std::string_view::npos;
  if (text.size() == 15 && digits && text.front() != '0') return std::nullopt;
  return FormatProblem{"must be a LID, 15 digits with or without @lid", false};
}

constexpr Format kick_how{check_how, {}, {}};
constexpr Format lid_text{check_lid, {}, {}};

constexpr std::int64_t largest_file = std::int64_t{1} << 40;
constexpr std::int64_t largest_step_ms = 60LL * 86'400'000;

// A row is a field.
// clang-format off
constexpr Field create_phone_fields[] = {
    {.name = "phone", .required = true, .min = 1, .max = 64, .format = &phone_number},
    {.name = "name", .max = 100},
    {.name = "lid", .type = Type::boolean},
};
constexpr Field scan_fields[] = {{.name = "qr", .required = true, .min = 1, .max = 4'096}};
constexpr Field enter_code_fields[] = {{.name = "code", .required = true, .min = 1, .max = 64}};
constexpr Field location_fields[] = {
    {.name = "latitude", .type = Type::number, .required = true, .min = -90, .max = 90},
    {.name = "longitude", .type = Type::number, .required = true, .min = -180, .max = 180},
    {.name = "name", .max = 1'000}, {.name = "address", .max = 1'000}, {.name = "live", .type = Type::boolean},
};
constexpr web::Schema location{{}, location_fields};
constexpr Field contact_fields[] = {
    {.name = "name", .required = true, .min = 1, .max = 200}, {.name = "vcard", .required = true, .min = 1, .max = 32'768},
};
constexpr web::Schema contact{{}, contact_fields};
constexpr Field poll_fields[] = {
    {.name = "name", .required = true, .min = 1, .max = 255},
    {.name = "options", .type = Type::texts, .required = true, .min = 2, .max = 12},
    {.name = "selectableCount", .type = Type::integer, .max = 12},
};
constexpr web::Schema poll{{}, poll_fields};
constexpr Field reaction_fields[] = {
    {.name = "message", .required = true, .min = 1, .max = 128}, {.name = "emoji", .required = true, .max = 64},
    {.name = "sealed", .type = Type::boolean},
};
constexpr web::Schema reaction{{}, reaction_fields};
constexpr Field edit_fields[] = {
    {.name = "message", .required = true, .min = 1, .max = 128}, {.name = "text", .required = true, .min = 1, .max = 65'536},
    {.name = "sealed", .type = Type::boolean},
};
constexpr web::Schema edit{{}, edit_fields};
constexpr Field event_fields[] = {
    {.name = "name", .required = true, .min = 1, .max = 255}, {.name = "description", .max = 4'096},
    {.name = "startTime", .type = Type::integer, .required = true, .max = 4'294'967'295},
    {.name = "cancelled", .type = Type::boolean}, {.name = "extraGuestsAllowed", .type = Type::boolean},
};
constexpr web::Schema event{{}, event_fields};
constexpr Field event_edit_fields[] = {
    {.name = "message", .required = true, .min = 1, .max = 128},
    {.name = "name", .required = true, .min = 1, .max = 255}, {.name = "description", .max = 4'096},
    {.name = "startTime", .type = Type::integer, .required = true, .max = 4'294'967'295},
    {.name = "cancelled", .type = Type::boolean}, {.name = "extraGuestsAllowed", .type = Type::boolean},
};
constexpr web::Schema event_edit{{}, event_edit_fields};
constexpr Field answer_fields[] = {
    {.name = "message", .required = true, .min = 1, .max = 128},
    {.name = "response", .required = true, .one_of = "going|notGoing|maybe"},
    {.name = "extraGuests", .type = Type::integer, .max = 100},
};
constexpr web::Schema answer{{}, answer_fields};
constexpr Field revoke_fields[] = {{.name = "message", .required = true, .min = 1, .max = 128}};
constexpr web::Schema revoke{{}, revoke_fields};
constexpr Field vote_fields[] = {
    {.name = "message", .required = true, .min = 1, .max = 128},
    {.name = "options", .type = Type::texts, .required = true, .max = 12},
};
constexpr web::Schema vote{{}, vote_fields};
constexpr Field pin_fields[] = {
    {.name = "message", .required = true, .min = 1, .max = 128},
    {.name = "pinned", .type = Type::boolean}, {.name = "duration", .one_of = "24h|7d|30d"},
};
constexpr web::Schema pin{{}, pin_fields};
constexpr Field timer_fields[] = {{.name = "seconds", .type = Type::integer, .required = true, .max = 7'776'000}};
constexpr web::Schema timer{{}, timer_fields};
constexpr Field album_fields[] = {
    {.name = "images", .type = Type::integer, .max = 100}, {.name = "videos", .type = Type::integer, .max = 100},
};
constexpr web::Schema album{{}, album_fields};
constexpr Field group_invite_fields[] = {
    {.name = "group", .required = true, .min = 1, .max = 64}, {.name = "code", .required = true, .min = 1, .max = 64},
    {.name = "name", .max = 1'000}, {.name = "caption", .max = 65'536},
    {.name = "expiresAt", .type = Type::integer, .required = true, .max = 4'294'967'295},
};
constexpr web::Schema group_invite{{}, group_invite_fields};
constexpr Field sent_media_fields[] = {
    {.name = "kind", .required = true, .one_of = "image|video|gif|video_note|audio|voice|document|sticker"},
    {.name = "data", .required = true, .min = 1, .max = web::max_json_bytes},
    {.name = "mimetype", .min = 1, .max = 255}, {.name = "filename", .max = 255}, {.name = "caption", .max = 65'536},
    {.name = "width", .type = Type::integer, .max = 65'535}, {.name = "height", .type = Type::integer, .max = 65'535},
    {.name = "seconds", .type = Type::integer, .max = 1'000'000},
    {.name = "viewOnce", .type = Type::boolean},
    {.name = "album", .min = 1, .max = 128},  // the id of the head that it belongs to
};
constexpr web::Schema media_to_send{{}, sent_media_fields};
constexpr Field send_message_fields[] = {
    {.name = "to", .required = true, .min = 1, .max = 128},
    {.name = "text", .min = 1, .max = 65'536},
    {.name = "quoted", .max = 128},
    {.name = "mentions", .type = Type::texts, .max = 1'024},
    // Instead of text, one of these:
    {.name = "location", .type = Type::object, .object = &location},
    {.name = "contact", .type = Type::object, .object = &contact},
    {.name = "poll", .type = Type::object, .object = &poll},
    {.name = "media", .type = Type::object, .object = &media_to_send},
    {.name = "event", .type = Type::object, .object = &event},
    {.name = "album", .type = Type::object, .object = &album},
    {.name = "groupInvite", .type = Type::object, .object = &group_invite},
    {.name = "reaction", .type = Type::object, .object = &reaction},
    {.name = "edit", .type = Type::object, .object = &edit},
    {.name = "eventEdit", .type = Type::object, .object = &event_edit},
    {.name = "answer", .type = Type::object, .object = &answer},
    {.name = "revoke", .type = Type::object, .object = &revoke},
    {.name = "vote", .type = Type::object, .object = &vote},
    {.name = "pin", .type = Type::object, .object = &pin},
    {.name = "disappearing", .type = Type::object, .object = &timer},
    // As the contract names them; here they are all "media".
    {.name = "image", .later = true}, {.name = "video", .later = true}, {.name = "audio", .later = true},
    {.name = "voice", .later = true}, {.name = "document", .later = true}, {.name = "sticker", .later = true},
};
constexpr Field mark_read_fields[] = {
    {.name = "chat", .required = true, .min = 1, .max = 128},
    {.name = "id", .max = 128},
};
constexpr Field set_typing_fields[] = {
    {.name = "to", .required = true, .min = 1, .max = 64, .format = &chat_text},
    {.name = "state", .required = true, .one_of = "composing|recording|paused"},
};
constexpr Field switched_fields[] = {{.name = "on", .type = Type::boolean, .required = true}};
constexpr Field media_retry_fields[] = {
    {.name = "answer", .required = true, .one_of = "upload|not_found|general_error|silent"},
};
constexpr Field unlink_fields[] = {{.name = "device", .type = Type::any, .required = true}};
constexpr Field peer_fields[] = {{.name = "peer", .required = true, .min = 1, .max = 64, .format = &phone_number}};
constexpr Field set_account_fields[] = {
    {.name = "restricted", .type = Type::boolean},
    {.name = "newChatsLeft", .type = Type::integer, .max = 1'000'000, .nullable = true},
};
constexpr Field change_lid_fields[] = {{.name = "lid", .min = 1, .max = 32, .format = &lid_text}};
constexpr Field change_number_fields[] = {{.name = "number", .required = true, .min = 1, .max = 64, .format = &phone_number}};
// A body without fields removes the rule, so none of them is required here.
constexpr Field set_auto_reply_fields[] = {
    {.name = "contains", .max = 1'024},
    {.name = "text", .min = 1, .max = 65'536},
};
constexpr Field kick_fields[] = {
    {.name = "phone", .required = true, .min = 1, .max = 64, .format = &phone_number},
    {.name = "device", .type = Type::integer, .required = true, .min = 1, .max = 99},
    {.name = "how", .required = true, .min = 1, .max = 32, .format = &kick_how},
};
constexpr Field advance_clock_fields[] = {
    {.name = "advanceMs", .type = Type::integer, .required = true, .max = largest_step_ms},
};

// An item of "media" in POST /faults, and the members beside it.
constexpr Field media_fault_fields[] = {
    {.name = "what", .required = true, .one_of = "status|dead|cut|truncate|flip|slow"},
    {.name = "on", .one_of = "upload|download"},
    {.name = "host", .one_of = "primary|fallback|phones"},
    {.name = "kind", .min = 1, .max = 64},
    {.name = "path", .min = 1, .max = 512},
    {.name = "count", .type = Type::integer, .min = 1, .max = MediaFaults::max_count},
    {.name = "status", .type = Type::integer, .min = 300, .max = 599},
    {.name = "retryAfter", .type = Type::integer, .min = 1, .max = 86'400},
    {.name = "bytes", .type = Type::integer, .max = largest_file},
    {.name = "bytesPerSecond", .type = Type::integer, .min = 1, .max = largest_file},
};
constexpr Field media_faults_fields[] = {
    {.name = "media", .type = Type::any},
    {.name = "forget_media", .min = 1, .max = 512},
    {.name = "expire_media", .min = 1, .max = 512},
    {.name = "expire_media_auth", .type = Type::boolean},
};

// Groups. What is too long for the network it refuses itself.
constexpr Field people_field{.name = "participants", .type = Type::texts, .max = 2'000, .format = &chat_text};
constexpr Field create_group_fields[] = {
    {.name = "subject", .required = true, .min = 1, .max = 1'024},
    people_field,
    {.name = "description", .max = 8'192},
    {.name = "announcement", .type = Type::boolean}, {.name = "locked", .type = Type::boolean},
    {.name = "approval", .type = Type::boolean}, {.name = "membersAdd", .type = Type::boolean},
    {.name = "membersLink", .type = Type::boolean},
    {.name = "disappearing", .type = Type::integer, .max = 7'776'000},
    {.name = "community", .type = Type::boolean},
    {.name = "parent", .min = 1, .max = 64},  // the id of a community
};
constexpr Field group_invite_shown_fields[] = {
    {.name = "group", .required = true, .min = 1, .max = 64}, {.name = "code", .required = true, .min = 1, .max = 64},
    {.name = "expiresAt", .type = Type::integer, .required = true, .max = 4'294'967'295},
    {.name = "from", .required = true, .min = 1, .max = 128, .format = &chat_text},
};
constexpr web::Schema group_invite_shown{{}, group_invite_shown_fields};
constexpr Field join_group_fields[] = {
    {.name = "link", .min = 1, .max = 512},
    {.name = "invite", .type = Type::object, .object = &group_invite_shown},
};
constexpr Field group_members_fields[] = {
    {.name = "action", .required = true, .one_of = "add|remove|promote|demote"},
    {.name = "participants", .type = Type::texts, .required = true, .min = 1, .max = 2'000, .format = &chat_text},
};
constexpr Field group_subject_fields[] = {{.name = "subject", .required = true, .max = 1'024}};
constexpr Field group_description_fields[] = {{.name = "description", .max = 8'192, .nullable = true}};
constexpr Field group_settings_fields[] = {
    {.name = "announcement", .type = Type::boolean}, {.name = "locked", .type = Type::boolean},
    {.name = "approval", .type = Type::boolean}, {.name = "membersAdd", .type = Type::boolean},
    {.name = "membersLink", .type = Type::boolean}, {.name = "frequentlyForwarded", .type = Type::boolean},
    {.name = "membersCreateGroups", .type = Type::boolean},
    {.name = "disappearing", .type = Type::integer, .max = 7'776'000},
};
constexpr Field group_picture_fields[] = {
    {.name = "data", .min = 1, .max = web::max_json_bytes, .nullable = true},
};
constexpr Field group_requests_fields[] = {
    {.name = "approve", .type = Type::texts, .max = 1'000, .format = &chat_text},
    {.name = "reject", .type = Type::texts, .max = 1'000, .format = &chat_text},
};
constexpr Field sub_groups_fields[] = {
    {.name = "groups", .type = Type::texts, .required = true, .min = 1, .max = 100},
    {.name = "removeOrphans", .type = Type::boolean},
};

constexpr Field scan_query_fields[] = {{.name = "phone", .max = 64, .format = &phone_number}};
constexpr Field messages_query_fields[] = {
    {.name = "limit", .type = Type::integer, .min = 1, .max = 5'000},
    {.name = "chat", .max = 128, .format = &chat_text},
    {.name = "after", .max = 128},
};
constexpr Field wire_query_fields[] = {{.name = "limit", .type = Type::integer, .min = 1, .max = 100'000}};
constexpr Field media_query_fields[] = {
    {.name = "limit", .type = Type::integer, .min = 1, .max = 1'000},
    {.name = "cursor", .type = Type::integer, .min = 0},
};
// clang-format on

}  // namespace

const web::Schema no_fields{{}, {}};
const web::Schema create_phone{{}, create_phone_fields};
const web::Schema scan{{}, scan_fields};
const web::Schema enter_code{{}, enter_code_fields};
const web::Schema send_message{{}, send_message_fields};
const web::Schema mark_read{{}, mark_read_fields};
const web::Schema set_typing{{}, set_typing_fields};
const web::Schema switched{{}, switched_fields};
const web::Schema media_retry{{}, media_retry_fields};
const web::Schema sent_media{{}, sent_media_fields};
const web::Schema unlink{{}, unlink_fields};
const web::Schema peer{{}, peer_fields};
const web::Schema set_account{{}, set_account_fields};
const web::Schema change_number{{}, change_number_fields};
const web::Schema change_lid{{}, change_lid_fields};
const web::Schema set_auto_reply{{}, set_auto_reply_fields};
const web::Schema kick{{}, kick_fields};
const web::Schema advance_clock{{}, advance_clock_fields};
const web::Schema create_group{{}, create_group_fields};
const web::Schema join_group{{}, join_group_fields};
const web::Schema group_members{{}, group_members_fields};
const web::Schema group_subject{{}, group_subject_fields};
const web::Schema group_description{{}, group_description_fields};
const web::Schema group_settings{{}, group_settings_fields};
const web::Schema group_picture{{}, group_picture_fields};
const web::Schema group_requests{{}, group_requests_fields};
const web::Schema sub_groups{{}, sub_groups_fields};
const web::Schema scan_query{{}, scan_query_fields};
const web::Schema messages_query{{}, messages_query_fields};
const web::Schema wire_query{{}, wire_query_fields};
const web::Schema media_fault{{}, media_fault_fields};
const web::Schema media_faults{{}, media_faults_fields};
const web::Schema media_query{{}, media_query_fields};

}  // namespace wharf::sandbox::schemas
