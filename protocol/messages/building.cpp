#include "protocol/messages/building.h"

#include <bit>
#include <utility>

#include "protocol/messages/message_shape.h"
#include "protocol/messages/wire.h"

namespace wharf::protocol {

namespace {

constexpr std::uint64_t reporting_token_version = 2;
constexpr std::uint64_t type_revoke = 0, type_disappearing = 3, type_edit = 14;

/// Writes fields; what says nothing is left out, unless `always`.
class Fields {
 public:
  Fields& bytes(std::uint32_t number, ByteView value) {
    if (!value.empty()) append_field(out_, number, value);
    return *this;
  }
  Fields& text(std::uint32_t number, std::string_view value) { return bytes(number, as_bytes(value)); }
  Fields& text_always(std::uint32_t number, std::string_view value) {
    append_field(out_, number, as_bytes(value));
    return *this;
  }
  Fields& number(std::uint32_t number, std::uint64_t value) {
    return value != 0 ? number_always(number, value) : *this;
  }
  Fields& number_always(std::uint32_t number, std::uint64_t value) {
    append_varint_field(out_, number, value);
    return *this;
  }
  Fields& time(std::uint32_t number, std::int64_t value) {
    return this->number(number, static_cast<std::uint64_t>(value));
  }
  Fields& real(std::uint32_t number, double value) {
    append_varint(out_, std::uint64_t{number} << 3 | 1);
    auto bits = std::bit_cast<std::uint64_t>(value);
    for (int i = 0; i < 8; ++i, bits >>= 8) out_.push_back(static_cast<std::uint8_t>(bits));
    return *this;
  }
  Fields& fixed32(std::uint32_t number, std::uint32_t value) {
    if (value == 0) return *this;
    append_varint(out_, std::uint64_t{number} << 3 | 5);
    for (int i = 0; i < 4; ++i, value >>= 8) out_.push_back(static_cast<std::uint8_t>(value));
    return *this;
  }
  Fields& message(std::uint32_t number, const Fields& inner) { return bytes(number, inner.out_); }
  Fields& message_always(std::uint32_t number, const Fields& inner) {
    append_field(out_, number, inner.out_);
    return *this;
  }
  Fields& raw(ByteView fields) {
    append(out_, fields);
    return *this;
  }
  bool empty() const { return out_.empty(); }
  const Bytes& view() const { return out_; }
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

Fields context_of(const MessageFrame& frame) {
  Fields out;
  if (frame.quote) {
    out.text(1, frame.quote->id).text(2, frame.quote->author.user_jid().to_string());
    out.message_always(3, Fields().raw(frame.quote->message));
  }
  for (const Jid& jid : frame.mentions) out.text(15, jid.user_jid().to_string());
  out.number(21, frame.forwarding_score).number(22, frame.forwarded ? 1 : 0).number(25, frame.expires_after_s);
  if (frame.expires_after_s != 0) {
    constexpr std::uint64_t chat_setting = 1;  // who set it is said by nobody: the first value, changed in the chat
    out.time(26, frame.expiry_set_at).message(32, Fields().number(2, chat_setting));
  }
  return std::move(out.number(70, frame.mention_all ? 1 : 0));
}

Fields key_of(const MessageKey& key) {
  Fields out;
  if (key.chat) out.text(1, key.chat->to_string());
  out.number_always(2, key.from_me ? 1 : 0).text(3, key.id);
  if (key.participant) out.text(4, key.participant->to_string());
  return out;
}

/// The content field and what stands in it.
struct Content {
  std::uint32_t number;
  Fields fields;
};

Content content_of(const std::string& text, const MessageFrame& frame) {
  const Fields context = context_of(frame);
  if (context.empty()) return {field_number::conversation, Fields().raw(as_bytes(text))};
  return {field_number::extended_text, std::move(Fields().text_always(1, text).message(17, context))};
}

Content content_of(const PreviewedText& text, const MessageFrame& frame) {
  Fields out;
  out.text_always(1, text.text).text(2, text.preview.url).text(5, text.preview.description).text(6, text.preview.title);
  out.number_always(10, 0);  // neither a video nor a picture
  out.bytes(16, text.preview.thumbnail).message(17, context_of(frame));
  return {field_number::extended_text, std::move(out)};
}

Content content_of(const StatusText& text, const MessageFrame& frame) {
  Fields out;
  out.text_always(1, text.text).fixed32(7, text.style.text_argb).fixed32(8, text.style.background_argb);
  return {field_number::extended_text, std::move(out.number(9, text.style.font).message(17, context_of(frame)))};
}

Fields location_fields(const Location& place) {
  Fields out;
  if (place.placed) out.real(1, place.latitude).real(2, place.longitude);
  out.text(3, place.name).text(4, place.address).text(5, place.url).number(7, place.accuracy_m);
  return out;
}

Content content_of(const Location& place, const MessageFrame& frame) {
  if (!place.live) return {field_number::location, std::move(location_fields(place).message(17, context_of(frame)))};
  Fields out;
  out.real(1, place.latitude).real(2, place.longitude).number(3, place.accuracy_m).text(6, place.name);
  return {field_number::live_location, std::move(out.number(7, 1).message(17, context_of(frame)))};
}

Fields card_fields(const ContactCard& card) { return std::move(Fields().text(1, card.name).text(16, card.vcard)); }

Content content_of(const Contacts& contacts, const MessageFrame& frame) {
  if (contacts.cards.size() == 1)
    return {field_number::contact, std::move(card_fields(contacts.cards.front()).message(17, context_of(frame)))};
  Fields out;
  out.text(1, contacts.name);
  for (const ContactCard& card : contacts.cards) out.message_always(2, card_fields(card));
  return {field_number::contacts_array, std::move(out.message(17, context_of(frame)))};
}

Content content_of(const Poll& poll, const MessageFrame& frame) {
  Fields out;
  out.text(2, poll.name);
  for (const std::string& option : poll.options) out.message_always(3, Fields().text_always(1, option));
  out.number_always(4, poll.selectable).message(5, context_of(frame));
  // Apps show a poll of one choice by its own kind (03 section 9).
  return {poll.selectable == 1 ? field_number::poll_creation_v3 : field_number::poll_creation, std::move(out)};
}

Content content_of(const CalendarEvent& event, const MessageFrame& frame) {
  Fields out;
  out.message(1, context_of(frame)).number_always(2, event.cancelled ? 1 : 0).text(3, event.name);
  out.text(4, event.description);
  if (event.place) out.message_always(5, location_fields(*event.place));
  out.text(6, event.join_link).time(7, event.starts_at).time(8, event.ends_at).number(9, event.extra_guests ? 1 : 0);
  return {field_number::event, std::move(out)};
}

Content content_of(const GroupInvite& invite, const MessageFrame& frame) {
  Fields out;
  out.text(1, invite.group).text(2, invite.code).time(3, invite.expires_at).text(4, invite.name);
  out.text(6, invite.caption);
  return {field_number::group_invite, std::move(out.message(7, context_of(frame)))};
}

Content content_of(const Album& album, const MessageFrame& frame) {
  Fields out;
  out.number_always(2, album.images).number_always(3, album.videos);
  return {field_number::album, std::move(out.message(17, context_of(frame)))};
}

// --- media: the fields of each kind in its order (04 section 5)

Fields image_fields(const MediaContent& m, const MessageFrame& frame) {
  const MediaFile& f = m.file;
  Fields out;
  out.text(1, f.url).text(2, f.mimetype).text(3, m.caption).bytes(4, f.sha256).number_always(5, f.length);
  out.number(6, f.height).number(7, f.width).bytes(8, f.key).bytes(9, f.enc_sha256).text(11, f.direct_path);
  out.time(12, f.key_at).bytes(16, f.thumbnail).message(17, context_of(frame)).number(25, frame.view_once ? 1 : 0);
  return out;
}

Fields video_fields(const MediaContent& m, const MessageFrame& frame) {
  const MediaFile& f = m.file;
  Fields out;
  out.text(1, f.url).text(2, f.mimetype).bytes(3, f.sha256).number_always(4, f.length).number(5, f.seconds);
  out.bytes(6, f.key).text(7, m.caption).number(8, m.kind == MessageKind::gif ? 1 : 0).number(9, f.height);
  out.number(10, f.width).bytes(11, f.enc_sha256).text(13, f.direct_path).time(14, f.key_at).bytes(16, f.thumbnail);
  out.message(17, context_of(frame)).bytes(18, f.sidecar).number(20, frame.view_once ? 1 : 0);
  return out;
}

Fields audio_fields(const MediaContent& m, const MessageFrame& frame) {
  const MediaFile& f = m.file;
  Fields out;
  out.text(1, f.url).text(2, f.mimetype).bytes(3, f.sha256).number_always(4, f.length).number(5, f.seconds);
  out.number(6, m.kind == MessageKind::voice ? 1 : 0).bytes(7, f.key).bytes(8, f.enc_sha256).text(9, f.direct_path);
  out.time(10, f.key_at).message(17, context_of(frame)).bytes(18, f.sidecar).bytes(19, f.waveform);
  return std::move(out.number(21, frame.view_once ? 1 : 0));
}

Fields document_fields(const MediaContent& m, const MessageFrame& frame) {
  const MediaFile& f = m.file;
  Fields out;
  out.text(1, f.url).text(2, f.mimetype).text(3, f.file_name).bytes(4, f.sha256).number_always(5, f.length);
  out.number(6, f.pages).bytes(7, f.key).text(8, f.file_name).bytes(9, f.enc_sha256).text(10, f.direct_path);
  out.time(11, f.key_at).bytes(16, f.thumbnail).message(17, context_of(frame)).text(20, m.caption);
  return out;
}

Fields sticker_fields(const MediaContent& m, const MessageFrame& frame) {
  const MediaFile& f = m.file;
  Fields out;
  out.text(1, f.url).bytes(2, f.sha256).bytes(3, f.enc_sha256).bytes(4, f.key).text(5, f.mimetype);
  out.number(6, f.height).number(7, f.width).text(8, f.direct_path).number_always(9, f.length).time(10, f.key_at);
  out.number_always(13, f.animated ? 1 : 0).bytes(16, f.thumbnail).message(17, context_of(frame));
  return out;
}

Content content_of(const MediaContent& media, const MessageFrame& frame) {
  switch (media.kind) {
    case MessageKind::image: return {field_number::image, image_fields(media, frame)};
    case MessageKind::video:
    case MessageKind::gif: return {field_number::video, video_fields(media, frame)};
    case MessageKind::video_note: return {field_number::ptv, video_fields(media, frame)};
    case MessageKind::audio:
    case MessageKind::voice: return {field_number::audio, audio_fields(media, frame)};
    case MessageKind::sticker: return {field_number::sticker, sticker_fields(media, frame)};
    default: return {field_number::document, document_fields(media, frame)};
  }
}

/// Wrapped where the kind asks for it.
Content wrapped(Content content, const OutgoingBody& body, const MessageFrame& frame) {
  const auto in = [&](std::uint32_t wrapper) {
    Fields message;
    message.message_always(content.number, content.fields);
    return Content{wrapper, std::move(Fields().message_always(1, message))};
  };
  const auto* media = std::get_if<MediaContent>(&body);
  if (media == nullptr) return content;
  if (frame.view_once) return in(field_number::view_once_v2);
  if (content.number == field_number::document && !media->caption.empty())
    return in(field_number::document_with_caption);
  return content;
}

/// The whole Message, with a new secret.
OutgoingMessage sealed(Content content, Random& random, std::uint32_t add_on_duration_s = 0,
                       const Fields& association = {}) {
  OutgoingMessage out;
  out.secret = random.bytes<32>();
  Fields info;
  info.bytes(3, *out.secret).number(5, add_on_duration_s).number(8, reporting_token_version).message(10, association);
  Fields message;
  if (content.number < field_number::message_context_info) {
    message.message_always(content.number, content.fields).message(field_number::message_context_info, info);
  } else {
    message.message(field_number::message_context_info, info).message_always(content.number, content.fields);
  }
  out.encoded = message.take();
  return out;
}

OutgoingMessage bare(std::uint32_t number, const Fields& fields) {
  OutgoingMessage out;
  out.encoded = Fields().message_always(number, fields).take();
  return out;
}

}  // namespace

OutgoingMessage build_message(const OutgoingBody& body, const MessageFrame& frame, Random& random) {
  Content content = std::visit([&](const auto& kind) { return content_of(kind, frame); }, body);
  Fields association;
  constexpr std::uint64_t media_album = 1;
  if (frame.album) association.number(1, media_album).message(2, key_of(*frame.album));
  return sealed(wrapped(std::move(content), body, frame), random, 0, association);
}

OutgoingMessage build_reaction(const Reaction& reaction) {
  Fields out;
  out.message_always(1, key_of(reaction.target)).text_always(2, reaction.text).time(4, reaction.at_ms);
  return bare(field_number::reaction, out);
}

OutgoingMessage build_vote(const PollVote& vote) {
  Fields out;
  out.message_always(1, key_of(vote.target));
  out.message_always(2, Fields().bytes(1, vote.payload).bytes(2, vote.iv)).time(4, vote.at_ms);
  return bare(field_number::poll_update, out);
}

OutgoingMessage build_event_answer(const EventAnswer& answer) {
  Fields out;
  out.message_always(1, key_of(answer.target)).bytes(2, answer.payload).bytes(3, answer.iv);
  return bare(field_number::enc_event_response, out);
}

OutgoingMessage build_sealed(const Sealed& sealed_one, Random& random) {
  Fields out;
  out.message_always(1, key_of(sealed_one.target)).bytes(2, sealed_one.payload).bytes(3, sealed_one.iv);
  if (sealed_one.what == Sealed::What::reaction) return bare(field_number::enc_reaction, out);
  out.number(4, sealed_one.what == Sealed::What::event_edit ? 1 : 2);
  return sealed({field_number::secret_encrypted, std::move(out)}, random);
}

OutgoingMessage build_revoke(const MessageKey& target, Random& random) {
  Fields out;
  out.message_always(1, key_of(target)).number_always(2, type_revoke);
  return sealed({field_number::protocol_message, std::move(out)}, random);
}

OutgoingMessage build_pin(const Pin& pin, Random& random) {
  Fields out;
  out.message_always(1, key_of(pin.target)).number_always(2, pin.pinned ? 1 : 2).time(3, pin.at_ms);
  return sealed({field_number::pin_in_chat, std::move(out)}, random, pin.pinned ? pin.duration_s : 0);
}

OutgoingMessage build_disappearing(const DisappearingTimer& timer, Random& random) {
  Fields out;
  out.number_always(2, type_disappearing).number_always(4, timer.seconds).time(5, timer.set_at);
  return sealed({field_number::protocol_message, std::move(out)}, random);
}

namespace {

std::uint32_t caption_field(std::uint32_t number) {
  switch (number) {
    case field_number::image: return 3;
    case field_number::video: return 7;
    case field_number::document: return 20;
    default: return 0;
  }
}

/// The media content with another caption; contextInfo stays away, as in what apps send.
Fields with_caption(ByteView body, std::uint32_t number, std::string_view caption) {
  const std::uint32_t field_of_caption = caption_field(number);
  const auto context = context_info_field(number);
  Fields out;
  bool written = false;
  WireReader reader(body);
  while (const auto field = reader.next()) {
    if (field->number == field_of_caption || (context && field->number == *context)) continue;
    if (!written && field->number > field_of_caption) {
      out.text(field_of_caption, caption);
      written = true;
    }
    out.raw(field->whole);
  }
  if (!written) out.text(field_of_caption, caption);
  return out;
}

}  // namespace

OutgoingMessage build_edit(const MessageKey& target, const std::string& text, ByteView original,
                           const std::vector<Jid>& mentions, std::int64_t at_ms, Random& random,
                           const std::optional<LinkPreview>& preview) {
  const std::uint32_t number = content_number(original);
  Fields edited;
  if (caption_field(number) != 0) {
    edited.message_always(number, with_caption(merged_field(original, number).value_or(Bytes{}), number, text));
  } else {
    MessageFrame frame;
    frame.mentions = mentions;
    const Content content = preview ? content_of(PreviewedText{text, *preview}, frame) : content_of(text, frame);
    edited.message_always(content.number, content.fields);
  }
  Fields protocol;
  protocol.message_always(1, key_of(target)).number_always(2, type_edit).message_always(14, edited).time(15, at_ms);
  return sealed({field_number::protocol_message, std::move(protocol)}, random);
}

Bytes edit_in_clear(const MessageKey& target, ByteView edited, std::int64_t at_ms) {
  Fields protocol;
  protocol.message_always(1, key_of(target)).number_always(2, type_edit);
  protocol.message_always(14, Fields().raw(edited)).time(15, at_ms);
  return Fields().message_always(field_number::protocol_message, protocol).take();
}

Bytes with_event(ByteView message, ByteView edited) {
  constexpr std::uint32_t context = 1;
  if (content_number(message) != field_number::event || content_number(edited) != field_number::event) return {};
  Fields event;
  const auto body_of = [](ByteView whole) { return merged_field(whole, field_number::event).value_or(Bytes{}); };
  if (const auto kept = merged_field(body_of(message), context)) event.bytes(context, *kept);
  const Bytes said = body_of(edited);
  for (WireReader reader(said); const auto field = reader.next();)
    if (field->number != context) event.raw(field->whole);
  Fields out;
  for (WireReader reader(message); const auto field = reader.next();)
    if (field->number != field_number::event) out.raw(field->whole);
  return out.message_always(field_number::event, event).take();
}

Bytes with_text(ByteView message, const std::string& text) {
  const std::uint32_t number = content_number(message);
  if (number != field_number::conversation && number != field_number::extended_text && caption_field(number) == 0)
    return to_bytes(message);
  Fields out;
  WireReader reader(message);
  while (const auto field = reader.next()) {
    if (field->number != number) {
      out.raw(field->whole);
    } else if (number == field_number::conversation) {
      out.text_always(number, text);
    } else if (number == field_number::extended_text) {
      out.message_always(number, Fields().text_always(1, text));  // a preview was of the text before
    } else {
      out.message_always(number, with_caption(field->value, number, text));
    }
  }
  return out.take();
}

OutgoingMessage build_forward(ByteView stored, const std::optional<std::string>& text, bool was_own,
                              const MessageFrame& frame, Random& random) {
  Bytes message = quotable(stored);  // unwrapped, without its contextInfo
  if (text) message = with_text(message, *text);
  const std::uint32_t number = content_number(message);
  const auto context = context_info_field(number == field_number::conversation ? field_number::extended_text : number);
  if (number == 0 || !context) return {};
  const auto earlier = parse_message(stored);
  if (!earlier) return {};
  MessageFrame around = frame;
  around.quote.reset();
  around.mentions.clear();
  around.forwarded = true;
  // One that we wrote ourselves and forward for the first time has come through no hand but ours.
  const bool first = was_own && !earlier->traits.forwarded;
  around.forwarding_score = first ? 0 : earlier->traits.forwarding_score + 1;
  const Fields context_fields = context_of(around);
  if (number == field_number::conversation) {
    const auto said = bytes_field(message, number).value_or(ByteView{});
    Fields body;
    body.text_always(1, as_text(said)).message(17, context_fields);
    return sealed({field_number::extended_text, std::move(body)}, random);
  }
  Fields body;
  bool written = false;
  const Bytes content = merged_field(message, number).value_or(Bytes{});
  WireReader reader(content);
  while (const auto field = reader.next()) {
    if (!written && field->number > *context) {
      body.message(*context, context_fields);
      written = true;
    }
    body.raw(field->whole);
  }
  if (!written) body.message(*context, context_fields);
  return sealed({number, std::move(body)}, random);
}

}  // namespace wharf::protocol
