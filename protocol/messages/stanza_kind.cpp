// From the content of a message to the stanza's type and mediatype. Specification 03 section 4.3: a table, with the
// recommended "text" wherever no mediatype applies, because the server drops media without one.
#include "protocol/messages/content.h"
#include "protocol/messages/message_shape.h"
#include "protocol/messages/wire.h"

namespace wharf::protocol {

namespace {

bool is_set(ByteView body, std::uint32_t number) { return varint_field(body, number).value_or(0) != 0; }

/// nullopt: this field does not decide.
std::optional<StanzaKind> kind_of(std::uint32_t number, ByteView body) {
  const auto media = [](const char* type) { return StanzaKind{"media", type}; };
  switch (number) {
    case field_number::conversation:
    case field_number::protocol_message:
    case field_number::edited_message:
    case 22:
    case 23:
    case 24:
    case 29:
    case 45:
    case 51:
    case 54:
    case 63:
    case 71:
    case 78:
    case 83:
    case 88: return StanzaKind{"text", ""};
    case field_number::extended_text: {
      const auto matched = bytes_field(body, 2);
      const bool preview = matched && as_text(*matched).find_first_not_of(" \t\r\n") != std::string_view::npos;
      return preview ? media("url") : StanzaKind{"text", ""};
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
    case field_number::reaction:
    case field_number::enc_reaction: return StanzaKind{"reaction", ""};
    case field_number::poll_creation:
    case field_number::poll_creation_v2:
    case field_number::poll_creation_v3:
    case field_number::poll_creation_v5:
    case field_number::poll_update: return StanzaKind{"poll", ""};
    case 75:
    case field_number::enc_event_response: return StanzaKind{"event", ""};
    case field_number::secret_encrypted:
      switch (varint_field(body, 4).value_or(0)) {
        case 1: return StanzaKind{"event", ""};  // EVENT_EDIT
        case 2: return StanzaKind{"text", ""};   // MESSAGE_EDIT
        default: return StanzaKind{"poll", ""};  // POLL_EDIT, POLL_ADD_OPTION
      }
    default: return std::nullopt;
  }
}

}  // namespace

StanzaKind stanza_kind(ByteView encoded) {
  const StanzaKind text{"text", ""};
  const Result<Unwrapped> unwrapped = unwrap_message(encoded, EditedMessages::keep);
  if (!unwrapped) return text;
  WireReader reader(unwrapped->message);
  while (const auto field = reader.next()) {
    if (const auto kind = kind_of(field->number, field->value)) return *kind;
  }
  return text;
}

}  // namespace wharf::protocol
