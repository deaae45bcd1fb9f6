// Group stanzas as node bytes: metadata, notifications, requests, and answers under every reader. Whatever is read is
// built again and read as the same, lists stay within their bounds, and a member list that is kept names nobody twice.

#include <cstdio>
#include <cstdlib>
#include <set>

#include "protocol/groups/cache.h"
#include "protocol/groups/events.h"
#include "protocol/groups/limits.h"
#include "protocol/groups/results.h"

using namespace wharf::protocol;
using namespace wharf::protocol::groups;

namespace {

constexpr std::uint64_t now = 1770001000;

void check(bool holds, const char* what, const Node& node) {
  if (holds) return;
  std::fprintf(stderr, "%s: %s\n", what, summary(node).c_str());
  std::abort();
}

OwnAccount own() { return {Jid("15550000001", server::user), Jid("900000000000001", server::lid)}; }

GroupMetadata kept(const Jid& group) {
  GroupMetadata metadata;
  metadata.group = group;
  metadata.addressing_mode = AddressingMode::lid;
  metadata.member_list_version = "1";
  for (const char* who : {"900000000000001", "900000000000002", "900000000000003"}) {
    metadata.members.push_back(person(Jid(who, server::lid)));
  }
  metadata.size = 3;
  return metadata;
}

void each_once(const GroupMetadata& metadata, const Node& node) {
  std::set<Jid> names;
  for (const Participant& member : metadata.members) names.insert(member.jid);
  check(names.size() == metadata.members.size(), "a member twice", node);
  check(metadata.members.size() <= 2 * max_members, "members over the bound", node);
}

void metadata(const Node& node) {
  const auto group = read_group(node);
  if (!group) return;
  each_once(*group, node);
  auto again = read_group(group_node(*group));
  check(again.has_value(), "metadata is not read again", node);
  again->stale = group->stale;
  check(*again == *group, "metadata changes", node);
  IdentityPairs pairs;
  collect(pairs, *group);
}

void notification(const Node& node) {
  const auto told = read_group_notification(node, now);
  if (!told) return;
  events_of(*told, own());
  for (const Jid& group : groups_of(*told)) {
    apply(group, std::nullopt, *told, own());
    const Applied applied = apply(group, kept(group), *told, own());
    if (!applied.metadata) continue;
    each_once(*applied.metadata, node);
    check(applied.refetch == applied.metadata->stale, "stale and not fetched", node);
  }
  // Of what was not understood the tag alone is kept, which may be understood.
  for (const GroupChange& change : told->changes) {
    if (std::holds_alternative<UnknownChange>(change)) return;
  }
  auto again = read_group_notification(notification_node(*told), now);
  check(again.has_value(), "a notification is not read again", node);
  GroupNotification before = *told;
  before.stale = again->stale = false;
  before.identities.clear();  // those of rows that were refused are not built
  again->identities.clear();
  for (auto* changes : {&before.changes, &again->changes}) {
    for (GroupChange& change : *changes) {
      if (auto* created = std::get_if<GroupCreated>(&change)) created->group.stale = false;
    }
  }
  check(*again == before, "a notification changes", node);
}

void request(const Node& node) {
  const auto asked = read_group_request(node);
  if (!asked) return;
  const auto again = read_group_request(request_iq("1", *asked));
  check(again.has_value(), "a request is not read again", node);
  check(*again == *asked, "a request changes", node);
}

void answer(const Node& node) {
  const Jid group("120363000000000001", server::group), number("15550000002", server::user);
  const std::vector<MemberRef> asked = {{number, {}, {}}, {Jid("900000000000003", server::lid), {}, {}}};
  CreateGroup create;
  create.members = asked;
  read_created(create, node);
  read_queried({group, "2:AbCdEfGh"}, node);
  read_preview(node);
  read_listed(node);
  read_batch({{group}}, node);
  read_left({{group}}, node);
  for (const MemberAction action :
       {MemberAction::add, MemberAction::remove, MemberAction::promote, MemberAction::demote}) {
    const auto outcomes = read_changed({group, action, asked, false}, node);
    if (outcomes) check(outcomes->asked.size() == asked.size(), "an outcome for each", node);
  }
  read_invite(node);
  read_joined(node, group);
  read_join_requests(node);
  read_decided({group, {number}, {number}}, node);
  read_cancelled({group, {number}}, node);
  read_picture_set(node);
  read_picture(node);
  read_linked({group, {{group, false}}}, node);
  read_unlinked({group, {group}, false}, node);
  read_sub_groups(node);
  read_linked_members(node);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  NodeLimits limits;
  limits.max_inflated_bytes = 1 << 20;
  limits.max_nodes = 20'000;
  const Result<Node> node = decode_node({data, size}, limits);
  if (!node) return 0;
  metadata(*node);
  for (const Node& child : node->children()) metadata(child);
  notification(*node);
  request(*node);
  answer(*node);
  return 0;
}
