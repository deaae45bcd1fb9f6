#pragma once
// What WhatsApp answers about a group, as programs see it: people under both of their names.

#include <optional>
#include <string>
#include <vector>

#include "events/event.h"
#include "protocol/groups/metadata.h"
#include "protocol/groups/results.h"

namespace wharf::sessions {

/// What became of one person that an operation was about.
struct MemberOutcome {
  events::GroupPerson who;
  std::string result;                                  // "added", "invite_required", … (protocol::groups::name)
  unsigned code = 0;                                   // the server's; 200 done, 0 it says nothing of that person
  std::optional<protocol::groups::AddRequest> invite;  // of invite_required
};
struct JoinRequester {
  events::GroupPerson who;
  std::optional<std::uint64_t> time;  // unix seconds
  std::string method;
};
/// A group with its people.
struct GroupView {
  protocol::groups::GroupMetadata metadata;  // its `members` are in `people`
  std::vector<events::GroupPerson> people;
  std::optional<events::GroupPerson> creator;
  bool member = true;  // the own account is in it
  bool admin = false;  // the own account is
};
/// Of each operation what it tells.
struct GroupAnswer {
  std::optional<GroupView> group;      // create, query, preview
  std::optional<protocol::Jid> made;   // create: which it is
  bool replayed = false;               // create: the answer of an earlier request under the same key
  std::vector<MemberOutcome> members;  // create, add, remove, promote, demote, decide
  std::string invite_code;             // get and reset
  std::optional<protocol::groups::Joined> joined;
  std::vector<JoinRequester> requests;
  std::string picture_id;                                // set
  std::optional<protocol::groups::Picture> picture;      // get
  std::vector<GroupView> groups;                         // sub-groups of a community
  std::vector<protocol::groups::GroupOutcome> outcomes;  // leave, link, unlink
};

}  // namespace wharf::sessions
