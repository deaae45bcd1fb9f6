#pragma once
// The groups of the network: found by id, by the code of their link and by who is in them. Specification 06 section 11.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/groups/group.h"

namespace wharf::sandbox {

class GroupStore {
 public:
  explicit GroupStore(NetworkContext& context) : c_(context) {}

  /// An empty group with an id, a code and versions of its own; nobody is in it yet.
  Group& create(std::string creator);
  /// With its members and its picture; of a community: not the groups linked to it.
  void remove(Group& group);

  /// nullptr: there is none. A JID of another server is none.
  Group* find(std::string_view id) const;
  Group* find(const Jid& jid) const { return jid.is_group() ? find(jid.user) : nullptr; }
  /// What a code of a link leads to; `current` is false of one that was reset.
  struct Coded {
    Group* group = nullptr;
    bool current = false;
  };
  Coded by_code(std::string_view code) const;
  /// Ids of the groups that an account is in.
  const std::set<std::string>& of(std::string_view phone) const;
  /// The groups linked to a root, by id.
  std::vector<Group*> linked_to(std::string_view root) const;
  std::size_t count() const { return groups_.size(); }
  /// By id.
  std::vector<const Group*> all() const;
  /// Accounts that have a chat with this one or are in a group with it: who hears of its devices and keys.
  std::set<std::string> acquaintances_of(const Party& party) const;

  // --- changes: what is altered in a Group by hand is told with changed()
  void changed(const Group& group) { c_.changes.changed(RowKind::group, {}, group.id); }
  void picture_changed(const Group& group) { c_.changes.changed(RowKind::group_picture, {}, group.id); }
  /// Adds, or gives a role. Moves the version of the list on.
  void put_member(Group& group, const std::string& phone, GroupMember member);
  void drop_member(Group& group, const std::string& phone);
  /// Another code: the one before leads nowhere from now on.
  void reset_code(Group& group);

  // --- rows: group, group_member, group_picture
  std::optional<Bytes> row(const RowKey& key) const;
  void restore(const RowKey& key, ByteView row);

 private:
  std::string new_code();
  void member_changed(const Group& group, const std::string& phone);

  NetworkContext& c_;
  std::map<std::string, std::unique_ptr<Group>, std::less<>> groups_;  // by id
  std::map<std::string, Group*, std::less<>> codes_;                   // old ones too
  std::map<std::string, std::set<std::string>, std::less<>> memberships_;
};

}  // namespace wharf::sandbox
