#include "protocol/account/presence.h"

#include "protocol/stanzas/node_fields.h"

namespace wharf::protocol {

namespace {

constexpr std::size_t max_push_name_bytes = 256;
constexpr std::size_t max_token_bytes = 4096;

LastSeen read_last(const Node& presence, std::uint64_t now) {
  LastSeen last;
  const std::string text = presence.attr("last");
  if (text.empty()) return last;
  if (const auto at = presence.number("last")) {
    last.kind = LastSeen::Kind::at;
    last.unix_seconds = believable(*at, now);
  } else {
    last.kind = text == "deny"   ? LastSeen::Kind::hidden
                : text == "none" ? LastSeen::Kind::never
                                 : LastSeen::Kind::unknown;
  }
  return last;
}

Node state_node(ChatState state) {
  if (state == ChatState::paused) return Node("paused");
  Node composing("composing");
  if (state == ChatState::recording) composing.set("media", "audio");
  return composing;
}

std::optional<ChatState> read_state(const Node& stanza) {
  if (!stanza.is("chatstate") || stanza.children().size() != 1) return std::nullopt;
  const Node& child = stanza.children().front();
  if (child.is("paused")) return ChatState::paused;
  if (!child.is("composing")) return std::nullopt;
  return child.attr("media") == "audio" ? ChatState::recording : ChatState::composing;
}

}  // namespace

Node presence_subscription(const Jid& to, ByteView token) {
  Node node("presence");
  node.set("type", "subscribe").set("to", to.user_jid());
  if (!token.empty() && !to.is_group()) node.add(Node("tctoken").bytes(token));
  return node;
}

Node presence_unsubscription(const Jid& to) {
  return Node("presence").set("type", "unsubscribe").set("to", to.user_jid());
}

std::optional<PresenceSeen> read_presence(const Node& presence, std::uint64_t unix_seconds) {
  const auto from = user_attr(presence, "from");
  const std::string type = presence.attr("type");
  if (!presence.is("presence") || !from) return std::nullopt;
  if (!type.empty() && type != "available" && type != "unavailable") return std::nullopt;
  PresenceSeen seen;
  seen.from = *from;
  seen.available = type != "unavailable";
  if (!seen.available) seen.last = read_last(presence, unix_seconds);
  if (from->is_group()) seen.online = presence.number("count");
  seen.push_name = line_attr(presence, "name", max_push_name_bytes);
  return seen;
}

std::string_view name(ChatState state) {
  switch (state) {
    case ChatState::composing: return "composing";
    case ChatState::recording: return "recording";
    case ChatState::paused: break;
  }
  return "paused";
}

std::optional<ChatState> chat_state_named(std::string_view wanted) {
  for (const ChatState state : {ChatState::composing, ChatState::recording, ChatState::paused})
    if (name(state) == wanted) return state;
  return std::nullopt;
}

Node chat_state(const Jid& to, ChatState state) {
  return Node("chatstate").set("to", to.user_jid()).add(state_node(state));
}

std::optional<ChatStateSeen> read_chat_state(const Node& stanza) {
  const auto from = user_attr(stanza, "from");
  const auto state = read_state(stanza);
  if (!from || !state) return std::nullopt;
  ChatStateSeen seen{from->user_jid(), std::nullopt, *state};
  // In a one-to-one chat it would say who else writes.
  if (from->is_group()) seen.participant = user_attr(stanza, "participant");
  return seen;
}

std::optional<PresenceRequest> read_presence_request(const Node& presence) {
  if (!presence.is("presence")) return std::nullopt;
  const std::string type = presence.attr("type");
  if (type == "subscribe" || type == "unsubscribe") {
    const auto to = user_attr(presence, "to");
    if (!to) return std::nullopt;
    if (type == "unsubscribe") return PresenceUnsubscribed{*to};
    const ByteView token = presence.child_data("tctoken").value_or(ByteView());
    return PresenceSubscribed{*to, token.size() <= max_token_bytes ? to_bytes(token) : Bytes()};
  }
  PresenceDeclared declared;
  declared.push_name = line_attr(presence, "name", max_push_name_bytes);
  if (type == "available" || type == "unavailable") declared.available = type == "available";
  else if (!type.empty() || declared.push_name.empty()) return std::nullopt;
  return declared;
}

Node presence_stanza(const PresenceSeen& seen) {
  Node node("presence");
  node.set("from", seen.from);
  if (!seen.available) node.set("type", "unavailable");
  switch (seen.last.kind) {
    case LastSeen::Kind::not_said: break;
    case LastSeen::Kind::at: node.set("last", seen.last.unix_seconds); break;
    case LastSeen::Kind::hidden: node.set("last", "deny"); break;
    case LastSeen::Kind::never: node.set("last", "none"); break;
    case LastSeen::Kind::unknown: node.set("last", "error"); break;
  }
  return put(put(node, "count", seen.online), "name", seen.push_name);
}

std::optional<ChatStateSent> read_chat_state_request(const Node& stanza) {
  const auto to = user_attr(stanza, "to");
  const auto state = read_state(stanza);
  if (!to || !state) return std::nullopt;
  return ChatStateSent{*to, *state};
}

Node chat_state_stanza(const ChatStateSeen& seen) {
  Node node("chatstate");
  return put(node.set("from", seen.chat), "participant", seen.participant).add(state_node(seen.state));
}

}  // namespace wharf::protocol
