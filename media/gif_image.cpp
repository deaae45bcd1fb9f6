// The blocks of a GIF, as far as they tell the size and whether it moves. Source: GIF89a chapters 17 to 27.

#include <optional>

#include "media/image_formats.h"

namespace wharf::media {

using protocol::ByteReader;
using protocol::ByteView;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

constexpr std::uint8_t image_block = 0x2c, extension_block = 0x21, application_extension = 0xff;

std::optional<std::uint32_t> little_endian16(ByteReader& reader) {
  const std::optional<ByteView> bytes = reader.take(2);
  if (!bytes) return std::nullopt;
  return (*bytes)[0] | std::uint32_t{(*bytes)[1]} << 8;
}

bool skip_color_table(ByteReader& reader, std::uint8_t flags) {
  return (flags & 0x80) == 0 || reader.take(std::size_t{3} << ((flags & 7) + 1)).has_value();
}

/// Sub-blocks up to the empty one.
bool skip_sub_blocks(ByteReader& reader) {
  while (const std::optional<std::uint8_t> length = reader.u8()) {
    if (*length == 0) return true;
    if (!reader.take(*length)) return false;
  }
  return false;
}

bool skip_image(ByteReader& reader) {
  const std::optional<ByteView> descriptor = reader.take(9);
  return descriptor && skip_color_table(reader, (*descriptor)[8]) && reader.take(1) && skip_sub_blocks(reader);
}

/// A loop count says that there is something to repeat.
bool is_loop(ByteReader extension) {
  if (extension.u8() != application_extension || extension.u8() != 11) return false;
  const std::optional<ByteView> name = extension.take(11);
  return name && (protocol::as_text(*name) == "NETSCAPE2.0" || protocol::as_text(*name) == "ANIMEXTS1.0");
}

/// Reads blocks until it is known or the given bytes end.
bool is_animated(ByteReader reader) {
  bool image_seen = false;
  while (const std::optional<std::uint8_t> block = reader.u8()) {
    if (*block == image_block) {
      if (image_seen) return true;
      image_seen = true;
      if (!skip_image(reader)) return false;
    } else if (*block == extension_block) {
      if (is_loop(reader)) return true;
      if (!reader.take(1) || !skip_sub_blocks(reader)) return false;
    } else {
      return false;  // the trailer, or nothing we know
    }
  }
  return false;
}

}  // namespace

Result<ImageInfo> inspect_gif(ByteView image) {
  ByteReader reader(image);
  reader.take(6);
  const auto width = little_endian16(reader), height = little_endian16(reader);
  const std::optional<std::uint8_t> flags = reader.u8();
  if (!height || !flags || !reader.take(2)) return Error(Errc::malformed, "GIF: cut in its header");
  if (const Result<> sized = check_size({*width, *height}); !sized) return sized.error();
  return ImageInfo{ImageFormat::gif, *width, *height, skip_color_table(reader, *flags) && is_animated(reader)};
}

}  // namespace wharf::media
