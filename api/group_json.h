#pragma once
// Groups and their people as callers see them. Both ids of each person stand in every row: `id`, by the number where it
// is known, and `lid`.

#include <functional>
#include <string>
#include <vector>

#include "api/dialect_choice.h"
#include "api/json_writer.h"
#include "sessions/groups/group_answer.h"
#include "storage/groups.h"

namespace wharf::api {

/// A stored group as a view; nullopt when its row cannot be read. `own`: both names of the account. `ids`: of a person.
std::optional<sessions::GroupView> group_view(const storage::GroupRow& row, const protocol::groups::OwnAccount& own,
                                              const std::function<events::PersonIds(const protocol::Jid&)>& ids);

void write_group(JsonWriter& out, const sessions::GroupView& group, Dialect dialect);
std::string group_json(const sessions::GroupView& group, Dialect dialect);
/// {"gid","participants":[{"id","status",…}],"group":{…}}
std::string created_group_json(const sessions::GroupAnswer& answer, Dialect dialect);
/// {"groups":[{"id","status","result","reason"?}]}: what became of each group that was to be linked to a community, or
/// (`links` false) unlinked from it.
std::string linked_groups_json(const std::vector<protocol::groups::GroupOutcome>& outcomes, bool links);
/// {"participants":[{"id","lid"?,"status","result","reason"?,"inviteCode"?,"inviteExpiresAt"?}]}
std::string members_json(const std::vector<sessions::MemberOutcome>& members, Dialect dialect);
std::string join_requests_json(const std::vector<sessions::JoinRequester>& requests, Dialect dialect);

}  // namespace wharf::api
