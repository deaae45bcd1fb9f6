#pragma once
// Who comes, goes, and gets a role: the list is altered and everybody is told. Whether it may be done was asked before.
// Specification 06 section 11.

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/groups/group_notices.h"
#include "sandbox/network/groups/group_store.h"
#include "sandbox/network/groups/group_views.h"

namespace wharf::sandbox {

class GroupMembership {
 public:
  GroupMembership(NetworkContext& context, const Accounts& accounts, GroupStore& store, const GroupViews& views,
                  GroupNotices& notices)
      : c_(context), accounts_(accounts), store_(store), views_(views), notices_(notices) {}

  using Parties = GroupNotices::Parties;
  /// `author` nullptr: the server did it. Nothing happens without anybody in `who`.
  void add(Group& group, const Party* author, const Parties& who, std::string_view reason = {});
  /// Those who are their own author left by themselves. A group without anybody is gone afterwards; one without an
  /// admin gets the eldest member as one.
  void remove(Group& group, const Party* author, const Parties& who, std::string_view reason = {});
  void set_role(Group& group, const Party* author, const Parties& who, GroupRole role);
  /// A member that has another number from the next moment on, told to everybody while it still has the one before:
  /// that one is the author (05 section 4).
  void tell_number(const Group& group, const Party& member, const std::string& number);
  /// The same of a member that has another LID from the next moment on. Nobody, in a group that names people by number.
  void tell_lid(const Group& group, const Party& member, const std::string& lid);
  /// The group names its members by the other identity from now on; nobody is told. Nothing when somebody has none.
  void switch_addressing(Group& group);
  /// As one of its admins would: the last member without a role, other than `spared`.
  void remove_someone(Group& group, const Party& spared);

 private:
  std::vector<protocol::groups::Participant> rows(const Group& group, const Party& viewer, const Parties& who) const;
  void keep_an_admin(Group& group);

  NetworkContext& c_;
  const Accounts& accounts_;
  GroupStore& store_;
  const GroupViews& views_;
  GroupNotices& notices_;
};

}  // namespace wharf::sandbox
