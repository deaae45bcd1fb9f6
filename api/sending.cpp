// What everything that is sent shares: naming a request, its hash, its timing, handing it to the session, answering for
// it.
#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "api/chat_id.h"
#include "api/dialect.h"
#include "api/emoji.h"
#include "api/handlers.h"
#include "api/iso_time.h"
#include "api/schemas.h"
#include "api/sending.h"
#include "api/vcard.h"
#include "protocol/crypto/hash.h"
#include "web/base64_stream.h"

namespace wharf::api {
namespace {

namespace json = boost::json;
using protocol::Jid;
using sessions::Outcome;
using sessions::SendMessage;
using sessions::SentMessage;
using storage::UnixMs;

constexpr std::chrono::milliseconds default_ack_wait{30'000};
constexpr const char* no_such_quote = "must be a message of this chat; leave it out to send without a quote";

// --- answers

/// What of the details (sessions/message_details.h) an answer shows as messages do.
void write_preview(JsonWriter& out, const std::string& details) {
  if (details.empty()) return;
  boost::system::error_code failed;
  const json::value members = json::parse(details, failed);
  if (failed || !members.is_object()) return;
  if (const json::value* preview = members.get_object().if_contains("preview"))
    out.raw("preview", json::serialize(*preview));
}

void begin_sent_message(JsonWriter& out, const SentMessage& sent, Dialect dialect) {
  begin_sent(out, sent, dialect);
  out.text("content", sent.text).text_if("error", sent.error);
  if (sent.ack == storage::AckLevel::scheduled) out.text("sendAt", iso_millis(sent.timestamp));
  if (!sent.target_id.empty()) {
    const PersonText chat = person_text(sent.chat, sent.chat_ids);
    out.text("targetMessageId", message_id_text(id_text(chat, dialect), sent.target_id, dialect));
  }
  write_preview(out, sent.details);
  if (sent.server_id != 0) out.text("serverId", std::to_string(sent.server_id));
  if (sent.replayed) out.boolean("replayed", true);
  if (sent.deleted) out.boolean("deleted", true);
}

/// The one message; of several the first with all of them in `messages`.
std::string sent_messages_json(const std::vector<SentMessage>& sent, Dialect dialect, bool timed_out,
                               std::string_view no_preview) {
  JsonWriter out((320 + sent.front().text.size()) * (sent.size() + 1));
  begin_sent_message(out, sent.front(), dialect);
  if (sent.size() > 1) {
    out.key("messages").begin_array();
    for (const SentMessage& one : sent) {
      begin_sent_message(out, one, dialect);
      out.end_object();
    }
    out.end_array();
  }
  if (timed_out) out.boolean("timedOut", true);
  out.text_if("noPreview", no_preview);
  return out.end_object().take();
}

}  // namespace

void begin_sent(JsonWriter& out, const SentMessage& sent, Dialect dialect) {
  const PersonText chat = person_text(sent.chat, sent.chat_ids);
  const std::string chat_text = id_text(chat, dialect);
  out.begin_object().text("messageId", message_id_text(chat_text, sent.id, dialect)).text("id", sent.id);
  out.text("chatId", chat_text).text_if("chatLid", chat.lid);
  out.number("timestamp", in_units(sent.timestamp, dialect));
  out.text("status", ack_name(sent.ack)).number("ack", ack_number(sent.ack));
}

std::string sent_message_json(const SentMessage& sent, Dialect dialect) {
  return sent_messages_json({sent}, dialect, false, {});
}

Failure send_failure(const CallPtr& call, const sessions::Refusal& refusal) {
  using sessions::Subject;
  Failure failure = failure_of(call, refusal);
  if (refusal.subject == Subject::idempotency_key)
    failure.message = "this Idempotency-Key was used with another request";
  if (refusal.subject == Subject::message_id) {
    failure.message = "messageId: " + refusal.detail;
    failure.details.emplace_back(
        "messageId", "must be new for another message; repeat the first request unchanged to get its answer");
  }
  if (refusal.subject == Subject::quoted_message) {
    failure.message = "quotedMessageId: " + refusal.detail;
    failure.details.emplace_back("quotedMessageId", no_such_quote);
  }
  if (refusal.subject == Subject::send_at)
    failure = Failure(ErrorCode::validation, "sendAt: " + refusal.detail, {{"sendAt", refusal.detail}});
  if (refusal.subject == Subject::expires_at)
    failure = Failure(ErrorCode::validation, "expiresAt: " + refusal.detail, {{"expiresAt", refusal.detail}});
  if (refusal.subject == Subject::options)
    failure = Failure(ErrorCode::validation, "options: " + refusal.detail, {{"options", refusal.detail}});
  if (refusal.subject == Subject::extra_guests)
    failure = Failure(ErrorCode::validation, "extraGuests: " + refusal.detail, {{"extraGuests", refusal.detail}});
  if (refusal.subject == Subject::preview)
    failure = Failure(ErrorCode::validation, "preview: " + refusal.detail, {{"preview", refusal.detail}});
  if (refusal.subject == Subject::message) {
    const bool unknown = refusal.code == protocol::Errc::not_found;
    failure = Failure(unknown ? ErrorCode::message_not_found : ErrorCode::validation, "messageId: " + refusal.detail,
                      {{"messageId", refusal.detail}});
  }
  return failure;
}

namespace {

// The caller asked how far the message got, and it got nowhere: an error, not a success with bad news inside.
Failure message_failed(const SentMessage& sent, Dialect dialect) {
  const PersonText chat = person_text(sent.chat, sent.chat_ids);
  return Failure(ErrorCode::message_failed,
                 fmt::format("the message failed: {}", sent.error.empty() ? "no reason was given" : sent.error),
                 {{"messageId", message_id_text(id_text(chat, dialect), sent.id, dialect)},
                  {"id", sent.id},
                  {"status", std::string(ack_name(sent.ack))},
                  {"error", sent.error}});
}

/// The messages of one request that somebody waits for, and how far each got.
struct AwaitedMessages {
  std::vector<SentMessage> sent;
  std::size_t missing = 0;  // of which it is not known yet
  std::optional<sessions::Refusal> refused;
};

void answer_awaited(const CallPtr& call, const AwaitedMessages& all, storage::AckLevel level) {
  if (all.refused) return call->failure(failure_of(call, *all.refused));
  bool timed_out = false;
  for (const SentMessage& one : all.sent) {
    if (events::has_failed(one.ack)) return call->failure(message_failed(one, call->dialect));
    timed_out = timed_out || (one.ack < level && !one.deleted);
  }
  call->success(sent_messages_json(all.sent, call->dialect, timed_out, call->no_preview),
                Beside{timed_out ? 202u : 200u, {}, {}});
}

/// Answers for what was accepted: at once, or when each of them has reached the level that was asked for.
void answer_sent(const ServicesPtr& services, const CallPtr& call, std::vector<SentMessage> sent) {
  const auto level = ack_named(call->query.text("waitFor"));
  if (!level) return call->success(sent_messages_json(sent, call->dialect, false, call->no_preview));
  const auto all = std::make_shared<AwaitedMessages>();
  all->sent = std::move(sent);
  all->missing = all->sent.size();
  const std::chrono::milliseconds timeout(call->query.integer("timeout", default_ack_wait.count()));
  const auto known = [call, all, level = *level](std::size_t i, const Outcome<SentMessage>& reached) {
    if (reached) all->sent[i] = *reached;
    else if (!all->refused) all->refused = reached.error();
    if (--all->missing == 0) answer_awaited(call, *all, level);
  };
  for (std::size_t i = 0; i < all->sent.size(); ++i) {
    const SentMessage one = all->sent[i];
    if (one.ack >= *level || events::has_failed(one.ack) || one.deleted) known(i, one);
    else
      services->ports.waits.await_ack(call->param("sessionId"), one, *level, timeout,
                                      [known, i](const Outcome<SentMessage>& reached) { known(i, reached); });
  }
}

// --- requests

}  // namespace

void refuse_field(const CallPtr& call, std::string field, std::string what) {
  call->failure(failure_of({FieldProblem{std::move(field), std::move(what)}}));
}

void refuse_id(const CallPtr& call, std::string field, std::string what) {
  call->failure(failure_of({FieldProblem{std::move(field), std::move(what), &formats::chat_id, false}}));
}

bool blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

bool says(const json::object& body, std::string_view name) {
  const json::value* value = body.if_contains(name);
  if (value == nullptr || value->is_null()) return false;
  if (value->is_bool()) return value->get_bool();
  if (value->is_array()) return !value->get_array().empty();
  if (value->is_object()) return !value->get_object().empty();
  return !value->is_string() || (!value->get_string().empty() && value->get_string() != "false");
}

bool refuses_field_of_others(const CallPtr& call, const Schema& schema) {
  // Many clients say them of everything, and nothing is lost: the route is of one type, and that of a file is found.
  const auto is_idle = [](std::string_view name) { return name == "type" || name == "mimetype"; };
  std::vector<std::string_view> names;
  for (const Field& field : schemas::send_any.fields) names.push_back(field.name);
  names.emplace_back("duration");  // of pins; and of live locations elsewhere
  const auto types = message_types();
  const auto type = std::find_if(types.begin(), types.end(), [&](const MessageType& t) { return t.schema == &schema; });
  const std::string why = &schema == &schemas::set_picture      ? "is not taken by a picture"
                          : &schema == &schemas::post_status    ? "is not taken by a status post"
                          : &schema == &schemas::send_broadcast ? "is not taken by a broadcast: one text to many"
                          : type == types.end()                 ? "is not said of what is forwarded: it goes as it is"
                                                : fmt::format("is not taken by a message of type {}", type->name);
  std::vector<FieldProblem> lost;
  for (const std::string_view name : names) {
    if (!is_idle(name) && schema.find(name) == nullptr && says(call->body, name))
      lost.push_back({std::string(name), why});
  }
  if (lost.empty()) return false;
  call->failure(failure_of(lost));
  return true;
}

namespace {

Jid canonical_chat(const ServicesPtr& services, const CallPtr& call, const Jid& chat) {
  const auto view = services->ports.supervisor.find(call->param("sessionId"));
  return view ? services->ports.supervisor.canonical_chat(view->id, chat) : chat;
}

}  // namespace

std::optional<storage::MessageRow> find_named(storage::Database& db, storage::SessionId session,
                                              const NamedMessage& named) {
  return named.chat ? storage::find_message(db, session, *named.chat, named.id)
                    : storage::find_message_of_either(db, session, named.id);
}

std::variant<NamedMessage, Failure> read_message_id(const ServicesPtr& services, const CallPtr& call,
                                                    const std::string& field, std::string_view text) {
  auto id = parse_message_id(text);
  if (!id) return failure_of({FieldProblem{field, "must be a message id: true_<chat>_<id> or the bare WhatsApp id"}});
  NamedMessage named{std::move(*id), chat_of_message_id(text)};
  const auto view = services->ports.supervisor.find(call->param("sessionId"));
  if (!named.chat || !view) return named;
  named.chat = canonical_chat(services, call, *named.chat);
  // Senders choose their ids: another chat may have the same one, and its message is not meant.
  storage::Database& db = services->ports.store.reader();
  if (find_named(db, view->id, named)) return named;
  const auto elsewhere = storage::find_message_of_either(db, view->id, named.id);
  if (!elsewhere) return named;
  if (canonical_chat(services, call, elsewhere->chat) == *named.chat) {  // their chats are being merged
    named.chat = elsewhere->chat;
    return named;
  }
  return Failure(ErrorCode::message_not_found,
                 fmt::format("no message with ID '{}' is stored in the chat that its ID names", named.id),
                 {{field, "must be a message of the chat that it names"}});
}

std::optional<NamedMessage> named_message(const ServicesPtr& services, const CallPtr& call, const char* field,
                                          std::string_view text) {
  auto named = read_message_id(services, call, field, text);
  if (auto* one = std::get_if<NamedMessage>(&named)) return std::move(*one);
  call->failure(std::get<Failure>(named));
  return std::nullopt;
}

std::optional<NamedMessage> message_of_path(const ServicesPtr& services, const CallPtr& call) {
  return named_message(services, call, "messageId", call->param("messageId"));
}

bool names_chat(const ServicesPtr& services, const CallPtr& call, std::string_view id, const Jid& chat) {
  const auto named = chat_of_message_id(id);
  return !named || canonical_chat(services, call, *named) == canonical_chat(services, call, chat);
}

std::optional<std::vector<Jid>> people_once(const ServicesPtr& services, const CallPtr& call,
                                            const sessions::SessionView& session, const char* field,
                                            std::string_view not_oneself) {
  std::vector<Jid> out;
  std::vector<FieldProblem> problems;
  std::set<Jid> seen;
  const auto is_own = [&](const Jid& user) {
    return (!session.jid.empty() && user == session.jid.user_jid()) ||
           (!session.lid.empty() && user == session.lid.user_jid());
  };
  for (const std::string& text : texts_of(call->body, field)) {
    const Jid one = *parse_chat_id(text);
    const auto refuse = [&](std::string_view what) {
      problems.push_back({fmt::format("{}[{}]", field, out.size()), std::string(what)});
    };
    if (!not_oneself.empty() && is_own(one)) refuse(not_oneself);
    else if (!seen.insert(services->ports.supervisor.canonical_chat(session.id, one)).second)
      refuse("must not be there twice");
    out.push_back(one);
  }
  if (problems.empty()) return out;
  if (problems.size() > web::most_problems) problems.resize(web::most_problems);
  call->failure(failure_of(problems));
  return std::nullopt;
}

SendMessage around_content(const json::object& body) {
  SendMessage out;
  out.chat = *parse_chat_id(text_of(body, "chatId"));  // validated
  if (const auto quoted = text_of(body, "quotedMessageId"); !quoted.empty()) out.quoted_id = parse_message_id(quoted);
  for (const std::string& user : texts_of(body, "mentions")) out.mentions.push_back(*parse_chat_id(user));
  out.mention_all = boolean_of(body, "mentionAll", false);
  return out;
}

namespace {

/// Fields of texts and edits that earlier releases did not know: without them a request has the hash it had.
bool is_younger(const Schema& schema, std::string_view field) {
  if (&schema != &schemas::send_text && &schema != &schemas::edit_message) return false;
  return field == "mentionAll" || field == "preview" || field == "linkPreview";
}

/// Of what names none.
storage::Priority usual_priority(const SendMessage& message) {
  const bool high = sessions::about_message(message.content) != nullptr || message.quoted_id;
  return high ? storage::Priority::high : storage::Priority::normal;
}

/// The order of the members of an object is no part of what it says.
json::value in_order(const json::value& value) {
  if (const auto* list = value.if_array()) {
    json::array out;
    for (const json::value& item : *list) out.push_back(in_order(item));
    return out;
  }
  const auto* object = value.if_object();
  if (object == nullptr) return value;
  std::map<std::string_view, json::value> members;
  for (const auto& member : *object) members.emplace(member.key(), in_order(member.value()));
  json::object out;
  for (auto& [name, member] : members) out.emplace(name, std::move(member));
  return out;
}

/// The one of their ids that people are named by.
using Naming = std::function<Jid(const Jid&)>;

json::array named_people(const std::vector<Jid>& people, const Naming& naming) {
  json::array out;
  for (const Jid& one : people) out.emplace_back(naming(one).to_string());
  return out;
}

/// What makes two requests the same one: what is read of them, not how a client spells it. Without `naming`: people as
/// they are named, which is what earlier releases kept.
std::string hash_of(const CallPtr& call, const Schema& schema, const SendMessage& message,
                    const std::string& content_hash, const Naming& naming) {
  const Naming name = naming ? naming : [](const Jid& as_said) { return as_said; };
  json::array known;
  if (!content_hash.empty()) known.emplace_back(content_hash);
  // The path is part of it where it names the message, and of texts it never was (hashes of earlier releases).
  if (&schema != &schemas::send_text) known.emplace_back(std::string(schema.name));
  if (const std::string* about = sessions::about_message(message.content)) known.emplace_back(*about);
  if (std::holds_alternative<sessions::SetDisappearing>(message.content))
    known.emplace_back(name(message.chat).to_string());
  for (const Field& field : schema.fields) {
    const json::value* value = call->body.if_contains(field.name);
    // What says nothing, or what goes without saying, is not said.
    if (value && value->is_null()) value = nullptr;
    if (field.name == "priority" && message.priority == usual_priority(message)) value = nullptr;
    // Fields that came later: where they are not given, the hash is that of earlier releases.
    if (!value && (field.name == "expiresAt" || field.name == "priority")) continue;
    if (!value && is_younger(schema, field.name)) continue;
    if ((field.name == "files" || field.name == "album") && !value) continue;  // nor were these, of one file
    known.push_back(value ? in_order(*value) : json::value());
    if (!value) continue;
    if (field.name == "chatId") known.back() = name(message.chat).to_string();
    if (field.name == "quotedMessageId" && message.quoted_id) known.back() = *message.quoted_id;
    if (field.name == "mentions") {
      const auto* edit = std::get_if<sessions::EditText>(&message.content);
      known.back() = named_people(naming && edit ? edit->mentions : message.mentions, name);
    }
    if (field.name == "audience" && naming && message.audience) {
      // Who gets it has no order.
      std::vector<Jid> people = *message.audience;
      for (Jid& one : people) one = naming(one);
      std::sort(people.begin(), people.end());
      known.back() = named_people(people, naming);
    }
    const auto* invite = std::get_if<protocol::GroupInvite>(&message.content);
    if (field.name == "inviteExpiresAt" && invite) known.back() = invite->expires_at;
  }
  return protocol::to_hex(protocol::sha256(protocol::as_bytes(json::serialize(known))));
}

constexpr std::array priorities = {std::string_view("low"), std::string_view("normal"), std::string_view("high")};
constexpr storage::UnixMs a_year = 366 * UnixMs{86'400'000};

/// What the request says of when; false: answered. Whether that is past is for the session to say, after it has looked
/// whether the request was accepted before.
bool read_timing(const ServicesPtr& services, const CallPtr& call, const Schema& schema, SendMessage& message) {
  const auto refuse = [&](const char* field, const char* what) { return refuse_field(call, field, what), false; };
  const storage::UnixMs now = services->ports.scheduler.unix_ms();
  const std::string_view send_at = text_of(call->body, "sendAt"), expires_at = text_of(call->body, "expiresAt");
  // What is said about a message or a chat has none of these, and its schema has not looked at them.
  for (const char* name : {"sendAt", "expiresAt", "priority"}) {
    if (!call->body.if_contains(name) || schema.find(name) != nullptr) continue;
    if (&schema == &schemas::post_status) return refuse(name, "is not taken by a status post");
    return refuse(name, "is for messages, not for what is said about one or about a chat");
  }
  const bool own = &schema == &schemas::post_status || schema.find("chatId") != nullptr;
  if (own && refuses_field_of_others(call, schema)) return false;
  if (!send_at.empty()) {
    message.send_at = parse_iso(send_at).value_or(0);  // validated
    if (message.send_at > now + a_year) return refuse("sendAt", "must be within a year");
    if (call->query.has("waitFor"))
      return call->failure(failure_of({FieldProblem{"waitFor", "must not stand beside sendAt: the ack event tells"}})),
             false;
  }
  if (const auto level = ack_named(call->query.text("waitFor"));
      level && *level > storage::AckLevel::server && message.chat.is_channel()) {
    constexpr const char* what = "must be server: nobody is told to have got or seen the post of a channel";
    return call->failure(Failure(ErrorCode::never_reached, fmt::format("waitFor {}", what), {{"waitFor", what}})),
           false;
  }
  if (!expires_at.empty()) {
    message.expires_at = parse_iso(expires_at).value_or(0);
    if (message.expires_at <= message.send_at) return refuse("expiresAt", "must be after sendAt");
  }
  const std::string_view priority = text_of(call->body, "priority");
  message.priority = usual_priority(message);
  for (std::size_t i = 0; i < priorities.size(); ++i)
    if (priorities.at(i) == priority) message.priority = static_cast<storage::Priority>(i);
  return true;
}

/// The files that were kept for messages, until the session takes them over.
class KeptFiles {
 public:
  KeptFiles(sessions::MediaVault* vault, const std::vector<SendMessage>& messages) : vault_(vault) {
    for (const SendMessage& message : messages) {
      const auto* media = std::get_if<sessions::SendMedia>(&message.content);
      if (media && media->upload) names_.push_back(*media->upload);
    }
  }
  void drop() const {
    for (const sessions::MediaName& name : names_) vault_->drop(name);
  }
  /// What ended unanswered may have been taken: then the next start looks.
  void drop_unless_taken(const Outcome<std::vector<SentMessage>>& sent) const {
    if (sent ? sent->front().replayed : sent.error().code != protocol::Errc::closed) drop();
  }

