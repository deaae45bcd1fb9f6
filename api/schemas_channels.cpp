// The types of the API about channels.
#include "api/schemas.h"
#include "sessions/channels/channel_commands.h"

namespace wharf::api::schemas {
namespace {

constexpr std::int64_t most_posts = sessions::max_posts_of_page;
constexpr std::int64_t most_viewed = sessions::max_viewed;
// Their handlers read them; the forms are for the document.
constexpr web::Format server_id{nullptr, "^0*[1-9][0-9]*$"}, post_cursor{nullptr, "^(after|before)-0*[1-9][0-9]*$"};

// A row is a field.
// clang-format off
constexpr Field channel_picture_fields[] = {
    {.name = "id", .required = true},
    {.name = "directPath", .summary = "on WhatsApp's media hosts; pictures of channels are not encrypted", .required = true},
};
constexpr Schema channel_picture = {"ChannelPicture", channel_picture_fields};
constexpr Field channel_fields[] = {
    {.name = "id", .summary = "…@newsletter", .required = true},
    {.name = "name", .summary = "\"\": WhatsApp has not told it yet", .required = true},
    {.name = "description", .required = true},
    {.name = "state", .one_of = "active|suspended|geosuspended|deleted|non_existing"},
    {.name = "role", .summary = "of the account", .one_of = "guest|subscriber|admin|owner"},
    {.name = "muted", .type = Type::boolean, .summary = "by the account"},
    {.name = "verified", .type = Type::boolean, .required = true},
    {.name = "subscribers", .type = Type::integer, .summary = "how many follow it, when WhatsApp told last"},
    {.name = "invite", .summary = "the code of its link"}, {.name = "link"}, {.name = "handle"},
    {.name = "reactionCodes", .summary = "which reactions it takes", .one_of = "all|basic|none|blocklist"},
    {.name = "createdAt", .format = &formats::date_time},
    {.name = "picture", .type = Type::object, .object = &channel_picture},
    {.name = "preview", .type = Type::object, .summary = "the small picture", .object = &channel_picture},
    {.name = "fresh", .type = Type::boolean, .summary = "of one channel: WhatsApp was asked just now; in the list: on this connection. false: this is what was known"},
};
constexpr Field create_channel_fields[] = {
    {.name = "name", .required = true, .min = 1, .max = 256}, {.name = "description", .max = 2'048},
};
constexpr Field update_channel_fields[] = {
    {.name = "name", .min = 1, .max = 256}, {.name = "description", .summary = "null or \"\" takes it away", .max = 2'048, .nullable = true},
    {.name = "reactionCodes", .summary = "which reactions it takes", .one_of = "all|basic|none"},
};
constexpr Field posts_query_fields[] = {
    {.name = "limit", .type = Type::integer, .summary = "posts of one page, default 50", .min = 1, .max = most_posts},
    {.name = "before", .summary = "serverId of a post: older ones than it", .max = 20, .format = &server_id},
    {.name = "after", .summary = "serverId of a post: newer ones than it", .max = 20, .format = &server_id},
    {.name = "cursor", .summary = "nextCursor of the page before, in place of before and after", .max = 32, .format = &post_cursor},
};
constexpr Field post_updates_query_fields[] = {
    {.name = "limit", .type = Type::integer, .summary = "posts of one page, default 50", .min = 1, .max = most_posts},
    {.name = "before", .summary = "serverId of a post: of older ones than it; this or after", .max = 20, .format = &server_id},
    {.name = "after", .summary = "serverId of a post: of newer ones than it", .max = 20, .format = &server_id},
    {.name = "cursor", .summary = "nextCursor of the page before, in place of before and after", .max = 32, .format = &post_cursor},
    {.name = "since", .summary = "what changed since then; unix time in the unit of the dialect, a date, or a UTC time", .max = 32},
};
constexpr Field reaction_count_fields[] = {
    {.name = "emoji", .required = true}, {.name = "count", .type = Type::integer, .required = true},
};
constexpr Schema reaction_count = {"ReactionCount", reaction_count_fields};
constexpr Field post_fields[] = {
    {.name = "serverId", .summary = "orders the posts of a channel, and names one where it is reacted to or seen", .required = true},
    {.name = "id", .summary = "as messages show theirs in the dialect"},
    {.name = "type", .summary = "as messages show theirs in the dialect", .required = true},
    {.name = "body", .required = true}, {.name = "fromMe", .type = Type::boolean, .required = true},
    {.name = "timestamp", .type = Type::integer, .summary = "seconds; milliseconds in the gateway dialect"},
    {.name = "views", .type = Type::integer},
    {.name = "reactions", .type = Type::objects, .required = true, .object = &reaction_count},
    {.name = "hasMedia", .type = Type::boolean},
    {.name = "media", .type = Type::object, .summary = "url (the path of its bytes here), mimetype, size, filename, width, height, seconds"},
    {.name = "location", .type = Type::object, .summary = "latitude, longitude, name, address, url, accuracy"},
    {.name = "preview", .type = Type::object, .summary = "of an address in the text: url, title, description"},
    {.name = "contacts", .type = Type::objects, .summary = "name and vcard of each"},
    {.name = "poll", .type = Type::object, .summary = "name, options, selectableCount"},
    {.name = "calendarEvent", .type = Type::object}, {.name = "groupInvite", .type = Type::object},
    {.name = "album", .type = Type::object}, {.name = "albumId"}, {.name = "reply", .type = Type::object}, {.name = "style", .type = Type::object},
    {.name = "unknownKind", .summary = "the name of a kind that cannot be shown"},
    {.name = "viewOnce", .type = Type::boolean}, {.name = "isForwarded", .type = Type::boolean},
    {.name = "forwardingScore", .type = Type::integer}, {.name = "expiresAfter", .type = Type::integer}, {.name = "mentionsAll", .type = Type::boolean},
};
constexpr Field post_in_channel_fields[] = {
    {.name = "content", .summary = "the text", .required = true, .min = 1, .max = 65'536},
    {.name = "messageId", .summary = "chosen by the caller: a retry returns the first answer", .format = &formats::new_message_id},
    {.name = "sendAt", .summary = "when to send it, at most a year from now", .format = &formats::date_time},
    {.name = "expiresAt", .summary = "what was not sent by then fails; of a scheduled message default: a day after sendAt", .format = &formats::date_time},
    {.name = "priority", .summary = "which chat goes first when not all can; default: normal", .one_of = "low|normal|high"},
};
constexpr Field channel_reaction_fields[] = {{.name = "serverId", .required = true}, {.name = "emoji", .required = true}};
constexpr Field view_posts_fields[] = {
    {.name = "serverIds", .type = Type::texts, .summary = "of posts that were shown to somebody", .required = true, .min = 1, .max = most_viewed, .format = &server_id},
};
constexpr Field viewed_posts_fields[] = {{.name = "viewed", .type = Type::integer, .required = true}};
constexpr Field watched_channel_fields[] = {
    {.name = "seconds", .type = Type::integer, .summary = "so long counts of its posts are told as they change", .required = true},
};
// clang-format on

}  // namespace

constinit const Schema create_channel = {"CreateChannel", create_channel_fields};
constinit const Schema update_channel = {"UpdateChannel", update_channel_fields};
constinit const Schema post_in_channel = {"PostInChannel", post_in_channel_fields};
constinit const Schema view_posts = {"ViewPosts", view_posts_fields};
constinit const Schema posts_query = {"", posts_query_fields};
constinit const Schema post_updates_query = {"", post_updates_query_fields};

constinit const Schema channel = {"Channel", channel_fields};
constinit const Schema channel_post = {"ChannelPost", post_fields};
constinit const Schema channel_reaction = {"ChannelReaction", channel_reaction_fields};
constinit const Schema viewed_posts = {"ViewedPosts", viewed_posts_fields};
constinit const Schema watched_channel = {"WatchedChannel", watched_channel_fields};

}  // namespace wharf::api::schemas
