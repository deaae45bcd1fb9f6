#include "media/sticker.h"

#include <webp/encode.h>

#include <algorithm>
#include <array>
#include <string>

#include "media/image_formats.h"
#include "media/webp_image.h"

namespace wharf::media {

using protocol::Bytes;
using protocol::ByteView;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

/// Transparency is stored losslessly, after a quantisation that has its own quality.
struct Quality {
  float colors;
  int alpha;
};
constexpr std::array<Quality, 5> qualities = {{{80, 100}, {60, 90}, {40, 60}, {20, 30}, {2, 0}}};

class Picture {
 public:
  Picture() : valid_(WebPPictureInit(&picture_) != 0) { WebPMemoryWriterInit(&written_); }
  Picture(const Picture&) = delete;
  Picture& operator=(const Picture&) = delete;
  ~Picture() {
    WebPPictureFree(&picture_);
    WebPMemoryWriterClear(&written_);
  }

  Result<Bytes> encode(const Raster& raster, const Quality& quality) {
    WebPConfig config;
    if (!valid_ || !WebPConfigPreset(&config, WEBP_PRESET_PICTURE, quality.colors))
      return Error(Errc::internal, "no WebP encoder");
    config.alpha_quality = quality.alpha;
    picture_.width = static_cast<int>(raster.size.width);
    picture_.height = static_cast<int>(raster.size.height);
    picture_.writer = WebPMemoryWrite;
    picture_.custom_ptr = &written_;
    if (!WebPPictureImportRGBA(&picture_, raster.rgba.data(), picture_.width * 4) || !WebPEncode(&config, &picture_))
      return Error(Errc::internal, "WebP encoder: " + std::to_string(picture_.error_code));
    return Bytes(written_.mem, written_.mem + written_.size);
  }

 private:
  WebPPicture picture_{};
  WebPMemoryWriter written_{};
  bool valid_;
};

Raster on_square(const Raster& picture) {
  const PixelSize fitted = fit_to(picture.size, sticker_edge);
  const Raster scaled = fitted == picture.size ? picture : enlarge(picture, fitted);
  Raster square({sticker_edge, sticker_edge});
  place(square, scaled, (sticker_edge - fitted.width) / 2, (sticker_edge - fitted.height) / 2);
  return square;
}

Result<Bytes> encode_small(const Raster& square) {
  for (const Quality& quality : qualities) {
    Picture picture;
    Result<Bytes> webp = picture.encode(square, quality);
    if (!webp || webp->size() <= max_sticker_bytes) return webp;
  }
  return Error(Errc::too_large, "the picture does not fit into a sticker of 100 KB");
}

Result<Sticker> animated_sticker(ByteView image, const ImageInfo& info) {
  if (info.width != sticker_edge || info.height != sticker_edge)
    return Error(Errc::unsupported, "an animated sticker must be 512 x 512 pixels, this one is " +
                                        std::to_string(info.width) + " x " + std::to_string(info.height));
  if (image.size() > max_animated_sticker_bytes)
    return Error(Errc::too_large,
                 "an animated sticker may have 500 KB, this one has " + std::to_string(image.size() / 1024) + " KB");
  // Shows that the file is whole, and that its first frame can be seen.
  const Result<Raster> first_frame = decode_webp(image, sticker_edge);
  if (!first_frame) return first_frame.error();
  const Result<std::uint32_t> first_frame_length = webp_first_frame_length(image);
  if (!first_frame_length) return first_frame_length.error();
  return Sticker{protocol::to_bytes(image), true, sticker_edge, sticker_edge, *first_frame_length};
}

}  // namespace

Result<Sticker> make_sticker(ByteView image) {
  const Result<ImageInfo> info = inspect_image(image);
  if (!info) return info.error();
  if (info->format == ImageFormat::webp && info->animated) return animated_sticker(image, *info);
  const Result<Raster> picture = decode_image(image, sticker_edge);
  if (!picture) return picture.error();
  const bool fits = info->width == sticker_edge && info->height == sticker_edge && image.size() <= max_sticker_bytes;
  if (info->format == ImageFormat::webp && fits)
    return Sticker{protocol::to_bytes(image), false, sticker_edge, sticker_edge, 0};
  Result<Bytes> webp = encode_small(on_square(*picture));
  if (!webp) return webp.error();
  return Sticker{std::move(*webp), false, sticker_edge, sticker_edge, 0};
}

}  // namespace wharf::media
