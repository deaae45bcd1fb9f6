#pragma once
// What WhatsApp answers to an operation on groups: read, put as programs see it, and what it tells of groups of the
// account kept. Specification 05 sections 2 and 3.

#include "protocol/groups/requests.h"
#include "protocol/groups/results.h"
#include "sessions/groups/group_answer.h"
#include "sessions/groups/groups.h"

namespace wharf::sessions {

/// The group as it is shown, with its people under both of their names. `known`: whose they are, and who the account
/// is.
GroupView view_of(const protocol::groups::GroupMetadata& group, const Groups& known);

/// `answer` is that to `asked`; what it says of groups of the account goes into `known`. Errors: the server's, and
/// bad_response of what cannot be read.
protocol::groups::GroupResult<GroupAnswer> take_answer(const protocol::groups::GroupRequest& asked, const Node& answer,
                                                       Groups& known);

}  // namespace wharf::sessions
