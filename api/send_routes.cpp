// Handlers of everything that is sent: messages of each kind, and what is said about a message. Each reads its body
// into one command; what happens then is the same for all of them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "api/chat_id.h"
#include "api/dialect.h"
#include "api/emoji.h"
#include "api/handlers.h"
#include "api/iso_time.h"
#include "api/preview_sending.h"
#include "api/schemas.h"
#include "api/sending.h"
#include "api/vcard.h"
#include "protocol/crypto/hash.h"
#include "web/query.h"

namespace wharf::api {
namespace {

namespace json = boost::json;
using protocol::Jid;
using sessions::SendMessage;

}  // namespace

namespace {

double number_of(const json::object& body, std::string_view name) {
  const json::value* value = body.if_contains(name);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

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

void send_text(const ServicesPtr& services, const CallPtr& call) {
  SendMessage message = around_content(call->body);
  message.content = std::string(text_of(call->body, "content"));
  send_previewed(services, call, schemas::send_text, std::move(message));
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

namespace {

/// Of the field `inviteExpiresAt`: unix seconds as messages show them, or a time as the answer to an addition has it.
/// nullopt: it is neither.
std::optional<std::int64_t> invite_end_of(const json::object& body) {
  constexpr std::int64_t latest = 9'999'999'999;
  auto seconds = integer_of(body, "inviteExpiresAt");
  if (const auto text = text_of(body, "inviteExpiresAt"); !text.empty()) {
    seconds = web::parse_integer(text);  // of a form
    if (const auto at = parse_iso(text)) seconds = *at / 1000;
  }
  return seconds && *seconds >= 1 && *seconds <= latest ? seconds : std::nullopt;
}

}  // namespace

void send_group_invite(const ServicesPtr& services, const CallPtr& call) {
  const json::object& body = call->body;
  const Jid group = *parse_chat_id(text_of(body, "groupId"));  // validated
  constexpr std::int64_t usual_s = 3 * 86'400;
  protocol::GroupInvite invite;
  invite.group = group.to_string();
  invite.code = text_of(body, "code");
  invite.name = text_of(body, "groupName");
  invite.caption = text_of(body, "caption");
  invite.expires_at = services->ports.scheduler.unix_ms() / 1000 + usual_s;
  if (const json::value* given = body.if_contains("inviteExpiresAt"); given != nullptr && !given->is_null()) {
    const auto end = invite_end_of(body);
    if (!end)
      return refuse_field(call, "inviteExpiresAt",
                          "must be unix seconds, 1 to 9999999999, or a time with its offset, as the answer to an "
                          "addition has it: 2026-12-24T18:00:00Z");
    invite.expires_at = *end;
  }
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
  auto id = named_message(services, call, "messageId", text_of(call->body, "messageId"));
  if (!id) return;
  SendMessage message;
  message.chat = *parse_chat_id(text_of(call->body, "chatId"));
  message.content = sessions::Forward{std::move(id->id), std::move(id->chat)};
  send_message(services, call, schemas::forward, std::move(message));
}

// --- about a message

namespace {

/// Its chat is the chat, and no other one when it was said.
SendMessage about(const NamedMessage& named) {
  SendMessage message;
  message.chat = named.chat.value_or(Jid());
  return message;
}

}  // namespace

void react_to_message(const ServicesPtr& services, const CallPtr& call) {
  auto id = message_of_path(services, call);
  if (!id) return;
  const std::string_view emoji = text_of(call->body, "emoji");
  if (!emoji.empty() && !is_emoji(emoji))
    return refuse_field(call, "emoji", "must be one emoji, or empty to take it back");
  SendMessage message = about(*id);
  message.content = sessions::React{std::move(id->id), std::string(emoji)};
  send_message(services, call, schemas::react, std::move(message));
}

void edit_message(const ServicesPtr& services, const CallPtr& call) {
  auto id = message_of_path(services, call);
  if (!id) return;
  if (blank(text_of(call->body, "content"))) return refuse_field(call, "content", "must not be blank");
  sessions::EditText edit{id->id, std::string(text_of(call->body, "content")), {}};
  for (const std::string& user : texts_of(call->body, "mentions")) edit.mentions.push_back(*parse_chat_id(user));
  SendMessage message = about(*id);
  message.content = std::move(edit);
  send_previewed(services, call, schemas::edit_message, std::move(message));
}

void delete_message(const ServicesPtr& services, const CallPtr& call) {
  auto id = message_of_path(services, call);
  if (!id) return;
  const std::string_view for_whom = call->query.text("for"), for_everyone = call->query.text("forEveryone");
  // What is gone for good is never guessed.
  if (for_whom.empty() && for_everyone.empty())
    return refuse_field(call, "for", "is required, as a query parameter: everyone, or me (from the stored copy)");
  const bool everyone = for_whom.empty() ? call->query.boolean("forEveryone") : for_whom == "everyone";
  if (!for_everyone.empty() && call->query.boolean("forEveryone") != everyone)
    return refuse_field(call, "forEveryone", "must not say another thing than for");
  if (!everyone) return remove_message(services, call, std::move(*id));
  SendMessage message = about(*id);
  message.content = sessions::RevokeSent{std::move(id->id)};
  send_message(services, call, schemas::revoke, std::move(message));
}

void vote_in_poll(const ServicesPtr& services, const CallPtr& call) {
  auto id = message_of_path(services, call);
  if (!id) return;
  auto options = texts_of(call->body, "options");
  const std::set<std::string_view> different(options.begin(), options.end());
  if (different.size() != options.size()) return refuse_field(call, "options", "must not name an option twice");
  SendMessage message = about(*id);
  message.content = sessions::Vote{std::move(id->id), std::move(options)};
  send_message(services, call, schemas::vote, std::move(message));
}

void answer_event(const ServicesPtr& services, const CallPtr& call) {
  auto id = message_of_path(services, call);
  if (!id) return;
  using Answer = sessions::AnswerEvent::Answer;
  const std::string_view response = text_of(call->body, "response");
  sessions::AnswerEvent answer;
  answer.message = id->id;
  answer.answer = response == "notGoing" ? Answer::not_going : response == "maybe" ? Answer::maybe : Answer::going;
  answer.extra_guests = static_cast<std::uint32_t>(integer_of(call->body, "extraGuests").value_or(0));
  if (answer.extra_guests > 0 && answer.answer == Answer::not_going)
    return refuse_field(call, "extraGuests", "must not stand beside notGoing");
  SendMessage message = about(*id);
  message.content = std::move(answer);
  send_message(services, call, schemas::answer_event, std::move(message));
}

void pin_message(const ServicesPtr& services, const CallPtr& call) {
  auto id = message_of_path(services, call);
  if (!id) return;
  sessions::PinMessage pin;
  pin.message = id->id;
  pin.pinned = boolean_of(call->body, "pinned", true);
  const std::string_view duration = text_of(call->body, "duration", "7d");
  constexpr std::chrono::hours day{24};
  pin.duration = duration == "24h" ? day : duration == "30d" ? 30 * day : 7 * day;
  SendMessage message = about(*id);
  message.content = std::move(pin);
  send_message(services, call, schemas::pin_message, std::move(message));
}

}  // namespace wharf::api
