// The types of the API about people, and about what the account shows of itself.
#include "api/schemas.h"
#include "protocol/account/profile.h"
#include "sessions/people/people_commands.h"

namespace wharf::api::schemas {
namespace {

constexpr std::int64_t most_numbers = sessions::max_numbers_in_check;
constexpr std::int64_t most_about = protocol::max_about_characters;
constexpr std::int64_t most_name = 64, most_own_name = 25;
constexpr std::string_view timers = "0|86400|604800|7776000";  // protocol::default_timers (tests/api/openapi_test.cpp)
constexpr web::Format contact_cursor{nullptr, "^c[1-9][0-9]*$"};  // read by its handler
constexpr std::string_view presences = "available|unavailable";

// A row is a field.
// clang-format off
constexpr Field contacts_query_fields[] = {
    {.name = "limit", .type = Type::integer, .summary = "contacts of one page; without it, or 0, and without cursor: every contact", .min = 0, .max = 1000},
    {.name = "cursor", .summary = "nextCursor of the page before", .max = 200, .format = &contact_cursor},
};
constexpr Field catalog_query_fields[] = {
    {.name = "limit", .type = Type::integer, .summary = "products of one page, default 10", .min = 1, .max = 100},
    {.name = "cursor", .summary = "nextCursor of the page before", .max = 4096},
};

#define WHARF_CONTACT                                                                                                  \
  {.name = "id", .summary = "by the number where that is known", .required = true}, {.name = "lid"},                   \
      {.name = "number", .summary = "digits"},                                                                         \
      {.name = "name", .summary = "as the address book of the phone has it, else pushname, else verifiedName", .required = true}, \
      {.name = "pushname", .summary = "as they call themselves", .required = true},                                    \
      {.name = "isMyContact", .type = Type::boolean, .summary = "in the address book", .required = true},              \
      {.name = "isWAContact", .type = Type::boolean, .summary = "on WhatsApp; null: not known", .required = true, .nullable = true},          \
      {.name = "verifiedName", .summary = "of a business"}, {.name = "username"},                                      \
      {.name = "about"}, {.name = "aboutSetAt", .format = &formats::date_time}, {.name = "pictureId"}
constexpr Field contact_fields[] = {WHARF_CONTACT};
constexpr Field thumb_fields[] = {
    {.name = "eurl", .summary = "where WhatsApp has it, for some hours"}, {.name = "id", .required = true},
    {.name = "img", .summary = "the picture itself, as a data URL"},
};
constexpr Schema thumb = {"ProfilePicThumb", thumb_fields};
constexpr Field contact_details_fields[] = {
    WHARF_CONTACT,
    {.name = "isBusiness", .type = Type::boolean, .required = true},
    {.name = "fresh", .type = Type::boolean, .summary = "WhatsApp was asked just now; false: the session is not connected, and this is what was known", .required = true},
    {.name = "profilePicThumbObj", .type = Type::object, .summary = "when there is a picture, and it is shown to the account", .object = &thumb},
};
#undef WHARF_CONTACT

constexpr Field check_numbers_fields[] = {
    {.name = "numbers", .type = Type::texts, .summary = "phone numbers with country code: digits, with or without +, spaces, dashes, dots and parentheses; one that can be no number is `invalid` in its row", .required = true, .min = 1, .max = most_numbers},
    {.name = "refresh", .type = Type::boolean, .summary = "asks WhatsApp also for those that it knew within a day; default false"},
};
constexpr Field checked_number_fields[] = {
    {.name = "number", .summary = "as it was given", .required = true},
    {.name = "exists", .type = Type::boolean, .summary = "null: WhatsApp said nothing of it, ask again", .required = true, .nullable = true},
    {.name = "status", .required = true, .one_of = "registered|unregistered|invalid|unanswered"},
    {.name = "id"}, {.name = "lid"}, {.name = "verifiedName", .summary = "of a business"},
};
constexpr Field about_fields[] = {
    {.name = "id", .required = true}, {.name = "lid"}, {.name = "number", .summary = "digits"}, {.name = "about", .summary = "\"\": none, or not shown to the account", .required = true},
    {.name = "setAt", .format = &formats::date_time},
    {.name = "fresh", .type = Type::boolean, .summary = "true: WhatsApp was asked just now; false: as it was known, as the session is not connected or WhatsApp refused", .required = true},
};
constexpr Field blocked_fields[] = {{.name = "id", .required = true}, {.name = "lid"}, {.name = "number", .summary = "digits"}, {.name = "blocked", .type = Type::boolean, .required = true}};
constexpr Field blocked_contact_fields[] = {{.name = "id", .required = true}, {.name = "lid"}, {.name = "number", .summary = "digits"}};

constexpr Field business_category_fields[] = {{.name = "id", .required = true}, {.name = "name", .required = true}};
constexpr Schema business_category = {"BusinessCategory", business_category_fields};
constexpr Field business_hours_fields[] = {
    {.name = "day", .required = true, .one_of = "sun|mon|tue|wed|thu|fri|sat"},
    {.name = "mode", .required = true, .one_of = "open24h|specificHours|appointmentOnly"},
    {.name = "opens", .summary = "of specificHours: 00:00 to 24:00 in its time zone"}, {.name = "closes"},
};
constexpr Schema business_hours = {"BusinessHours", business_hours_fields};
constexpr Field business_fields[] = {
    {.name = "id", .required = true}, {.name = "lid"}, {.name = "number", .summary = "digits"}, {.name = "description"}, {.name = "address"}, {.name = "email"},
    {.name = "websites", .type = Type::texts, .summary = "as the business says", .required = true},
    {.name = "categories", .type = Type::objects, .required = true, .object = &business_category},
    {.name = "timezone"},
    {.name = "hours", .type = Type::objects, .summary = "a day may have several rows; one without any is closed", .required = true, .object = &business_hours},
    {.name = "latitude", .type = Type::number, .min = -90, .max = 90}, {.name = "longitude", .type = Type::number, .min = -180, .max = 180},
};
constexpr Field product_image_fields[] = {{.name = "url"}, {.name = "originalUrl"}};
constexpr Schema product_image = {"ProductImage", product_image_fields};
constexpr Field product_fields[] = {
    {.name = "id", .required = true}, {.name = "name", .required = true}, {.name = "description"}, {.name = "retailerId", .summary = "the shop's own number"},
    {.name = "price", .summary = "decimal, for example 12.50"}, {.name = "currency", .summary = "ISO 4217"}, {.name = "url"},
    {.name = "status", .summary = "of WhatsApp's review"}, {.name = "isHidden", .type = Type::boolean, .required = true},
    {.name = "images", .type = Type::objects, .required = true, .object = &product_image},
};

// What each may be set to: protocol::allowed() (tests/api/privacy_words_test.cpp).
constexpr std::string_view audience = "all|contacts|contactBlacklist|none";
constexpr Field update_privacy_fields[] = {
    {.name = "lastSeen", .one_of = audience},
    {.name = "profilePicture", .one_of = audience},
    {.name = "about", .one_of = audience},
    {.name = "online", .one_of = "all|matchLastSeen"},
    {.name = "readReceipts", .summary = "what the account has set at WhatsApp; marking a chat read sends receipts all the same, so far", .one_of = "all|none"},
    {.name = "groupAdd", .summary = "who may add the account to groups", .one_of = audience},
    {.name = "callAdd", .summary = "whose calls ring", .one_of = "all|contacts|known"},
    {.name = "messages", .one_of = "all|contacts"},
    {.name = "defense", .one_of = "off|onStandard"},
    {.name = "stickers", .one_of = "contacts|contactAllowlist|none"},
    {.name = "linkedProfiles", .one_of = audience},
    {.name = "pix", .one_of = audience},
};
// Those that may be contactBlacklist (tests/api/privacy_words_test.cpp).
constexpr std::string_view excluding = "lastSeen|profilePicture|about|groupAdd|linkedProfiles|pix";
constexpr Field excluded_query_fields[] = {{.name = "setting", .required = true, .one_of = excluding}};
constexpr Field change_excluded_fields[] = {
    {.name = "setting", .summary = "becomes contactBlacklist", .required = true, .one_of = excluding},
    {.name = "add", .type = Type::texts, .summary = "user ids", .max = 256, .format = &formats::user_id},
    {.name = "remove", .type = Type::texts, .summary = "user ids", .max = 256, .format = &formats::user_id},
};
constexpr std::string_view privacy_values = "all|contacts|contactBlacklist|contactAllowlist|none|matchLastSeen|known|off|onStandard";
constexpr Field privacy_fields[] = {
    {.name = "lastSeen", .one_of = privacy_values}, {.name = "profilePicture", .one_of = privacy_values},
    {.name = "about", .one_of = privacy_values}, {.name = "online", .one_of = privacy_values},
    {.name = "readReceipts", .one_of = privacy_values}, {.name = "groupAdd", .one_of = privacy_values},
    {.name = "callAdd", .one_of = privacy_values}, {.name = "messages", .one_of = privacy_values},
    {.name = "defense", .one_of = privacy_values}, {.name = "stickers", .one_of = privacy_values},
    {.name = "linkedProfiles", .one_of = privacy_values}, {.name = "pix", .one_of = privacy_values},
};

constexpr Field set_about_fields[] = {{.name = "about", .summary = "\"\" takes it away", .required = true, .max = most_about}};
constexpr Field set_own_name_fields[] = {{.name = "name", .summary = "one line", .required = true, .min = 1, .max = most_own_name}};
constexpr Field own_name_fields[] = {{.name = "name", .required = true}};
constexpr Field save_contact_fields[] = {
    {.name = "fullName", .summary = "one line; this or firstName; of both it is the one that is shown", .min = 1, .max = most_name}, {.name = "firstName", .summary = "one line", .min = 1, .max = most_name},
    {.name = "saveOnPhone", .type = Type::boolean, .summary = "in the address book of the phone itself too, default false"},
};
constexpr Field saved_contact_fields[] = {{.name = "id", .required = true}, {.name = "lid"}, {.name = "number", .summary = "digits"}, {.name = "name", .required = true}};
constexpr Field own_about_fields[] = {{.name = "about", .required = true}};
constexpr Field default_timer_fields[] = {
    {.name = "seconds", .type = Type::integer, .summary = "how long messages of chats that begin from now on stay: 86400, 604800 or 7776000; 0: for good", .required = true, .one_of = timers},
};
constexpr Field show_presence_fields[] = {{.name = "presence", .required = true, .one_of = presences}};
constexpr Field contact_presence_fields[] = {
    {.name = "id", .required = true}, {.name = "lid"}, {.name = "number", .summary = "digits"},
    {.name = "state", .summary = "unknown: nothing was told, or it is hidden", .required = true, .one_of = "available|unavailable|unknown"},
    {.name = "lastSeen", .type = Type::integer, .summary = "in the unit of the dialect"},
    {.name = "lastSeenHidden", .type = Type::boolean, .required = true},
    {.name = "toldAt", .type = Type::integer, .summary = "in the unit of the dialect; without it, never on this connection"},
    {.name = "watched", .type = Type::boolean, .summary = "presence events tell of it", .required = true},
};
constexpr Field rejected_call_fields[] = {
    {.name = "id", .summary = "of the call", .required = true}, {.name = "rejected", .type = Type::boolean, .required = true},
};
// clang-format on

}  // namespace

constinit const Schema contacts_query = {"", contacts_query_fields};
constinit const Schema catalog_query = {"", catalog_query_fields};

constinit const Schema check_numbers = {"CheckNumbers", check_numbers_fields};
constinit const Schema update_privacy = {"UpdatePrivacy", update_privacy_fields};
constinit const Schema excluded_query = {"", excluded_query_fields};
constinit const Schema change_excluded = {"ChangeExcluded", change_excluded_fields};
constinit const Schema set_about = {"SetAbout", set_about_fields};
constinit const Schema set_own_name = {"SetOwnName", set_own_name_fields};
constinit const Schema save_contact = {"SaveContact", save_contact_fields};
constinit const Schema set_default_timer = {"SetDefaultTimer", default_timer_fields};
constinit const Schema show_presence = {"ShowPresence", show_presence_fields};

constinit const Schema contact = {"Contact", contact_fields};
constinit const Schema contact_details = {"ContactDetails", contact_details_fields};
constinit const Schema checked_number = {"CheckedNumber", checked_number_fields};
constinit const Schema about = {"About", about_fields};
constinit const Schema blocked = {"Blocked", blocked_fields};
constinit const Schema blocked_contact = {"BlockedContact", blocked_contact_fields};
constinit const Schema business = {"Business", business_fields};
constinit const Schema product = {"Product", product_fields};
constinit const Schema privacy = {"Privacy", privacy_fields};
constinit const Schema own_about = {"OwnAbout", own_about_fields};
constinit const Schema own_name = {"OwnName", own_name_fields};
constinit const Schema saved_contact = {"SavedContact", saved_contact_fields};
constinit const Schema default_timer = {"DefaultTimer", default_timer_fields};
constinit const Schema shown_presence = {"ShownPresence", show_presence_fields};
constinit const Schema rejected_call = {"RejectedCall", rejected_call_fields};
constinit const Schema contact_presence = {"ContactPresence", contact_presence_fields};

}  // namespace wharf::api::schemas
