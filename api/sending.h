#pragma once
// What the handlers of everything that is sent share: reading what stands around a content, sending the command, and
// answering for it.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "api/services.h"
#include "sessions/commands.h"
#include "storage/messages.h"

namespace wharf::api {

/// The `type` of a message of POST …/messages, and what its route takes.
struct MessageType {
  std::string_view name;
  Handler handler;
  const Schema* schema;
  bool has_file;
};
std::span<const MessageType> message_types();

/// What every message of its own can say beside its content; of a validated body.
sessions::SendMessage around_content(const boost::json::object& body);
/// A message with a file of this kind, or several: takes them from the body, and sends. `around`: what the message says
/// beside its content.
void send_files(const ServicesPtr& services, const CallPtr& call, const Schema& schema, protocol::MessageKind kind,
                sessions::SendMessage around);
/// `schema`: what the body was validated against. `content_hash`: of a file, which makes two requests different ones;
/// "" without. A file that the session does not take over is dropped.
void send_message(const ServicesPtr& services, const CallPtr& call, const Schema& schema, sessions::SendMessage message,
                  const std::string& content_hash = {});
std::string sent_message_json(const sessions::SentMessage& sent, Dialect dialect);
/// What every answer says of a message that was accepted: its ids, its chat, how far it is. The object is left open.
void begin_sent(JsonWriter& out, const sessions::SentMessage& sent, Dialect dialect);
/// Why something was not accepted to be sent, by the field of the request that it is about.
Failure send_failure(const CallPtr& call, const sessions::Refusal& refusal);
/// "low", "normal", "high"
std::string_view priority_name(storage::Priority priority);
/// Several messages of one request in one chat: all of them or none.
void send_messages(const ServicesPtr& services, const CallPtr& call, const Schema& schema,
                   std::vector<sessions::SendMessage> messages, const std::string& content_hash);
/// Asks whether a request that names itself (Idempotency-Key, messageId) was accepted before, and answers then as it
/// was answered first. `fresh` runs when it was not. Others of the same name wait until this one is accepted or over.
/// `messages`: with their text; what has to be fetched yet may be missing.
void find_earlier(const ServicesPtr& services, const CallPtr& call, const Schema& schema,
                  std::vector<sessions::SendMessage> messages, const std::string& content_hash,
                  std::function<void()> fresh);
/// The Idempotency-Key of the request, when it has one. False: it is none that is taken, and answered.
bool read_idempotency_key(const CallPtr& call, std::optional<std::string>& key);
/// What makes two requests of this schema the same one: what its fields say, however it is spelled.
std::string request_hash(const Schema& schema, const boost::json::object& said);
/// A message as a request names it.
struct NamedMessage {
  std::string id;                     // its WhatsApp id
  std::optional<protocol::Jid> chat;  // canonical; nullopt: the id alone was said
};
/// As storage::find_message_of_either, in the chat that was said. Any connection.
std::optional<storage::MessageRow> find_named(storage::Database& db, storage::SessionId session,
                                              const NamedMessage& named);
/// What a message id names, of `field` (of the path, or of the body). Failures: 400 when it is none, 404 when it names
/// another chat than the message is in. One that is not stored may be about to: the session tells.
std::variant<NamedMessage, Failure> read_message_id(const ServicesPtr& services, const CallPtr& call,
                                                    const std::string& field, std::string_view text);
/// nullopt: it is answered with that failure.
std::optional<NamedMessage> named_message(const ServicesPtr& services, const CallPtr& call, const char* field,
                                          std::string_view text);
std::optional<NamedMessage> message_of_path(const ServicesPtr& services, const CallPtr& call);
/// Whether an id that stands beside a chat names none, or that one: its message can be in no other.
bool names_chat(const ServicesPtr& services, const CallPtr& call, std::string_view id, const protocol::Jid& chat);
/// The people of a list in a validated body, as they are spelled there. nullopt: somebody is in it twice, by whichever
/// id, or the own account is, and `not_oneself` says why that cannot be ("": it can); answered with all such places.
std::optional<std::vector<protocol::Jid>> people_once(const ServicesPtr& services, const CallPtr& call,
                                                      const sessions::SessionView& session, const char* field,
                                                      std::string_view not_oneself);
void refuse_field(const CallPtr& call, std::string field, std::string what);
/// The same of what names a chat, a group or a person: INVALID_CHAT_ID wherever it stands.
void refuse_id(const CallPtr& call, std::string field, std::string what);

/// Holds nothing that is seen: blanks alone, or nothing.
bool blank(std::string_view text);
/// The member is there and says something: null, false, "" (and "false" of a form), [] and {} say nothing.
bool says(const boost::json::object& body, std::string_view name);
/// Answers 400 when the body of a message of its own says something that only messages of other kinds have: it would be
/// lost without a word. What no kind knows is ignored.
bool refuses_field_of_others(const CallPtr& call, const Schema& schema);

}  // namespace wharf::api
