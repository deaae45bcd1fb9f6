#pragma once
// How messages look from outside, in the dialects "openwa" and "gateway". A message comes either from its row or from
// the neutral JSON of an event; both become a MessageFacts, and there is one writer of it.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/dialect_choice.h"
#include "api/json_writer.h"
#include "sessions/session_view.h"
#include "storage/messages.h"
#include "storage/store.h"

namespace wharf::api {

/// One user or chat: the JID it is filed under and both identities as far as known, as text ("" = unknown).
struct PersonText {
  std::string id, pn, lid;
};
PersonText person_text(const protocol::Jid& jid, const sessions::PersonIds& ids);

struct MessageFacts {
  std::string id;
  PersonText chat, author;
  bool is_group = false, from_me = false;
  std::string push_name, kind, body, quoted_id;
  std::vector<std::string> mentions;
  storage::UnixMs timestamp = 0, created_at = 0;
  int ack = 0;
  std::string error;
};
MessageFacts message_facts(const storage::MessageRow& row, const sessions::PersonIds& chat,
                           const sessions::PersonIds& author);

void write_message(JsonWriter& out, const MessageFacts& message, std::string_view session_name, Dialect dialect);

/// {"code","message","nextStep","until"?}
void write_reason(JsonWriter& out, const sessions::Reason& reason);

/// "error", "pending", "server", "delivered", "read", "played".
std::string_view ack_name(int ack);
std::optional<storage::AckLevel> ack_named(std::string_view name);

/// The whole event as subscribers and webhooks get it: {"event","sessionId","id","timestamp","metadata"?,"data"}.
/// `qr_image` renders a QR text as a data URL.
std::string event_text(const storage::Event& event, Dialect dialect,
                       const std::function<std::string(const std::string&)>& qr_image);

}  // namespace wharf::api
