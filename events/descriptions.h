#pragma once
// Each kind is described once, by a `describe` that names its fields in their order. It runs with a Writer to encode
// and with a Reader to decode, so the two cannot differ, and a new field is one line here.
//
//   required  always written; an event without it says nothing and is refused
//   always    always written; missing, the value stays as the struct begins
//   optional  written when there is one
//   derived   written for who reads the log by hand; the struct has it from other fields
//
// Internal to codec.cpp.

#include <concepts>
#include <type_traits>

#include "events/event.h"

namespace wharf::events::descriptions {

/// A Kind, const for the Writer and not for the Reader.
template <class T, class Kind>
concept a = std::same_as<std::remove_const_t<T>, Kind>;

template <class Io>
void describe(Io& io, a<PersonIds> auto& ids) {
  io.optional("pn", ids.pn);
  io.optional("lid", ids.lid);
}

template <class Io>
void describe(Io& io, a<NewMessage> auto& e) {
  auto& m = e.message;
  io.required("id", m.id);
  io.required("chat", m.chat);
  io.optional("chatPn", e.chat_ids.pn);
  io.optional("chatLid", e.chat_ids.lid);
  io.derived("isGroup", m.chat.is_group());
  io.always("fromMe", m.from_me);
  io.required("author", m.author);
  io.optional("authorPn", e.author_ids.pn);
  io.optional("authorLid", e.author_ids.lid);
  io.optional("pushName", m.push_name);
  io.required("kind", m.kind);
  io.required("body", m.body);
  io.optional("quotedId", m.quoted_id);
  io.optional("mentions", m.mentions);
  io.optional("mentionIds", e.mention_ids);
  io.always("timestamp", m.timestamp);
  io.always("ack", m.ack);
  io.optional("error", m.error);
  io.optional("details", m.details);
}

template <class Io>
void describe(Io& io, a<StatusPosted> auto& e) {
  auto& m = e.message;
  io.required("id", m.id);
  io.required("chat", m.chat);
  io.always("fromMe", m.from_me);
  io.required("author", m.author);
  io.optional("authorPn", e.author_ids.pn);
  io.optional("authorLid", e.author_ids.lid);
  io.optional("pushName", m.push_name);
  io.required("kind", m.kind);
  io.required("body", m.body);
  io.optional("mentions", m.mentions);
  io.optional("mentionIds", e.mention_ids);
  io.always("timestamp", m.timestamp);
  io.always("ack", m.ack);
  io.optional("error", m.error);
  io.optional("details", m.details);
}

template <class Io>
void describe(Io& io, a<About> auto& about) {
  io.required("id", about.id);
  io.required("target", about.target_id);
  io.always("targetFromMe", about.target_from_me);
  io.required("chat", about.chat);
  io.optional("chatPn", about.chat_ids.pn);
  io.optional("chatLid", about.chat_ids.lid);
  io.always("fromMe", about.from_me);
  io.required("author", about.author);
  io.optional("authorPn", about.author_ids.pn);
  io.optional("authorLid", about.author_ids.lid);
  io.always("timestamp", about.at);
}

template <class Io>
void describe(Io& io, a<MessageEdited> auto& e) {
  describe(io, e.about);
  io.required("body", e.body);
  io.optional("details", e.details);
}

template <class Io>
void describe(Io& io, a<MessageRevoked> auto& e) {
  describe(io, e.about);
}

template <class Io>
void describe(Io& io, a<StatusDeleted> auto& e) {
  describe(io, e.about);
}

template <class Io>
void describe(Io& io, a<StatusViewed> auto& e) {
  io.required("id", e.id);
  io.required("viewer", e.viewer);
  io.optional("viewerPn", e.viewer_ids.pn);
  io.optional("viewerLid", e.viewer_ids.lid);
  io.always("timestamp", e.at);
}

template <class Io>
void describe(Io& io, a<Reacted> auto& e) {
  describe(io, e.about);
  io.required("text", e.text);
}

template <class Io>
void describe(Io& io, a<PollVoted> auto& e) {
  describe(io, e.about);
  io.required("options", e.options);
}

template <class Io>
void describe(Io& io, a<EventAnswered> auto& e) {
  describe(io, e.about);
  io.required("response", e.response);
  io.always("extraGuests", e.extra_guests);
}

template <class Io>
void describe(Io& io, a<MessagePinned> auto& e) {
  describe(io, e.about);
  io.always("until", e.until);
}

template <class Io>
void describe(Io& io, a<MessageStarred> auto& e) {
  io.required("id", e.id);
  io.required("chat", e.chat);
  io.optional("chatPn", e.chat_ids.pn);
  io.optional("chatLid", e.chat_ids.lid);
  io.always("fromMe", e.from_me);
  io.required("starred", e.starred);
  io.always("timestamp", e.at);
}

template <class Io>
void describe(Io& io, a<MessageDeleted> auto& e) {
  io.required("id", e.id);
  io.required("chat", e.chat);
  io.optional("chatPn", e.chat_ids.pn);
  io.optional("chatLid", e.chat_ids.lid);
  io.always("fromMe", e.from_me);
  io.always("timestamp", e.at);
}

template <class Io>
void describe(Io& io, a<Ack> auto& e) {
  io.required("id", e.id);
  io.required("chat", e.chat);
  io.optional("chatPn", e.chat_ids.pn);
  io.optional("chatLid", e.chat_ids.lid);
  io.derived("fromMe", true);
  io.required("ack", e.level);
  io.optional("error", e.error);
  io.always("timestamp", e.at);
}

template <class Io>
void describe(Io& io, a<QrShown> auto& e) {
  io.required("qr", e.code.text);
  io.required("expiresAt", e.code.expires_at);
}

template <class Io>
void describe(Io& io, a<Authenticated> auto& e) {
  io.required("jid", e.jid);
  io.optional("lid", e.lid);
}

template <class Io>
void describe(Io& io, a<Ready> auto& e) {
  io.required("jid", e.jid);
  io.optional("lid", e.lid);
  io.optional("pushName", e.push_name);
}

template <class Io>
void describe(Io& io, a<Reason> auto& reason) {
  io.required("code", reason.code);
  io.always("message", reason.message);
  io.always("nextStep", reason.next_step);
  io.optional("until", reason.until);
}

template <class Io>
void describe(Io& io, a<SessionState> auto& state) {
  io.required("status", state.status);
  io.required("connection", state.connection);
  io.optional("reason", state.reason);
}

template <class Io>
void describe(Io& io, a<StatusChanged> auto& e) {
  describe(io, e.now);
}

template <class Io>
void describe(Io& io, a<Disconnected> auto& e) {
  describe(io, e.now);
}

template <class Io>
void describe(Io& io, a<ContactUpdated> auto& e) {
  io.required("id", e.user);
  io.optional("pn", e.ids.pn);
  io.optional("lid", e.ids.lid);
  io.required("change", e.change);
  io.optional("text", e.text);
  io.optional("own", e.own);
}

template <class Io>
void describe(Io& io, a<ChatUpdated> auto& e) {
  io.required("chat", e.chat);
  io.optional("chatPn", e.chat_ids.pn);
  io.optional("chatLid", e.chat_ids.lid);
  io.optional("expiresAfter", e.expires_after_s);
  io.always("timestamp", e.at);
}

template <class Io>
void describe(Io& io, a<PresenceChanged> auto& e) {
  io.required("chat", e.chat);
  io.optional("chatPn", e.chat_ids.pn);
  io.optional("chatLid", e.chat_ids.lid);
  io.required("user", e.user);
  io.optional("userPn", e.user_ids.pn);
  io.optional("userLid", e.user_ids.lid);
  io.required("state", e.state);
  io.optional("lastSeen", e.last_seen);
  io.always("lastSeenHidden", e.last_seen_hidden);
  io.always("timestamp", e.at);
}

template <class Io>
void describe(Io& io, a<CallChanged> auto& e) {
  io.required("id", e.id);
  io.required("chat", e.chat);
  io.optional("chatPn", e.chat_ids.pn);
  io.optional("chatLid", e.chat_ids.lid);
  io.required("caller", e.caller);
  io.optional("callerPn", e.caller_ids.pn);
  io.optional("callerLid", e.caller_ids.lid);
  io.always("fromMe", e.from_me);
  io.always("isGroup", e.is_group);
  io.always("video", e.video);
  io.required("state", e.state);
  io.optional("reason", e.reason);
  io.always("offline", e.offline);
  io.always("timestamp", e.at);
}

template <class Io>
void describe(Io& io, a<GroupPerson> auto& person) {
  io.required("jid", person.jid);
  io.optional("pn", person.ids.pn);
  io.optional("lid", person.ids.lid);
  io.optional("role", person.role);
}

template <class Io>
void describe(Io& io, a<InGroup> auto& in) {
  io.required("chat", in.chat);
  io.optional("by", in.by);
  io.optional("byPn", in.by_ids.pn);
  io.optional("byLid", in.by_ids.lid);
  io.always("timestamp", in.at);
}

template <class Io>
void describe(Io& io, a<GroupJoined> auto& e) {
  describe(io, e.in);
  io.always("how", e.how);
  io.optional("subject", e.subject);
  io.always("own", e.own);
  io.always("people", e.people);
}

template <class Io>
void describe(Io& io, a<GroupLeft> auto& e) {
  describe(io, e.in);
  io.always("how", e.how);
  io.optional("subject", e.subject);
  io.always("own", e.own);
  io.always("people", e.people);
}

template <class Io>
void describe(Io& io, a<GroupUpdated> auto& e) {
  describe(io, e.in);
  io.required("field", e.field);
  io.optional("on", e.on);
  io.optional("number", e.number);
  io.optional("text", e.text);
  io.always("people", e.people);
}

template <class Io>
void describe(Io& io, a<GroupJoinRequested> auto& e) {
  describe(io, e.in);
  io.required("action", e.action);
  io.optional("method", e.method);
  io.always("people", e.people);
}

template <class Io>
void describe(Io& io, a<ChannelUpdated> auto& e) {
  io.required("chat", e.chat);
  io.required("change", e.change);
  io.optional("name", e.name);
  io.optional("messageId", e.message_id);
  io.optional("serverId", e.server_id);
  io.optional("views", e.views);
  io.optional("reactions", e.reactions);
  io.always("timestamp", e.at);
}

}  // namespace wharf::events::descriptions
