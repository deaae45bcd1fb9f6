#include "media/image.h"

#include <turbojpeg.h>

#include <algorithm>
#include <memory>
#include <string>

#include "media/image_formats.h"

namespace wharf::media {

using protocol::Bytes;
using protocol::ByteView;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

constexpr std::size_t large_thumbnail_bytes = 16u << 10;
constexpr int smaller_attempts = 2;

Result<Bytes> encode_jpeg(const Raster& picture, int quality) {
  const std::unique_ptr<void, int (*)(tjhandle)> encoder(tjInitCompress(), tjDestroy);
  if (!encoder) return Error(Errc::internal, "no JPEG encoder");
  const int width = static_cast<int>(picture.size.width), height = static_cast<int>(picture.size.height);
  Bytes out(tjBufSize(width, height, TJSAMP_420));
  unsigned char* target = out.data();
  unsigned long length = out.size();
  if (tjCompress2(encoder.get(), picture.rgba.data(), width, 0, height, TJPF_RGBX, &target, &length, TJSAMP_420,
                  quality, TJFLAG_NOREALLOC) != 0)
    return Error(Errc::internal, std::string("JPEG encoder: ") + tjGetErrorStr2(encoder.get()));
  out.resize(length);
  return out;
}

}  // namespace

std::optional<ImageFormat> image_format(ByteView head) {
  const std::string_view text = protocol::as_text(head.first(std::min<std::size_t>(head.size(), 12)));
  if (text.starts_with("\xff\xd8\xff")) return ImageFormat::jpeg;
  if (text.starts_with("\x89PNG\r\n\x1a\n")) return ImageFormat::png;
  if (text.size() == 12 && text.starts_with("RIFF") && text.ends_with("WEBP")) return ImageFormat::webp;
  if (text.starts_with("GIF87a") || text.starts_with("GIF89a")) return ImageFormat::gif;
  return std::nullopt;
}

Result<> check_size(PixelSize size) {
  if (size.width == 0 || size.height == 0) return Error(Errc::malformed, "an image without pixels");
  if (size.width > max_image_edge || size.height > max_image_edge || size.pixels() > max_image_pixels)
    return Error(Errc::too_large,
                 "an image of " + std::to_string(size.width) + " x " + std::to_string(size.height) + " pixels");
  return {};
}

Result<> check_buffered(PixelSize size, const char* what) {
  if (size.pixels() <= max_buffered_pixels) return {};
  return Error(Errc::too_large, std::string(what) + " of more than " + std::to_string(max_buffered_pixels) + " pixels");
}

Result<ImageInfo> inspect_image(ByteView image) {
  const std::optional<ImageFormat> format = image_format(image);
  if (!format) return Error(Errc::malformed, "not a JPEG, PNG, WebP or GIF");
  switch (*format) {
    case ImageFormat::jpeg: return inspect_jpeg(image);
    case ImageFormat::png: return inspect_png(image);
    case ImageFormat::webp: return inspect_webp(image);
    default: return inspect_gif(image);
  }
}

Result<Raster> decode_image(ByteView image, std::uint32_t max_edge) {
  const std::optional<ImageFormat> format = image_format(image);
  if (!format) return Error(Errc::malformed, "not a JPEG, PNG, WebP or GIF");
  switch (*format) {
    case ImageFormat::jpeg: return decode_jpeg(image, max_edge);
    case ImageFormat::png: return decode_png(image, max_edge);
    case ImageFormat::webp: return decode_webp(image, max_edge);
    default: return Error(Errc::unsupported, "pixels of a GIF are not read");
  }
}

Result<Bytes> jpeg_thumbnail(ByteView image, const ThumbnailSize& size) {
  Result<Raster> picture = decode_image(image, std::clamp(size.max_edge, 1u, 512u));
  if (!picture) return picture.error();
  flatten_on_white(*picture);
  int quality = std::clamp(size.quality, 1, 100);
  Result<Bytes> jpeg = encode_jpeg(*picture, quality);
  for (int i = 0; i < smaller_attempts && jpeg && jpeg->size() > large_thumbnail_bytes; ++i) {
    quality = std::max(1, quality / 2);
    jpeg = encode_jpeg(*picture, quality);
  }
  return jpeg;
}

Result<Bytes> square_picture(ByteView image, std::uint32_t edge) {
  constexpr int quality = 80;
  constexpr std::uint32_t longest_shape = 16;  // sides further apart are no picture of anybody
  edge = std::clamp(edge, 1u, 1024u);
  const Result<ImageInfo> info = inspect_image(image);
  if (!info) return info.error();
  const auto [shorter, longer] = std::minmax(info->width, info->height);
  if (longer / shorter >= longest_shape)
    return Error(Errc::too_large, "an image of " + std::to_string(info->width) + " x " + std::to_string(info->height) +
                                      " pixels has no middle to show");
  // Rounded up, so that the shorter edge is not less than it can be.
  const std::uint64_t wanted = (std::uint64_t{edge} * longer + shorter - 1) / shorter;
  Result<Raster> picture = decode_image(image, static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, longer)));
  if (!picture) return picture.error();
  flatten_on_white(*picture);
  return encode_jpeg(middle_square(*picture, edge), quality);
}

}  // namespace wharf::media
