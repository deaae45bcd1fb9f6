#pragma once
// How messages and events look from outside, in the dialects "openwa" and "gateway". A message of an event and one of
// a row are the same struct, and there is one writer of it.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/dialect_choice.h"
#include "api/json_writer.h"
#include "events/message.h"
#include "events/person.h"
#include "events/session_state.h"
#include "storage/events.h"
#include "storage/messages.h"

namespace wharf::api {

/// One user or chat: the JID it is filed under and both identities as far as known, as text ("" = unknown).
struct PersonText {
  std::string id, pn, lid;
};
PersonText person_text(const protocol::Jid& jid, const events::PersonIds& ids);
/// The id that the dialect has for them: by the number where it is known.
std::string id_text(const PersonText& person, Dialect dialect);

/// A message and who its people are. It only refers: for the length of a call.
struct ShownMessage {
  const events::Message& message;
  const events::PersonIds& chat;
  const events::PersonIds& author;
  events::UnixMs created_at;                     // when it was stored here
  const events::PersonIds* pinned_by = nullptr;  // of a message whose pin is not over
  std::span<const events::PersonIds> mentions =
      {};  // of message.mentions in their order; of the others nothing is known
};
/// The same without its end: more members may follow.
void begin_message(JsonWriter& out, const ShownMessage& shown, std::string_view session_name, Dialect dialect);
void write_message(JsonWriter& out, const ShownMessage& shown, std::string_view session_name, Dialect dialect);

/// {"code","message","nextStep","until"?}
void write_reason(JsonWriter& out, const events::Reason& reason, std::string_view session_name);

/// Kinds of messages that lists show, as protocol::name(MessageKind) has them.
std::span<const std::string_view> shown_kinds();
/// By that name or by the one that openwa shows as `type`.
std::optional<std::string_view> shown_kind(std::string_view name);
bool is_media_kind(std::string_view kind);

/// The kind of a message as the dialect calls it.
std::string_view type_name(std::string_view kind, Dialect dialect);
/// "error", "pending", "server", "delivered", "read", "played".
std::string_view ack_name(storage::AckLevel level);
/// -1 to 4: what is scheduled is pending, what was withdrawn an error.
int ack_number(storage::AckLevel level);
std::optional<storage::AckLevel> ack_named(std::string_view name);

/// The whole event as subscribers and webhooks get it: {"event","sessionId","id","timestamp","requestId"?,"metadata"?,
/// "data"}.
/// `told` is what the event says. nullptr: it cannot be read (damaged on the disk), and `data` says so; it is never
/// shown as an event that says nothing, which a program would take for a message. `qr_image` renders a QR text as a
/// data URL.
std::string event_text(const storage::Event& event, const events::Event* told, Dialect dialect,
                       const std::function<std::string(const std::string&)>& qr_image);

}  // namespace wharf::api
