#include "sessions/message_details.h"

#include <fmt/format.h>

#include "events/json_writer.h"

namespace wharf::sessions {

using events::JsonWriter;

namespace {

void number_if(JsonWriter& out, std::string_view name, std::int64_t value) {
  if (value != 0) out.number(name, value);
}

void write_place(JsonWriter& out, const protocol::Location& place) {
  out.begin_object();
  if (place.placed)
    out.raw("latitude", fmt::format("{}", place.latitude)).raw("longitude", fmt::format("{}", place.longitude));
  if (!place.live) out.text_if("name", place.name);
  out.text_if("address", place.address).text_if("url", place.url);
  number_if(out, "accuracy", place.accuracy_m);
  out.end_object();
}

/// Writes what there is of each kind.
struct Kinds {
  JsonWriter& out;

  void operator()(const protocol::Location& place) const { write_place(out.key("location"), place); }
  void operator()(const protocol::LinkPreview& preview) const {
    out.key("preview").begin_object().text("url", preview.url).text_if("title", preview.title);
    out.text_if("description", preview.description).end_object();
  }
  void operator()(const protocol::TextStyle& style) const {
    const auto colour = [](std::uint32_t argb) { return fmt::format("#{:06X}", argb & 0xFFFFFF); };
    out.key("style").begin_object().text("backgroundColor", colour(style.background_argb));
    if (style.text_argb != 0) out.text("textColor", colour(style.text_argb));
    number_if(out, "font", style.font);
    out.end_object();
  }
  void operator()(const protocol::Contacts& contacts) const {
    out.key("contacts").begin_array();
    for (const auto& card : contacts.cards)
      out.begin_object().text("name", card.name).text("vcard", card.vcard).end_object();
    out.end_array();
  }
  void operator()(const protocol::Poll& poll) const {
    out.key("poll").begin_object().text("name", poll.name).key("options").begin_array();
    for (const std::string& option : poll.options) out.text(option);
    out.end_array().number("selectableCount", poll.selectable).end_object();
  }
  void operator()(const protocol::CalendarEvent& event) const {
    out.key("calendarEvent").begin_object().text("name", event.name).text_if("description", event.description);
    number_if(out, "startTime", event.starts_at);
    number_if(out, "endTime", event.ends_at);
    out.text_if("joinLink", event.join_link);
    if (event.extra_guests) out.boolean("extraGuestsAllowed", true);
    if (event.cancelled) out.boolean("cancelled", true);
    if (event.place) write_place(out.key("location"), *event.place);
    out.end_object();
  }
  void operator()(const protocol::GroupInvite& invite) const {
    out.key("groupInvite").begin_object().text("groupId", invite.group).text("code", invite.code);
    out.text_if("groupName", invite.name);
    number_if(out, "expiresAt", invite.expires_at);
    out.end_object();
  }
  void operator()(const protocol::Album& album) const {
    out.key("album").begin_object().number("images", album.images).number("videos", album.videos).end_object();
  }
  void operator()(const protocol::Choice& choice) const {
    out.key("reply").begin_object().text("id", choice.id).text_if("params", choice.params).end_object();
  }
  void operator()(const protocol::MediaFile& file) const {
    // What does not fit a program's integer is a lie of the sender.
    constexpr std::uint64_t largest = 1ull << 53;
    out.key("media").begin_object().text("mimetype", file.mimetype);
    out.number("size", static_cast<std::int64_t>(std::min(file.length, largest))).text_if("filename", file.file_name);
    number_if(out, "width", file.width);
    number_if(out, "height", file.height);
    number_if(out, "seconds", file.seconds);
    number_if(out, "pages", file.pages);
    if (file.animated) out.boolean("animated", true);
    out.end_object();
  }
  template <class NothingToShow>
  void operator()(const NothingToShow&) const {}
};

}  // namespace

std::string message_details(const protocol::IncomingMessage& content, bool by_list) {
  JsonWriter out(64);
  out.begin_object();
  std::visit(Kinds{out}, content.body);
  out.text_if("unknownKind", content.unknown_name);
  const protocol::MessageTraits& traits = content.traits;
  if (traits.view_once) out.boolean("viewOnce", true);
  if (traits.forwarded) out.boolean("isForwarded", true);
  number_if(out, "forwardingScore", traits.forwarding_score);
  number_if(out, "expiresAfter", traits.expires_after_s);
  if (traits.mentions_all) out.boolean("mentionsAll", true);
  out.text_if("albumId", traits.album);
  if (by_list) out.boolean("broadcast", true);
  out.end_object();
  return out.view().size() > 2 ? out.take() : std::string();
}

std::string edit_details(const protocol::Edit& edit) {
  auto now = protocol::parse_message(edit.message);
  if (!now || !std::holds_alternative<protocol::LinkPreview>(now->body)) return {};
  protocol::IncomingMessage shown;
  shown.body = std::move(now->body);
  return message_details(shown);
}

std::string_view answer_name(protocol::EventResponse::Answer answer) {
  using Said = protocol::EventResponse::Answer;
  switch (answer) {
    case Said::not_going: return "notGoing";
    case Said::maybe: return "maybe";
    case Said::going: break;
  }
  return "going";
}

std::string answer_details(const protocol::EventResponse& response) {
  JsonWriter out(64);
  out.begin_object().text("response", answer_name(response.answer)).number("extraGuests", response.extra_guests);
  return out.end_object().take();
}

std::string vote_details(const std::vector<std::string>& options) {
  JsonWriter out(64);
  out.begin_object().key("selectedOptions").begin_array();
  for (const std::string& option : options) out.text(option);
  return out.end_array().end_object().take();
}

}  // namespace wharf::sessions
