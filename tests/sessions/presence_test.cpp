// Who is online and who writes, and what the account shows of itself, through a real Session.
#include "sessions/people/presence.h"

#include <catch2/catch.hpp>

#include "tests/sessions/people_stanzas.h"

using namespace wharf;
using namespace wharf::test;
using events::PresenceChanged;
using protocol::ChatState;
using protocol::LastSeen;
using protocol::PresenceSeen;

namespace {

/// The account has a name, without which nothing is said.
struct Named : PeopleFixture {
  explicit Named(bool online = true) : PeopleFixture(false) {
    session->context().device.push_name = "Wharf";
    if (online) on_connect = go_online();
  }
  std::vector<Node> on_connect;
};

std::vector<std::string> presences(const std::vector<Node>& nodes) {
  std::vector<std::string> said;
  for (const Node& node : nodes)
    if (node.is("presence")) said.push_back(node.attr("type") + (node.has("to") ? " " + node.attr("to") : ""));
  return said;
}

Node state(const Jid& chat, ChatState what, std::optional<Jid> participant = std::nullopt) {
  return protocol::chat_state_stanza({chat, std::move(participant), what});
}

std::vector<std::string> states(const std::vector<PresenceChanged>& told) {
  std::vector<std::string> out;
  for (const PresenceChanged& one : told) out.push_back(one.state);
  return out;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("the account shows as online when it comes online, or not when the config says so") {
  Named f;
  CHECK(presences(f.on_connect) == Lines{"available"});
  Named quiet(false);
  quiet.session->context().config.shows_online = false;
  CHECK(presences(quiet.go_online()) == Lines{"unavailable"});
  CHECK_FALSE(quiet.session->context().link.while_online()->available);
}

TEST_CASE("what a program wants to show holds over connections, until the config is another") {
  Named f;
  const auto hide = f.ask(ShowPresence{false});
  CHECK(presences(hide.asked) == Lines{"unavailable"});
  CHECK(hide.answer().has_value());
  f.cut();
  CHECK(presences(f.go_online()) == Lines{"unavailable"});
  const auto configure = [&](bool shows_online) {
    UpdateSession update;
    update.config = SessionConfig();
    update.config->shows_online = shows_online;
    return presences(f.ask(std::move(update)).asked);
  };
  CHECK(configure(true).empty());  // it says nothing new
  CHECK(configure(false).empty());
  CHECK(configure(true) == Lines{"available"});
  f.cut();
  CHECK(presences(f.go_online()) == Lines{"available"});
}

TEST_CASE("what a program wanted to show is of that account: the next one shows as the config says") {
  Named f;
  REQUIRE(f.ask(ShowPresence{false}).answer().has_value());
  const auto device = f.session->context().device;
  const auto logout = f.ask(Logout{});
  f.hear(result_of(logout.asked.at(0)));
  REQUIRE(logout.answered());
  f.session->context().device = device;  // as if another one was linked
  CHECK(presences(f.go_online()) == Lines{"available"});
}

TEST_CASE("nothing is shown without a connection or without a name") {
  PeopleFixture nameless;
  CHECK(nameless.ask(ShowPresence{true}).answer().error().code == Errc::not_ready);
  Named offline(false);
  CHECK(offline.ask(ShowPresence{true}).answer().error().code == Errc::not_ready);
  CHECK(offline.ask(ShowChatState{ann, ChatState::composing}).answer().error().code == Errc::not_ready);
}

TEST_CASE("typing and recording go out to the one who is known by then") {
  Named f;
  f.learn(ann_number, ann);
  const auto typing = f.ask(ShowChatState{ann_number, ChatState::recording});
  const auto sent = protocol::read_chat_state_request(typing.asked.at(0));
  REQUIRE(sent);
  CHECK(sent->to == ann);
  CHECK(sent->state == ChatState::recording);
  CHECK(typing.answer().has_value());
  know(f, group_of(crew, {ben_lid}));
  const auto in_group = f.ask(ShowChatState{crew, ChatState::paused});
  CHECK(protocol::read_chat_state_request(in_group.asked.at(0))->to == crew);
}

TEST_CASE("nobody is shown as writing where nothing could be sent") {
  Named f;
  auto news = group_of(crew, {ben_lid});
  news.announcement = true;
  know(f, news);
  for (const Jid& group : {crew, choir}) {
    const auto asking = f.ask(ShowChatState{group, ChatState::composing});
    CHECK(
        std::none_of(asking.asked.begin(), asking.asked.end(), [](const Node& node) { return node.is("chatstate"); }));
    REQUIRE_FALSE(asking.answer().has_value());
    CHECK(asking.answer().error().code == (group == crew ? Errc::forbidden : Errc::not_found));
  }
}

TEST_CASE("who is watched is subscribed to on every connection, and told of when something changes") {
  Named f;
  f.learn(ann_number, ann);
  const auto watch = f.ask(WatchPresence{ann_number});
  CHECK(presences(watch.asked) == Lines{"subscribe " + ann.to_string()});
  REQUIRE(watch.answer().has_value());
  CHECK(watch.answer()->watched);
  CHECK_FALSE(watch.answer()->available);
  const PresenceSeen away{ann, false, {LastSeen::Kind::at, 1'699'999'000}};
  f.hear(protocol::presence_stanza({ann}));
  f.hear(protocol::presence_stanza({ann}));  // again: nothing new
  f.hear(protocol::presence_stanza(away));
  auto told = f.told_of<PresenceChanged>();
  CHECK(states(told) == Lines{"available", "unavailable"});
  CHECK(told[1].last_seen == 1'699'999'000'000);
  CHECK(told[1].user_ids.pn == ann_number);
  const auto known = f.ask(ReadPresence{ann});
  CHECK(known.answer()->available == false);
  CHECK(known.answer()->last.unix_seconds == 1'699'999'000);

  f.cut();
  CHECK(f.ask(ReadPresence{ann}).answer()->available == std::nullopt);  // who knows
  CHECK(presences(f.go_online()) == Lines{"available", "subscribe " + ann.to_string()});
  f.reopen();  // as after a restart
  f.session->context().device.push_name = "Wharf";
  f.begin();
  CHECK(presences(f.go_online()) == Lines{"available", "subscribe " + ann.to_string()});

  const auto unwatch = f.ask(WatchPresence{ann, false});
  CHECK(presences(unwatch.asked) == Lines{"unsubscribe " + ann.to_string()});
  f.cut();
  CHECK(presences(f.go_online()) == Lines{"available"});
}

TEST_CASE("a hidden last time is told as hidden, and the own account not at all") {
  Named f;
  f.hear(protocol::presence_stanza({ann, false, {LastSeen::Kind::hidden, 0}}));
  f.hear(protocol::presence_stanza({Jid("100000000000001", "lid"), false}));
  const auto told = f.told_of<PresenceChanged>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].last_seen_hidden);
  CHECK_FALSE(told[0].last_seen);
}

TEST_CASE("nobody is subscribed to while the account is hidden, and all are when it shows again") {
  Named f;
  f.ask(ShowPresence{false});
  CHECK(presences(f.ask(WatchPresence{ann}).asked).empty());
  CHECK(presences(f.ask(ShowPresence{true}).asked) == Lines{"available", "subscribe " + ann.to_string()});
}

TEST_CASE("many are subscribed to a portion at a time, and no more than may be watched") {
  Named f;
  f.ask(ShowPresence{false});
  for (std::size_t i = 0; i < max_watched; ++i) {
    const Jid who(std::to_string(300'000'000'000'000 + i), "lid");
    REQUIRE(f.ask(WatchPresence{who}).answer().has_value());
  }
  CHECK(f.ask(WatchPresence{ann}).answer().error().code == Errc::rate_limited);
  std::size_t subscribed = presences(f.ask(ShowPresence{true}).asked).size() - 1;
  CHECK(subscribed == 50);
  for (int second = 1; second < 20; ++second) {
    const std::size_t more = presences(f.later(1s)).size();
    CHECK(more == 50);
    subscribed += more;
  }
  CHECK(subscribed == max_watched);
}

TEST_CASE("who writes is told once while it lasts, and when it ends") {
  Named f;
  f.learn(ann_number, ann);
  f.hear(state(ann_number, ChatState::composing));
  f.hear(state(ann, ChatState::composing));
  f.hear(state(ann, ChatState::recording));
  f.hear(state(ann, ChatState::paused));
  f.hear(state(ann, ChatState::paused));
  const auto told = f.told_of<PresenceChanged>();
  CHECK(states(told) == Lines{"composing", "recording", "paused"});
  CHECK(told[0].chat == ann);
  CHECK(told[0].user_ids.pn == ann_number);
}

TEST_CASE("somebody writes in a group, and it ends by itself") {
  Named f;
  f.hear(state(crew, ChatState::composing, ann));
  f.later(20s);
  f.hear(state(crew, ChatState::composing, ann));
  f.later(24s);
  CHECK(states(f.told_of<PresenceChanged>()) == Lines{"composing"});
  f.later(1s);
  const auto told = f.told_of<PresenceChanged>();
  CHECK(states(told) == Lines{"composing", "paused"});
  CHECK(told[1].chat == crew);
  CHECK(told[1].user == ann);
  CHECK(told[1].chat_ids == PersonIds());
}

TEST_CASE("who writes when the connection ends does so no more, and a state of nobody says nothing") {
  Named f;
  f.hear(state(ann, ChatState::composing));
  f.hear(state(crew, ChatState::composing));                                    // of whom?
  f.hear(state(crew, ChatState::composing, Jid("100000000000001", "lid", 0)));  // the own phone
  f.hear(Node("chatstate").set("from", ann).add(Node("composing")).add(Node("paused")));
  f.cut();
  CHECK(states(f.told_of<PresenceChanged>()) == Lines{"composing", "paused"});
}
