#include "tests/sandbox/group_world.h"

#include <algorithm>
#include <catch2/catch.hpp>

namespace wharf::sandbox::test {

namespace {

groups::ChangeMembers change_of_members(const Jid& group, groups::MemberAction action, const std::vector<Jid>& who) {
  groups::ChangeMembers asked{group, action, {}, false};
  for (const auto& jid : who) asked.members.push_back({jid, {}, {}});
  return asked;
}

}  // namespace

GroupWorld::GroupWorld() : desk(ready_companion(world, anna)), bens(ready_companion(world, ben)) {}
GroupWorld::~GroupWorld() = default;

Node GroupWorld::ask(Primary& device, const groups::GroupRequest& request) {
  const auto id = world.id();
  device.send(groups::request_iq(id, request));
  return device.inbox.answer(id);
}

Node GroupWorld::ask(Companion& device, const groups::GroupRequest& request) {
  const auto id = world.id();
  device.send(groups::request_iq(id, request));
  return device.inbox->answer(id);
}

std::string GroupWorld::refused(Primary& device, const groups::GroupRequest& request) {
  return error(ask(device, request));
}

std::string GroupWorld::refused(Companion& device, const groups::GroupRequest& request) {
  return error(ask(device, request));
}

std::string GroupWorld::error(const Node& answer) {
  const auto* error = answer.child("error");
  return error != nullptr ? error->attr("code") : std::string();
}

Jid GroupWorld::make(const std::vector<Primary*>& members, const std::string& subject) {
  groups::CreateGroup asked;
  asked.subject = subject;
  for (auto* member : members) asked.members.push_back({lid(*member), {}, {}});
  return make(asked);
}

Jid GroupWorld::make(const groups::CreateGroup& asked) {
  const auto created = groups::read_created(asked, ask(anna, asked));
  REQUIRE(created);
  for (const auto& outcome : created->members.asked) REQUIRE(outcome.succeeded());
  return created->group.group;
}

groups::GroupMetadata GroupWorld::metadata(Primary& viewer, const Jid& group) {
  const groups::QueryGroup asked{group, {}};
  const auto queried = groups::read_queried(asked, ask(viewer, asked));
  REQUIRE(queried);
  REQUIRE(queried->has_value());
  return **queried;
}

std::vector<std::string> GroupWorld::change(Primary& actor, const Jid& group, groups::MemberAction action,
                                            const std::vector<Jid>& who) {
  return rows(ask(actor, change_of_members(group, action, who)), groups::tag(action));
}

std::vector<std::string> GroupWorld::change(Companion& actor, const Jid& group, groups::MemberAction action,
                                            const std::vector<Jid>& who) {
  return rows(ask(actor, change_of_members(group, action, who)), groups::tag(action));
}

std::vector<std::string> GroupWorld::rows(const Node& answer, std::string_view list) {
  const auto* rows = answer.child(list);
  REQUIRE(rows);
  std::vector<std::string> out;
  for (const auto* row : rows->children("participant")) out.push_back(row->attr("error"));
  return out;
}

std::vector<groups::GroupNotification> told(const Inbox& inbox, std::string_view tag) {
  std::vector<groups::GroupNotification> out;
  for (const auto& node : inbox.tagged("notification")) {
    if (node.attr("type") != "w:gp2" || (!tag.empty() && node.child(tag) == nullptr)) continue;
    const auto read = groups::read_group_notification(node, node.number("t").value_or(0));
    REQUIRE(read);
    out.push_back(*read);
  }
  return out;
}

groups::GroupNotification newest(const Inbox& inbox, std::string_view tag) {
  const auto all = told(inbox, tag);
  INFO("no notification with " << tag);
  REQUIRE_FALSE(all.empty());
  return all.back();
}

std::size_t count(const Inbox& inbox, std::string_view tag) { return told(inbox, tag).size(); }

Jid lid(Primary& device) { return device.account().lid_jid(); }
Jid pn(Primary& device) { return device.account().pn_jid(); }

Node group_message(const std::string& id, const Jid& group, const std::vector<Jid>& devices, std::string_view mode) {
  Node message("message");
  message.set("id", id).set("to", group).set("type", "text").set("addressing_mode", mode);
  Node participants("participants");
  for (const auto& device : devices) {
    Node enc("enc");
    enc.set("v", "2").set("type", "msg").text("key for " + device.to_string());
    participants.add(Node("to").set("jid", device).add(std::move(enc)));
  }
  if (!devices.empty()) message.add(std::move(participants));
  return message.add(Node("enc").set("v", "2").set("type", "skmsg").text("for all " + id));
}

}  // namespace wharf::sandbox::test
