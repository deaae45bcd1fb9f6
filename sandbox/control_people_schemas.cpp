// What requests about people may contain.

#include <algorithm>

#include "protocol/account/profile.h"
#include "sandbox/control_schemas.h"
#include "sandbox/shown_account.h"
#include "web/json_body.h"

namespace wharf::sandbox::schemas {
namespace {

using web::Field;
using web::FormatProblem;
using web::Type;

constexpr std::size_t max_address_bytes = 1'000;

std::optional<FormatProblem> check_web_address(std::string_view text) {
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  const bool known = text.starts_with("https://") || text.starts_with("http://");
  if (printable && known && text.size() <= max_address_bytes) return std::nullopt;
  return FormatProblem{"must be an http or https address of at most 1000 printable characters", false};
}

// The server, and some clients, take an '@' for an address.
std::optional<FormatProblem> check_push_name(std::string_view text) {
  const bool odd = text.find('@') != std::string_view::npos ||
                   std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20; });
  if (!odd) return std::nullopt;
  return FormatProblem{"must be one line without @", false};
}

constexpr web::Format web_address{check_web_address, {}, {}};
constexpr web::Format push_name{check_push_name, {}, {}};
constexpr std::string_view audience = "all|contacts|contact_blacklist|none";

// A row is a field.
// clang-format off
constexpr Field picture_fields[] = {
    {.name = "data", .required = true, .min = 1, .max = web::max_json_bytes, .nullable = true},
};
constexpr Field about_fields[] = {{.name = "text", .required = true, .max = protocol::max_about_characters}};
// The names of the wire (05 section 13, item 4).
constexpr Field privacy_fields[] = {
    {.name = "last", .one_of = audience}, {.name = "profile", .one_of = audience}, {.name = "status", .one_of = audience},
    {.name = "online", .one_of = "all|match_last_seen"}, {.name = "readreceipts", .one_of = "all|none"},
    {.name = "groupadd", .one_of = audience}, {.name = "calladd", .one_of = "all|known|contacts"},
    {.name = "messages", .one_of = "all|contacts"}, {.name = "defense", .one_of = "off|on_standard"},
    {.name = "stickers", .one_of = "contacts|contact_allowlist|none"},
    {.name = "linked_profiles", .one_of = audience}, {.name = "pix", .one_of = audience},
};
constexpr Field block_fields[] = {
    {.name = "phone", .required = true, .min = 1, .max = 64, .format = &phone_number},
    {.name = "on", .type = Type::boolean, .required = true},
};
constexpr Field default_timer_fields[] = {
    {.name = "seconds", .type = Type::integer, .required = true, .max = protocol::default_timers.back()},
};
constexpr Field name_fields[] = {{.name = "name", .required = true, .min = 1, .max = 25, .format = &push_name}};
constexpr Field contact_fields[] = {
    {.name = "phone", .required = true, .min = 1, .max = 64, .format = &phone_number},
    {.name = "name", .required = true, .min = 1, .max = 64, .format = &push_name, .nullable = true},  // null: saved no more
};
constexpr Field presence_fields[] = {{.name = "available", .type = Type::boolean, .required = true}};
constexpr Field trust_fields[] = {{.name = "to", .required = true, .min = 1, .max = 64, .format = &phone_number}};
constexpr Field watch_fields[] = {
    {.name = "to", .required = true, .min = 1, .max = 64, .format = &phone_number},
    {.name = "on", .type = Type::boolean, .required = true},
};
constexpr Field call_fields[] = {
    {.name = "to", .required = true, .min = 1, .max = 64, .format = &chat_text},
    {.name = "video", .type = Type::boolean},
};

constexpr Field category_fields[] = {
    {.name = "id", .required = true, .min = 1, .max = 64}, {.name = "name", .required = true, .min = 1, .max = 60},
};
constexpr web::Schema category{{}, category_fields};
constexpr Field hours_fields[] = {
    {.name = "day", .required = true, .one_of = "sun|mon|tue|wed|thu|fri|sat"},
    {.name = "mode", .required = true, .one_of = "open_24h|specific_hours|appointment_only"},
    {.name = "opens", .type = Type::integer, .max = 1'440}, {.name = "closes", .type = Type::integer, .max = 1'440},
};
constexpr web::Schema hours{{}, hours_fields};
constexpr Field product_fields[] = {
    {.name = "id", .required = true, .min = 1, .max = 64}, {.name = "name", .required = true, .min = 1, .max = 150},
    {.name = "description", .max = 2'000}, {.name = "retailerId", .max = 32},
    {.name = "price", .type = Type::integer, .max = 1'000'000'000'000}, {.name = "currency", .min = 3, .max = 3},
    {.name = "url", .min = 1, .max = max_address_bytes, .format = &web_address},
    {.name = "hidden", .type = Type::boolean},
    {.name = "images", .type = Type::texts, .max = 10, .format = &web_address},
};
constexpr web::Schema product{{}, product_fields};
constexpr Field business_fields[] = {
    {.name = "name", .required = true, .min = 1, .max = 100, .nullable = true},  // null: no business any more
    {.name = "issuer", .one_of = "smb:wa|ent:wa"}, {.name = "level", .one_of = "unknown|low|high"},
    {.name = "description", .max = 512}, {.name = "address", .max = 256}, {.name = "email", .max = 128},
    {.name = "websites", .type = Type::texts, .max = 2, .format = &web_address},
    {.name = "latitude", .type = Type::number, .min = -90, .max = 90},
    {.name = "longitude", .type = Type::number, .min = -180, .max = 180},
    {.name = "categories", .type = Type::objects, .max = 16, .object = &category},
    {.name = "timezone", .max = 64},
    {.name = "hours", .type = Type::objects, .max = 28, .object = &hours},
    {.name = "products", .type = Type::objects, .max = BusinessCard::max_products, .object = &product},
};
// clang-format on

}  // namespace

const web::Schema phone_picture{{}, picture_fields};
const web::Schema phone_about{{}, about_fields};
const web::Schema phone_privacy{{}, privacy_fields};
const web::Schema phone_block{{}, block_fields};
const web::Schema phone_default_timer{{}, default_timer_fields};
const web::Schema phone_name{{}, name_fields};
const web::Schema phone_contact{{}, contact_fields};
const web::Schema phone_presence{{}, presence_fields};
const web::Schema phone_trust{{}, trust_fields};
const web::Schema phone_watch{{}, watch_fields};
const web::Schema phone_call{{}, call_fields};
const web::Schema phone_business{{}, business_fields};

}  // namespace wharf::sandbox::schemas
