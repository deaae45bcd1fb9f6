#include "protocol/messages/media_location.h"

#include <map>

#include "protocol/messages/message_shape.h"
#include "protocol/messages/wire.h"

namespace wharf::protocol {

namespace {

/// Field numbers inside a content that has a file; 0: has none.
struct FileFields {
  std::uint32_t url, direct_path, key_at, key, enc_sha256, sidecar = 0, metadata_url = 0;
};
std::optional<FileFields> file_fields(std::uint32_t content) {
  switch (content) {
    case field_number::image: return FileFields{1, 11, 12, 8, 9};
    case field_number::video:
    case field_number::ptv: return FileFields{1, 13, 14, 6, 11, 18, 30};
    case field_number::audio: return FileFields{1, 9, 10, 7, 8, 18};
    case field_number::document: return FileFields{1, 10, 11, 7, 9};
    case field_number::sticker: return FileFields{1, 8, 10, 4, 3};
    default: return std::nullopt;
  }
}

using Replaced = std::map<std::uint32_t, Bytes>;  // by number, as whole fields; empty: gone

Replaced replaced_by(const MediaPlace& place, const FileFields& fields) {
  Replaced replaced;
  const auto text = [&](std::uint32_t number, const std::string& value) {
    Bytes& field = replaced[number];
    if (!value.empty()) append_field(field, number, as_bytes(value));
  };
  text(fields.url, place.url);
  text(fields.direct_path, place.direct_path);
  if (fields.metadata_url != 0 && !place.metadata_url.empty()) text(fields.metadata_url, place.metadata_url);
  if (place.key_at > 0)
    append_varint_field(replaced[fields.key_at], fields.key_at, static_cast<std::uint64_t>(place.key_at));
  return replaced;
}

/// In ascending order of the fields, what is replaced in its old place in that order.
Bytes placed(ByteView content, const Replaced& replaced) {
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

/// `rewrite(number, content)` of each content that has a file, in the place of it.
template <class Rewrite>
Bytes rewritten(ByteView message, const Rewrite& rewrite, std::size_t wrappers = 0) {
  Bytes out;
  WireReader reader(message);
  while (const auto field = reader.next()) {
    const auto inner = wrapped_message_field(field->number);
    if (field->type == WireType::length && file_fields(field->number)) {
      append_field(out, field->number, rewrite(field->number, field->value));
    } else if (field->type == WireType::length && inner && wrappers < max_wrappers) {
      Bytes wrapper;
      WireReader within(field->value);
      while (const auto part = within.next()) {
        if (part->number == *inner && part->type == WireType::length)
          append_field(wrapper, part->number, rewritten(part->value, rewrite, wrappers + 1));
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

Bytes with_media_place(ByteView message, const MediaPlace& place) {
  return rewritten(message, [&](std::uint32_t number, ByteView content) {
    return placed(content, replaced_by(place, *file_fields(number)));
  });
}

Bytes with_upload_of(ByteView message, ByteView other) {
  std::map<std::uint32_t, Replaced> known;  // by content
  (void)rewritten(other, [&](std::uint32_t number, ByteView content) {
    const FileFields fields = *file_fields(number);
    Replaced& replaced = known[number];
    for (const std::uint32_t each : {fields.url, fields.direct_path, fields.key_at, fields.key, fields.enc_sha256,
                                     fields.sidecar, fields.metadata_url})
      if (each != 0) replaced[each];
    WireReader reader(content);
    while (const auto field = reader.next()) {
      const auto wanted = replaced.find(field->number);
      if (wanted != replaced.end()) append(wanted->second, field->whole);
    }
    return Bytes(content.begin(), content.end());
  });
  return rewritten(message, [&](std::uint32_t number, ByteView content) {
    const auto upload = known.find(number);
    return upload == known.end() ? Bytes(content.begin(), content.end()) : placed(content, upload->second);
  });
}

Bytes without_media_key(ByteView message) {
  return rewritten(message, [&](std::uint32_t number, ByteView content) {
    const FileFields fields = *file_fields(number);
    Replaced gone;
    for (const std::uint32_t each : {fields.key, fields.key_at, fields.enc_sha256, fields.sidecar})
      if (each != 0) gone[each];
    return placed(content, gone);
  });
}

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
