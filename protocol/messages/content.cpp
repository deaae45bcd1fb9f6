// Reading a Message. The bytes are walked once for their structure, the wrappers are taken off by copying bytes (never
// by re-encoding, so unknown fields and field order survive), and only then the few parts this gateway acts upon are
// parsed.
#include "protocol/messages/content.h"

#include <algorithm>

#include "protocol/messages/message_shape.h"
#include "protocol/messages/wire.h"
#include "protocol/proto/message.pb.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

constexpr int type_revoke = 0;
constexpr int type_disappearing = 3;
constexpr int type_app_state_sync_key_share = 6;
constexpr int type_message_edit = 14;
constexpr std::size_t max_mentions = 4096;
constexpr std::size_t max_app_state_keys = 4096;

namespace context_field {
constexpr std::uint32_t quoted_id = 1, quoted_author = 2, quoted_message = 3, mentioned = 15, forwarding_score = 21,
                        forwarded = 22, expiration = 25, expiry_set_at = 26, other_mentions = 70;
}
namespace protocol_field {
constexpr std::uint32_t key = 1, type = 2, app_state_sync_key_share = 7, edited_message = 14;
}

template <class Message>
bool parse(Message& message, ByteView bytes) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

/// Kind of a content field and where its text or caption stands (0: none).
struct ContentField {
  MessageKind kind = MessageKind::unknown;
  std::uint32_t text_field = 0;
};
ContentField content_field(std::uint32_t number) {
  switch (number) {
    case field_number::conversation: return {MessageKind::text, 0};
    case field_number::extended_text: return {MessageKind::text, 1};
    case field_number::image: return {MessageKind::image, 3};
    case field_number::video: return {MessageKind::video, 7};
    case field_number::ptv: return {MessageKind::video_note, 7};
    case field_number::audio: return {MessageKind::audio, 0};
    case field_number::document: return {MessageKind::document, 20};
    case field_number::sticker: return {MessageKind::sticker, 0};
    case field_number::location: return {MessageKind::location, 0};
    case field_number::live_location: return {MessageKind::live_location, 6};
    case field_number::contact: return {MessageKind::contact, 1};
    case field_number::contacts_array: return {MessageKind::contacts, 1};
    case field_number::poll_creation:
    case field_number::poll_creation_v2:
    case field_number::poll_creation_v3:
    case field_number::poll_creation_v5: return {MessageKind::poll, 2};
    case field_number::poll_update: return {MessageKind::poll_vote, 0};
    case field_number::reaction: return {MessageKind::reaction, 2};
    case field_number::enc_reaction: return {MessageKind::sealed, 0};
    case field_number::enc_event_response: return {MessageKind::event_answer, 0};
    case field_number::protocol_message: return {MessageKind::protocol, 0};
    case field_number::group_invite: return {MessageKind::group_invite, 6};
    case field_number::event: return {MessageKind::event, 3};
    case field_number::album: return {MessageKind::album, 0};
    case field_number::list_response: return {MessageKind::interactive_reply, 1};
    case field_number::buttons_response:
    case field_number::template_button_reply: return {MessageKind::interactive_reply, 2};
    case field_number::interactive_response: return {MessageKind::interactive_reply, 0};
    case field_number::pin_in_chat: return {MessageKind::pin, 0};
    default: return {};
  }
}

bool is_content(std::uint32_t number) {
  return number != field_number::sender_key_distribution &&
         number != field_number::fast_ratchet_sender_key_distribution && number != field_number::message_context_info;
}

std::string text_of_flow(ByteView body) {
  const auto shown = merged_field(body, 1);
  const auto text = shown ? bytes_field(*shown, 1) : std::nullopt;
  return text ? displayable(as_text(*text)) : std::string();
}

std::string text_of(ByteView message, std::uint32_t number) {
  if (number == field_number::conversation) {
    const auto text = bytes_field(message, number);
    return text ? displayable(as_text(*text)) : std::string();
  }
  const std::uint32_t text_field = content_field(number).text_field;
  const auto body = merged_field(message, number);
  if (text_field == 0 || !body) return {};
  const auto text = bytes_field(*body, text_field);
  return text ? displayable(as_text(*text)) : std::string();
}

void read_trait(MessageTraits& traits, const WireField& field) {
  constexpr std::uint32_t all_members = 1;
  const auto number = static_cast<std::uint32_t>(std::min<std::uint64_t>(field.varint, 0xffffffff));
  switch (field.number) {
    case context_field::forwarding_score: traits.forwarding_score = number; break;
    case context_field::forwarded: traits.forwarded = number != 0; break;
    case context_field::expiration: traits.expires_after_s = number; break;
    case context_field::expiry_set_at:
      traits.expiry_set_at = std::max<std::int64_t>(static_cast<std::int64_t>(field.varint), 0);
      break;
    case context_field::other_mentions: traits.mentions_all = number == all_members; break;
    default: break;
  }
}

