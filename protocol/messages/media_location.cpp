#include "protocol/messages/media_location.h"

#include <map>

#include "protocol/messages/message_shape.h"
#include "protocol/messages/wire.h"

namespace wharf::protocol {

namespace {

/// Field numbers inside a content that has a file.
struct PlaceFields {
  std::uint32_t url, direct_path, key_at, metadata_url = 0;
};
std::optional<PlaceFields> place_fields(std::uint32_t content) {
  switch (content) {
    case field_number::image: return PlaceFields{1, 11, 12};
    case field_number::video:
    case field_number::ptv: return PlaceFields{1, 13, 14, 30};
    case field_number::audio: return PlaceFields{1, 9, 10};
    case field_number::document: return PlaceFields{1, 10, 11};
    case field_number::sticker: return PlaceFields{1, 8, 10};
    default: return std::nullopt;
  }
}

/// In ascending order of the fields, what is replaced in its old place in that order.
Bytes placed(ByteView content, const PlaceFields& fields, const MediaPlace& place) {
  std::map<std::uint32_t, Bytes> replaced;  // as whole fields; empty: gone
  const auto text = [&](std::uint32_t number, const std::string& value) {
    Bytes& field = replaced[number];
    if (!value.empty()) append_field(field, number, as_bytes(value));
  };
  text(fields.url, place.url);
  text(fields.direct_path, place.direct_path);
  if (fields.metadata_url != 0 && !place.metadata_url.empty()) text(fields.metadata_url, place.metadata_url);
  if (place.key_at > 0) {
    Bytes& field = replaced[fields.key_at];
    append_varint(field, std::uint64_t{fields.key_at} << 3);
    append_varint(field, static_cast<std::uint64_t>(place.key_at));
  }
  auto next = replaced.begin();
  Bytes out;
  const auto write_up_to = [&](std::uint32_t number) {
    for (; next != replaced.end() && next->first <= number; ++next) append(out, next->second);
  };
  WireReader reader(content);
  while (const auto field = reader.next()) {
    write_up_to(field->number);
    if (!replaced.contains(field->number)) append(out, field->whole);
  }
  write_up_to(UINT32_MAX);
  return out;
}

Bytes rewritten(ByteView message, const MediaPlace& place, std::size_t wrappers) {
  Bytes out;
  WireReader reader(message);
  while (const auto field = reader.next()) {
    const auto fields = place_fields(field->number);
    const auto inner = wrapped_message_field(field->number);
    if (field->type == WireType::length && fields) {
      append_field(out, field->number, placed(field->value, *fields, place));
    } else if (field->type == WireType::length && inner && wrappers < max_wrappers) {
      Bytes wrapper;
      WireReader within(field->value);
      while (const auto part = within.next()) {
        if (part->number == *inner && part->type == WireType::length)
          append_field(wrapper, part->number, rewritten(part->value, place, wrappers + 1));
        else append(wrapper, part->whole);
      }
      append_field(out, field->number, wrapper);
    } else {
      append(out, field->whole);
    }
  }
  return out;
}

}  // namespace

Bytes with_media_place(ByteView message, const MediaPlace& place) { return rewritten(message, place, 0); }

std::optional<MediaKind> media_kind(MessageKind kind) {
  switch (kind) {
    case MessageKind::image: return MediaKind::image;
    case MessageKind::video: return MediaKind::video;
    case MessageKind::gif: return MediaKind::gif;
    case MessageKind::video_note: return MediaKind::ptv;
    case MessageKind::audio: return MediaKind::audio;
    case MessageKind::voice: return MediaKind::voice;
    case MessageKind::document: return MediaKind::document;
    case MessageKind::sticker: return MediaKind::sticker;
    default: return std::nullopt;
  }
}

}  // namespace wharf::protocol
