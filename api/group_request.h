#pragma once
// What handlers of groups share: the group of the path, and asking WhatsApp about it.

#include <functional>
#include <optional>

#include "api/services.h"
#include "sessions/commands.h"

namespace wharf::api {

/// The group of the path; answers and returns nullopt when it is none, or there is no such session.
std::optional<protocol::Jid> group_of(const ServicesPtr& services, const CallPtr& call);

/// Asks the session of the path; answers what it refuses. `done` runs with what WhatsApp says.
void ask_group(const ServicesPtr& services, const CallPtr& call, protocol::groups::GroupRequest request,
               std::function<void(const sessions::GroupAnswer&)> done);

/// Known from the stored copy: what WhatsApp says of it then is that there is no such community. A copy whose members
/// are not known yet tells nothing.
bool is_no_community(const ServicesPtr& services, const CallPtr& call, const protocol::Jid& group);
inline constexpr const char* no_community = "must be a community, and this is a group: GET …/groups lists which is one";

}  // namespace wharf::api
