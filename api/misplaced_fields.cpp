#include "api/misplaced_fields.h"

#include <algorithm>
#include <iterator>

#include "api/envelope.h"
#include "api/schemas.h"

namespace wharf::api {
namespace {

namespace json = boost::json;

struct Misplaced {
  const Schema* schema;
  std::string_view path;  // members of members with dots
  std::string_view what;
};

constexpr std::string_view keyed = "is for messages: the header Idempotency-Key names this request";
constexpr std::string_view answered_done = "is for messages: the answer says what WhatsApp has done";
constexpr std::string_view has_its_route = "is set with PUT …/groups/{groupId}/picture";
constexpr std::string_view channels_route = "is set with PUT …/channels/{channelId}/picture";

const Misplaced misplaced[] = {
    {&schemas::create_group, "picture", has_its_route},
    {&schemas::create_group, "subject", "is called name here"},
    {&schemas::create_group, "messageId", keyed},
    {&schemas::create_group, "waitFor", answered_done},
    {&schemas::update_group, "picture", has_its_route},
    {&schemas::update_group, "subject", "is called name here"},
    {&schemas::update_group, "participants", "is changed with POST and DELETE …/groups/{groupId}/participants"},
    {&schemas::update_group, "isCommunity", "is said when a group is made, and stays"},
    {&schemas::update_group, "communityId", "is changed with POST and DELETE …/groups/{communityId}/groups"},
    {&schemas::update_group, "waitFor", answered_done},
    {&schemas::create_channel, "picture", channels_route},
    {&schemas::update_channel, "picture", channels_route},
    {&schemas::send_broadcast, "waitFor", "is for one message: the ack events tell of each of a broadcast"},
    {&schemas::save_contact, "name", "is called fullName here"},
    {&schemas::save_contact, "lastName", "is no name of its own: put it into fullName"},
    {&schemas::create_session, "config.calls.text", "is called rejectText"},
    {&schemas::update_session, "config.calls.text", "is called rejectText"},
};

/// nullptr: not said.
const json::value* said(const json::object& body, std::string_view path) {
  const std::size_t dot = path.find('.');
  const json::value* value = body.if_contains(path.substr(0, dot));
  if (value == nullptr || value->is_null()) return nullptr;
  if (dot == std::string_view::npos) return value;
  return value->is_object() ? said(value->get_object(), path.substr(dot + 1)) : nullptr;
}

void list(std::string& out, std::string_view name) {
  if (!out.empty()) out += ", ";
  out += name;
}

}  // namespace

void find_misplaced(const json::object& body, const Schema& schema, std::vector<FieldProblem>& problems) {
  for (const Misplaced& row : misplaced) {
    if (row.schema != &schema || schema.find(row.path) != nullptr || said(body, row.path) == nullptr) continue;
    problems.push_back({std::string(row.path), std::string(row.what)});
  }
}

std::string nothing_to_change(const json::object& body, const Schema& schema) {
  constexpr std::size_t most_shown = 8;
  std::string known, unknown;
  for (const Field& field : schema.fields)
    if (!field.later) list(known, field.name);
  std::size_t shown = 0;
  for (const auto& member : body) {
    if (schema.find(member.key()) != nullptr || shown++ >= most_shown) continue;
    list(unknown, echo(member.key()));
  }
  std::string out = "must name at least one field that can be changed: " + known;
  if (!unknown.empty()) out += "; not known here: " + unknown;
  return out;
}

}  // namespace wharf::api
