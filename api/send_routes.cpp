// Handlers of everything that is sent: messages of each kind, and what is said about a message. Each reads its body
// into one command; what happens then is the same for all of them.
#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
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

// --- answers

void begin_sent_message(JsonWriter& out, const SentMessage& sent, Dialect dialect) {
  const PersonText chat = person_text(sent.chat, sent.chat_ids);
  const std::string chat_text = jid_text(chat.id, chat.pn, dialect);
  out.begin_object().text("messageId", message_id_text(chat_text, sent.id, dialect)).text("id", sent.id);
  out.text("chatId", chat_text).text_if("chatLid", chat.lid).text("content", sent.text);
  out.number("timestamp", dialect == Dialect::gateway ? sent.timestamp : sent.timestamp / 1000);
  out.text("status", ack_name(sent.ack)).number("ack", ack_number(sent.ack)).text_if("error", sent.error);
  if (sent.ack == storage::AckLevel::scheduled) out.text("sendAt", iso_millis(sent.timestamp));
  if (!sent.target_id.empty()) out.text("targetMessageId", message_id_text(chat_text, sent.target_id, dialect));
  if (sent.replayed) out.boolean("replayed", true);
}

/// The one message; of several the first with all of them in `messages`.
std::string sent_messages_json(const std::vector<SentMessage>& sent, Dialect dialect, bool timed_out) {
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
  return out.end_object().take();
}

}  // namespace

std::string sent_message_json(const SentMessage& sent, Dialect dialect) {
  return sent_messages_json({sent}, dialect, false);
}

namespace {

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
    failure.details.emplace_back("quotedMessageId",
                                 "must be a message of this chat; leave it out to send without a quote");
  }
  if (refusal.subject == Subject::send_at)
    failure = Failure(ErrorCode::validation, "sendAt: " + refusal.detail, {{"sendAt", refusal.detail}});
  if (refusal.subject == Subject::expires_at)
    failure = Failure(ErrorCode::validation, "expiresAt: " + refusal.detail, {{"expiresAt", refusal.detail}});
  if (refusal.subject == Subject::options)
    failure = Failure(ErrorCode::validation, "options: " + refusal.detail, {{"options", refusal.detail}});
  if (refusal.subject == Subject::message) {
    const bool unknown = refusal.code == protocol::Errc::not_found;
    failure = Failure(unknown ? ErrorCode::message_not_found : ErrorCode::validation, "messageId: " + refusal.detail,
                      {{"messageId", refusal.detail}});
  }
  return failure;
}

