#include "api/schemas.h"

#include "api/event_id.h"

namespace wharf::api::schemas {
namespace {

constexpr std::int64_t kib = 1024;
constexpr std::int64_t event_id_chars = max_event_id_chars;

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
    {.name = "serverId", .summary = "of a post of a channel, once WhatsApp has it"},
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
constinit const Schema queue_query = {"", queue_query_fields};
constinit const Schema queued_message = {"QueuedMessage", queued_message_fields};
constinit const Schema set_presence = {"SetPresence", set_presence_fields};
constinit const Schema register_webhook = {"RegisterWebhook", register_webhook_fields};

constinit const Schema update_webhook = {"UpdateWebhook", update_webhook_fields};

constinit const Schema qr_image_query = {"", qr_image_query_fields};
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
