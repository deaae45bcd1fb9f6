// What requests about channels may contain.

#include "sandbox/control_schemas.h"

namespace wharf::sandbox::schemas {
namespace {

using web::Field;
using web::Type;

// A row is a field.
// clang-format off
constexpr Field who{.name = "phone", .required = true, .min = 1, .max = 64, .format = &phone_number};
constexpr Field create_channel_fields[] = {
    who, {.name = "name", .required = true, .min = 1, .max = 256}, {.name = "description", .max = 2'048},
};
constexpr Field update_channel_fields[] = {{.name = "name", .min = 1, .max = 256}, {.name = "description", .max = 2'048}};
constexpr Field channel_follower_fields[] = {
    who, {.name = "on", .type = Type::boolean}, {.name = "admin", .type = Type::boolean},
};
constexpr Field channel_post_fields[] = {
    {.name = "phone", .min = 1, .max = 64, .format = &phone_number},  // of an admin; absent: the owner
    {.name = "text", .min = 1, .max = 65'536},
    {.name = "media", .type = Type::object, .object = &sent_media},  // instead of it
};
constexpr Field channel_edit_fields[] = {{.name = "text", .required = true, .min = 1, .max = 65'536}};
constexpr Field channel_reaction_fields[] = {who, {.name = "emoji", .required = true, .max = 64}};
// clang-format on

}  // namespace

const web::Schema create_channel{{}, create_channel_fields};
const web::Schema update_channel{{}, update_channel_fields};
const web::Schema channel_follower{{}, channel_follower_fields};
const web::Schema channel_post{{}, channel_post_fields};
const web::Schema channel_edit{{}, channel_edit_fields};
const web::Schema channel_reaction{{}, channel_reaction_fields};

}  // namespace wharf::sandbox::schemas
