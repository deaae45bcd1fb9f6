#include "api/schemas.h"

#include "api/event_id.h"

namespace wharf::api::schemas {
namespace {

constexpr std::int64_t kib = 1024;
constexpr std::int64_t event_id_chars = max_event_id_chars;

constexpr std::string_view timers =
    "0|86400|604800|7776000";  // protocol::is_disappearing_timer (tests/api/openapi_test.cpp)

// A row is a field.
// clang-format off
constexpr Field proxy_fields[] = {
    {.name = "protocol", .summary = "default http", .one_of = "http|https|socks5|socks5h"},
    {.name = "address", .summary = "host:port", .required = true, .min = 3, .max = 300},
    {.name = "username", .max = 255},
    {.name = "password", .summary = "never shown again", .max = 255},
};
constexpr Schema proxy = {"ProxyServerCredentials", proxy_fields};

constexpr Field auto_download_fields[] = {
    {.name = "types", .type = Type::texts, .summary = "image, video, gif, audio, voice, document, sticker, video_note", .required = true, .max = 16, .format = &formats::file_type},
    {.name = "maxBytes", .type = Type::integer, .summary = "larger ones are fetched when asked for; default 16 MiB", .min = 1, .max = std::int64_t{1} << 40},
};
constexpr Schema auto_download = {"AutoDownload", auto_download_fields};
constexpr Field call_policy_fields[] = {
    {.name = "reject", .type = Type::boolean, .summary = "calls of one person are rejected as they come", .required = true},
    {.name = "rejectText", .summary = "sent to whoever was rejected so, once for each call; default or \"\": nothing", .max = 4096},
};
constexpr Schema call_policy = {"CallPolicy", call_policy_fields};
// null sets a field back to its default.
constexpr Field session_config_fields[] = {
    {.name = "multiDevice", .type = Type::boolean, .summary = "accepted and echoed: every session is multi-device", .nullable = true},
    {.name = "headless", .type = Type::boolean, .summary = "accepted and echoed: there is no browser", .nullable = true},
    {.name = "qrTimeout", .type = Type::integer, .summary = "seconds until a session that nobody scans fails", .min = 1, .max = 3600, .nullable = true},
    {.name = "authTimeout", .type = Type::integer, .summary = "seconds from the scan to ready", .min = 1, .max = 3600, .nullable = true},
    {.name = "proxyServerCredentials", .type = Type::object, .summary = "used for every connection of the session", .object = &proxy, .nullable = true},
    {.name = "autoDownload", .type = Type::object, .summary = "files that are fetched without being asked for; default: none", .object = &auto_download, .nullable = true},
    {.name = "statuses", .type = Type::boolean, .summary = "events tell of status posts, and autoDownload fetches their files; default false: they are kept, and no more", .nullable = true},
    {.name = "presence", .summary = "how the account shows to others while it is connected; default available", .one_of = "available|unavailable", .nullable = true},
    {.name = "calls", .type = Type::object, .summary = "what becomes of calls; default: they ring on. It is replaced whole", .object = &call_policy, .nullable = true},
};

#define WHARF_ORG {.name = "org", .summary = "whose it is: the organisation of the caller", .later = true}
constexpr Field create_session_fields[] = {
    {.name = "sessionId", .required = true, .format = &formats::session_name},
    {.name = "waitForQR", .type = Type::boolean, .summary = "answer when the first QR code is there"},
    {.name = "config", .type = Type::object, .object = &session_config},
    {.name = "metadata", .type = Type::object, .summary = "the caller's own, echoed in every event of the session", .max = 8 * kib},
    WHARF_ORG,
};
constexpr Field update_session_fields[] = {
    {.name = "config", .type = Type::object, .summary = "the given fields replace the stored ones; null sets one back to its default, and null instead of the object all", .object = &session_config, .nullable = true},
    {.name = "metadata", .type = Type::object, .summary = "replaces the stored object; {} or null removes it", .max = 8 * kib, .nullable = true},
    WHARF_ORG,
};
constexpr Field pairing_code_request_fields[] = {
    {.name = "phone", .summary = "the number to link, with country code", .required = true, .min = 5, .max = 32},
};
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
constexpr Field media_query_fields[] = {
    {.name = "download", .summary = "true: as a file to be saved, not to be shown", .one_of = "true|false"},
};
constexpr Field set_presence_fields[] = {
    {.name = "state", .required = true, .one_of = "composing|recording|paused"},
};
constexpr Field register_webhook_fields[] = {
    {.name = "url", .required = true, .min = 8, .max = 2048, .format = &formats::url},
    {.name = "events", .type = Type::texts, .summary = "*, names, or prefixes such as group_*; default *", .min = 1, .max = 64, .format = &formats::event_pattern},
    {.name = "headers", .type = Type::text_map, .summary = "sent with every delivery", .max = 32, .format = &formats::header},
    {.name = "secret", .summary = "signs deliveries; whsec_<base64> or any text", .min = 8, .max = 256, .format = &formats::secret},
    {.name = "previousSecret", .summary = "signs as well, while receivers change over", .min = 8, .max = 256, .format = &formats::secret},
    {.name = "paused", .type = Type::boolean, .summary = "keeps events without delivering them", .later = true},
    WHARF_ORG,
};
constexpr Field update_webhook_fields[] = {
    {.name = "url", .min = 8, .max = 2048, .format = &formats::url},
    {.name = "events", .type = Type::texts, .summary = "replaces the list", .min = 1, .max = 64, .format = &formats::event_pattern},
    {.name = "headers", .type = Type::text_map, .summary = "replaces all of them; null removes them", .max = 32, .format = &formats::header, .nullable = true},
    {.name = "secret", .summary = "signs from now on, and the one before it as well; null: unsigned", .min = 8, .max = 256, .format = &formats::secret, .nullable = true},
    {.name = "previousSecret", .summary = "the second live secret; null ends it", .min = 8, .max = 256, .format = &formats::secret, .nullable = true},
    {.name = "paused", .type = Type::boolean, .summary = "keeps events without delivering them", .later = true},
    WHARF_ORG,
};
#undef WHARF_ORG

constexpr Field qr_image_query_fields[] = {
    {.name = "size", .type = Type::integer, .summary = "pixels, default 400", .min = 100, .max = 2000},
};
constexpr Field send_query_fields[] = {
    {.name = "waitFor", .summary = "answer when the message got this far", .one_of = "server|delivered|read|played"},
    {.name = "timeout", .type = Type::integer, .summary = "milliseconds, default 30000", .max = 120'000},
};
// Their handlers read them; the forms are for the document.
constexpr web::Format page_cursor{nullptr, R"(^(-?[0-9]+\.[0-9]+|g[1-9][0-9]*)$)"}, message_cursor{nullptr, R"(^m[0-9]+\.-?[0-9]+$)"}, queue_cursor{nullptr, "^q[1-9][0-9]*$"};
constexpr Field page_query_fields[] = {
    {.name = "limit", .type = Type::integer, .summary = "chats of one page; without it, or 0, and without cursor: every chat, 400 over 100,000", .min = 0, .max = 1000},
    {.name = "cursor", .summary = "nextCursor of the page before", .max = 200, .format = &page_cursor},
};
// With `q`: a search (storage/search.h).
#define WHARF_NARROWS_A_SEARCH                                                                                              \
  {.name = "from", .summary = "with q: received from this person; me: sent from this account", .max = 128},                 \
      {.name = "fromMe", .type = Type::boolean, .summary = "with q"},                                                       \
      {.name = "type", .summary = "with q: types as messages show them, with commas", .max = 300},                          \
      {.name = "hasMedia", .type = Type::boolean, .summary = "with q"},                                                     \
      {.name = "since", .summary = "with q: not older; unix time in the unit of the dialect, a date, or a UTC time", .max = 32}, \
      {.name = "until", .summary = "with q: older than this time", .max = 32}
constexpr Field search_query_fields[] = {
    {.name = "q", .summary = "words, all of them wanted; the last may go on; \"in quotes\" one after another", .required = true, .min = 1, .max = 512},
    {.name = "chatId", .max = 128, .format = &formats::chat_id},
    {.name = "chat", .summary = "the same as chatId", .max = 128, .format = &formats::chat_id},
    WHARF_NARROWS_A_SEARCH,
    {.name = "limit", .type = Type::integer, .summary = "default 50, at most 1000 (200 in the gateway dialect); 0 is the default; moved into the range", .min = 0, .max = 1000, .clamped = true},
    {.name = "cursor", .summary = "nextCursor of the page before", .max = 200, .format = &message_cursor},
};
constexpr Field messages_query_fields[] = {
    {.name = "q", .summary = "only messages with these words; see the search", .min = 1, .max = 512},
    WHARF_NARROWS_A_SEARCH,
    {.name = "limit", .type = Type::integer, .summary = "default 50, at most 1000 (200 in the gateway dialect); 0 is the default; moved into the range", .min = 0, .max = 1000, .clamped = true},
    {.name = "before", .summary = "only messages older than this one", .max = 300, .format = &formats::message_id},
    {.name = "starred", .type = Type::boolean, .summary = "true: only those with a star"},
    {.name = "cursor", .summary = "nextCursor of the page before", .max = 200, .format = &message_cursor},
};
constexpr std::string_view queue_states = "scheduled|uploading|waiting|sending";
constexpr Field queue_query_fields[] = {
    {.name = "state", .summary = "only of this state", .one_of = queue_states},
    {.name = "chatId", .summary = "only of this chat", .max = 128, .format = &formats::chat_id},
    {.name = "limit", .type = Type::integer, .summary = "default 50", .min = 1, .max = 200},
    {.name = "cursor", .summary = "nextCursor of the page before", .max = 200, .format = &queue_cursor},
};
constexpr Field queued_message_fields[] = {
    {.name = "messageId", .required = true}, {.name = "id", .summary = "the WhatsApp id", .required = true},
    {.name = "chatId", .required = true}, {.name = "chatLid"}, {.name = "type", .required = true},
    {.name = "content", .summary = "text or caption", .required = true},
    {.name = "state", .summary = "sending: handed to WhatsApp, or about to be again", .required = true, .one_of = queue_states},
    {.name = "priority", .required = true, .one_of = "low|normal|high"},
    {.name = "acceptedAt", .required = true, .format = &formats::date_time},
    {.name = "sendAt", .format = &formats::date_time}, {.name = "expiresAt", .format = &formats::date_time},
};
constexpr Field events_query_fields[] = {
    {.name = "after", .summary = "id of the last event seen, or a nextCursor; default 0: from the oldest kept", .max = event_id_chars, .format = &formats::event_position},
    {.name = "since", .summary = "the same as after", .max = event_id_chars, .format = &formats::event_position},
    {.name = "cursor", .summary = "the same as after", .max = event_id_chars, .format = &formats::event_position},
    {.name = "session", .summary = "only of this session", .max = 64},
    {.name = "events", .summary = "comma-separated names or prefixes", .max = 1000, .format = &formats::event_list},
    {.name = "limit", .type = Type::integer, .summary = "default 100", .min = 1, .max = 500},
    {.name = "wait", .type = Type::integer, .summary = "milliseconds to wait for an event when there is none", .max = 60'000},
};
constexpr Field event_stream_query_fields[] = {
    {.name = "session", .summary = "only of this session", .max = 64},
    {.name = "events", .summary = "comma-separated names or prefixes", .max = 1000, .format = &formats::event_list},
    {.name = "since", .summary = "replay what came after the event of this id; 0: from the oldest kept", .max = event_id_chars, .format = &formats::event_position},
    {.name = "after", .summary = "the same as since", .max = event_id_chars, .format = &formats::event_position},
    {.name = "cursor", .summary = "the same as since", .max = event_id_chars, .format = &formats::event_position},
    {.name = "ticket", .summary = "one-use ticket of a browser", .later = true},
};
constexpr Field session_stream_query_fields[] = {
    {.name = "events", .summary = "comma-separated names or prefixes", .max = 1000, .format = &formats::event_list},
    {.name = "since", .summary = "replay what came after the event of this id; 0: from the oldest kept", .max = event_id_chars, .format = &formats::event_position},
    {.name = "after", .summary = "the same as since", .max = event_id_chars, .format = &formats::event_position},
    {.name = "cursor", .summary = "the same as since", .max = event_id_chars, .format = &formats::event_position},
    {.name = "ticket", .summary = "one-use ticket of a browser", .later = true},
};
constexpr Field deliveries_query_fields[] = {
    {.name = "limit", .type = Type::integer, .summary = "default 100", .min = 1, .max = 1000},
    {.name = "state", .summary = "only of this state", .later = true},
    {.name = "cursor", .summary = "nextCursor of the page before", .later = true},
};

constexpr Field reason_fields[] = {
    {.name = "code", .required = true}, {.name = "message", .required = true}, {.name = "nextStep", .required = true},
    {.name = "until", .format = &formats::date_time},
};
constexpr Schema reason = {"Reason", reason_fields};

constexpr Field account_fields[] = {
    {.name = "id", .required = true}, {.name = "jid", .required = true}, {.name = "lid"},
    {.name = "pushname", .required = true}, {.name = "platform"},
    {.name = "presence", .summary = "what the account shows to others now; while it is connected", .one_of = "available|unavailable"},
};

constexpr std::string_view status_words = "initializing|qr_ready|authenticated|ready|failed|terminated";
constexpr std::string_view connection_words = "connected|connecting|offline";

constexpr Field session_fields[] = {
    {.name = "sessionId", .required = true},
    {.name = "org", .summary = "whose it is: the name of an organisation", .required = true},
    {.name = "status", .required = true, .one_of = status_words},
    {.name = "connection", .required = true, .one_of = connection_words},
    {.name = "reason", .type = Type::object, .object = &reason},
    {.name = "createdAt", .required = true, .format = &formats::date_time},
    {.name = "lastActivity", .required = true, .format = &formats::date_time},
    {.name = "config", .type = Type::object, .required = true, .object = &session_config},
    {.name = "metadata", .type = Type::object},
    {.name = "me", .type = Type::object, .required = true, .object = &account, .nullable = true},
    {.name = "queued", .type = Type::integer, .summary = "messages that wait for the server's ack", .required = true},
    {.name = "pairingCode"},
    {.name = "qrCode", .summary = "data URL of a PNG"},
    {.name = "qr", .summary = "the text of the QR code"},
    {.name = "expiresAt", .format = &formats::date_time},
};
constexpr Field session_status_fields[] = {
    {.name = "status", .required = true, .one_of = status_words},
    {.name = "connection", .required = true, .one_of = connection_words},
    {.name = "reason", .type = Type::object, .object = &reason},
    {.name = "lastActivity", .required = true, .format = &formats::date_time},
    {.name = "queued", .type = Type::integer, .required = true},
};
constexpr Field qr_fields[] = {
    {.name = "qrCode", .summary = "data URL of a PNG", .required = true},
    {.name = "qr", .summary = "the text of the QR code", .required = true},
    {.name = "expiresAt", .required = true, .format = &formats::date_time},
};
constexpr Field pairing_code_fields[] = {
    {.name = "code", .summary = "eight characters", .required = true},
    {.name = "display", .summary = "as phones show it: ABCD-1234", .required = true},
    {.name = "expiresAt", .required = true, .format = &formats::date_time},
};
constexpr std::string_view ack_words = "error|scheduled|pending|server|delivered|read|played";
constexpr Field sent_message_fields[] = {
    {.name = "messageId", .required = true},
    {.name = "id", .summary = "the WhatsApp id", .required = true},
    {.name = "chatId", .required = true},
    {.name = "chatLid"},
    {.name = "content", .required = true},
    {.name = "timestamp", .type = Type::integer, .summary = "seconds; milliseconds in the gateway dialect", .required = true},
    {.name = "status", .required = true, .one_of = ack_words},
    {.name = "ack", .type = Type::integer, .required = true, .min = -1, .max = 4},
    {.name = "error"},
    {.name = "sendAt", .summary = "while it is scheduled", .format = &formats::date_time},
    {.name = "targetMessageId", .summary = "of what is said about a message: that message"},
    {.name = "preview", .type = Type::object, .summary = "of an address in the text, as messages show it: url, title, description"},
    {.name = "replayed", .type = Type::boolean, .summary = "the answer of an earlier request with the same key or id"},
    {.name = "deleted", .type = Type::boolean, .summary = "the message is deleted here: status says nothing of it"},
    {.name = "messages", .type = Type::objects, .summary = "of a request with several files: each message, this one first", .object = &schemas::sent_message},
    {.name = "timedOut", .type = Type::boolean, .summary = "waitFor was not reached in time; the message stays queued"},
    {.name = "noPreview", .summary = "of a text with linkPreview: why it goes without; a repetition does not say it again"},
};
constexpr Field poll_option_fields[] = {
    {.name = "option", .required = true}, {.name = "count", .type = Type::integer, .required = true},
    {.name = "voters", .type = Type::texts, .required = true},
    {.name = "voterLids", .type = Type::texts, .summary = "the people of `voters` by their LIDs, in the same order; by the number who has none", .required = true},
};
constexpr Schema poll_option = {"PollOption", poll_option_fields};
constexpr Field poll_results_fields[] = {
    {.name = "name", .required = true}, {.name = "selectableCount", .type = Type::integer, .required = true},
    {.name = "voters", .type = Type::integer, .summary = "who chose at least one option", .required = true},
    {.name = "options", .type = Type::objects, .required = true, .object = &poll_option},
};
constexpr Schema poll_results_shape = {"PollResults", poll_results_fields};
constexpr Field recipient_fields[] = {
    {.name = "id", .required = true}, {.name = "lid"},
    {.name = "ack", .type = Type::integer, .required = true, .min = -1, .max = 4},
    {.name = "status", .required = true, .one_of = ack_words},
    {.name = "deliveredAt", .type = Type::integer, .summary = "when the recipient's receipt says so; also of readAt and playedAt"},
    {.name = "readAt", .type = Type::integer}, {.name = "playedAt", .type = Type::integer},
};
constexpr Schema recipient = {"Recipient", recipient_fields};
constexpr Field recipient_counts_fields[] = {
    {.name = "members", .type = Type::integer, .summary = "who were to get it", .required = true},
    {.name = "delivered", .type = Type::integer, .required = true}, {.name = "read", .type = Type::integer, .required = true},
    {.name = "played", .type = Type::integer, .required = true},
};
constexpr Schema recipient_counts = {"RecipientCounts", recipient_counts_fields};
constexpr Field message_reaction_fields[] = {
    {.name = "emoji", .required = true}, {.name = "from", .required = true}, {.name = "fromLid"},
    {.name = "fromMe", .type = Type::boolean, .required = true}, {.name = "timestamp", .type = Type::integer, .required = true},
};
constexpr Schema message_reaction = {"MessageReaction", message_reaction_fields};
constexpr Field event_answer_fields[] = {
    {.name = "from", .required = true}, {.name = "fromLid"}, {.name = "fromMe", .type = Type::boolean, .required = true},
    {.name = "response", .required = true, .one_of = "going|notGoing|maybe"},
    {.name = "extraGuests", .type = Type::integer, .required = true},
    {.name = "timestamp", .type = Type::integer, .required = true},
};
constexpr Schema event_answer = {"EventAnswer", event_answer_fields};
constexpr Field event_answers_fields[] = {
    {.name = "going", .type = Type::integer, .required = true}, {.name = "notGoing", .type = Type::integer, .required = true},
    {.name = "maybe", .type = Type::integer, .required = true},
    {.name = "extraGuests", .type = Type::integer, .summary = "that those who go bring along", .required = true},
    {.name = "answers", .type = Type::objects, .summary = "of each person the newest", .required = true, .object = &event_answer},
};
constexpr Schema event_answers_shape = {"EventAnswers", event_answers_fields};
// Members of both dialects; those of one dialect only are optional.
constexpr Field message_fields[] = {
    {.name = "id", .required = true}, {.name = "body", .required = true}, {.name = "type", .required = true},
    {.name = "timestamp", .type = Type::integer, .summary = "seconds; milliseconds in the gateway dialect", .required = true},
    {.name = "fromMe", .type = Type::boolean, .required = true},
    {.name = "status", .required = true, .one_of = ack_words},
    {.name = "from"}, {.name = "fromLid"}, {.name = "to"}, {.name = "toLid"}, {.name = "author"}, {.name = "authorLid"},
    {.name = "chatId"}, {.name = "isGroup", .type = Type::boolean}, {.name = "pushname"},
    {.name = "ack", .type = Type::integer, .min = -1, .max = 4}, {.name = "error"},
    {.name = "hasMedia", .type = Type::boolean}, {.name = "quotedMessageId"}, {.name = "mentions", .type = Type::texts},
    {.name = "mentionLids", .type = Type::texts, .summary = "the people of `mentions` by their LIDs, in the same order; by the number who has none"},
    {.name = "ackLevel", .type = Type::integer, .summary = "gateway", .min = -1, .max = 4},
    {.name = "chatJid", .summary = "gateway"}, {.name = "chatLid", .summary = "gateway"},
    {.name = "createdAt", .type = Type::integer, .summary = "gateway"},
    {.name = "deleted", .type = Type::boolean, .summary = "gateway"},
    {.name = "direction", .summary = "gateway", .one_of = "in|out"},
    {.name = "edited", .type = Type::boolean, .summary = "gateway"}, {.name = "senderJid", .summary = "gateway"},
    {.name = "senderLid", .summary = "gateway"}, {.name = "senderName", .summary = "gateway"},
    {.name = "sessionId", .summary = "gateway"}, {.name = "waMessageId", .summary = "gateway"},
    {.name = "editedAt", .type = Type::integer, .summary = "when the text was changed"},
    {.name = "revokedAt", .type = Type::integer, .summary = "deleted for everyone: the content is gone"},
    {.name = "starred", .type = Type::boolean, .summary = "true: it has a star, here alone"},
    {.name = "pinned", .type = Type::object, .summary = "of a message that is pinned now: until, by"},
    {.name = "location", .type = Type::object, .summary = "latitude, longitude, name, address, url, accuracy"},
    {.name = "preview", .type = Type::object, .summary = "of an address in the text: url, title, description"},
    {.name = "contacts", .type = Type::objects, .summary = "name and vcard of each"},
    {.name = "poll", .type = Type::object, .summary = "name, options, selectableCount"},
    {.name = "calendarEvent", .type = Type::object}, {.name = "groupInvite", .type = Type::object},
    {.name = "album", .type = Type::object, .summary = "images, videos: how many belong to it"},
    {.name = "reply", .type = Type::object, .summary = "what was chosen of buttons, a list or a flow: id, params"},
    {.name = "media", .type = Type::object, .summary = "url (the path of its bytes here), mimetype, size, filename, width, height, seconds"},
    {.name = "style", .type = Type::object, .summary = "of a text as status post: backgroundColor, textColor, font"},
    {.name = "broadcast", .type = Type::boolean, .summary = "true: it came through a broadcast list of its author"},
    {.name = "unknownKind", .summary = "the name of a kind that is kept and cannot be shown"},
    {.name = "sendAt", .summary = "while it is scheduled", .format = &formats::date_time},
    {.name = "viewOnce", .type = Type::boolean}, {.name = "isForwarded", .type = Type::boolean},
    {.name = "forwardingScore", .type = Type::integer, .summary = "from 5 on: forwarded many times"},
    {.name = "expiresAfter", .type = Type::integer, .summary = "seconds, of a disappearing message"},
    {.name = "mentionsAll", .type = Type::boolean},
    {.name = "serverId", .summary = "of a post of a channel"},
    {.name = "albumId", .summary = "of a picture or video of an album: the WhatsApp id of the message with `album`"},
    {.name = "recipients", .type = Type::objects, .summary = "of one own message: how far it is with each who is to get it; of a group those who have said so", .object = &recipient},
    {.name = "recipientCounts", .type = Type::object, .summary = "of one own message to a group", .object = &recipient_counts},
    {.name = "reactions", .type = Type::objects, .summary = "of one message: of each person the newest", .object = &message_reaction},
    {.name = "edits", .type = Type::objects, .summary = "of one message: the texts it was given since, oldest first"},
    {.name = "originalBody", .summary = "of one message that was edited: its text before"},
    {.name = "selectedOptions", .type = Type::texts, .summary = "of a vote"},
    {.name = "targetMessageId", .summary = "of what is said about a message: that message"},
    {.name = "pollResults", .type = Type::object, .object = &poll_results_shape},
    {.name = "response", .summary = "of an answer to an event", .one_of = "going|notGoing|maybe"},
    {.name = "extraGuests", .type = Type::integer, .summary = "of an answer to an event"},
    {.name = "eventAnswers", .type = Type::object, .object = &event_answers_shape},
};
constexpr Field chat_fields[] = {
    {.name = "id", .required = true}, {.name = "lid"}, {.name = "name", .required = true},
    {.name = "isGroup", .type = Type::boolean, .required = true},
    {.name = "unreadCount", .type = Type::integer, .required = true},
    {.name = "timestamp", .type = Type::integer, .required = true},
    {.name = "expiresAfter", .type = Type::integer, .summary = "its disappearing timer, seconds: new messages stay so long"},
    {.name = "lastMessage", .type = Type::object, .object = &message},
};
#define WHARF_PARTICIPANTS {.name = "participants", .type = Type::texts, .summary = "user ids", .required = true, .min = 1, .max = 1024, .format = &formats::user_id}
#define WHARF_GROUP_SETTINGS                                                                                            \
  {.name = "announce", .type = Type::boolean, .summary = "admins alone send"},                                           \
      {.name = "locked", .type = Type::boolean, .summary = "admins alone edit name, description and picture"},           \
      {.name = "joinApproval", .type = Type::boolean, .summary = "admins approve who joins by the link"},                \
      {.name = "memberAddMode", .summary = "who adds members", .one_of = "admins|all"},                                  \
      {.name = "memberLinkMode", .summary = "who shares the invite link", .one_of = "admins|all"}
constexpr Field create_group_fields[] = {
    {.name = "name", .required = true, .min = 1, .max = 100},
    {.name = "participants", .type = Type::texts, .summary = "user ids", .required = true, .max = 1024, .format = &formats::user_id},
    {.name = "description", .max = 2048},
    WHARF_GROUP_SETTINGS,
    {.name = "disappearing", .type = Type::integer, .summary = "seconds that new messages stay; 0: for good", .one_of = timers},
    {.name = "isCommunity", .type = Type::boolean, .summary = "makes a community"},
    {.name = "communityId", .summary = "the community that the group belongs to", .format = &formats::group_id},
};
constexpr Field update_group_fields[] = {
    {.name = "name", .min = 1, .max = 100},
    {.name = "description", .summary = "null or \"\" takes it away", .max = 2048, .nullable = true},
    WHARF_GROUP_SETTINGS,
    {.name = "disappearing", .type = Type::integer, .summary = "seconds that new messages stay; 0: for good", .one_of = timers},
};
constexpr Field group_people_fields[] = {WHARF_PARTICIPANTS};
constexpr Field join_group_fields[] = {
    {.name = "link", .summary = "https://chat.whatsapp.com/… or its code", .required = true, .min = 10, .max = 300},
};
constexpr Field decide_requests_fields[] = {
    {.name = "approve", .type = Type::texts, .summary = "user ids", .max = 256, .format = &formats::user_id},
    {.name = "reject", .type = Type::texts, .summary = "user ids", .max = 256, .format = &formats::user_id},
};
constexpr Field linked_groups_fields[] = {
    {.name = "groups", .type = Type::texts, .summary = "group ids", .required = true, .min = 1, .max = 100, .format = &formats::group_id},
};
constexpr Field group_query_fields[] = {
    {.name = "refresh", .type = Type::boolean, .summary = "asks WhatsApp instead of the stored copy"},
};
constexpr Field group_person_fields[] = {
    {.name = "id", .required = true}, {.name = "lid"}, {.name = "role", .one_of = "member|admin|superadmin"},
    {.name = "isAdmin", .type = Type::boolean},
};
constexpr Schema group_person = {"GroupPerson", group_person_fields};
constexpr Field group_fields[] = {
    {.name = "id", .required = true}, {.name = "name", .required = true}, {.name = "description"},
    {.name = "owner"}, {.name = "ownerLid"}, {.name = "createdAt", .format = &formats::date_time},
    {.name = "size", .type = Type::integer, .summary = "how many are in it; not of one that the account has left"}, {.name = "addressingMode", .one_of = "lid|pn"},
    {.name = "isMember", .type = Type::boolean, .summary = "the own account is in it", .required = true},
    {.name = "isAdmin", .type = Type::boolean, .summary = "the own account is", .required = true},
    WHARF_GROUP_SETTINGS,
    {.name = "disappearing", .type = Type::integer, .summary = "seconds that new messages stay"},
    {.name = "isCommunity", .type = Type::boolean}, {.name = "communityId"}, {.name = "isCommunityAnnounce", .type = Type::boolean},
    {.name = "suspended", .type = Type::boolean, .summary = "by WhatsApp"},
    {.name = "participants", .type = Type::objects, .required = true, .object = &group_person},
};
constexpr Field member_outcome_fields[] = {
    {.name = "id", .required = true}, {.name = "lid"},
    {.name = "status", .type = Type::integer, .summary = "WhatsApp's code: 200 done; 0: it says nothing of that person", .required = true},
    {.name = "result", .summary = "added, removed, promoted, invite_required, not_on_whatsapp, not_admin, …", .required = true},
    {.name = "reason", .summary = "of what was not done: why, and what helps"},
    {.name = "inviteCode", .summary = "of invite_required: for an invitation message"},
    {.name = "inviteExpiresAt", .format = &formats::date_time},
};
constexpr Schema member_outcome = {"MemberOutcome", member_outcome_fields};
constexpr Field member_outcomes_fields[] = {
    {.name = "participants", .type = Type::objects, .required = true, .object = &member_outcome},
};
constexpr Field created_group_fields[] = {
    {.name = "gid", .required = true},
    {.name = "participants", .type = Type::objects, .required = true, .object = &member_outcome},
    {.name = "group", .type = Type::object, .object = &group},
    {.name = "replayed", .type = Type::boolean, .summary = "true: it was made before under this Idempotency-Key"},
};
constexpr Field updated_group_fields[] = {
    {.name = "id", .required = true}, {.name = "updated", .type = Type::texts, .summary = "names of the fields", .required = true},
};
constexpr Field set_picture_fields[] = {
    {.name = "data", .summary = "an image as data URL or base64; or a part of a form; or url; or mediaMessageId. The square in its middle is shown"},
    {.name = "url", .summary = "where to fetch it: http or https", .min = 1, .max = 2048, .format = &formats::url},
    {.name = "mediaMessageId", .summary = "a stored message with a picture", .format = &formats::message_id},
};
constexpr Field picture_fields[] = {
    {.name = "id", .summary = "of the group, channel or person", .required = true}, {.name = "lid"}, {.name = "number", .summary = "digits"}, {.name = "pictureId", .required = true},
    {.name = "type", .one_of = "image|preview"}, {.name = "url", .summary = "where WhatsApp has it, for some hours"},
};
constexpr Field removed_picture_fields[] = {{.name = "id", .required = true}, {.name = "lid"}, {.name = "number", .summary = "digits"}, {.name = "removed", .type = Type::boolean, .required = true}};
constexpr Field picture_query_fields[] = {{.name = "preview", .type = Type::boolean, .summary = "the small one"}};
constexpr Field group_invite_fields[] = {{.name = "code", .required = true}, {.name = "link", .required = true}};
constexpr Field joined_group_fields[] = {
    {.name = "gid", .required = true}, {.name = "status", .required = true, .one_of = "joined|pendingApproval"},
};
constexpr Field left_group_fields[] = {{.name = "id", .required = true}, {.name = "left", .type = Type::boolean, .required = true}};
constexpr Field join_request_fields[] = {
    {.name = "id", .required = true}, {.name = "lid"}, {.name = "method", .summary = "invite_link, linked_group_join, non_admin_add"},
    {.name = "requestedAt", .format = &formats::date_time},
};
constexpr Field group_status_fields[] = {
    {.name = "id", .required = true}, {.name = "status", .type = Type::integer, .summary = "WhatsApp's code: 200 done; 0: it says nothing of that group", .required = true},
    {.name = "result", .required = true, .one_of = "linked|unlinked|failed"}, {.name = "reason", .summary = "of what failed"},
};
constexpr Schema group_status = {"GroupStatus", group_status_fields};
constexpr Field group_statuses_fields[] = {
    {.name = "groups", .type = Type::objects, .required = true, .object = &group_status},
};
constexpr Field event_fields[] = {
    {.name = "event", .required = true}, {.name = "sessionId", .required = true},
    {.name = "id", .summary = "opaque", .required = true, .min = 1, .max = event_id_chars},
    {.name = "timestamp", .required = true, .format = &formats::date_time},
    {.name = "requestId", .summary = "X-Request-Id of the request that caused it", .min = 1, .max = 128},
    {.name = "metadata", .type = Type::object}, {.name = "data", .type = Type::object, .required = true},
};
constexpr Field webhook_fields[] = {
    {.name = "id", .required = true}, {.name = "webhookId", .summary = "same as id", .required = true},
    {.name = "org", .summary = "whose it is: the name of an organisation", .required = true},
    {.name = "sessionId", .summary = "null: every session of the organisation", .required = true, .nullable = true},
    {.name = "url", .required = true}, {.name = "events", .type = Type::texts, .required = true},
    {.name = "headers", .type = Type::text_map, .summary = "values are shown once, at registration", .required = true},
    {.name = "notYetFired", .type = Type::texts, .summary = "those of `events` that this build never fires"},
    {.name = "signed", .type = Type::boolean, .required = true},
    {.name = "secrets", .type = Type::integer, .summary = "live secrets: 0, 1, or 2 while receivers change over", .required = true, .max = 2},
    {.name = "createdAt", .required = true, .format = &formats::date_time},
};
constexpr Field delivery_fields[] = {
    {.name = "eventId", .summary = "opaque", .required = true, .min = 1, .max = event_id_chars},
    {.name = "state", .required = true, .one_of = "delivered|waiting|retrying|parked"},
    {.name = "attempts", .type = Type::integer, .required = true},
    {.name = "status", .type = Type::integer}, {.name = "lastError"},
    {.name = "firstTryAt", .format = &formats::date_time}, {.name = "nextTryAt", .format = &formats::date_time},
    {.name = "deliveredAt", .format = &formats::date_time},
};
constexpr Field delivery_outcome_fields[] = {
    {.name = "delivered", .type = Type::boolean, .required = true}, {.name = "status", .type = Type::integer, .required = true},
    {.name = "error"},
};
constexpr Field queued_delivery_fields[] = {
    {.name = "eventId", .summary = "opaque", .required = true, .min = 1, .max = event_id_chars}, {.name = "state", .required = true},
};
constexpr Field memory_fields[] = {{.name = "used", .required = true}, {.name = "total", .required = true}};
constexpr Schema memory = {"Memory", memory_fields};
constexpr Field server_info_fields[] = {
    {.name = "version", .required = true}, {.name = "maxSessions", .type = Type::integer, .required = true},
    {.name = "activeSessions", .type = Type::integer, .required = true},
    {.name = "readySessions", .type = Type::integer, .required = true},
    {.name = "uptime", .type = Type::integer, .summary = "seconds", .required = true},
    {.name = "memory", .type = Type::object, .required = true, .object = &memory},
    {.name = "network", .required = true}, {.name = "dialect", .required = true, .one_of = "openwa|gateway"},
};
constexpr Field checks_fields[] = {
    {.name = "database", .required = true, .one_of = "ok|failing"}, {.name = "sessions", .required = true, .one_of = "ok|degraded"},
    {.name = "memory", .required = true, .one_of = "ok|low"},
};
constexpr Schema checks = {"Checks", checks_fields};
constexpr Field health_fields[] = {
    {.name = "status", .required = true, .one_of = "healthy|unhealthy"},
    {.name = "timestamp", .required = true, .format = &formats::date_time},
    {.name = "checks", .type = Type::object, .required = true, .object = &checks},
};
// clang-format on

}  // namespace

constinit const Schema create_session = {"CreateSession", create_session_fields};
constinit const Schema update_session = {"UpdateSession", update_session_fields};
constinit const Schema session_config = {"SessionConfig", session_config_fields};
constinit const Schema pairing_code_request = {"PairingCodeRequest", pairing_code_request_fields};
constinit const Schema send_text = {"SendText", send_text_fields};
constinit const Schema send_location = {"SendLocation", send_location_fields};
constinit const Schema send_contact = {"SendContact", send_contact_fields};
constinit const Schema send_poll = {"SendPoll", send_poll_fields};
constinit const Schema create_group = {"CreateGroup", create_group_fields};
constinit const Schema update_group = {"UpdateGroup", update_group_fields};
constinit const Schema group_people = {"GroupPeople", group_people_fields};
constinit const Schema join_group = {"JoinGroup", join_group_fields};
constinit const Schema decide_requests = {"DecideJoinRequests", decide_requests_fields};
constinit const Schema linked_groups = {"LinkedGroups", linked_groups_fields};
constinit const Schema group_query = {"", group_query_fields};
constinit const Schema group = {"Group", group_fields};
constinit const Schema member_outcomes = {"MemberOutcomes", member_outcomes_fields};
constinit const Schema created_group = {"CreatedGroup", created_group_fields};
constinit const Schema updated_group = {"UpdatedGroup", updated_group_fields};
constinit const Schema set_picture = {"SetPicture", set_picture_fields};
constinit const Schema picture = {"Picture", picture_fields};
constinit const Schema removed_picture = {"RemovedPicture", removed_picture_fields};
constinit const Schema picture_query = {"", picture_query_fields};
constinit const Schema group_invite = {"GroupInvite", group_invite_fields};
constinit const Schema joined_group = {"JoinedGroup", joined_group_fields};
constinit const Schema left_group = {"LeftGroup", left_group_fields};
constinit const Schema join_request = {"JoinRequest", join_request_fields};
constinit const Schema group_statuses = {"GroupStatuses", group_statuses_fields};
constinit const Schema send_event = {"SendEvent", send_event_fields};
constinit const Schema send_group_invite = {"SendGroupInvite", send_group_invite_fields};
constinit const Schema send_image = {"SendImage", send_image_fields};
constinit const Schema send_file = {"SendFile", send_file_fields};
constinit const Schema send_audio = {"SendAudio", send_audio_fields};
constinit const Schema send_voice = {"SendVoice", send_audio_fields};
constinit const Schema send_video = {"SendVideo", send_video_fields};
constinit const Schema send_sticker = {"SendSticker", send_sticker_fields};
constinit const Schema send_any = {"SendAny", send_any_fields};
constinit const Schema queue_query = {"", queue_query_fields};
constinit const Schema queued_message = {"QueuedMessage", queued_message_fields};
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
constinit const Schema set_presence = {"SetPresence", set_presence_fields};
constinit const Schema register_webhook = {"RegisterWebhook", register_webhook_fields};

constinit const Schema update_webhook = {"UpdateWebhook", update_webhook_fields};

constinit const Schema qr_image_query = {"", qr_image_query_fields};
constinit const Schema send_query = {"", send_query_fields};
constinit const Schema delete_message_query = {"", delete_message_query_fields};
constinit const Schema media_query = {"", media_query_fields};
constinit const Schema page_query = {"", page_query_fields};
constinit const Schema messages_query = {"", messages_query_fields};
constinit const Schema search_query = {"", search_query_fields};
constinit const Schema events_query = {"", events_query_fields};
constinit const Schema event_stream_query = {"", event_stream_query_fields};
constinit const Schema session_stream_query = {"", session_stream_query_fields};
constinit const Schema deliveries_query = {"", deliveries_query_fields};

constinit const Schema session = {"Session", session_fields};
constinit const Schema session_status = {"SessionStatus", session_status_fields};
constinit const Schema account = {"Account", account_fields};
constinit const Schema qr = {"Qr", qr_fields};
constinit const Schema pairing_code = {"PairingCode", pairing_code_fields};
constinit const Schema sent_message = {"SentMessage", sent_message_fields};
constinit const Schema poll_results = poll_results_shape;
constinit const Schema chat = {"Chat", chat_fields};
constinit const Schema message = {"Message", message_fields};
constinit const Schema event = {"Event", event_fields};
constinit const Schema webhook = {"Webhook", webhook_fields};
constinit const Schema delivery = {"Delivery", delivery_fields};
constinit const Schema delivery_outcome = {"DeliveryOutcome", delivery_outcome_fields};
constinit const Schema queued_delivery = {"QueuedDelivery", queued_delivery_fields};
constinit const Schema server_info = {"ServerInfo", server_info_fields};
constinit const Schema health = {"Health", health_fields};

}  // namespace wharf::api::schemas
