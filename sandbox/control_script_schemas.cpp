// What a scenario may contain, beside the bodies of the routes that its steps name.

#include "sandbox/control_schemas.h"
#include "sandbox/phone/chats.h"
#include "sandbox/scenario.h"
#include "sandbox/scenario_values.h"

namespace wharf::sandbox::schemas {
namespace {

using web::Field;
using web::FormatProblem;
using web::Type;

std::optional<FormatProblem> check_name(std::string_view text) {
  if (is_scenario_name(text)) return std::nullopt;
  return FormatProblem{"must be a name: a letter or _, then letters, digits, _ and -, at most 64 characters", false};
}
constexpr web::Format scenario_name{check_name, {}, {}};

/// What is in it may be a status, too.
std::optional<FormatProblem> check_expected_chat(std::string_view text) {
  return text == PhoneChats::statuses ? std::nullopt : chat_text.check(text);
}
constexpr web::Format expected_chat{check_expected_chat, {}, {}};

constexpr std::int64_t largest_seed = 9'007'199'254'740'991;  // that JavaScript keeps exactly

// A row is a field.
// clang-format off
constexpr Field play_script_fields[] = {
    {.name = "steps", .type = Type::objects, .required = true, .min = 1, .max = Scenario::max_steps},
    {.name = "name", .min = 1, .max = 100},
    {.name = "seed", .type = Type::integer, .max = largest_seed},
    {.name = "phones", .type = Type::object},
    {.name = "timeout", .type = Type::integer, .min = 1, .max = Scenario::max_timeout_ms},
    {.name = "detached", .type = Type::boolean},
};

// Of every step; milliseconds.
constexpr Field do_field{.name = "do", .required = true, .min = 1, .max = 64};
constexpr Field as_field{.name = "as", .format = &scenario_name};
constexpr Field at_field{.name = "at", .type = Type::integer, .max = Scenario::max_timeout_ms};
constexpr Field after_field{.name = "after", .type = Type::integer, .max = Scenario::max_timeout_ms};
constexpr Field jitter_field{.name = "jitter", .type = Type::integer, .max = Scenario::max_timeout_ms};

constexpr Field script_step_fields[] = {do_field, as_field, at_field, after_field, jitter_field};
constexpr Field script_wait_fields[] = {
    do_field, at_field, after_field, jitter_field,
    {.name = "ms", .type = Type::integer, .required = true, .max = Scenario::max_timeout_ms},
};
constexpr Field script_repeat_fields[] = {
    do_field, as_field,
    {.name = "times", .type = Type::integer, .required = true, .min = 1, .max = Scenario::max_plays},
    {.name = "steps", .type = Type::objects, .required = true, .min = 1, .max = Scenario::max_steps},
};
constexpr Field script_expect_fields[] = {
    do_field, as_field, at_field, after_field, jitter_field,
    {.name = "who", .required = true, .min = 1, .max = 64},
    // of a message that came
    {.name = "text", .max = 65'536}, {.name = "contains", .min = 1, .max = 65'536}, {.name = "kind", .min = 1, .max = 64},
    {.name = "from", .min = 1, .max = 64, .format = &phone_number}, {.name = "chat", .min = 1, .max = 128, .format = &expected_chat},
    {.name = "target", .min = 1, .max = 128}, {.name = "quoted", .min = 1, .max = 128},
    // of one that is named, either way
    {.name = "id", .min = 1, .max = 128}, {.name = "status", .one_of = "server|delivered|read|error"},
    {.name = "by", .min = 1, .max = 64, .format = &phone_number},
    {.name = "within", .type = Type::integer, .min = 1, .max = Scenario::max_timeout_ms},
    {.name = "absent", .type = Type::boolean},
};
// clang-format on

}  // namespace

const web::Schema play_script{{}, play_script_fields};
const web::Schema script_step{{}, script_step_fields};
const web::Schema script_wait{{}, script_wait_fields};
const web::Schema script_repeat{{}, script_repeat_fields};
const web::Schema script_expect{{}, script_expect_fields};

}  // namespace wharf::sandbox::schemas
