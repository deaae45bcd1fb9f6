// Reading the parts of a Message that are shown or acted upon: field by field, so that a hostile one costs no more than
// its bytes, and into bounded values.
#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "protocol/messages/body.h"
#include "protocol/messages/message_shape.h"
#include "protocol/messages/wire.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

constexpr std::size_t max_thumbnail_bytes = 64u << 10, max_waveform_bytes = 256, max_sidecar_bytes = 512u << 10;
constexpr std::size_t max_vcard_bytes = 64u << 10, max_line_bytes = 4096;
constexpr std::size_t kept_poll_options = 64;  // more than anybody may send (Poll::max_options)

std::string text(const WireField& field) { return displayable(as_text(field.value)); }
std::string line(const WireField& field) { return display_line(as_text(field.value), max_line_bytes); }
std::uint32_t number32(const WireField& field) { return static_cast<std::uint32_t>(field.varint); }
std::int64_t number64(const WireField& field) { return static_cast<std::int64_t>(field.varint); }
Bytes at_most(const WireField& field, std::size_t bytes) {
  return field.value.size() <= bytes ? to_bytes(field.value) : Bytes{};
}

double real64(const WireField& field) {
  if (field.type != WireType::fixed64) return 0;
  std::uint64_t bits = 0;
  for (std::size_t i = 8; i-- > 0;) bits = bits << 8 | field.value[i];
  const double value = std::bit_cast<double>(bits);
  return value == value && value >= -180 && value <= 180 ? value : 0;  // degrees; no NaN reaches a JSON text
}

template <class Visit>
void each(ByteView body, Visit visit) {
  WireReader reader(body);
  while (const auto field = reader.next()) visit(*field);
}

Location read_location(ByteView body, bool live) {
  Location out;
  out.live = live;
  out.placed = has_field(body, 1) || has_field(body, 2);
  each(body, [&](const WireField& field) {
    if (field.number == 1) out.latitude = real64(field);
    if (field.number == 2) out.longitude = real64(field);
    if (live) {
      if (field.number == 3) out.accuracy_m = number32(field);
      if (field.number == 6) out.name = text(field);
      return;
    }
    switch (field.number) {
      case 3: out.name = line(field); break;
      case 4: out.address = line(field); break;
      case 5: out.url = line(field); break;
      case 6: out.live = field.varint != 0; break;
      case 7: out.accuracy_m = number32(field); break;
      default: break;
    }
  });
  return out;
}

ContactCard read_card(ByteView body) {
  ContactCard card;
  each(body, [&](const WireField& field) {
    if (field.number == 1) card.name = line(field);
    if (field.number == 16 && field.value.size() <= max_vcard_bytes) card.vcard = text(field);
  });
  return card;
}

Contacts read_contacts(ByteView body) {
  Contacts out;
  each(body, [&](const WireField& field) {
    if (field.number == 1) out.name = line(field);
    if (field.number == 2 && out.cards.size() < Contacts::max_cards) out.cards.push_back(read_card(field.value));
  });
  return out;
}

Poll read_poll(ByteView body) {
  Poll out;
  out.selectable = 0;
  each(body, [&](const WireField& field) {
    if (field.number == 2) out.name = text(field);
    if (field.number == 4) out.selectable = number32(field);
    if (field.number != 3 || field.type != WireType::length || out.options.size() == kept_poll_options) return;
    // A vote names an option by the hash of its bytes: they stay as they came.
    const auto name = bytes_field(field.value, 1);
    if (name) out.options.emplace_back(as_text(*name));
  });
  return out;
}

CalendarEvent read_event(ByteView body) {
  CalendarEvent out;
  each(body, [&](const WireField& field) {
    switch (field.number) {
      case 2: out.cancelled = field.varint != 0; break;
      case 3: out.name = text(field); break;
      case 4: out.description = text(field); break;
      case 5: out.place = read_location(field.value, false); break;
      case 6: out.join_link = line(field); break;
      case 7: out.starts_at = number64(field); break;
      case 8: out.ends_at = number64(field); break;
      case 9: out.extra_guests = field.varint != 0; break;
      default: break;
    }
  });
  return out;
}

GroupInvite read_invite(ByteView body) {
  GroupInvite out;
  each(body, [&](const WireField& field) {
    switch (field.number) {
      case 1: out.group = line(field); break;
      case 2: out.code = line(field); break;
      case 3: out.expires_at = number64(field); break;
      case 4: out.name = line(field); break;
      case 6: out.caption = text(field); break;
      default: break;
    }
  });
  return out;
}

