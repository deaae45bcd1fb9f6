#pragma once
// The `data` of events as stored in the log: a dialect-neutral JSON object. api/ renders it in both dialects.
//
// message, message.sent:
// {"id","chat","chatPn"?,"chatLid"?,"isGroup","fromMe","author","authorPn"?,"authorLid"?,"pushName"?,
//   "kind","body","quotedId"?,"mentions":[…],"timestamp"(ms),"ack"}. `chat` and `author` are canonical user JIDs as
//   text.
// ack: {"id","chat","chatPn"?,"chatLid"?,"fromMe":true,"ack"(-1..4),"error"?,"timestamp"(ms)}
// qr: {"qr","expiresAt"(ms)}   authenticated: {"jid","lid"?}   ready: {"jid","lid"?,"pushName"?}
// disconnected, session.status: {"status","connection","reason"?:{"code","message","nextStep","until"?(ms)}}
// contact.updated: {"id","pn"?,"lid"?,"change":"identity"|"lid"}
// Every event of a session with metadata also has "metadata".

#include <string>

#include "protocol/binary/jid.h"
#include "sessions/session_view.h"
#include "storage/messages.h"

namespace wharf::sessions {

std::string message_event_json(const storage::MessageRow& row, const PersonIds& chat, const PersonIds& author,
                               const std::string& metadata_json);
std::string ack_event_json(const std::string& id, const Jid& chat, const PersonIds& chat_ids, storage::AckLevel level,
                           const std::string& error, UnixMs at, const std::string& metadata_json);
std::string qr_event_json(const QrCode& qr, const std::string& metadata_json);
std::string linked_event_json(const Jid& jid, const Jid& lid, const std::string& push_name,
                              const std::string& metadata_json);
std::string status_event_json(Status status, Connection connection, const std::optional<Reason>& reason,
                              const std::string& metadata_json);
std::string contact_event_json(const Jid& user, const PersonIds& ids, std::string_view change,
                               const std::string& metadata_json);

std::string reason_json(const Reason& reason);
std::optional<Reason> parse_reason(const std::string& json);

}  // namespace wharf::sessions
