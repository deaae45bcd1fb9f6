#pragma once
// A message as everybody outside is told of it: its row (storage/messages.h), its event and the answers of the API all
// hold this one struct, so that a field is named once.

#include <string>
#include <vector>

#include "events/unix_ms.h"
#include "protocol/binary/jid.h"

namespace wharf::events {

/// In the API: -1 error, 0 pending, 1 server, 2 delivered, 3 read, 4 played. Levels only rise, except to error.
/// scheduled: to be sent at its timestamp; withdrawn: it was scheduled, and will not be sent. Those two are not part of
/// the conversation, and become pending and error where one number says how far a message got.
enum class AckLevel : int {
  withdrawn = -3,
  scheduled = -2,
  error = -1,
  pending = 0,
  server = 1,
  delivered = 2,
  read = 3,
  played = 4
};
inline bool has_failed(AckLevel level) { return level == AckLevel::error || level == AckLevel::withdrawn; }
inline bool in_conversation(AckLevel level) { return level >= AckLevel::error; }

struct Message {
  protocol::Jid chat;  // canonical: the LID when it is known, else the phone number; or a group
  std::string id;      // WhatsApp id
  bool from_me = false;
  protocol::Jid author;   // user JID (own user when from_me)
  std::string push_name;  // of the author when it was received; "" = none
  std::string kind;       // "text", ... (protocol::name of a MessageKind)
  std::string body;       // text or caption
  std::string quoted_id;  // "" = no quote
  std::vector<protocol::Jid> mentions;
  AckLevel ack = AckLevel::pending;
  std::string error;      // of AckLevel::error and withdrawn
  UnixMs timestamp = 0;   // of WhatsApp (server time); while scheduled, when it is to be sent
  std::string details;    // what the kind holds beside text, as one JSON object (sessions/message_details.h); "" = none
  UnixMs edited_at = 0;   // the sender's clock; 0 = as it was sent
  UnixMs revoked_at = 0;  // deleted for everyone: text and content are gone; 0 = it stands
  UnixMs starred_at = 0;  // here alone; 0 = it has no star
  UnixMs pinned_until = 0;       // may be over; 0 = it is not pinned
  protocol::Jid pinned_by = {};  // user, of a message that is or was pinned
  friend bool operator==(const Message&, const Message&) = default;
};

}  // namespace wharf::events