Album read_album(ByteView body) {
  return {static_cast<std::uint32_t>(varint_field(body, 2).value_or(0)),
          static_cast<std::uint32_t>(varint_field(body, 3).value_or(0))};
}

std::uint32_t fixed32(const WireField& field) {
  std::uint32_t value = 0;
  for (std::size_t i = field.value.size(); i-- > 0;) value = value << 8 | field.value[i];
  return value;
}

/// monostate: a text with neither a preview nor colours.
MessageBody read_preview(ByteView text) {
  LinkPreview out;
  TextStyle style;
  each(text, [&](const WireField& field) {
    if (field.type == WireType::fixed32 && field.number == 7) style.text_argb = fixed32(field);
    if (field.type == WireType::fixed32 && field.number == 8) style.background_argb = fixed32(field);
    if (field.type == WireType::varint && field.number == 9) style.font = number32(field);
    if (field.type != WireType::length) return;
    if (field.number == 2) out.url = line(field);
    if (field.number == 5) out.description = display_line(as_text(field.value), max_line_bytes);
    if (field.number == 6) out.title = line(field);
    if (field.number == 16) out.thumbnail = at_most(field, LinkPreview::max_thumbnail_bytes);
  });
  if (out.url.find_first_not_of(" \t") != std::string::npos) return out;
  if (style.background_argb != 0) return style;
  return {};
}

std::string line_of(ByteView body, std::uint32_t number) {
  const auto value = bytes_field(body, number);
  return value ? display_line(as_text(*value), max_line_bytes) : std::string();
}

Choice read_choice(std::uint32_t number, ByteView body) {
  Choice out;
  switch (number) {
    case field_number::list_response:
      if (const auto reply = merged_field(body, 3)) out.id = line_of(*reply, 1);
      break;
    case field_number::interactive_response:
      if (const auto reply = merged_field(body, 2)) {
        out.id = line_of(*reply, 1);
        if (const auto params = bytes_field(*reply, 2)) out.params = displayable(as_text(*params));
      }
      break;
    default: out.id = line_of(body, 1);
  }
  return out;
}

// --- media (04 section 5): the same facts under another number in each kind; 0 = has none

struct MediaFields {
  std::uint32_t url, mimetype, sha256, length, seconds, key, enc_sha256, direct_path, key_at, height, width, thumbnail,
      sidecar, waveform, file_name, pages, animated, static_url;
};
constexpr MediaFields image_fields{1, 2, 4, 5, 0, 8, 9, 11, 12, 6, 7, 16, 0, 0, 0, 0, 0, 29};
constexpr MediaFields video_fields{1, 2, 3, 4, 5, 6, 11, 13, 14, 9, 10, 16, 18, 0, 0, 0, 0, 24};
constexpr MediaFields audio_fields{1, 2, 3, 4, 5, 7, 8, 9, 10, 0, 0, 0, 18, 19, 0, 0, 0, 0};
constexpr MediaFields document_fields{1, 2, 4, 5, 0, 7, 9, 10, 11, 0, 0, 16, 0, 0, 8, 6, 0, 0};
constexpr MediaFields sticker_fields{1, 5, 2, 9, 0, 4, 3, 8, 10, 6, 7, 16, 0, 0, 0, 0, 13, 0};

const MediaFields* media_fields(std::uint32_t number) {
  switch (number) {
    case field_number::image: return &image_fields;
    case field_number::video:
    case field_number::ptv: return &video_fields;
    case field_number::audio: return &audio_fields;
    case field_number::document: return &document_fields;
    case field_number::sticker: return &sticker_fields;
    default: return nullptr;
  }
}