bool says_view_once(std::uint32_t number, ByteView body) {
  switch (number) {
    case field_number::image: return varint_field(body, 25).value_or(0) != 0;
    case field_number::video:
    case field_number::ptv: return varint_field(body, 20).value_or(0) != 0;
    case field_number::audio: return varint_field(body, 21).value_or(0) != 0;
    case field_number::extended_text: return varint_field(body, 30).value_or(0) != 0;
    default: return false;
  }
}

/// messageContextInfo.messageAssociation: the id of the album that the message is a part of (03 section 9).
std::string album_of(ByteView message) {
  constexpr std::uint32_t association = 10, kind = 1, parent = 2, media_album = 1, key_id = 3;
  const auto info = merged_field(message, field_number::message_context_info);
  const auto to = info ? merged_field(*info, association) : std::nullopt;
  if (!to || varint_field(*to, kind).value_or(0) != media_album) return {};
  const auto key = merged_field(*to, parent);
  const auto id = key ? bytes_field(*key, key_id) : std::nullopt;
  return id && acceptable_id(as_text(*id)) ? std::string(as_text(*id)) : std::string();
}

/// Field by field and only up to the caps: a generated parser would build every entry of a contact's making first, at
/// thirty times its size.
void read_context(IncomingMessage& out, ByteView content, std::uint32_t number) {
  const auto context = merged_field(content, number);
  if (!context) return;
  Quote quote;
  WireReader reader(*context);
  while (const auto field = reader.next()) {
    if (field->type == WireType::varint) read_trait(out.traits, *field);
    if (field->type != WireType::length) continue;
    const std::string_view text = as_text(field->value);
    if (field->number == context_field::quoted_id) {
      quote.id = text;
    } else if (field->number == context_field::quoted_author) {
      if (const Result<Jid> author = Jid::parse(text)) quote.author = author->user_jid();
    } else if (field->number == context_field::mentioned && out.mentions.size() < max_mentions) {
      if (Result<Jid> jid = Jid::parse(text)) out.mentions.push_back(std::move(*jid));
    }
  }
  if (!acceptable_id(quote.id)) return;
  // Merged by hand: as bytes the generated parser would keep only the last occurrence.
  quote.message = merged_field(*context, context_field::quoted_message).value_or(Bytes{});
  out.quote = std::move(quote);
}

/// appStateSyncKeyShare. Errors: malformed.
Result<void> read_app_state_keys(IncomingMessage& out, ByteView share) {
  WireReader reader(share);
  while (const auto field = reader.next()) {
    if (field->number != 1 || field->type != WireType::length) continue;
    if (out.app_state_keys.size() == max_app_state_keys) break;
    wire::message::AppStateSyncKey key;
    if (!parse(key, field->value)) return Error(Errc::malformed, "appStateSyncKeyShare");
    const std::int64_t timestamp = key.key_data().timestamp();
    out.app_state_keys.push_back({to_bytes(as_bytes(key.key_id().key_id())),
                                  to_bytes(as_bytes(key.key_data().key_data())),
                                  timestamp < 0 ? 0 : static_cast<std::uint64_t>(timestamp)});
  }
  if (reader.failed()) return Error(Errc::malformed, "appStateSyncKeyShare");
  return {};
}

Result<void> read_protocol_message(IncomingMessage& out, ByteView body) {
  out.has_protocol_message = true;
  const bool has_key = has_field(body, protocol_field::key);
  if (const auto type = varint_field(body, protocol_field::type)) out.protocol_type = static_cast<std::int32_t>(*type);
  // REVOKE is 0: encoders with proto3 habits leave it out.
  else if (has_key) out.protocol_type = type_revoke;

  if (out.protocol_type == type_revoke && has_key) out.kind = MessageKind::revoke;
  if (out.protocol_type == type_disappearing) out.kind = MessageKind::disappearing;
  if (out.protocol_type == type_message_edit) {
    out.kind = MessageKind::edit;
    const auto edited = merged_field(body, protocol_field::edited_message);
    if (!edited) return {};
    const Result<Unwrapped> inner = unwrap_message(*edited, EditedMessages::unwrap);
    if (!inner) return inner.error();
    const std::uint32_t number = content_number(inner->message);
    out.text = text_of(inner->message, number);
    if (const auto context = context_info_field(number)) {
      read_context(out, merged_field(inner->message, number).value_or(Bytes{}), *context);
      out.quote.reset();  // of the message that it changes
    }
  }
  if (out.protocol_type == type_app_state_sync_key_share) {
    if (const auto share = merged_field(body, protocol_field::app_state_sync_key_share)) {
      return read_app_state_keys(out, *share);
    }
  }
  return {};
}

}  // namespace

