// Control API: what a phone says and what it shows.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>
#include <memory>
#include <utility>

#include "sandbox/control_call.h"
#include "sandbox/phone/chats.h"
#include "sandbox/phone/opened_media.h"
#include "web/base64_stream.h"

namespace wharf::sandbox {

namespace json = boost::json;
using protocol::MessageKind;
using protocol::Result;

namespace {

constexpr std::int64_t default_page = 100;

template <class Value>
struct Named {
  std::string_view name;
  Value value;
};
constexpr Named<MediaRetryMode> retry_modes[] = {{"upload", MediaRetryMode::upload},
                                                 {"not_found", MediaRetryMode::not_found},
                                                 {"general_error", MediaRetryMode::general_error},
                                                 {"silent", MediaRetryMode::silent}};
constexpr MessageKind media_kinds[] = {MessageKind::image,      MessageKind::video,  MessageKind::gif,
                                       MessageKind::video_note, MessageKind::audio,  MessageKind::voice,
                                       MessageKind::document,   MessageKind::sticker};

json::object to_json(const PhoneMessage::Media& media) {
  json::object out{{"kind", media.kind},       {"mimetype", media.mimetype}, {"filename", media.file_name},
                   {"size", media.size},       {"width", media.width},       {"height", media.height},
                   {"seconds", media.seconds}, {"sha256", nullptr},          {"state", media.state}};
  if (!media.sha256.empty()) out["sha256"] = media.sha256;
  if (!media.failure.empty()) out["failure"] = media.failure;
  return out;
}

}  // namespace

json::object message_json(const Phone& phone, const PhoneMessage& message) {
  json::array mentions;
  for (const std::string& mention : message.mentions) mentions.emplace_back(phone.number_named(mention));
  json::object out{{"id", message.id},
                   {"fromMe", message.from_me},
                   {"device", message.device},
                   {"chat", phone.number_named(message.chat)},
                   {"author", phone.number_named(message.author)},
                   {"kind", message.kind},
                   {"text", message.text},
                   {"timestamp", message.timestamp},
                   {"status", message.status}};
  out["quoted"] = message.quoted_id.empty() ? json::value(nullptr) : json::value(message.quoted_id);
  out["mentions"] = std::move(mentions);
  if (!message.failure.empty()) out["failure"] = message.failure;
  if (!message.recipients.empty()) {
    json::object recipients;
    for (const auto& [who, status] : message.recipients)
      recipients[phone.number_named(who)] = status.empty() ? "sent" : status;
    out["recipients"] = std::move(recipients);
  }
  if (!message.target.empty()) out["target"] = message.target;
  if (!message.options.empty()) {
    json::array options;
    for (const std::string& option : message.options) options.emplace_back(option);
    out["options"] = std::move(options);
  }
  if (message.media) out["media"] = to_json(*message.media);
  if (message.album) out["album"] = json::object{{"images", message.album->images}, {"videos", message.album->videos}};
  if (!message.album_id.empty()) out["albumId"] = message.album_id;
  if (message.edited) out["edited"] = true;
  if (message.revoked) out["revoked"] = true;
  if (message.pinned) out["pinned"] = true;
  if (!message.answer.empty()) {
    out["answer"] = message.answer;
    out["extraGuests"] = message.extra_guests;
  }
  if (message.starts_at != 0) out["startTime"] = message.starts_at;
  if (message.cancelled) out["cancelled"] = true;
  if (message.expires_after != 0 || message.kind == "disappearing") out["expiresAfter"] = message.expires_after;
  if (message.invite)
    out["groupInvite"] = json::object{{"group", message.invite->group},
                                      {"code", message.invite->code},
                                      {"name", message.invite->name},
                                      {"expiresAt", message.invite->expires_at}};
  if (message.style) {
    const auto colour = [](std::uint32_t argb) { return fmt::format("#{:06X}", argb & 0xFFFFFF); };
    out["backgroundColor"] = colour(message.style->background_argb);
    out["textColor"] = colour(message.style->text_argb);
    out["font"] = message.style->font;
  }
  return out;
}

namespace {

const json::object* member(const json::object& body, std::string_view name) {
  const json::value* value = body.if_contains(name);
  return value != nullptr && value->is_object() ? &value->get_object() : nullptr;
}

double number_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

}  // namespace

PhoneMedia read_media(const json::object& o, std::string& problem) {
  const auto text = [&o](std::string_view name) { return std::string(web::text_of(o, name)); };
  const auto number = [&o](std::string_view name) {
    return static_cast<std::uint32_t>(web::integer_of(o, name).value_or(0));
  };
  PhoneMedia media;
  for (const MessageKind kind : media_kinds) {
    if (protocol::name(kind) == web::text_of(o, "kind")) media.kind = kind;
  }
  web::MediaTextDecoder decoder;
  auto decoded = decoder.feed(web::text_of(o, "data"), media.bytes);
  if (decoded) decoded = decoder.finish(media.bytes);
  if (!decoded) problem = "is not valid: " + decoded.error().detail;
  else if (media.bytes.empty()) problem = "is an empty file";
  media.mimetype = text("mimetype");
  if (media.mimetype.empty()) media.mimetype = decoder.media_type();
  media.file_name = text("filename");
  media.caption = text("caption");
  media.width = number("width");
  media.height = number("height");
  media.seconds = number("seconds");
  media.view_once = web::boolean_of(o, "viewOnce", false);
  media.album = text("album");
  return media;
}

namespace {

protocol::CalendarEvent read_event(const json::object& o) {
  protocol::CalendarEvent event;
  event.name = web::text_of(o, "name");
  event.description = web::text_of(o, "description");
  event.starts_at = web::integer_of(o, "startTime").value_or(0);
  event.cancelled = web::boolean_of(o, "cancelled", false);
  event.extra_guests = web::boolean_of(o, "extraGuestsAllowed", false);
  return event;
}

/// What the body says beside text and files; validated.
void read_content(const json::object& body, Phone::Send& message) {
  const auto text = [](const json::object& o, std::string_view name) { return std::string(web::text_of(o, name)); };
  if (const auto* o = member(body, "location")) {
    protocol::Location place;
    place.latitude = number_of(*o, "latitude");
    place.longitude = number_of(*o, "longitude");
    place.name = text(*o, "name");
    place.address = text(*o, "address");
    place.live = web::boolean_of(*o, "live", false);
    message.content = std::move(place);
  } else if (const auto* contact = member(body, "contact")) {
    message.content = protocol::Contacts{{}, {{text(*contact, "name"), text(*contact, "vcard")}}};
  } else if (const auto* asked = member(body, "poll")) {
    protocol::Poll poll;
    poll.name = text(*asked, "name");
    poll.options = web::texts_of(*asked, "options");
    poll.selectable = static_cast<std::uint32_t>(web::integer_of(*asked, "selectableCount").value_or(1));
    message.content = std::move(poll);
  } else if (const auto* album = member(body, "album")) {
    const auto number = [&](std::string_view name) {
      return static_cast<std::uint32_t>(web::integer_of(*album, name).value_or(0));
    };
    message.content = protocol::Album{number("images"), number("videos")};
  } else if (const auto* invite = member(body, "groupInvite")) {
    message.content =
        protocol::GroupInvite{text(*invite, "group"), text(*invite, "code"), text(*invite, "name"),
                              web::integer_of(*invite, "expiresAt").value_or(0), text(*invite, "caption")};
  } else if (const auto* react = member(body, "reaction")) {
    message.content =
        PhoneReaction{text(*react, "message"), text(*react, "emoji"), web::boolean_of(*react, "sealed", false)};
  } else if (const auto* edit = member(body, "edit")) {
    message.content = PhoneEdit{text(*edit, "message"), text(*edit, "text"), web::boolean_of(*edit, "sealed", false)};
  } else if (const auto* event = member(body, "event")) {
    message.content = read_event(*event);
  } else if (const auto* changed = member(body, "eventEdit")) {
    message.content = PhoneEventEdit{text(*changed, "message"), read_event(*changed)};
  } else if (const auto* answer = member(body, "answer")) {
    using Answer = protocol::EventResponse::Answer;
    const auto response = web::text_of(*answer, "response");
    message.content = PhoneAnswer{text(*answer, "message"),
                                  response == "notGoing" ? Answer::not_going
                                  : response == "maybe"  ? Answer::maybe
                                                         : Answer::going,
                                  static_cast<std::uint32_t>(web::integer_of(*answer, "extraGuests").value_or(0))};
  } else if (const auto* revoke = member(body, "revoke")) {
    message.content = PhoneRevoke{text(*revoke, "message")};
  } else if (const auto* vote = member(body, "vote")) {
    message.content = PhoneVote{text(*vote, "message"), web::texts_of(*vote, "options")};
  } else if (const auto* pin = member(body, "pin")) {
    constexpr std::uint32_t day = 86'400;
    const auto duration = web::text_of(*pin, "duration", "7d");
    message.content = PhonePin{text(*pin, "message"), web::boolean_of(*pin, "pinned", true),
                               duration == "24h"   ? day
                               : duration == "30d" ? 30 * day
                                                   : 7 * day};
  } else if (const auto* timer = member(body, "disappearing")) {
    message.content = PhoneTimer{static_cast<std::uint32_t>(web::integer_of(*timer, "seconds").value_or(0))};
  }
}

}  // namespace

void send_message(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  Phone::Send message;
  message.to = web::text_of(call.body, "to");
  message.text = web::text_of(call.body, "text");
  message.quoted_id = web::text_of(call.body, "quoted");
  message.mentions = web::texts_of(call.body, "mentions");
  if (const auto* media = member(call.body, "media")) {
    std::string problem;
    message.content = read_media(*media, problem);
    if (!problem.empty()) return call.invalid({{"media.data", problem}});
  } else {
    read_content(call.body, message);
  }
  const auto* timer = std::get_if<PhoneTimer>(&message.content);
  if (timer != nullptr && !protocol::is_disappearing_timer(timer->seconds))
    return call.invalid({{"disappearing.seconds", "must be 0, 86400, 604800 or 7776000"}});
  const bool said = message.content.index() != 0;
  if (said != message.text.empty()) return call.invalid({{"text", "is required, or one other content; not both"}});
  const Result<std::string> id = phone->send(std::move(message));
  if (!id) return call.fail(id.error());
  call.succeed(json::object{{"id", *id}}, 202);
}

void list_messages(ControlCall& call) {
  const Phone* phone = call.phone();
  if (phone == nullptr) return;
  const auto limit = static_cast<std::size_t>(call.query.integer("limit", default_page));
  const std::string_view given = call.query.text("chat"), after = call.query.text("after");
  const bool account = !given.empty() && !given.ends_with("@g.us");
  std::string chat(given);
  if (account) {
    const Account* peer = call.network.find_number(normalise_phone(given.substr(0, given.find('@'))).value());
    if (peer == nullptr) return call.succeed(json::array());  // nobody has the number: no chat has it
    chat = peer->phone;
  }
  const std::vector<PhoneMessage>& all = phone->messages();
  std::size_t begin = 0;
  if (!after.empty()) {
    const auto found = std::find_if(all.rbegin(), all.rend(), [&](const PhoneMessage& m) { return m.id == after; });
    if (found == all.rend()) return call.fail(404, "NOT_FOUND", "after: this phone has no such message");
    begin = static_cast<std::size_t>(all.rend() - found);
  }
  std::vector<const PhoneMessage*> chosen;
  for (std::size_t i = begin; i < all.size(); ++i) {
    // A status post is of no chat.
    if (chat.empty() ? all[i].chat != PhoneChats::statuses : all[i].chat == chat) chosen.push_back(&all[i]);
  }
  // After an id the page goes on from there; without one it is the newest.
  const auto count = std::min(limit, chosen.size());
  const std::size_t first = !after.empty() ? 0 : chosen.size() - count;
  json::array page;
  for (std::size_t i = first; i < first + count; ++i) page.push_back(message_json(*phone, *chosen[i]));
  call.succeed(std::move(page));
}

void show_message_media(ControlCall& call) {
  const Phone* phone = call.phone();
  if (phone == nullptr) return;
  const auto waiting = std::make_shared<ControlCall>(call);
  phone->open_media(call.param("id"), [waiting](Result<OpenedMedia> opened) {
    using protocol::Errc;
    if (!opened) {
      const bool told = opened.error().code == Errc::not_found || opened.error().code == Errc::conflict ||
                        opened.error().code == Errc::closed;
      if (told) return waiting->fail(opened.error());
      return waiting->fail(422, "REFUSED", "the file cannot be shown: " + opened.error().detail);
    }
    // Whatever the sender calls it: no browser shall show it as a page of this address.
    net::HttpResponse response(200, "application/octet-stream", std::move(opened->bytes));
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    response.headers.emplace_back("Content-Disposition", "attachment");
    response.more = std::move(opened->more);
    waiting->answer(std::move(response));
  });
}

void mark_read(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const std::string chat(web::text_of(call.body, "chat")), id(web::text_of(call.body, "id"));
  const Result<std::size_t> count = phone->read(chat, id);
  if (!count) return call.fail(count.error());
  call.succeed(json::object{{"read", *count}});
}

void set_typing(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const std::string given(web::text_of(call.body, "to"));
  const bool group = given.ends_with("@g.us");
  const std::string to = group ? given : normalise_phone(given.substr(0, given.find('@'))).value();
  if (group ? phone->group(to) == nullptr : call.network.find_number(to) == nullptr)
    return call.fail(404, "NOT_FOUND", "to: nobody has this number, or the phone is in no such group");
  const std::string_view state = web::text_of(call.body, "state");
  phone->typing(to, protocol::chat_state_named(state).value_or(protocol::ChatState::paused));
  call.succeed(json::object{{"to", to}, {"state", state}});
}

void set_deliver(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const bool on = web::boolean_of(call.body, "on", false);
  phone->deliver(on);
  call.succeed(json::object{{"on", on}});
}

void set_auto_reply(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  if (call.body.empty()) {  // null or {}: no rule
    phone->set_auto_reply(std::nullopt);
    return call.succeed(nullptr);
  }
  Phone::AutoReply rule;
  rule.contains = web::text_of(call.body, "contains");
  rule.text = web::text_of(call.body, "text");
  if (rule.text.empty()) return call.invalid({{"text", "is required"}});
  json::object result{{"contains", rule.contains}, {"text", rule.text}};
  phone->set_auto_reply(std::move(rule));
  call.succeed(std::move(result));
}

void set_auto_read(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const bool on = web::boolean_of(call.body, "on", false);
  phone->set_auto_read(on);
  call.succeed(json::object{{"on", on}});
}

void set_media_retry(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const auto answer = web::text_of(call.body, "answer");
  const auto* named = std::find_if(std::begin(retry_modes), std::end(retry_modes),
                                   [answer](const Named<MediaRetryMode>& mode) { return mode.name == answer; });
  phone->set_media_retry(named->value);
  call.succeed(json::object{{"answer", answer}});
}

}  // namespace wharf::sandbox
