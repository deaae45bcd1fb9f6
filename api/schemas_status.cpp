// The types of status posts.
#include "api/schemas.h"
#include "web/colour.h"

namespace wharf::api::schemas {
namespace {

constexpr std::string_view ack_words = "error|pending|server|delivered|read|played|scheduled";

constexpr web::Format post_cursor{nullptr, R"(^m[0-9]+\.-?[0-9]+$)"};  // read by its handler
constexpr std::string_view fonts = "0|1|2|6|7|8|9|10";  // protocol::is_status_font (tests/api/status_test.cpp)

// A row is a field.
// clang-format off
constexpr Field post_status_fields[] = {
    {.name = "type", .required = true, .one_of = "text|image|video|audio|voice"},
    {.name = "content", .summary = "of a text post: the text", .min = 1, .max = 4096},
    {.name = "backgroundColor", .summary = "of a text post: #RRGGBB; default #1F7AEC", .format = &web::colour},
    {.name = "textColor", .summary = "of a text post: #RRGGBB; default #FFFFFF", .format = &web::colour},
    {.name = "font", .type = Type::integer, .summary = "of a text post, by WhatsApp's numbers: 0 system, 1 system text, 2 script, 6 system bold, 7 Morning Breeze, 8 Calistoga, 9 Exo 2, 10 Courier Prime", .one_of = fonts},
    {.name = "data", .summary = "of the others: the file as data URL or base64; or a part of a form; or url; or mediaMessageId"},
    {.name = "url", .summary = "where to fetch the file: http or https", .min = 1, .max = 2048, .format = &formats::url},
    {.name = "mediaMessageId", .summary = "a stored message whose file is sent again", .min = 1, .max = 300, .format = &formats::message_id},
    {.name = "filename", .min = 1, .max = 255},
    {.name = "caption", .summary = "of an image or a video", .max = 4096},
    {.name = "audience", .type = Type::texts, .summary = "who gets it, of people alone; default: whom the account's setting means", .min = 1, .max = 1000, .format = &formats::user_id},
    {.name = "messageId", .summary = "chosen by the caller: a retry returns the first answer", .format = &formats::new_message_id},
    {.name = "expiresAt", .summary = "what was not sent by then fails; default: in a day", .format = &formats::date_time},
    {.name = "priority", .summary = "before what goes first when not all can; default: normal", .one_of = "low|normal|high"},
};
constexpr Field status_posts_query_fields[] = {
    {.name = "limit", .type = Type::integer, .summary = "default 50", .min = 1, .max = 1000},
    {.name = "cursor", .summary = "nextCursor of the page before", .max = 128, .format = &post_cursor},
    {.name = "all", .type = Type::boolean, .summary = "those of over a day ago, too, which nobody is shown any more; default false"},
};
constexpr Field audience_fields[] = {
    {.name = "setting", .summary = "of the account: its contacts, all but some, some alone; only, too, where the request named people", .required = true, .one_of = "contacts|except|only"},
    {.name = "settled", .type = Type::boolean, .summary = "false: the account's setting is asked for before the post is sent", .required = true},
    {.name = "size", .type = Type::integer, .summary = "people", .required = true},
};
constexpr Schema audience = {"StatusAudience", audience_fields};
constexpr Field status_post_fields[] = {
    {.name = "id", .required = true}, {.name = "body", .required = true}, {.name = "type", .required = true},
    {.name = "timestamp", .type = Type::integer, .summary = "seconds; milliseconds in the gateway dialect", .required = true},
    {.name = "fromMe", .type = Type::boolean, .required = true},
    {.name = "status", .required = true, .one_of = ack_words},
    {.name = "from"}, {.name = "fromLid"}, {.name = "to"}, {.name = "author"}, {.name = "authorLid"},
    {.name = "chatId", .summary = "status@broadcast"}, {.name = "isGroup", .type = Type::boolean}, {.name = "pushname"},
    {.name = "ack", .type = Type::integer, .min = -1, .max = 4}, {.name = "error"},
    {.name = "hasMedia", .type = Type::boolean}, {.name = "mentions", .type = Type::texts},
    {.name = "mentionLids", .type = Type::texts, .summary = "the people of `mentions` by their LIDs, in the same order; by the number who has none"},
    {.name = "ackLevel", .type = Type::integer, .summary = "gateway", .min = -1, .max = 4},
    {.name = "chatJid", .summary = "gateway"}, {.name = "createdAt", .type = Type::integer, .summary = "gateway"},
    {.name = "deleted", .type = Type::boolean, .summary = "gateway"}, {.name = "direction", .summary = "gateway", .one_of = "in|out"},
    {.name = "edited", .type = Type::boolean, .summary = "gateway"}, {.name = "senderJid", .summary = "gateway"},
    {.name = "senderLid", .summary = "gateway"}, {.name = "senderName", .summary = "gateway"},
    {.name = "sessionId", .summary = "gateway"}, {.name = "waMessageId", .summary = "gateway"},
    {.name = "revokedAt", .type = Type::integer, .summary = "deleted: the content is gone"},
    {.name = "starred", .type = Type::boolean},
    {.name = "style", .type = Type::object, .summary = "of a text: backgroundColor, textColor, font"},
    {.name = "preview", .type = Type::object, .summary = "of an address in the text: url, title, description"},
    {.name = "media", .type = Type::object, .summary = "url (the path of its bytes here), mimetype, size, filename, width, height, seconds"},
    {.name = "unknownKind"}, {.name = "isForwarded", .type = Type::boolean},
    {.name = "shownUntil", .summary = "until when apps show it", .required = true, .format = &formats::date_time},
    {.name = "viewed", .type = Type::boolean, .summary = "of a received one: the author was told that it was seen, or this account saw it elsewhere"},
    {.name = "viewers", .type = Type::integer, .summary = "of an own one: how many have said that they saw it"},
    {.name = "audience", .type = Type::object, .summary = "of an own one that was posted here", .object = &audience},
};
constexpr Field status_viewer_fields[] = {
    {.name = "id", .required = true}, {.name = "lid"},
    {.name = "viewedAt", .type = Type::integer, .summary = "in the unit of the dialect", .required = true},
};
constexpr Field send_broadcast_fields[] = {
    {.name = "recipients", .type = Type::texts, .summary = "people, each once; every one gets a message of its own chat", .required = true, .min = 1, .max = 256, .format = &formats::user_id},
    {.name = "content", .summary = "the text", .required = true, .min = 1, .max = 65536},
    {.name = "priority", .summary = "default low: what else is sent goes first", .one_of = "low|normal|high"},
};
constexpr Field broadcast_error_fields[] = {{.name = "code", .required = true}, {.name = "message", .required = true}};
constexpr Schema broadcast_error = {"BroadcastError", broadcast_error_fields};
constexpr Field broadcast_result_fields[] = {
    {.name = "chatId", .summary = "as the answer to a send has it", .required = true},
    {.name = "messageId", .summary = "of one that was accepted, as all up to deleted"}, {.name = "id", .summary = "the WhatsApp id"}, {.name = "chatLid", .summary = "where it is known"},
    {.name = "timestamp", .type = Type::integer, .summary = "seconds; milliseconds in the gateway dialect"},
    {.name = "status", .one_of = ack_words}, {.name = "ack", .type = Type::integer, .min = -1, .max = 4},
    {.name = "replayed", .type = Type::boolean, .summary = "true: it was accepted before under this Idempotency-Key"},
    {.name = "deleted", .type = Type::boolean, .summary = "the message is deleted here: status says nothing of it"},
    {.name = "error", .type = Type::object, .summary = "why it was not accepted; MESSAGE_FAILED: it was, and failed since", .object = &broadcast_error},
};
constexpr Schema broadcast_result = {"BroadcastResult", broadcast_result_fields};
constexpr Field broadcast_outcome_fields[] = {
    {.name = "results", .type = Type::objects, .summary = "in the order of the request", .required = true, .object = &broadcast_result},
    {.name = "accepted", .type = Type::integer, .required = true}, {.name = "failed", .type = Type::integer, .required = true},
};
// clang-format on

}  // namespace

constinit const Schema post_status = {"PostStatus", post_status_fields};
constinit const Schema status_posts_query = {"", status_posts_query_fields};
constinit const Schema status_post = {"StatusPost", status_post_fields};
constinit const Schema status_viewer = {"StatusViewer", status_viewer_fields};

constinit const Schema send_broadcast = {"SendBroadcast", send_broadcast_fields};
constinit const Schema broadcast_outcome = {"BroadcastOutcome", broadcast_outcome_fields};

}  // namespace wharf::api::schemas
