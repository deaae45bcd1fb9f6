#include "protocol/account/presence.h"

#include <catch2/catch.hpp>

#include "protocol/stanzas/iq.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

constexpr std::uint64_t now = 1'770'000'000;
const Jid user("15550000002", server::user), group("120363000000000001", server::group);

Node wire(const Node& node) { return decode_node(encode_node(node)).value(); }
Node seen(const char* type = "", const char* last = "") {
  Node node("presence");
  node.set("from", user);
  if (*type != '\0') node.set("type", type);
  if (*last != '\0') node.set("last", last);
  return node;
}

}  // namespace

TEST_CASE("presence without a type is available") {
  REQUIRE(read_presence(seen(), now)->available);
  REQUIRE(read_presence(seen("available", "5"), now)->last.kind == LastSeen::Kind::not_said);
  REQUIRE_FALSE(read_presence(seen("unavailable"), now)->available);
  REQUIRE_FALSE(read_presence(seen("subscribe"), now));
  REQUIRE_FALSE(read_presence(Node("presence"), now));
  REQUIRE_FALSE(read_presence(seen().set("from", server_jid()), now));
  REQUIRE_FALSE(read_presence(Node("chatstate").set("from", user), now));
}

TEST_CASE("when somebody was last seen is a time, hidden, never or unknown") {
  const auto last = [](const char* text) { return read_presence(seen("unavailable", text), now)->last; };
  REQUIRE(last("") == LastSeen{});
  REQUIRE(last("1769999999") == LastSeen{LastSeen::Kind::at, 1'769'999'999});
  REQUIRE(last("deny").kind == LastSeen::Kind::hidden);
  REQUIRE(last("none").kind == LastSeen::Kind::never);
  for (const char* odd : {"error", "-5", "x", "99999999999999999999"})
    REQUIRE(last(odd).kind == LastSeen::Kind::unknown);
  REQUIRE(last("1790000000") == LastSeen{LastSeen::Kind::at, now});
}

TEST_CASE("what the network says of presence is read as it was meant") {
  std::vector<PresenceSeen> all(7);
  for (PresenceSeen& one : all) one.from = user;
  all[1].push_name = "Anna";
  for (std::size_t i = 2; i < 6; ++i) all[i].available = false;
  all[2].last = {LastSeen::Kind::at, 5};
  all[3].last = {LastSeen::Kind::hidden, 0};
  all[4].last = {LastSeen::Kind::never, 0};
  all[5].last = {LastSeen::Kind::unknown, 0};
  all[6].from = group;
  all[6].online = 17;
  for (const PresenceSeen& one : all) REQUIRE(read_presence(wire(presence_stanza(one)), now) == one);
}

TEST_CASE("what a client declares and subscribes to is read again") {
  const auto request = [](const Node& node) { return read_presence_request(wire(node)); };
  REQUIRE(request(presence("available", "Anna")) == PresenceRequest(PresenceDeclared{true, "Anna"}));
  REQUIRE(request(presence("unavailable", "")) == PresenceRequest(PresenceDeclared{false, ""}));
  REQUIRE(request(Node("presence").set("name", "New")) == PresenceRequest(PresenceDeclared{std::nullopt, "New"}));
  REQUIRE(request(presence_subscription(user, Bytes{1, 2})) == PresenceRequest(PresenceSubscribed{user, {1, 2}}));
  REQUIRE(request(presence_subscription(group, Bytes{1, 2})) == PresenceRequest(PresenceSubscribed{group, {}}));
  REQUIRE(request(presence_unsubscription(user)) == PresenceRequest(PresenceUnsubscribed{user}));
  REQUIRE_FALSE(request(Node("presence")));
  REQUIRE_FALSE(request(Node("presence").set("type", "x").set("name", "y")));
  REQUIRE_FALSE(request(Node("presence").set("type", "subscribe")));
  REQUIRE_FALSE(request(Node("message")));
  REQUIRE(std::get<PresenceSubscribed>(*request(presence_subscription(user, Bytes(4097)))).token.empty());
}

TEST_CASE("composing, recording and paused travel both ways") {
  for (const ChatState state : {ChatState::composing, ChatState::recording, ChatState::paused}) {
    const auto sent = read_chat_state_request(wire(chat_state(user, state)));
    REQUIRE(sent->to == user);
    REQUIRE(sent->state == state);
    const ChatStateSeen in_chat{user, std::nullopt, state}, in_group{group, Jid("3", server::lid), state};
    REQUIRE(read_chat_state(wire(chat_state_stanza(in_chat))) == in_chat);
    REQUIRE(read_chat_state(wire(chat_state_stanza(in_group))) == in_group);
  }
}

TEST_CASE("each state of a chat has its word, and another word is none") {
  CHECK(name(ChatState::composing) == "composing");
  CHECK(name(ChatState::recording) == "recording");
  CHECK(name(ChatState::paused) == "paused");
  for (const ChatState state : {ChatState::composing, ChatState::recording, ChatState::paused})
    CHECK(chat_state_named(name(state)) == state);
  CHECK_FALSE(chat_state_named("typing"));
  CHECK_FALSE(chat_state_named(""));
}

TEST_CASE("an echo, no state, several, and a speaker in a chat of two are not believed") {
  const auto from = [](const Jid& jid) { return Node("chatstate").set("from", jid); };
  REQUIRE_FALSE(read_chat_state(chat_state(user, ChatState::composing)));  // only `to`: an echo of our own
  REQUIRE_FALSE(read_chat_state(from(user)));
  REQUIRE_FALSE(read_chat_state(from(user).add(Node("paused")).add(Node("composing"))));
  REQUIRE_FALSE(read_chat_state(from(user).add(Node("dancing"))));
  REQUIRE_FALSE(read_chat_state(Node("presence").set("from", user).add(Node("paused"))));
  const auto spoken_for = read_chat_state(from(user).set("participant", Jid("9", server::user)).add(Node("paused")));
  REQUIRE_FALSE(spoken_for->participant);
  REQUIRE(read_chat_state(from(user.with_device(3)).add(Node("paused")))->chat == user);
  REQUIRE_FALSE(read_chat_state_request(from(user).add(Node("paused"))));
}
