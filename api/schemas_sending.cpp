// The types of what is sent: messages, and what is said about one.
#include "api/schema_words.h"
#include "api/schemas.h"

namespace wharf::api::schemas {
namespace {

constexpr std::int64_t kib = 1024;

// A row is a field.
// clang-format off
#define WHARF_WHEN                                                                                                     \
  {.name = "expiresAt", .summary = "what was not sent by then fails; of a scheduled message default: a day after sendAt", .format = &formats::date_time}, \
      {.name = "priority", .summary = "which chat goes first when not all can; default: high for what quotes, else normal", .one_of = "low|normal|high"}
constexpr Field link_preview_fields[] = {
    {.name = "url", .summary = "as it stands in the text", .required = true, .min = 1, .max = 2048, .format = &formats::url},
    {.name = "title", .required = true, .min = 1, .max = 300},
    {.name = "description", .max = 1000},
    {.name = "thumbnail", .summary = "a JPEG of at most 64 KiB, as base64", .min = 4, .max = 90'000},
};
constexpr Schema link_preview = {"LinkPreview", link_preview_fields};
constexpr Field send_text_fields[] = {
    {.name = "chatId", .required = true, .min = 1, .max = 128, .format = &formats::chat_id},
    {.name = "content", .summary = "the text", .required = true, .min = 1, .max = 65536},
    {.name = "quotedMessageId", .min = 1, .max = 300, .format = &formats::message_id},
    {.name = "mentions", .type = Type::texts, .summary = "user ids", .max = 256, .format = &formats::user_id},
    {.name = "messageId", .summary = "chosen by the caller: a retry returns the first answer", .format = &formats::new_message_id},
    {.name = "sendAt", .summary = "when to send it, at most a year from now", .format = &formats::date_time},
    {.name = "mentionAll", .type = Type::boolean, .summary = "mentions everybody in the chat"},
    WHARF_WHEN,
    {.name = "preview", .type = Type::object, .summary = "what is shown of an address in the text", .object = &link_preview},
    {.name = "linkPreview", .type = Type::boolean, .summary = "true: the preview of the first address in the text is fetched; default false"},
};
#define WHARF_AROUND_CONTENT                                                                                            \
  {.name = "chatId", .required = true, .min = 1, .max = 128, .format = &formats::chat_id},                               \
      {.name = "quotedMessageId", .min = 1, .max = 300, .format = &formats::message_id},                                 \
      {.name = "messageId", .summary = "chosen by the caller: a retry returns the first answer", .format = &formats::new_message_id}, \
      {.name = "sendAt", .summary = "when to send it, at most a year from now", .format = &formats::date_time}, WHARF_WHEN
constexpr Field send_location_fields[] = {
    WHARF_AROUND_CONTENT,
    {.name = "latitude", .type = Type::number, .required = true, .min = -90, .max = 90},
    {.name = "longitude", .type = Type::number, .required = true, .min = -180, .max = 180},
    {.name = "name", .max = 1000}, {.name = "address", .max = 1000}, {.name = "url", .max = 2048, .format = &formats::url},
    {.name = "live", .type = Type::boolean, .summary = "begins a live location, whose caption is name; updates are not sent"},
    {.name = "accuracy", .type = Type::integer, .summary = "metres", .max = 1'000'000},
};
constexpr Field send_group_invite_fields[] = {
    WHARF_AROUND_CONTENT,
    {.name = "groupId", .summary = "the group, …@g.us", .required = true, .min = 1, .max = 128, .format = &formats::group_id},
    {.name = "code", .summary = "of the invitation, as WhatsApp gave it", .required = true, .min = 1, .max = 128},
    {.name = "groupName", .required = true, .min = 1, .max = 255},
    {.name = "inviteExpiresAt", .type = Type::any, .summary = "a time with its offset, as the answer to an addition has it, or unix seconds; default: in three days"},
    {.name = "caption", .max = 4096},
};
constexpr Field contact_card_fields[] = {
    {.name = "name", .required = true, .min = 1, .max = 200},
    {.name = "phone", .summary = "with country code; instead of vcard", .max = 64},
    {.name = "organization", .max = 200},
    {.name = "vcard", .summary = "vCard 3.0; instead of phone", .max = 32 * kib},
};
constexpr Schema contact_card = {"ContactCard", contact_card_fields};
constexpr Field send_contact_fields[] = {
    WHARF_AROUND_CONTENT,
    {.name = "contacts", .type = Type::objects, .summary = "cards", .required = true, .min = 1, .max = 257, .object = &contact_card},
};
constexpr Field send_poll_fields[] = {
    WHARF_AROUND_CONTENT,
    {.name = "name", .summary = "the question", .required = true, .min = 1, .max = 255},
    {.name = "options", .type = Type::texts, .summary = "different texts of 1 to 400 bytes", .required = true, .min = 2, .max = 12},
    {.name = "multipleAnswers", .type = Type::boolean, .summary = "any number may be chosen; default: one"},
    {.name = "selectableCount", .type = Type::integer, .summary = "how many may be chosen; 0: any number", .min = 0, .max = 12},
};
constexpr Field send_event_fields[] = {
    WHARF_AROUND_CONTENT,
    {.name = "name", .required = true, .min = 1, .max = 255}, {.name = "description", .max = 4096},
    {.name = "startTime", .type = Type::integer, .summary = "unix seconds", .required = true, .min = 1, .max = 9'999'999'999},
    {.name = "endTime", .type = Type::integer, .summary = "unix seconds", .min = 1, .max = 9'999'999'999},
    {.name = "locationName", .max = 1000}, {.name = "joinLink", .max = 2048, .format = &formats::url},
    {.name = "extraGuestsAllowed", .type = Type::boolean},
};
constexpr Field file_fields[] = {
    {.name = "data", .summary = "the file as data URL or base64; or url; or mediaMessageId"},
    {.name = "url", .summary = "where to fetch the file: http or https", .min = 1, .max = 2048, .format = &formats::url},
    {.name = "mediaMessageId", .summary = "a stored message whose file is sent again", .min = 1, .max = 300, .format = &formats::message_id},
    {.name = "filename", .summary = "shown to the recipient", .min = 1, .max = 255},
    {.name = "caption", .max = 65536},
    {.name = "mimetype", .summary = "of a document; default: found out", .min = 3, .max = 255, .format = &formats::media_type},
    {.name = "type", .summary = "in an album: what it is; default: that of the request", .one_of = "image|video"},
};
constexpr Schema file = {"File", file_fields};
#define WHARF_FILE                                                                                                      \
  {.name = "data", .summary = "the file as data URL or base64; or a part of a form; or url; or mediaMessageId"},          \
      {.name = "url", .summary = "where to fetch the file: http or https", .min = 1, .max = 2048, .format = &formats::url}, \
      {.name = "mediaMessageId", .summary = "a stored message whose file is sent again", .min = 1, .max = 300, .format = &formats::message_id}, \
      {.name = "files", .type = Type::objects, .summary = "instead of one file several: a message of each, in order", .min = 1, .max = 10, .object = &file}, \
      {.name = "filename", .summary = "shown to the recipient", .min = 1, .max = 255},                                   \
      {.name = "mentions", .type = Type::texts, .summary = "user ids", .max = 256, .format = &formats::user_id},          \
      {.name = "mentionAll", .type = Type::boolean, .summary = "mentions everybody in the chat"}
#define WHARF_ALBUM {.name = "album", .type = Type::boolean, .summary = "several pictures and videos as one album; default false"}
#define WHARF_CAPTION {.name = "caption", .max = 65536}
#define WHARF_VIEW_ONCE {.name = "viewOnce", .type = Type::boolean, .summary = "can be seen once only"}
constexpr Field send_image_fields[] = {WHARF_AROUND_CONTENT, WHARF_FILE, WHARF_CAPTION, WHARF_VIEW_ONCE, WHARF_ALBUM};
constexpr Field send_file_fields[] = {
    WHARF_AROUND_CONTENT, WHARF_FILE, WHARF_CAPTION,
    {.name = "mimetype", .summary = "default: found out", .min = 3, .max = 255, .format = &formats::media_type},
};
constexpr Field send_audio_fields[] = {WHARF_AROUND_CONTENT, WHARF_FILE, WHARF_VIEW_ONCE};
constexpr Field send_video_fields[] = {
    WHARF_AROUND_CONTENT, WHARF_FILE, WHARF_CAPTION, WHARF_VIEW_ONCE, WHARF_ALBUM,
    {.name = "gif", .type = Type::boolean, .summary = "plays silently, again and again; a GIF image is converted"},
    {.name = "round", .type = Type::boolean, .summary = "a round video note"},
};
constexpr Field send_sticker_fields[] = {WHARF_AROUND_CONTENT, WHARF_FILE};
#undef WHARF_AROUND_CONTENT
// The other fields are those of the route of the type, and are checked as there. Their types stand here too: the texts of
// a form are read by them.
constexpr Field send_any_fields[] = {
    {.name = "data", .type = Type::any}, {.name = "files", .type = Type::objects, .object = &file},
    {.name = "mediaMessageId", .type = Type::any}, {.name = "filename", .type = Type::any},
    {.name = "caption", .type = Type::any}, {.name = "viewOnce", .type = Type::boolean}, {.name = "mimetype", .type = Type::any},
    {.name = "round", .type = Type::boolean}, {.name = "gif", .type = Type::boolean}, {.name = "album", .type = Type::boolean},
    {.name = "type", .required = true, .one_of = "text|location|contact|poll|event|group_invite|image|video|gif|audio|voice|document|sticker"},
    {.name = "chatId", .required = true, .min = 1, .max = 128, .format = &formats::chat_id},
    {.name = "content", .type = Type::any}, {.name = "quotedMessageId"}, {.name = "messageId"},
    {.name = "mentions", .type = Type::texts}, {.name = "mentionAll", .type = Type::boolean}, {.name = "sendAt", .type = Type::any}, {.name = "expiresAt", .type = Type::any}, {.name = "priority", .type = Type::any},
    {.name = "latitude", .type = Type::number, .min = -180, .max = 180}, {.name = "longitude", .type = Type::number, .min = -180, .max = 180}, {.name = "name", .type = Type::any},
    {.name = "address", .type = Type::any}, {.name = "url", .type = Type::any}, {.name = "contacts", .type = Type::objects, .object = &contact_card},
    {.name = "options", .type = Type::texts}, {.name = "multipleAnswers", .type = Type::boolean}, {.name = "selectableCount", .type = Type::integer},
    {.name = "description", .type = Type::any}, {.name = "startTime", .type = Type::integer}, {.name = "endTime", .type = Type::integer},
    {.name = "locationName", .type = Type::any}, {.name = "joinLink", .type = Type::any}, {.name = "extraGuestsAllowed", .type = Type::boolean},
    {.name = "live", .type = Type::boolean}, {.name = "accuracy", .type = Type::integer}, {.name = "groupId", .type = Type::any},
    {.name = "preview", .type = Type::any}, {.name = "linkPreview", .type = Type::boolean}, {.name = "code", .type = Type::any}, {.name = "groupName", .type = Type::any}, {.name = "inviteExpiresAt", .type = Type::any},
};
constexpr Field forward_fields[] = {
    {.name = "chatId", .summary = "where to", .required = true, .min = 1, .max = 128, .format = &formats::chat_id},
    {.name = "messageId", .summary = "a stored message of any chat", .required = true, .min = 1, .max = 300, .format = &formats::message_id},
    {.name = "sendAt", .summary = "when to send it, at most a year from now", .format = &formats::date_time}, WHARF_WHEN,
};
constexpr Field react_fields[] = {
    {.name = "emoji", .summary = "one emoji; empty takes the reaction back", .required = true, .max = 64},
    {.name = "messageId", .summary = "of the reaction, chosen by the caller", .format = &formats::new_message_id},
};
constexpr Field edit_message_fields[] = {
    {.name = "content", .summary = "the new text or caption", .required = true, .min = 1, .max = 65536},
    {.name = "mentions", .type = Type::texts, .summary = "user ids", .max = 256, .format = &formats::user_id},
    {.name = "messageId", .summary = "of the edit, chosen by the caller", .format = &formats::new_message_id},
    {.name = "preview", .type = Type::object, .summary = "what is shown of an address in the new text; without it, nothing", .object = &link_preview},
    {.name = "linkPreview", .type = Type::boolean, .summary = "true: the preview of the first address in the new text is fetched; default false"},
};
constexpr Field vote_fields[] = {
    {.name = "options", .type = Type::texts, .summary = "all that is chosen now; none takes the vote back", .required = true, .max = 12},
    {.name = "messageId", .summary = "of the vote, chosen by the caller", .format = &formats::new_message_id},
};
constexpr Field answer_event_fields[] = {
    {.name = "response", .required = true, .one_of = "going|notGoing|maybe"},
    {.name = "extraGuests", .type = Type::integer, .summary = "who comes along; default 0", .min = 0, .max = 100},
    {.name = "messageId", .summary = "of the answer, chosen by the caller", .format = &formats::new_message_id},
};
constexpr Field pin_message_fields[] = {
    {.name = "pinned", .type = Type::boolean, .summary = "default true; false takes the pin away"},
    {.name = "duration", .summary = "default 7d", .one_of = "24h|7d|30d"},
    {.name = "messageId", .summary = "of the pin, chosen by the caller", .format = &formats::new_message_id},
};
constexpr Field star_message_fields[] = {
    {.name = "starred", .type = Type::boolean, .summary = "default true; false takes the star away"},
};
constexpr Field starred_message_fields[] = {
    {.name = "messageId", .required = true}, {.name = "starred", .type = Type::boolean, .required = true},
};
constexpr Field set_disappearing_fields[] = {
    {.name = "seconds", .type = Type::integer, .summary = "how long new messages stay: 86400, 604800 or 7776000; 0: for good", .required = true, .one_of = timers},
    {.name = "messageId", .summary = "of the message that sets it, chosen by the caller", .format = &formats::new_message_id},
};
constexpr Field delete_message_query_fields[] = {
    {.name = "for", .summary = "everyone: of an own message, for everyone in the chat; me: from the stored copy", .one_of = "everyone|me"},
    {.name = "forEveryone", .type = Type::boolean, .summary = "true: the same as for=everyone; false: as for=me"},
    {.name = "everywhere", .summary = "with for=me: on the phone and its other devices too", .later = true},
    {.name = "waitFor", .summary = "answer when the message got this far", .one_of = "server|delivered|read|played"},
    {.name = "timeout", .type = Type::integer, .summary = "milliseconds, default 30000", .max = 120'000},
};
constexpr Field send_query_fields[] = {
    {.name = "waitFor", .summary = "answer when the message got this far", .one_of = "server|delivered|read|played"},
    {.name = "timeout", .type = Type::integer, .summary = "milliseconds, default 30000", .max = 120'000},
};
// clang-format on

}  // namespace

constinit const Schema send_text = {"SendText", send_text_fields};
constinit const Schema send_location = {"SendLocation", send_location_fields};
constinit const Schema send_contact = {"SendContact", send_contact_fields};
constinit const Schema send_poll = {"SendPoll", send_poll_fields};
constinit const Schema send_event = {"SendEvent", send_event_fields};
constinit const Schema send_group_invite = {"SendGroupInvite", send_group_invite_fields};
constinit const Schema send_image = {"SendImage", send_image_fields};
constinit const Schema send_file = {"SendFile", send_file_fields};
constinit const Schema send_audio = {"SendAudio", send_audio_fields};
constinit const Schema send_voice = {"SendVoice", send_audio_fields};
constinit const Schema send_video = {"SendVideo", send_video_fields};
constinit const Schema send_sticker = {"SendSticker", send_sticker_fields};
constinit const Schema send_any = {"SendAny", send_any_fields};
constinit const Schema forward = {"Forward", forward_fields};
constinit const Schema react = {"React", react_fields};
constinit const Schema edit_message = {"EditMessage", edit_message_fields};
constinit const Schema revoke = {"Revoke", {}};
constinit const Schema vote = {"Vote", vote_fields};
constinit const Schema answer_event = {"AnswerEvent", answer_event_fields};
constinit const Schema pin_message = {"PinMessage", pin_message_fields};
constinit const Schema set_disappearing = {"SetDisappearing", set_disappearing_fields};
constinit const Schema star_message = {"StarMessage", star_message_fields};
constinit const Schema starred_message = {"StarredMessage", starred_message_fields};
constinit const Schema send_query = {"", send_query_fields};
constinit const Schema delete_message_query = {"", delete_message_query_fields};

}  // namespace wharf::api::schemas