std::uint32_t content_number(ByteView message) {
  std::uint32_t found = 0;
  WireReader reader(message);
  while (const auto field = reader.next()) {
    if (!is_content(field->number)) continue;
    if (content_field(field->number).kind != MessageKind::unknown) return field->number;
    if (found == 0) found = field->number;
  }
  return found;
}

const char* name(MessageKind kind) {
  switch (kind) {
    case MessageKind::text: return "text";
    case MessageKind::image: return "image";
    case MessageKind::video: return "video";
    case MessageKind::gif: return "gif";
    case MessageKind::video_note: return "video_note";
    case MessageKind::audio: return "audio";
    case MessageKind::voice: return "voice";
    case MessageKind::document: return "document";
    case MessageKind::sticker: return "sticker";
    case MessageKind::location: return "location";
    case MessageKind::live_location: return "live_location";
    case MessageKind::contact: return "contact";
    case MessageKind::contacts: return "contacts";
    case MessageKind::poll: return "poll";
    case MessageKind::event: return "event";
    case MessageKind::group_invite: return "group_invite";
    case MessageKind::album: return "album";
    case MessageKind::interactive_reply: return "interactive_reply";
    case MessageKind::poll_vote: return "poll_vote";
    case MessageKind::event_answer: return "event_answer";
    case MessageKind::reaction: return "reaction";
    case MessageKind::sealed: return "sealed";
    case MessageKind::edit: return "edit";
    case MessageKind::revoke: return "revoke";
    case MessageKind::pin: return "pin";
    case MessageKind::disappearing: return "disappearing";
    case MessageKind::protocol: return "protocol";
    case MessageKind::sender_key_only: return "sender_key_only";
    case MessageKind::unknown: return "unknown";
  }
  return "unknown";
}

Result<IncomingMessage> parse_message(ByteView encoded) {
  if (const Result<void> checked = check_message(encoded); !checked) return checked.error();
  Result<Unwrapped> unwrapped = unwrap_message(encoded, EditedMessages::unwrap);
  if (!unwrapped) return unwrapped.error();

  IncomingMessage out;
  out.encoded = std::move(unwrapped->message);
  out.was_device_sent = unwrapped->device_sent;
  if (unwrapped->device_sent) {
    if (Result<Jid> destination = Jid::parse(as_text(unwrapped->destination)))
      out.device_sent_to = std::move(*destination);
  }
  out.secret = exactly<32>(unwrapped->secret);
  if (!unwrapped->sender_key_distribution.empty()) {
    wire::message::SenderKeyDistribution distribution;
    if (!parse(distribution, unwrapped->sender_key_distribution)) {
      return Error(Errc::malformed, "senderKeyDistributionMessage");
    }
    out.sender_key_distribution = to_bytes(as_bytes(distribution.axolotl_sender_key_distribution_message()));
    out.sender_key_group = displayable(distribution.group_id());
  }

  const std::uint32_t number = content_number(out.encoded);
  out.has_content = number != 0;
  if (number == 0) {
    if (!unwrapped->sender_key_distribution.empty()) out.kind = MessageKind::sender_key_only;
    return out;
  }
  out.kind = content_field(number).kind;
  out.text = text_of(out.encoded, number);
  const Bytes body = merged_field(out.encoded, number).value_or(Bytes{});
  if (number == field_number::audio && varint_field(body, 6).value_or(0) != 0) out.kind = MessageKind::voice;
  if (number == field_number::video && varint_field(body, 8).value_or(0) != 0) out.kind = MessageKind::gif;
  out.body = read_body(out.encoded);
  const bool sealed = std::holds_alternative<Sealed>(out.body);
  if (sealed) out.kind = MessageKind::sealed;
  out.traits.view_once = unwrapped->view_once || says_view_once(number, body);
  if (number == field_number::image || number == field_number::video) {
    out.traits.album = album_of(out.encoded);
    if (out.traits.album.empty()) out.traits.album = album_of(encoded);  // beside a wrapper
  }
  if (out.kind == MessageKind::unknown) out.unknown_name = content_name(number);
  if (number == field_number::interactive_response) out.text = text_of_flow(body);
  if (number == field_number::protocol_message) {
    if (const Result<void> read = read_protocol_message(out, body); !read) return read.error();
  } else if (const auto context = context_info_field(number)) {
    read_context(out, body, *context);
  }
  if (auto* edit = std::get_if<Edit>(&out.body)) {
    edit->text = out.text;
    edit->mentions = out.mentions;
  } else if (unwrapped->edited && !sealed) {
    out.kind = MessageKind::edit;
  }
  return out;
}

}  // namespace wharf::protocol
