#pragma once
// Events as bytes: the `data` of the log's rows, one JSON object of a form of its own, neither dialect's. Rows of every
// release must stay readable, so members are only ever added. The one place where this JSON is written and read.
//
// message, message.sent: {"id","chat","chatPn"?,"chatLid"?,"isGroup","fromMe","author","authorPn"?,"authorLid"?,
//   "pushName"?,"kind","body","quotedId"?,"mentions"?:[…],"mentionIds"?:[{"pn"?,"lid"?}],
//   "timestamp"(ms),"ack"(-1..4),"error"?}
// ack: {"id","chat","chatPn"?,"chatLid"?,"fromMe":true,"ack"(-1..4),"error"?,"timestamp"(ms)}
// qr: {"qr","expiresAt"(ms)}   authenticated: {"jid","lid"?}   ready: {"jid","lid"?,"pushName"?}
// message.edited, message.revoked, reaction, poll.vote, event.answer, message.pinned:
// {"id","target","targetFromMe","chat","chatPn"?,
//   "chatLid"?,"fromMe","author","authorPn"?,"authorLid"?,"timestamp"(ms)} and
//   "body","details"?; nothing; "text"; "options"; "response","extraGuests"; "until"(ms)
// message.starred, message.deleted: {"id","chat","chatPn"?,"chatLid"?,"fromMe","timestamp"(ms)}, with "starred" the one
// disconnected, session.status: {"status","connection","reason"?:{"code","message","nextStep","until"?(ms)}}
// contact.updated: {"id","pn"?,"lid"?,"change","text"?,"own"?:true}
// chat.updated: {"chat","chatPn"?,"chatLid"?,"expiresAfter"?(s),"timestamp"(ms)}
// call:
// {"id","chat","chatPn"?,"chatLid"?,"caller","callerPn"?,"callerLid"?,"fromMe","isGroup","video","state","reason"?,
//   "offline","timestamp"(ms)}
// group_join, group_leave, group_update, group_join_request: {"chat","by"?,"byPn"?,"byLid"?,"timestamp"(ms)}, then
//   "how","subject"?,"own","people"; "how","own","people"; "field","on"?,"number"?,"text"?,"people";
//   "action","method"?,"people". people: [{"jid","pn"?,"lid"?,"role"?}]
// channel_update: {"chat","change","name"?,"messageId"?,"serverId"?,"views"?,"reactions"?,"timestamp"(ms)}
// JIDs are text. An event that a request caused also has "requestId", and one of a session with metadata "metadata", in
// this order behind all others.

#include <optional>
#include <string>
#include <string_view>

#include "events/session_state.h"
#include "protocol/result.h"

namespace wharf::events {

struct Event;

/// Valid UTF-8 and JSON, whatever the strings hold: a broken byte becomes U+FFFD.
std::string encode(const Event& event);

/// `name` is the row's. What has another name than this build knows becomes an Unknown. Errors: malformed (no object,
/// or a member that says what the event is about is missing or of another form).
protocol::Result<Event> decode(std::string_view name, std::string_view bytes);

/// The reason of a session's row: the member "reason" above.
std::string encode(const Reason& reason);
/// nullopt for "" and for whatever is no reason.
std::optional<Reason> decode_reason(std::string_view json);

}  // namespace wharf::events