MediaFile read_media(const MediaFields& fields, ByteView body) {
  MediaFile out;
  each(body, [&](const WireField& field) {
    const std::uint32_t n = field.number;
    if (n == 0) return;
    if (n == fields.url) out.url = line(field);
    if (n == fields.mimetype) out.mimetype = display_line(as_text(field.value), 255);
    if (n == fields.sha256) out.sha256 = at_most(field, 32);
    if (n == fields.length) out.length = field.varint;
    if (n == fields.seconds) out.seconds = number32(field);
    if (n == fields.key) out.key = at_most(field, 32);
    if (n == fields.enc_sha256) out.enc_sha256 = at_most(field, 32);
    if (n == fields.direct_path) out.direct_path = line(field);
    if (n == fields.key_at) out.key_at = number64(field);
    if (n == fields.height) out.height = number32(field);
    if (n == fields.width) out.width = number32(field);
    if (n == fields.thumbnail) out.thumbnail = at_most(field, max_thumbnail_bytes);
    if (n == fields.sidecar) out.sidecar = at_most(field, max_sidecar_bytes);
    if (n == fields.waveform) out.waveform = at_most(field, max_waveform_bytes);
    if (n == fields.file_name) out.file_name = line(field);
    if (n == fields.pages) out.pages = number32(field);
    if (n == fields.animated) out.animated = field.varint != 0;
    if (n == fields.static_url) out.static_url = line(field);
  });
  return out;
}

// --- about another message

std::optional<Jid> jid(const WireField& field) {
  auto parsed = Jid::parse(as_text(field.value));
  if (!parsed) return std::nullopt;
  return parsed->user_jid();
}

/// nullopt: it names nothing.
std::optional<MessageKey> read_key(ByteView body, std::uint32_t number) {
  const auto bytes = merged_field(body, number);
  if (!bytes) return std::nullopt;
  MessageKey key;
  each(*bytes, [&](const WireField& field) {
    switch (field.number) {
      case 1: key.chat = jid(field); break;
      case 2: key.from_me = field.varint != 0; break;
      case 3: key.id = as_text(field.value); break;
      case 4: key.participant = jid(field); break;
      default: break;
    }
  });
  if (!acceptable_id(key.id)) return std::nullopt;
  return key;
}

std::int64_t time_of(ByteView body, std::uint32_t number) {
  return static_cast<std::int64_t>(varint_field(body, number).value_or(0));
}

MessageBody read_reaction(ByteView body) {
  constexpr std::size_t max_reaction_bytes = 64;  // an emoji with its joiners; a text is none
  auto key = read_key(body, 1);
  if (!key) return {};
  Reaction out{std::move(*key), {}, time_of(body, 4)};
  if (const auto emoji = bytes_field(body, 2)) out.text = display_line(as_text(*emoji), max_reaction_bytes);
  return out;
}

MessageBody read_vote(ByteView body) {
  constexpr std::size_t max_payload_bytes = 4096;
  auto key = read_key(body, 1);
  if (!key) return {};
  PollVote out{std::move(*key), {}, {}, time_of(body, 4)};
  const auto vote = merged_field(body, 2);
  if (!vote) return {};
  each(*vote, [&](const WireField& field) {
    if (field.number == 1) out.payload = at_most(field, max_payload_bytes);
    if (field.number == 2) out.iv = at_most(field, 12);
  });
  return out;
}

constexpr std::size_t max_sealed_bytes = 4096, max_sealed_edit_bytes = 512u << 10;

/// encReaction, encEventResponse and secretEncrypted have their payload under the same numbers.
template <class Body>
MessageBody read_sealed(ByteView body, Body out, std::size_t max_bytes) {
  auto key = read_key(body, 1);
  if (!key) return {};
  out.target = std::move(*key);
  each(body, [&](const WireField& field) {
    if (field.number == 2) out.payload = at_most(field, max_bytes);
    if (field.number == 3) out.iv = at_most(field, 12);
  });
  return out;
}

MessageBody read_sealed_edit(ByteView body) {
  Sealed out;
  switch (varint_field(body, 4).value_or(0)) {
    case 1: out.what = Sealed::What::event_edit; break;
    case 2: out.what = Sealed::What::message_edit; break;
    default: return {};
  }
  return read_sealed(body, std::move(out), max_sealed_edit_bytes);
}

MessageBody read_pin(ByteView message, ByteView body) {
  auto key = read_key(body, 1);
  if (!key) return {};
  Pin out{std::move(*key), varint_field(body, 2).value_or(1) != 2, time_of(body, 3), 0};
  if (const auto info = merged_field(message, field_number::message_context_info))
    out.duration_s = static_cast<std::uint32_t>(varint_field(*info, 5).value_or(0));
  return out;
}

