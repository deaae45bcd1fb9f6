#pragma once
// What a group notification does to the metadata that is kept of a group, and to the sender keys there. Pure: values
// in, values out. Specification 05 section 5, 03 section 2 (rotation).
//
// The kept member list decides whom messages are encrypted to, so it must be known to be whole. A change whose `before`
// version is not the kept one, rows that could not be read, another addressing mode, and the server's own word that
// people are missing make it `stale`: it is not encrypted to again but fetched before the next message. Until then its
// settings are kept up to date and its members stay as they were, so that compare() finds who has gone meanwhile. A
// change whose `after` version is the kept one has been seen already (stanzas come again, and answers may be ahead of
// notifications): it is passed over. Nothing kept stays nothing: no list is built of differences.

#include <optional>
#include <vector>

#include "protocol/groups/changes.h"

namespace wharf::protocol::groups {

/// What becomes of sender keys, the gravest last.
enum class SenderKeys : std::uint8_t {
  keep,             // whoever joined gets the current key with the next message
  rotate_if_given,  // when any device of the people in `gone` was given the own key, or in doubt
  rotate,           // the next message makes a new own key and gives it to all
  forget,           // the own account is out: own and others' keys of this group are deleted
};

struct Applied {
  std::optional<GroupMetadata> metadata;  // what to keep; nothing when the own account is out
  bool refetch = false;                   // before the next message: it is stale, or was never there
  SenderKeys keys = SenderKeys::keep;
  std::vector<Participant> gone;  // who was removed or left, as the stanza names them
};

/// The groups that a notification speaks of, its own first: linked_group_… changes belong to another one.
std::vector<Jid> groups_of(const GroupNotification& notification);

/// Applies to `group`, of which `kept` is what is kept, those changes that are of it, in order.
Applied apply(const Jid& group, std::optional<GroupMetadata> kept, const GroupNotification& notification,
              const OwnAccount& own);

/// What a fetched list says against the older one: rotate after a change of the addressing mode, rotate_if_given with
/// whoever is missing (of a partial list that says nothing), else keep. Where there is no older list, the record of who
/// was given the own key is what to hold against the new one.
Applied compare(const GroupMetadata& older, GroupMetadata fetched);

/// Members of `older` who are not in `newer` under any name.
std::vector<Participant> gone(const GroupMetadata& older, const GroupMetadata& newer);

}  // namespace wharf::protocol::groups
