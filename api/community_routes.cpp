// Handlers of communities: the groups in them.
#include <optional>
#include <utility>
#include <vector>

#include "api/chat_id.h"
#include "api/group_json.h"
#include "api/group_request.h"
#include "api/handlers.h"
#include "api/sending.h"

namespace wharf::api {

namespace groups = protocol::groups;
using protocol::Jid;
using sessions::GroupAnswer;

namespace {

/// The community of the path. nullopt: answered.
std::optional<Jid> community_of(const ServicesPtr& services, const CallPtr& call) {
  const auto group = group_of(services, call);
  if (!group || !is_no_community(services, call, *group)) return group;
  return refuse_field(call, "groupId", no_community), std::nullopt;
}

/// Of a validated body.
std::vector<Jid> groups_of_body(const CallPtr& call) {
  std::vector<Jid> out;
  for (const std::string& text : texts_of(call->body, "groups")) out.push_back(*parse_chat_id(text));
  return out;
}

}  // namespace

void list_sub_groups(const ServicesPtr& services, const CallPtr& call) {
  if (const auto community = community_of(services, call))
    ask_group(services, call, groups::ListSubGroups{*community}, [call](const GroupAnswer& answer) {
      JsonWriter out(answer.groups.size() * 512 + 16);
      out.begin_array();
      for (const sessions::GroupView& group : answer.groups) write_group(out, group, call->dialect);
      call->success(out.end_array().take());
    });
}

void link_groups(const ServicesPtr& services, const CallPtr& call) {
  const auto community = community_of(services, call);
  if (!community) return;
  groups::LinkGroups link{*community, {}};
  for (const Jid& group : groups_of_body(call)) link.groups.push_back({group, false});
  ask_group(services, call, std::move(link),
            [call](const GroupAnswer& answer) { call->success(linked_groups_json(answer.outcomes, true)); });
}

void unlink_groups(const ServicesPtr& services, const CallPtr& call) {
  const auto community = community_of(services, call);
  if (!community) return;
  ask_group(services, call, groups::UnlinkGroups{*community, groups_of_body(call), false},
            [call](const GroupAnswer& answer) { call->success(linked_groups_json(answer.outcomes, false)); });
}

}  // namespace wharf::api