 private:
  sessions::MediaVault* vault_;
  std::vector<sessions::MediaName> names_;
};

/// Whoever repeats a request may have learnt another id of its people meanwhile, and so may the session: it is known by
/// whichever of their ids it names.
void hash_request(const ServicesPtr& services, const CallPtr& call, const Schema& schema, SendMessage& message,
                  const std::string& content_hash) {
  const auto& supervisor = services->ports.supervisor;
  const auto as_said = hash_of(call, schema, message, content_hash, {});
  message.request_hash = as_said;
  const auto view = supervisor.find(call->param("sessionId"));
  if (!view || (!message.message_id && !message.idempotency_key)) return;
  const auto canonical = [&](const Jid& who) { return supervisor.canonical_chat(view->id, who); };
  const auto number = [&](const Jid& who) {
    return who.has_devices() ? supervisor.person(view->id, canonical(who)).pn.value_or(who.user_jid()) : who;
  };
  message.request_hash = hash_of(call, schema, message, content_hash, canonical);
  message.other_hashes = {as_said, hash_of(call, schema, message, content_hash, number)};
}

/// What the request calls itself, and what tells it from another; and what it asks beside. false: answered.
bool name_request(const ServicesPtr& services, const CallPtr& call, const Schema& schema, SendMessage& message,
                  const std::string& content_hash) {
  if (call->query.has("timeout") && !call->query.has("waitFor"))
    return refuse_field(call, "timeout", "must not stand without waitFor: nothing is waited for"), false;
  if (const auto id = text_of(call->body, "messageId"); !id.empty() && &schema != &schemas::forward)
    message.message_id = id;
  if (!read_idempotency_key(call, message.idempotency_key)) return false;
  hash_request(services, call, schema, message, content_hash);
  return true;
}

/// Whether what is quoted may be of the chat that this goes to; false: answered. The rest the session tells.
bool quotes_its_chat(const ServicesPtr& services, const CallPtr& call, const SendMessage& message) {
  if (!message.quoted_id || names_chat(services, call, text_of(call->body, "quotedMessageId"), message.chat))
    return true;
  call->failure(Failure(ErrorCode::message_not_found, "quotedMessageId: it names a message of another chat",
                        {{"quotedMessageId", no_such_quote}}));
  return false;
}

}  // namespace

bool read_idempotency_key(const CallPtr& call, std::optional<std::string>& key) {
  if (!call->request.has_header("idempotency-key")) return true;
  const std::string_view given = call->request.header("idempotency-key");
  constexpr std::size_t max_key_bytes = 255;
  // An empty one is a variable that was never set: to go on without would do twice what is repeated.
  if (given.empty() || given.size() > max_key_bytes)
    return refuse_field(call, "Idempotency-Key", "must be 1 to 255 characters"), false;
  key = given;
  return true;
}

std::string request_hash(const Schema& schema, const json::object& said) {
  json::array known;
  known.emplace_back(std::string(schema.name));
  for (const Field& field : schema.fields) {
    const json::value* value = said.if_contains(field.name);
    if (value != nullptr && !value->is_null()) known.push_back(json::array{std::string(field.name), in_order(*value)});
  }
  return protocol::to_hex(protocol::sha256(protocol::as_bytes(json::serialize(known))));
}

std::string_view priority_name(storage::Priority priority) { return priorities.at(static_cast<std::size_t>(priority)); }

void send_message(const ServicesPtr& services, const CallPtr& call, const Schema& schema, SendMessage message,
                  const std::string& content_hash) {
  std::vector<SendMessage> one;
  one.push_back(std::move(message));
  send_messages(services, call, schema, std::move(one), content_hash);
}

void send_messages(const ServicesPtr& services, const CallPtr& call, const Schema& schema,
                   std::vector<SendMessage> messages, const std::string& content_hash) {
  const KeptFiles files(services->ports.vault, messages);
  if (!session_of(services, call)) return files.drop();
  for (SendMessage& message : messages)
    if (!read_timing(services, call, schema, message)) return files.drop();
  if (!name_request(services, call, schema, messages.front(), content_hash)) return files.drop();
  if (!quotes_its_chat(services, call, messages.front())) return files.drop();
  const auto told = [services, call, files](const Outcome<std::vector<SentMessage>>& sent) {
    call->turn.reset();
    files.drop_unless_taken(sent);
    if (!sent) return call->failure(send_failure(call, sent.error()));
    answer_sent(services, call, *sent);
  };
  if (messages.size() > 1) return ask(services, call, sessions::SendMessages{std::move(messages)}, told);
  ask(services, call, std::move(messages.front()), [told](const Outcome<SentMessage>& sent) {
    if (!sent) return told(sent.error());
    told(std::vector<SentMessage>{*sent});
  });
}

void find_earlier(const ServicesPtr& services, const CallPtr& call, const Schema& schema,
                  std::vector<SendMessage> messages, const std::string& content_hash, std::function<void()> fresh) {
  SendMessage& request = messages.front();
  if (!read_timing(services, call, schema, request) || !name_request(services, call, schema, request, content_hash) ||
      !quotes_its_chat(services, call, request))
    return;
  if (!request.idempotency_key && !request.message_id) return fresh();
  const std::string name = call->param("sessionId") + (request.idempotency_key ? "\nkey\n" + *request.idempotency_key
                                                                               : "\nid\n" + *request.message_id);
  auto look = [services, call, messages = std::move(messages), fresh = std::move(fresh)](RequestTurns::Turn turn) {
    call->turn = std::move(turn);
    ask(services, call, sessions::FindSent{messages},
        [services, call, fresh](const Outcome<std::vector<SentMessage>>& earlier) {
          run_guarded(call, [&] {
            if (earlier && earlier->empty()) return fresh();
            call->turn.reset();
            if (!earlier) return call->failure(send_failure(call, earlier.error()));
            answer_sent(services, call, *earlier);
          });
        });
  };
  if (!services->turns.take(name, std::move(look)))
    call->failure(Failure(ErrorCode::unavailable, "too many repeated requests wait for the first one; try again"));
}

}  // namespace wharf::api