// The caller asked how far the message got, and it got nowhere: an error, not a success with bad news inside.
Failure message_failed(const SentMessage& sent, Dialect dialect) {
  const PersonText chat = person_text(sent.chat, sent.chat_ids);
  return Failure(ErrorCode::message_failed,
                 fmt::format("the message failed: {}", sent.error.empty() ? "no reason was given" : sent.error),
                 {{"messageId", message_id_text(jid_text(chat.id, chat.pn, dialect), sent.id, dialect)},
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
    timed_out = timed_out || one.ack < level;
  }
  call->success(sent_messages_json(all.sent, call->dialect, timed_out), Beside{timed_out ? 202u : 200u, {}, {}});
}

/// Answers for what was accepted: at once, or when each of them has reached the level that was asked for.
void answer_sent(const ServicesPtr& services, const CallPtr& call, std::vector<SentMessage> sent) {
  const auto level = ack_named(call->query.text("waitFor"));
  if (!level) return call->success(sent_messages_json(sent, call->dialect, false));
  const auto all = std::make_shared<AwaitedMessages>();
  all->sent = std::move(sent);
  all->missing = all->sent.size();
  const std::chrono::milliseconds timeout(call->query.integer("timeout", default_ack_wait.count()));
  const auto known = [call, all, level = *level](std::size_t i, const Outcome<SentMessage>& reached) {
    // Of a repetition the message may be deleted by now: the first answer stands, and nobody knows how far it got.
    const bool deleted = !reached && reached.error().subject == sessions::Subject::message && all->sent[i].replayed;
    if (reached) all->sent[i] = *reached;
    else if (!deleted && !all->refused) all->refused = reached.error();
    if (--all->missing == 0) answer_awaited(call, *all, level);
  };
  for (std::size_t i = 0; i < all->sent.size(); ++i) {
    const SentMessage one = all->sent[i];
    if (one.ack >= *level || events::has_failed(one.ack)) known(i, one);
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

SendMessage around_content(const json::object& body) {
  SendMessage out;
  out.chat = *parse_chat_id(text_of(body, "chatId"));  // validated
  if (const auto quoted = text_of(body, "quotedMessageId"); !quoted.empty()) out.quoted_id = parse_message_id(quoted);
  for (const std::string& user : texts_of(body, "mentions")) out.mentions.push_back(*parse_chat_id(user));
  out.mention_all = boolean_of(body, "mentionAll", false);
  return out;
}

namespace {

/// Fields of texts that earlier releases did not know: without them a request has the hash it had.
bool is_younger(std::string_view field) {
  return field == "mentionAll" || field == "preview" || field == "linkPreview";
}

/// What makes two requests the same one: what is read of them, not how a client spells it.
std::string hash_of(const CallPtr& call, const Schema& schema, const SendMessage& message,
                    const std::string& content_hash) {
  json::array known;
  if (!content_hash.empty()) known.emplace_back(content_hash);
  // The path is part of it where it names the message, and of texts it never was (hashes of earlier releases).
  if (&schema != &schemas::send_text) known.emplace_back(std::string(schema.name));
  if (const std::string* about = sessions::about_message(message.content)) known.emplace_back(*about);
  if (std::holds_alternative<sessions::SetDisappearing>(message.content)) known.emplace_back(message.chat.to_string());
  for (const Field& field : schema.fields) {
    const json::value* value = call->body.if_contains(field.name);
    // Fields that came later: where they are not given, the hash is that of earlier releases.
    if (!value && (field.name == "expiresAt" || field.name == "priority")) continue;
    if (&schema == &schemas::send_text && !value && is_younger(field.name)) continue;
    if (field.name == "files" && !value) continue;  // nor was this, of one file
    known.push_back(value ? *value : json::value());
    if (!value) continue;
    if (field.name == "chatId") known.back() = message.chat.to_string();
    if (field.name == "quotedMessageId" && message.quoted_id) known.back() = *message.quoted_id;
    if (field.name == "mentions") {
      json::array users;
      for (const Jid& user : message.mentions) users.emplace_back(user.to_string());
      known.back() = std::move(users);
    }
  }
  return protocol::to_hex(protocol::sha256(protocol::as_bytes(json::serialize(known))));
}

constexpr std::array priorities = {std::string_view("low"), std::string_view("normal"), std::string_view("high")};
constexpr storage::UnixMs a_year = 366 * UnixMs{86'400'000};

/// What the request says of when; false: answered. Whether that is past is for the session to say, after it has looked
/// whether the request was accepted before.
bool read_timing(const ServicesPtr& services, const CallPtr& call, const Schema& schema, SendMessage& message) {
  const auto refuse = [&](const char* field, const char* what) { return refuse_field(call, field, what), false; };
  const bool about = sessions::about_message(message.content) != nullptr;
  const storage::UnixMs now = services->ports.scheduler.unix_ms();
  const std::string_view send_at = text_of(call->body, "sendAt"), expires_at = text_of(call->body, "expiresAt");
  // What is said about a message or a chat has none of these, and its schema has not looked at them.
  for (const char* name : {"sendAt", "expiresAt", "priority"}) {
    const auto same = [&](const Field& field) { return field.name == name; };
    if (call->body.if_contains(name) && std::none_of(schema.fields.begin(), schema.fields.end(), same))
      return refuse(name, "is for messages, not for what is said about one or about a chat");
  }
  if (!send_at.empty()) {
    message.send_at = parse_iso(send_at).value_or(0);  // validated
    if (message.send_at > now + a_year) return refuse("sendAt", "must be within a year");
    if (call->query.has("waitFor"))
      return call->failure(failure_of({FieldProblem{"waitFor", "must not stand beside sendAt: the ack event tells"}})),
             false;
  }
  if (!expires_at.empty()) {
    message.expires_at = parse_iso(expires_at).value_or(0);
    if (message.expires_at <= message.send_at) return refuse("expiresAt", "must be after sendAt");
  }
  const std::string_view priority = text_of(call->body, "priority");
  for (std::size_t i = 0; i < priorities.size(); ++i)
    if (priorities.at(i) == priority) message.priority = static_cast<storage::Priority>(i);
  if (priority.empty() && (about || message.quoted_id)) message.priority = storage::Priority::high;
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

/// What the request calls itself, and what tells it from another; and what it asks beside. false: answered.
bool name_request(const CallPtr& call, const Schema& schema, SendMessage& message, const std::string& content_hash) {
  if (call->query.has("timeout") && !call->query.has("waitFor"))
    return refuse_field(call, "timeout", "must not stand without waitFor: nothing is waited for"), false;
  if (const auto id = text_of(call->body, "messageId"); !id.empty() && &schema != &schemas::forward)
    message.message_id = id;
  if (call->request.has_header("idempotency-key")) {
    const std::string_view key = call->request.header("idempotency-key");
    constexpr std::size_t max_key_bytes = 255;
    // An empty one is a variable that was never set: to go on without would send twice what is repeated.
    if (key.empty() || key.size() > max_key_bytes)
      return refuse_field(call, "Idempotency-Key", "must be 1 to 255 characters"), false;
    message.idempotency_key = key;
  }
  message.request_hash = hash_of(call, schema, message, content_hash);
  return true;
}

}  // namespace

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
  if (!name_request(call, schema, messages.front(), content_hash)) return files.drop();
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
  if (!read_timing(services, call, schema, request) || !name_request(call, schema, request, content_hash)) return;
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

namespace {

/// The message that the path names. nullopt: answered.
std::optional<std::string> message_of_path(const CallPtr& call) {
  auto id = parse_message_id(call->param("messageId"));
  if (!id) refuse_field(call, "messageId", "must be a message id: true_<chat>_<id> or the bare WhatsApp id");
  return id;
}

double number_of(const json::object& body, std::string_view name) {
  const json::value* value = body.if_contains(name);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

bool blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

/// nullopt: answered.
std::optional<protocol::Poll> poll_of(const CallPtr& call) {
  protocol::Poll poll;
  poll.name = text_of(call->body, "name");
  poll.options = texts_of(call->body, "options");
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < poll.options.size(); ++i) {
    const std::string field = fmt::format("options[{}]", i);
    if (blank(poll.options[i]) || poll.options[i].size() > 400)
      return refuse_field(call, field, "must be 1 to 400 bytes, and not blank"), std::nullopt;
    if (!seen.insert(poll.options[i]).second) return refuse_field(call, field, "must not be there twice"), std::nullopt;
  }
  if (blank(poll.name)) return refuse_field(call, "name", "must not be blank"), std::nullopt;
  if (call->body.if_contains("selectableCount") && call->body.if_contains("multipleAnswers"))
    return refuse_field(call, "multipleAnswers", "must not stand beside selectableCount"), std::nullopt;
  const std::int64_t selectable =
      integer_of(call->body, "selectableCount").value_or(boolean_of(call->body, "multipleAnswers", false) ? 0 : 1);
  if (selectable > static_cast<std::int64_t>(poll.options.size()))
    return refuse_field(call, "selectableCount", "must not be more than there are options"), std::nullopt;
  poll.selectable = static_cast<std::uint32_t>(selectable);
  return poll;
}

/// nullopt: answered.
std::optional<protocol::Contacts> contacts_of(const CallPtr& call) {
  protocol::Contacts out;
  const json::value& list = call->body.at("contacts");
  for (std::size_t i = 0; i < list.get_array().size(); ++i) {
    const json::object& given = list.get_array()[i].get_object();
    const std::string field = fmt::format("contacts[{}]", i);
    protocol::ContactCard card;
    card.name = text_of(given, "name");
    card.vcard = text_of(given, "vcard");
    const std::string_view phone = text_of(given, "phone");
    if (!card.vcard.empty() && !text_of(given, "organization").empty())
      return refuse_field(call, field + ".organization", "must not stand beside vcard, which has its own"),
             std::nullopt;
    if (card.vcard.empty() == phone.empty())
      return refuse_field(call, field, "must have either phone or vcard"), std::nullopt;
    if (!phone.empty()) {
      const auto number = parse_chat_id(phone);
      if (!number || !number->is_phone_number())
        return refuse_field(call, field + ".phone", "must be a phone number with its country code"), std::nullopt;
      card.vcard = vcard_of({card.name, number->user, std::string(text_of(given, "organization"))});
    } else if (!is_vcard(card.vcard)) {
      return refuse_field(call, field + ".vcard", "must be a vCard: BEGIN:VCARD … END:VCARD"), std::nullopt;
    }
    out.cards.push_back(std::move(card));
  }
  if (out.cards.size() > 1) out.name = fmt::format("{} contacts", out.cards.size());
  return out;
}

void send_gif(const ServicesPtr& services, const CallPtr& call) {
  call->body["gif"] = true;
  send_video(services, call);
}

constexpr MessageType types[] = {
    {"text", send_text, &schemas::send_text, false},
    {"location", send_location, &schemas::send_location, false},
    {"contact", send_contact, &schemas::send_contact, false},
    {"poll", send_poll, &schemas::send_poll, false},
    {"event", send_event, &schemas::send_event, false},
    {"group_invite", send_group_invite, &schemas::send_group_invite, false},
    {"image", send_image, &schemas::send_image, true},
    {"document", send_file, &schemas::send_file, true},
    {"audio", send_audio, &schemas::send_audio, true},
    {"voice", send_voice, &schemas::send_voice, true},
    {"video", send_video, &schemas::send_video, true},
    {"gif", send_gif, &schemas::send_video, true},
    {"sticker", send_sticker, &schemas::send_sticker, true},
};

}  // namespace

std::span<const MessageType> message_types() { return types; }

namespace {

/// nullopt: answered.
std::optional<protocol::PreviewedText> previewed_text(const CallPtr& call, const json::object& given) {
  protocol::PreviewedText out;
  out.text = text_of(call->body, "content");
  out.preview.url = text_of(given, "url");
  out.preview.title = text_of(given, "title");
  out.preview.description = text_of(given, "description");
  if (out.text.find(out.preview.url) == std::string::npos)
    return refuse_field(call, "preview.url", "must stand in content, as it is"), std::nullopt;
  if (const std::string_view picture = text_of(given, "thumbnail"); !picture.empty()) {
    std::string bytes;
    web::MediaTextDecoder decoder;
    auto decoded = decoder.feed(picture, bytes);
    if (decoded) decoded = decoder.finish(bytes);
    const bool jpeg = decoded && bytes.starts_with("\xff\xd8\xff") && bytes.ends_with("\xff\xd9");
    if (!jpeg || bytes.size() > protocol::LinkPreview::max_thumbnail_bytes)
      return refuse_field(call, "preview.thumbnail", "must be a JPEG of at most 64 KiB, as base64"), std::nullopt;
    out.preview.thumbnail = protocol::to_bytes(protocol::as_bytes(bytes));
  }
  return out;
}

}  // namespace

void send_text(const ServicesPtr& services, const CallPtr& call) {
  SendMessage message = around_content(call->body);
  if (const json::value* preview = call->body.if_contains("preview"); preview && preview->is_object()) {
    auto text = previewed_text(call, preview->get_object());
    if (!text) return;
    message.content = std::move(*text);
  } else {
    message.content = std::string(text_of(call->body, "content"));
  }
  send_message(services, call, schemas::send_text, std::move(message));
}

void send_location(const ServicesPtr& services, const CallPtr& call) {
  SendMessage message = around_content(call->body);
  protocol::Location place;
  place.latitude = number_of(call->body, "latitude");
  place.longitude = number_of(call->body, "longitude");
  place.name = text_of(call->body, "name");
  place.address = text_of(call->body, "address");
  place.url = text_of(call->body, "url");
  place.live = boolean_of(call->body, "live", false);
  place.accuracy_m = static_cast<std::uint32_t>(integer_of(call->body, "accuracy").value_or(0));
  for (const std::string_view still : {"address", "url"}) {
    if (place.live && !text_of(call->body, still).empty())
      return refuse_field(call, std::string(still), "must not stand beside live: a live location has only a name");
  }
  message.content = std::move(place);
  send_message(services, call, schemas::send_location, std::move(message));
}

void send_contact(const ServicesPtr& services, const CallPtr& call) {
  auto contacts = contacts_of(call);
  if (!contacts) return;
  SendMessage message = around_content(call->body);
  message.content = std::move(*contacts);
  send_message(services, call, schemas::send_contact, std::move(message));
}

void send_poll(const ServicesPtr& services, const CallPtr& call) {
  auto poll = poll_of(call);
  if (!poll) return;
  SendMessage message = around_content(call->body);
  message.content = std::move(*poll);
  send_message(services, call, schemas::send_poll, std::move(message));
}

void send_event(const ServicesPtr& services, const CallPtr& call) {
  const json::object& body = call->body;
  protocol::CalendarEvent event;
  event.name = text_of(body, "name");
  event.description = text_of(body, "description");
  event.join_link = text_of(body, "joinLink");
  event.starts_at = integer_of(body, "startTime").value_or(0);
  event.ends_at = integer_of(body, "endTime").value_or(0);
  if (event.ends_at != 0 && event.ends_at < event.starts_at)
    return refuse_field(call, "endTime", "must not be before startTime");
  event.extra_guests = boolean_of(body, "extraGuestsAllowed", false);
  if (const auto place = text_of(body, "locationName"); !place.empty()) {
    event.place.emplace();
    event.place->name = place;
    event.place->placed = false;
  }
  SendMessage message = around_content(body);
  message.content = std::move(event);
  send_message(services, call, schemas::send_event, std::move(message));
}

void send_group_invite(const ServicesPtr& services, const CallPtr& call) {
  const json::object& body = call->body;
  const Jid group = *parse_chat_id(text_of(body, "groupId"));  // validated
  if (!group.is_group()) return refuse_field(call, "groupId", "must be the id of a group: …@g.us");
  constexpr std::int64_t usual_s = 3 * 86'400;
  protocol::GroupInvite invite;
  invite.group = group.to_string();
  invite.code = text_of(body, "code");
  invite.name = text_of(body, "groupName");
  invite.caption = text_of(body, "caption");
  invite.expires_at =
      integer_of(body, "inviteExpiresAt").value_or(services->ports.scheduler.unix_ms() / 1000 + usual_s);
  SendMessage message = around_content(body);
  message.content = std::move(invite);
  send_message(services, call, schemas::send_group_invite, std::move(message));
}

void send_any(const ServicesPtr& services, const CallPtr& call) {
  const std::string_view name = text_of(call->body, "type");
  for (const MessageType& type : types) {
    if (type.name != name) continue;
    if (!type.has_file && !call->files.empty())
      return refuse_field(call, call->files.front().field, fmt::format("a message of type {} has no file", name));
    json::object content = call->body;
    content.erase("type");
    std::vector<FieldProblem> problems;
    web::validate(content, *type.schema, web::unknown_of(call->query), problems);
    if (!problems.empty()) return call->failure(failure_of(problems));
    return type.handler(services, call);
  }
  call->failure(failure_of({FieldProblem{"type", fmt::format("{} is not implemented yet", name), nullptr, true}}));
}

void forward_message(const ServicesPtr& services, const CallPtr& call) {
  SendMessage message;
  message.chat = *parse_chat_id(text_of(call->body, "chatId"));
  message.content = sessions::Forward{*parse_message_id(text_of(call->body, "messageId"))};
  send_message(services, call, schemas::forward, std::move(message));
}

// --- about a message

void react_to_message(const ServicesPtr& services, const CallPtr& call) {
  auto id = message_of_path(call);
  if (!id) return;
  const std::string_view emoji = text_of(call->body, "emoji");
  if (!emoji.empty() && !is_emoji(emoji))
    return refuse_field(call, "emoji", "must be one emoji, or empty to take it back");
  SendMessage message;
  message.content = sessions::React{std::move(*id), std::string(emoji)};
  send_message(services, call, schemas::react, std::move(message));
}

void edit_message(const ServicesPtr& services, const CallPtr& call) {
  auto id = message_of_path(call);
  if (!id) return;
  if (blank(text_of(call->body, "content"))) return refuse_field(call, "content", "must not be blank");
  sessions::EditText edit{std::move(*id), std::string(text_of(call->body, "content")), {}};
  for (const std::string& user : texts_of(call->body, "mentions")) edit.mentions.push_back(*parse_chat_id(user));
  SendMessage message;
  message.content = std::move(edit);
  send_message(services, call, schemas::edit_message, std::move(message));
}

void delete_message(const ServicesPtr& services, const CallPtr& call) {
  auto id = message_of_path(call);
  if (!id) return;
  const std::string_view for_whom = call->query.text("for"), for_everyone = call->query.text("forEveryone");
  // What is gone for good is never guessed.
  if (for_whom.empty() && for_everyone.empty())
    return refuse_field(call, "for", "is required, as a query parameter: everyone, or me (from the stored copy)");
  const bool everyone = for_whom.empty() ? call->query.boolean("forEveryone") : for_whom == "everyone";
  if (!for_everyone.empty() && call->query.boolean("forEveryone") != everyone)
    return refuse_field(call, "forEveryone", "must not say another thing than for");
  if (!everyone) return remove_message(services, call, std::move(*id));
  SendMessage message;
  message.content = sessions::RevokeSent{std::move(*id)};
  send_message(services, call, schemas::revoke, std::move(message));
}

void vote_in_poll(const ServicesPtr& services, const CallPtr& call) {
  auto id = message_of_path(call);
  if (!id) return;
  auto options = texts_of(call->body, "options");
  const std::set<std::string_view> different(options.begin(), options.end());
  if (different.size() != options.size()) return refuse_field(call, "options", "must not name an option twice");
  SendMessage message;
  message.content = sessions::Vote{std::move(*id), std::move(options)};
  send_message(services, call, schemas::vote, std::move(message));
}

void pin_message(const ServicesPtr& services, const CallPtr& call) {
  auto id = message_of_path(call);
  if (!id) return;
  sessions::PinMessage pin;
  pin.message = std::move(*id);
  pin.pinned = boolean_of(call->body, "pinned", true);
  const std::string_view duration = text_of(call->body, "duration", "7d");
  constexpr std::chrono::hours day{24};
  pin.duration = duration == "24h" ? day : duration == "30d" ? 30 * day : 7 * day;
  SendMessage message;
  message.content = std::move(pin);
  send_message(services, call, schemas::pin_message, std::move(message));
}

}  // namespace wharf::api
