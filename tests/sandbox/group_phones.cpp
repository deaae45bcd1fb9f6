#include "tests/sandbox/group_phones.h"

#include <catch2/catch.hpp>

namespace wharf::sandbox::test {

WatchedWorld::WatchedWorld() { Disk::watch(network); }
WatchedWorld::~WatchedWorld() = default;

GroupPhones::GroupPhones() = default;
GroupPhones::~GroupPhones() = default;

Jid GroupPhones::lid(const Phone& phone) { return network.find_account(std::string_view(phone.number()))->lid_jid(); }

std::string GroupPhones::refused(Phone& phone, const groups::GroupRequest& request) {
  return GroupWorld::error(ask(phone, request));
}

Node GroupPhones::ask(Phone& phone, const groups::GroupRequest& request) {
  protocol::Result<Node> answer = protocol::Error(protocol::Errc::not_ready, "");
  phone.ask(request, [&](protocol::Result<Node> got) { answer = std::move(got); });
  settle();
  REQUIRE(answer);
  return *answer;
}

std::string GroupPhones::make(const std::vector<Phone*>& members, const std::string& subject) {
  groups::CreateGroup asked;
  asked.subject = subject;
  for (auto* member : members) asked.members.push_back({lid(*member), {}, {}});
  const auto created = groups::read_created(asked, ask(anna, asked));
  REQUIRE(created);
  return created->group.group.to_string();
}

void GroupPhones::change(Phone& actor, const std::string& group, groups::MemberAction action,
                         const std::vector<Phone*>& who) {
  groups::ChangeMembers asked{*Jid::parse(group), action, {}, false};
  for (auto* one : who) asked.members.push_back({lid(*one), {}, {}});
  const auto changed = groups::read_changed(asked, ask(actor, asked));
  REQUIRE(changed);
  for (const auto& outcome : changed->asked) REQUIRE(outcome.succeeded());
}

std::string GroupPhones::send(Phone& from, const std::string& group, const std::string& text) {
  const auto id = from.send({group, text, {}, {}});
  REQUIRE(id);
  settle();
  return *id;
}

std::string GroupPhones::status(const Phone& phone, const std::string& text) {
  const PhoneMessage* message = with_text(phone, text);
  return message == nullptr ? "absent" : message->status;
}

}  // namespace wharf::sandbox::test
