// Handlers of everything that is sent: messages of each kind, and what is said about a message. Each reads its body
// into one command; what happens then is the same for all of them.
#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <set>
#include <utility>

#include "api/chat_id.h"
#include "api/dialect.h"
#include "api/emoji.h"
#include "api/handlers.h"
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

constexpr std::chrono::milliseconds default_ack_wait{30'000};

// --- answers

std::string sent_message_json(const SentMessage& sent, Dialect dialect, bool timed_out) {
  const PersonText chat = person_text(sent.chat, sent.chat_ids);
  const std::string chat_text = jid_text(chat.id, chat.pn, dialect);
  JsonWriter out(320 + sent.text.size());
  out.begin_object().text("messageId", message_id_text(chat_text, sent.id, dialect)).text("id", sent.id);
  out.text("chatId", chat_text).text_if("chatLid", chat.lid).text("content", sent.text);
  out.number("timestamp", dialect == Dialect::gateway ? sent.timestamp : sent.timestamp / 1000);
  out.text("status", ack_name(static_cast<int>(sent.ack)))
      .number("ack", static_cast<int>(sent.ack))
      .text_if("error", sent.error);
  if (!sent.target_id.empty()) out.text("targetMessageId", message_id_text(chat_text, sent.target_id, dialect));
  if (sent.replayed) out.boolean("replayed", true);
  if (timed_out) out.boolean("timedOut", true);
  return out.end_object().take();
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
    failure.details.emplace_back("quotedMessageId",
                                 "must be a message of this chat; leave it out to send without a quote");
  }
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
                  {"status", std::string(ack_name(static_cast<int>(sent.ack)))},
                  {"error", sent.error}});
}

// Waits for the asked ack level and answers with how far the message got.
void answer_after_ack(const ServicesPtr& services, const CallPtr& call, const std::string& session,
                      const SentMessage& sent, storage::AckLevel level) {
  const std::chrono::milliseconds timeout(call->query.integer("timeout", default_ack_wait.count()));
  services->ports.waits.await_ack(session, sent, level, timeout, [call, level](const Outcome<SentMessage>& reached) {
    if (!reached) return call->failure(failure_of(call, reached.error()));
    const SentMessage& state = *reached;
    if (state.ack == storage::AckLevel::error) return call->failure(message_failed(state, call->dialect));
    const bool timed_out = state.ack < level;
    call->success(sent_message_json(state, call->dialect, timed_out), Beside{timed_out ? 202u : 200u, {}, {}});
  });
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
    if (&schema == &schemas::send_text && !value && is_younger(field.name)) continue;
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

/// The file that was kept for a message.
std::optional<sessions::MediaName> file_of(const SendMessage& message) {
  const auto* media = std::get_if<sessions::SendMedia>(&message.content);
  return media ? media->upload : std::nullopt;
}

/// The session did not take it over. What ended unanswered may have been taken: then the next start looks.
bool leaves_file(const Outcome<SentMessage>& sent) {
  return sent ? sent->replayed : sent.error().code != protocol::Errc::closed;
}

}  // namespace

void send_message(const ServicesPtr& services, const CallPtr& call, const Schema& schema, SendMessage message,
                  const std::string& content_hash) {
  const auto file = file_of(message);
  const auto drop_file = [services, file] {
    if (file) services->ports.vault->drop(*file);
  };
  const std::string& session = call->param("sessionId");
  if (!session_of(services, call)) return drop_file();
  if (const auto id = text_of(call->body, "messageId"); !id.empty() && &schema != &schemas::forward)
    message.message_id = id;
  if (call->request.has_header("idempotency-key")) {
    const std::string_view key = call->request.header("idempotency-key");
    constexpr std::size_t max_key_bytes = 255;
    // An empty one is a variable that was never set: to go on without would send twice what is repeated.
    if (key.empty() || key.size() > max_key_bytes) {
      drop_file();
      return refuse_field(call, "Idempotency-Key", "must be 1 to 255 characters");
    }
    message.idempotency_key = key;
  }
  message.request_hash = hash_of(call, schema, message, content_hash);
  const auto wait_for = ack_named(call->query.text("waitFor"));
  ask(services, call, std::move(message),
      [services, call, session, wait_for, drop_file](const Outcome<SentMessage>& sent) {
        if (leaves_file(sent)) drop_file();
        if (!sent) return call->failure(send_failure(call, sent.error()));
        if (wait_for && sent->ack == storage::AckLevel::error)
          return call->failure(message_failed(*sent, call->dialect));
        if (wait_for && sent->ack < *wait_for) return answer_after_ack(services, call, session, *sent, *wait_for);
        call->success(sent_message_json(*sent, call->dialect, false));
      });
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

using Handler = void (*)(const ServicesPtr&, const CallPtr&);
struct TypeOfMessage {
  std::string_view name;
  Handler handler;
  const Schema* schema;
};
constexpr TypeOfMessage types[] = {
    {"text", send_text, &schemas::send_text},          {"location", send_location, &schemas::send_location},
    {"contact", send_contact, &schemas::send_contact}, {"poll", send_poll, &schemas::send_poll},
    {"event", send_event, &schemas::send_event},       {"group_invite", send_group_invite, &schemas::send_group_invite},
    {"image", send_image, &schemas::send_image},       {"document", send_file, &schemas::send_file},
    {"audio", send_audio, &schemas::send_audio},       {"voice", send_voice, &schemas::send_voice},
    {"video", send_video, &schemas::send_video},       {"gif", send_gif, &schemas::send_video},
    {"sticker", send_sticker, &schemas::send_sticker},
};

}  // namespace

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
  for (const TypeOfMessage& type : types) {
    if (type.name != name) continue;
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
