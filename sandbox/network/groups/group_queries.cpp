#include "sandbox/network/groups/group_queries.h"

#include <utility>
#include <vector>

#include "protocol/groups/results.h"
#include "protocol/messages/message_id.h"

namespace wharf::sandbox {

namespace groups = protocol::groups;

namespace {

std::string hash_of(const groups::GroupMetadata& group) {
  std::vector<Jid> members;
  for (const auto& member : group.members) members.push_back(member.jid);
  return protocol::participant_hash(members);
}

}  // namespace

GroupAnswer GroupQueries::query(const Party& actor, const groups::QueryGroup& asked) const {
  const auto* group = store_.find(asked.group);
  if (group == nullptr) return GroupAnswer::refused(404);
  if (group->member(actor.account.phone) == nullptr) return GroupAnswer::refused(403);
  const auto metadata = views_.metadata(*group, actor);
  if (!asked.phash.empty() && asked.phash == hash_of(metadata)) return GroupAnswer::done();
  return GroupAnswer::with(groups::group_node(metadata));
}

GroupAnswer GroupQueries::query(const Party& actor, const groups::QueryGroups& asked) const {
  std::vector<groups::QueriedGroup> rows;
  for (const auto& jid : asked.groups) {
    const auto* group = store_.find(jid);
    groups::QueriedGroup row{jid, std::nullopt, 0};
    if (group == nullptr) row.code = 404;
    else if (group->member(actor.account.phone) == nullptr) row.code = 403;
    else row.metadata = views_.metadata(*group, actor);
    rows.push_back(std::move(row));
  }
  return GroupAnswer::with(groups::batch_node(rows));
}

GroupAnswer GroupQueries::list(const Party& actor, const groups::ListGroups& asked) const {
  std::vector<groups::GroupMetadata> all;
  for (const auto& id : store_.of(actor.account.phone)) {
    auto metadata = views_.metadata(*store_.find(id), actor);
    if (!asked.members) metadata.members.clear();
    if (!asked.descriptions) metadata.description = {};
    all.push_back(std::move(metadata));
  }
  return GroupAnswer::with(groups::listed_node(all));
}

}  // namespace wharf::sandbox
