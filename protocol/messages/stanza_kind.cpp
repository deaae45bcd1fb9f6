// From the content of a message to the stanza's type and mediatype. Specification 03 section 4.3: a table, with the
// recommended "text" wherever no mediatype applies, because the server drops media without one.
#include "protocol/messages/stanza_kind.h"

#include <optional>

#include "protocol/messages/message_shape.h"
#include "protocol/messages/wire.h"

namespace wharf::protocol {

namespace {

bool is_set(ByteView body, std::uint32_t number) { return varint_field(body, number).value_or(0) != 0; }

StanzaKind poll(const char* what, bool hide) {
  return {.type = "poll", .hide_on_failure = hide, .meta_name = "polltype", .meta_value = what};
}
StanzaKind event(const char* what, bool hide) {
  return {.type = "event", .hide_on_failure = hide, .meta_name = "event_type", .meta_value = what};
}

StanzaKind kind_of_protocol(ByteView body) {
  constexpr std::uint64_t type_revoke = 0, type_edit = 14;
  const std::uint64_t type = varint_field(body, 2).value_or(type_revoke);
  if (type == type_edit) return {.edit = "1", .hide_on_failure = true};
  // Not hidden: servers drop revokes that are.
  const auto key = bytes_field(body, 1);
  if (type != type_revoke || !key) return {};
  const bool own = is_set(*key, 2);  // fromMe; else an admin deletes what another member said
  return {.edit = own ? "7" : "8"};
}

/// nullopt: this field does not decide.
std::optional<StanzaKind> kind_of(std::uint32_t number, ByteView body) {
  const auto media = [](const char* type) { return StanzaKind{.type = "media", .media_type = type}; };
  const StanzaKind text;
  switch (number) {
    case field_number::protocol_message: return kind_of_protocol(body);
    case field_number::edited_message: return StanzaKind{.edit = "1", .hide_on_failure = true};
    case field_number::pin_in_chat: return StanzaKind{.edit = "2", .hide_on_failure = true};
    case 51:
    case 71: return StanzaKind{.hide_on_failure = true};  // keep in chat, encrypted comment
    case field_number::conversation:
    case 22:
    case 23:
    case 24:
    case 29:
    case 45:
    case 54:
    case 78:
    case 83:
    case 88: return text;
    case field_number::extended_text: {
      const auto matched = bytes_field(body, 2);
      const bool preview = matched && as_text(*matched).find_first_not_of(" \t\r\n") != std::string_view::npos;
      return preview ? media("url") : text;
    }
    case field_number::group_invite: return media("url");
    case field_number::image: return media("image");
    case field_number::video: return media(is_set(body, 8) ? "gif" : "video");
    case field_number::ptv: return media("ptv");
    case field_number::audio: return media(is_set(body, 6) ? "ptt" : "audio");
    case field_number::document: return media("document");
    case field_number::sticker: return media("sticker");
    case 86: return media("sticker_pack");
    case field_number::location: return media(is_set(body, 6) ? "livelocation" : "location");
    case field_number::live_location: return media("livelocation");
    case field_number::contact: return media("vcard");
    case field_number::contacts_array: return media("contact_array");
    case 36: return media("list");
    case 39: return media("list_response");
    case 43: return media("buttons_response");
    case 38: return media("order");
    case 30: return media("product");
    case 48: return media("native_flow_response");
    case field_number::reaction: {
      const auto emoji = bytes_field(body, 2);
      const bool taken_back = !emoji || emoji->empty();
      return StanzaKind{.type = "reaction", .edit = taken_back ? "7" : "", .hide_on_failure = true};
    }
    case field_number::enc_reaction: return StanzaKind{.type = "reaction", .hide_on_failure = true};
    case field_number::poll_creation:
    case field_number::poll_creation_v2:
    case field_number::poll_creation_v3:
    case field_number::poll_creation_v5: return poll("creation", false);
    case field_number::poll_update: return poll("vote", true);
    case field_number::event: return event("creation", false);
    case field_number::enc_event_response: return event("response", true);
    case field_number::secret_encrypted:
      switch (varint_field(body, 4).value_or(0)) {
        case 1: return event("edit", true);
        case 2: return StanzaKind{.edit = "1", .hide_on_failure = true};  // MESSAGE_EDIT
        default: return poll("edit", true);                               // POLL_EDIT, POLL_ADD_OPTION
      }
    default: return std::nullopt;
  }
}

}  // namespace

StanzaKind stanza_kind(ByteView encoded) {
  const StanzaKind text;
  const Result<Unwrapped> unwrapped = unwrap_message(encoded, EditedMessages::keep);
  if (!unwrapped) return text;
  WireReader reader(unwrapped->message);
  while (const auto field = reader.next()) {
    if (const auto kind = kind_of(field->number, field->value)) return *kind;
  }
  return text;
}

}  // namespace wharf::protocol
