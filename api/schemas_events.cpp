// What events tell in `data`, kind by kind, in both dialects; those that a message object or nothing at all tells are
// not here.
#include "api/schemas.h"

namespace wharf::api::schemas {
namespace {

// A row is a field. Members of both dialects; those of one dialect only are optional.
// clang-format off
constexpr std::string_view in_unit = "seconds; milliseconds in the gateway dialect";

constexpr Field call_data_fields[] = {
    {.name = "id", .summary = "of the call, as it is rejected by", .required = true},
    {.name = "chatId", .summary = "the group, else the other party"}, {.name = "chatJid", .summary = "gateway"}, {.name = "chatLid"},
    {.name = "from", .summary = "who called"}, {.name = "fromLid"},
    {.name = "senderJid", .summary = "gateway"}, {.name = "senderLid", .summary = "gateway"},
    {.name = "fromMe", .type = Type::boolean, .summary = "the account calls, from another device", .required = true},
    {.name = "isGroup", .type = Type::boolean, .required = true},
    {.name = "isVideo", .type = Type::boolean, .summary = "false also of a call whose beginning was not seen", .required = true},
    {.name = "state", .summary = "each is told once of a call", .required = true,
     .one_of = "ringing|accepted|rejected|acceptedElsewhere|rejectedElsewhere|rejectedHere|missed|ended"},
    {.name = "reason", .summary = "of an end, in WhatsApp's word"},
    {.name = "offline", .type = Type::boolean, .summary = "it happened while the session was away, and is over", .required = true},
    {.name = "timestamp", .type = Type::integer, .summary = in_unit, .required = true},
};
constexpr Field presence_data_fields[] = {
    {.name = "chatId", .summary = "where somebody writes; of who comes and goes, that person"}, {.name = "chatJid", .summary = "gateway"}, {.name = "chatLid"},
    {.name = "from", .summary = "the group, else who"}, {.name = "fromLid"}, {.name = "author", .summary = "who"}, {.name = "authorLid"},
    {.name = "isGroup", .type = Type::boolean},
    {.name = "senderJid", .summary = "gateway"}, {.name = "senderLid", .summary = "gateway"},
    {.name = "state", .required = true, .one_of = "available|unavailable|composing|recording|paused"},
    {.name = "lastSeen", .type = Type::integer, .summary = "of an unavailable one, when it was told; in the unit of timestamp"},
    {.name = "lastSeenHidden", .type = Type::boolean, .summary = "true: they do not show it"},
    {.name = "timestamp", .type = Type::integer, .summary = in_unit, .required = true},
};
constexpr Field contact_updated_data_fields[] = {
    {.name = "id", .summary = "by the number where that is known", .required = true}, {.name = "pn", .summary = "the number"}, {.name = "lid"},
    {.name = "change", .summary = "what is another by now; identity: a new phone, or WhatsApp installed again; lid: it became known", .required = true,
     .one_of = "identity|lid|pushName|picture|about|number|name|blocked|unblocked|verifiedName"},
    {.name = "own", .type = Type::boolean, .summary = "it is the account itself, which is nobody's contact", .required = true},
    {.name = "pushname", .summary = "of pushName"},
    {.name = "pictureId", .summary = "of picture; \"\": none, or not shown to the account"},
    {.name = "about", .summary = "of about; \"\": none, or it was not told"},
    {.name = "oldId", .summary = "of number: the id before"},
    {.name = "name", .summary = "of name, as the address book has it; \"\": they are saved no more"},
    {.name = "verifiedName", .summary = "of verifiedName; \"\": they are a business no more"},
};
constexpr Field status_viewed_data_fields[] = {
    {.name = "messageId", .summary = "of the own status post", .required = true},
    {.name = "id", .summary = "who has seen it, by the number where that is known", .required = true}, {.name = "lid"},
    {.name = "viewedAt", .type = Type::integer, .summary = in_unit, .required = true},
};
// clang-format on

}  // namespace

constinit const Schema call_data = {"CallData", call_data_fields};
constinit const Schema presence_data = {"PresenceData", presence_data_fields};
constinit const Schema contact_updated_data = {"ContactUpdatedData", contact_updated_data_fields};
constinit const Schema status_viewed_data = {"StatusViewedData", status_viewed_data_fields};

namespace {

// As the openwa dialect shows them.
constexpr EventData told[] = {
    {"call", "A call rings, goes on or ends", &call_data,
     R"({"id":"4E6F0C2A91D7B3E85A11","chatId":"15550000002@c.us","chatLid":"100000000000002@lid","from":"15550000002@c.us","fromLid":"100000000000002@lid","fromMe":false,"isGroup":false,"isVideo":false,"state":"ringing","offline":false,"timestamp":1795900000})"},
    {"presence", "Somebody comes, goes, or writes in a chat", &presence_data,
     R"({"chatId":"15550000002@c.us","chatLid":"100000000000002@lid","from":"15550000002@c.us","fromLid":"100000000000002@lid","author":"15550000002@c.us","authorLid":"100000000000002@lid","isGroup":false,"state":"unavailable","lastSeen":1795899940,"timestamp":1795900000})"},
    {"contact.updated", "Somebody shows something else of themselves, or is somebody else by now",
     &contact_updated_data,
     R"({"id":"15550000002@c.us","pn":"15550000002@c.us","lid":"100000000000002@lid","change":"pushName","own":false,"pushname":"Ben"})"},
    {"status.viewed", "Somebody has seen a status post of the account", &status_viewed_data,
     R"({"messageId":"true_status@broadcast_3EB0AA","id":"15550000002@c.us","lid":"100000000000002@lid","viewedAt":1795900000})"},
};

}  // namespace

std::span<const EventData> event_data() { return told; }

}  // namespace wharf::api::schemas