MessageBody read_protocol(ByteView body) {
  constexpr std::int32_t type_revoke = 0, type_disappearing = 3, type_edit = 14;
  // REVOKE is 0: encoders with proto3 habits leave it out.
  const auto type = static_cast<std::int32_t>(varint_field(body, 2).value_or(0));
  if (type == type_disappearing)
    return DisappearingTimer{
        static_cast<std::uint32_t>(std::min<std::uint64_t>(varint_field(body, 4).value_or(0), 0xffffffff)),
        std::max<std::int64_t>(time_of(body, 5), 0)};
  auto key = read_key(body, 1);
  if (!key) return {};
  if (type == type_revoke) return Revoke{std::move(*key)};
  if (type != type_edit) return {};
  Edit out;
  out.target = std::move(*key);
  out.message = merged_field(body, 14).value_or(Bytes{});
  out.at_ms = time_of(body, 15);
  return out;
}

struct Name {
  std::uint32_t number;
  const char* name;
};
constexpr std::array names{
    Name{10, "call"},
    Name{14, "highlyStructuredMessage"},
    Name{16, "sendPaymentMessage"},
    Name{22, "requestPaymentMessage"},
    Name{23, "declinePaymentRequestMessage"},
    Name{24, "cancelPaymentRequestMessage"},
    Name{25, "templateMessage"},
    Name{30, "productMessage"},
    Name{36, "listMessage"},
    Name{38, "orderMessage"},
    Name{42, "buttonsMessage"},
    Name{45, "interactiveMessage"},
    Name{51, "keepInChatMessage"},
    Name{54, "requestPhoneNumberMessage"},
    Name{70, "messageHistoryBundle"},
    Name{71, "encCommentMessage"},
    Name{76, "encEventResponseMessage"},
    Name{77, "commentMessage"},
    Name{78, "newsletterAdminInviteMessage"},
    Name{82, "secretEncryptedMessage"},
    Name{85, "eventCoverImage"},
    Name{86, "stickerPackMessage"},
    Name{87, "statusMentionMessage"},
    Name{88, "pollResultSnapshotMessage"},
    Name{92, "groupStatusMentionMessage"},
    Name{102, "messageHistoryNotice"},
};

}  // namespace

MessageBody read_body(ByteView message) {
  const std::uint32_t number = content_number(message);
  if (number == 0 || number == field_number::conversation) return {};
  const Bytes body = merged_field(message, number).value_or(Bytes{});
  if (const MediaFields* fields = media_fields(number)) return read_media(*fields, body);
  switch (number) {
    case field_number::extended_text: return read_preview(body);
    case field_number::location: return read_location(body, false);
    case field_number::live_location: return read_location(body, true);
    case field_number::contact: return Contacts{"", {read_card(body)}};
    case field_number::contacts_array: return read_contacts(body);
    case field_number::poll_creation:
    case field_number::poll_creation_v2:
    case field_number::poll_creation_v3:
    case field_number::poll_creation_v5: return read_poll(body);
    case field_number::event: return read_event(body);
    case field_number::group_invite: return read_invite(body);
    case field_number::album: return read_album(body);
    case field_number::list_response:
    case field_number::buttons_response:
    case field_number::template_button_reply:
    case field_number::interactive_response: return read_choice(number, body);
    case field_number::reaction: return read_reaction(body);
    case field_number::poll_update: return read_vote(body);
    case field_number::enc_reaction: return read_sealed(body, Sealed(), max_sealed_bytes);
    case field_number::enc_event_response: return read_sealed(body, EventAnswer(), max_sealed_bytes);
    case field_number::secret_encrypted: return read_sealed_edit(body);
    case field_number::pin_in_chat: return read_pin(message, body);
    case field_number::protocol_message: return read_protocol(body);
    default: return {};
  }
}

const MessageKey* target_of(const MessageBody& body) {
  return std::visit(
      [](const auto& kind) -> const MessageKey* {
        if constexpr (requires { kind.target; }) return &kind.target;
        else return nullptr;
      },
      body);
}

std::int64_t said_at(const MessageBody& body) {
  return std::visit(
      [](const auto& kind) -> std::int64_t {
        if constexpr (requires { kind.at_ms; }) return std::max<std::int64_t>(kind.at_ms, 0);
        else return 0;
      },
      body);
}

std::string content_name(std::uint32_t number) {
  for (const Name& known : names)
    if (known.number == number) return known.name;
  return "field " + std::to_string(number);
}

}  // namespace wharf::protocol
