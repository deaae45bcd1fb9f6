#include "sessions/groups/own_changes.h"

#include <algorithm>
#include <utility>

namespace wharf::sessions {

namespace {

constexpr std::string_view picture_change = "picture";

}  // namespace

void OwnChanges::asked(const Node& iq) {
  if (c_.cause.empty() || iq.attr("type") != "set") return;
  if (iq.attr("xmlns") == "w:profile:picture") return expect(iq, iq.jid("target"), picture_change);
  auto group = iq.jid("to");
  if (group && group->user.empty()) group.reset();  // of the account: the server of all groups
  for (const Node& asked : iq.children()) {
    if (asked.is("create")) {
      expect(iq, std::nullopt, "create", asked.attr("key"));
    } else if (asked.is("leave")) {
      for (const Node* left : asked.children("group")) expect(iq, left->jid("id"), "remove");
    } else if (asked.is("accept") || (asked.is("invite") && !group)) {
      expect(iq, group, "add");
    } else if (asked.is("membership_requests_action")) {
      expect(iq, group, "add");
      expect(iq, group, "revoked_membership_requests");
    } else if (asked.is("links")) {
      expect(iq, group, "link");
    } else {
      expect(iq, group, asked.tag);  // changes have the names of their requests
    }
  }
}

void OwnChanges::expect(const Node& iq, std::optional<Jid> group, std::string_view tag, std::string key) {
  if (expected_.size() >= most_expected) expected_.pop_front();
  expected_.push_back(
      {iq.attr("id"), c_.cause, std::move(group), std::string(tag), std::move(key), c_.now.steady + expected_for});
}

void OwnChanges::refused(std::string_view iq_id) {
  std::erase_if(expected_, [&](const Expected& one) { return one.iq_id == iq_id; });
}

std::string OwnChanges::take(const Jid& group, std::string_view tag, const std::string& key) {
  std::erase_if(expected_, [this](const Expected& one) { return one.until <= c_.now.steady; });
  const auto found = std::find_if(expected_.begin(), expected_.end(), [&](const Expected& one) {
    return one.tag == tag && (!one.group || *one.group == group) && one.key == key;
  });
  if (found == expected_.end()) return {};
  std::string cause = std::move(found->cause);
  expected_.erase(found);
  return cause;
}

std::string OwnChanges::behind(const Jid& group, const Node& notification) {
  for (const Node& change : notification.children()) {
    auto cause = take(group, change.tag, change.is("create") ? change.attr("key") : std::string());
    if (!cause.empty()) return cause;
  }
  return {};
}

std::string OwnChanges::behind_picture(const Jid& group) { return take(group, picture_change, {}); }

}  // namespace wharf::sessions
