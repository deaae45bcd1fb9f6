// A file from a stranger. The first byte of the input chooses: its size and a thumbnail of an edge that the second byte
// gives, a sticker of it, or its type. Whatever comes back keeps the promises of the headers.

#include <turbojpeg.h>
#include <webp/decode.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "media/file_type.h"
#include "media/image.h"
#include "media/sticker.h"

using namespace wharf;
using protocol::ByteView;

namespace {

void check(bool invariant) {
  if (!invariant) std::abort();
}

void check_error(const protocol::Error& error) {
  check(error.code == protocol::Errc::malformed || error.code == protocol::Errc::too_large ||
        error.code == protocol::Errc::unsupported);
  check(!error.detail.empty());
}

void thumbnail(ByteView file, std::uint32_t edge) {
  const auto info = media::inspect_image(file);
  if (info) {
    check(info->width >= 1 && info->width <= media::max_image_edge);
    check(info->height >= 1 && info->height <= media::max_image_edge);
    check(std::uint64_t{info->width} * info->height <= media::max_image_pixels);
  } else {
    check_error(info.error());
  }
  const auto jpeg = media::jpeg_thumbnail(file, {edge, 50});
  if (!jpeg) return check_error(jpeg.error());
  check(info.has_value());
  const std::unique_ptr<void, int (*)(tjhandle)> decoder(tjInitDecompress(), tjDestroy);
  int width = 0, height = 0, sampling = 0, space = 0;
  check(tjDecompressHeader3(decoder.get(), jpeg->data(), jpeg->size(), &width, &height, &sampling, &space) == 0);
  const std::uint32_t longer = std::max(info->width, info->height);
  check(static_cast<std::uint32_t>(std::max(width, height)) == std::min(longer, std::clamp(edge, 1u, 512u)));
  if (longer <= edge) check(info->width == static_cast<std::uint32_t>(width));
}

void sticker(ByteView file) {
  const auto made = media::make_sticker(file);
  if (!made) return check_error(made.error());
  check(made->webp.size() <= (made->animated ? media::max_animated_sticker_bytes : media::max_sticker_bytes));
  check((made->first_frame_length > 0) == made->animated && made->first_frame_length <= made->webp.size());
  int width = 0, height = 0;
  if (!made->animated) check(WebPGetInfo(made->webp.data(), made->webp.size(), &width, &height) && width == 512);
}

void type(ByteView file) {
  const std::string sniffed = media::sniff_type(file);
  check(sniffed.find('/') != std::string::npos && sniffed.size() < 128);
  for (const char c : sniffed) check(c >= 0x20 && c < 0x7f);
  const std::string named = media::type_for_name(protocol::as_text(file));
  check(named.empty() || !media::extension_for_type(named).empty());
  const std::string_view extension = media::extension_for_type(protocol::as_text(file));
  check(extension.empty() || !media::type_for_name("a" + std::string(extension)).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const ByteView file(data + 2, size - 2);
  switch (data[0] % 3) {
    case 0: thumbnail(file, data[1] * 3u); break;
    case 1: sticker(file); break;
    default: type(file); break;
  }
  return 0;
}
