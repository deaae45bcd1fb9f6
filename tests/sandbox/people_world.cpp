#include "tests/sandbox/people_world.h"

#include <catch2/catch.hpp>

#include "protocol/account/trusted_tokens.h"

namespace wharf::sandbox::test {

PeopleWorld::PeopleWorld() {
  Disk::watch(world.network);
  desk = ready_companion(world, anna);
  bens = ready_companion(world, ben);
  const auto to = ben.account().lid_jid();
  desk->send(message_to("hello", to, {to, bens->lid()}));
  REQUIRE(bens->inbox->last("message"));
  for (auto* account : world.network.accounts()) {
    world.network.changes().changed(RowKind::account, account->phone);
    for (const auto& [number, device] : account->devices)
      world.network.changes().changed(RowKind::device, account->phone, row_number(number, 2));
  }
}

PeopleWorld::~PeopleWorld() = default;

Node PeopleWorld::ask(Primary& who, const Node& iq) {
  who.send(iq);
  return who.inbox.answer(iq.attr("id"));
}

Node PeopleWorld::ask(Companion& who, const Node& iq) {
  who.send(iq);
  return who.inbox->answer(iq.attr("id"));
}

std::string PeopleWorld::error(const Node& answer) {
  const auto refused = protocol::iq_error_of(answer);
  return refused ? std::to_string(refused->code) : std::string();
}

void PeopleWorld::set_privacy(Primary& who, protocol::PrivacyCategory category, protocol::PrivacyValue value) {
  REQUIRE(error(ask(who, protocol::set_privacy_iq(id(), {category, value}))).empty());
}

void PeopleWorld::block(Primary& who, Primary& whom) {
  const protocol::BlockChange change{true, whom.account().lid_jid(), whom.account().pn_jid(), {}, {}};
  REQUIRE(error(ask(who, protocol::block_iq(id(), change))).empty());
}

Bytes PeopleWorld::token(Primary& issuer, Primary& holder) {
  const auto now = static_cast<std::uint64_t>(world.clock.unix_ms() / 1000);
  ask(issuer, protocol::issue_token_iq(id(), {holder.account().lid_jid(), now}));
  const auto given = told<protocol::TrustedTokenReceived>(holder.inbox, holder.account());
  REQUIRE_FALSE(given.empty());
  return given.back().token;
}

protocol::PictureState PeopleWorld::picture(Primary& viewer, const protocol::PictureQuery& query) {
  const auto state = protocol::read_picture_answer(ask(viewer, protocol::picture_iq(id(), query)), query);
  REQUIRE(state);
  return *state;
}

protocol::Profile PeopleWorld::profile(Primary& viewer, protocol::ProfileFields fields,
                                       const protocol::ProfileTarget& whom) {
  const std::vector<protocol::ProfileTarget> targets{whom};
  const auto answer = protocol::read_profiles(ask(viewer, protocol::profile_query_iq(id(), "sid", fields, targets)));
  REQUIRE(answer);
  REQUIRE(answer->users.size() == 1);
  return answer->users[0];
}

std::vector<protocol::NotificationEvent> events(const Inbox& inbox, const Account& reader) {
  std::vector<protocol::NotificationEvent> all;
  for (const auto& notification : inbox.tagged("notification")) {
    const protocol::NotificationReader who{reader.pn_jid(), reader.has_lid() ? reader.lid_jid() : Jid(),
                                           notification.number("t").value_or(0)};
    for (auto& event : protocol::read_notification(notification, who)) all.push_back(std::move(event));
  }
  return all;
}

LaterWorld::LaterWorld(PeopleWorld& before) {
  Phones nobody(before.world.network);
  before.disk.commit(before.world.network, nobody);
  disk = before.disk;
  for (const auto& [key, value] : disk.rows) {
    INFO("row " << static_cast<int>(key.kind) << " of " << key.owner);
    const auto now = Disk::row(before.world.network, nobody, key);
    REQUIRE(now.has_value());
    REQUIRE(*now == value);
  }
  world.clock.advance(before.world.clock.unix_ms() - world.clock.unix_ms());
  REQUIRE(disk.load(world.network, none));
  for (const auto& [key, value] : disk.rows) {
    if (key.kind != RowKind::account && key.kind != RowKind::account_picture && key.kind != RowKind::business) continue;
    INFO("row " << static_cast<int>(key.kind) << " of " << key.owner << " as it came back");
    REQUIRE(Disk::row(world.network, none, key) == value);
  }
}

LaterWorld::~LaterWorld() = default;

Node LaterWorld::ask(const std::string& phone, const Node& iq) {
  world.network.attach_phone(phone, inbox);
  world.network.handle({phone, 0}, iq);
  return inbox.answer(iq.attr("id"));
}

}  // namespace wharf::sandbox::test
