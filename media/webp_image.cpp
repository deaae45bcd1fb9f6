#include "media/webp_image.h"

#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <memory>
#include <string>

#include "media/image_formats.h"

namespace wharf::media {

using protocol::ByteReader;
using protocol::ByteView;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

constexpr std::size_t riff_header_bytes = 12, chunk_header_bytes = 8;
constexpr int lossless = 2;  // WebPBitstreamFeatures::format

/// The first frame of a parsed file, which borrows the file's bytes.
class FirstFrame {
 public:
  explicit FirstFrame(WebPDemuxer* demuxer) : found_(WebPDemuxGetFrame(demuxer, 1, &frame_) != 0) {}
  FirstFrame(const FirstFrame&) = delete;
  FirstFrame& operator=(const FirstFrame&) = delete;
  ~FirstFrame() {
    if (found_) WebPDemuxReleaseIterator(&frame_);
  }
  bool found() const { return found_ && frame_.complete; }
  ByteView bytes() const { return {frame_.fragment.bytes, frame_.fragment.size}; }
  PixelSize size() const {
    return {static_cast<std::uint32_t>(frame_.width), static_cast<std::uint32_t>(frame_.height)};
  }
  std::uint32_t x() const { return static_cast<std::uint32_t>(frame_.x_offset); }
  std::uint32_t y() const { return static_cast<std::uint32_t>(frame_.y_offset); }

 private:
  WebPIterator frame_{};
  bool found_;
};

/// Decodes into exactly `target`, which is not larger than the frame.
Result<Raster> decode_frame(const FirstFrame& frame, PixelSize target) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return Error(Errc::internal, "no WebP decoder");
  const ByteView bytes = frame.bytes();
  if (WebPGetFeatures(bytes.data(), bytes.size(), &config.input) != VP8_STATUS_OK)
    return Error(Errc::malformed, "WebP: no picture in its frame");
  const PixelSize inside{static_cast<std::uint32_t>(config.input.width),
                         static_cast<std::uint32_t>(config.input.height)};
  if (inside != frame.size()) return Error(Errc::malformed, "WebP: two sizes");
  // The decoder holds all pixels of these, four bytes or (alpha) two of each; anything else it reads by rows.
  if (config.input.has_alpha || config.input.format == lossless)
    if (const Result<> bounded = check_buffered(inside, "a lossless or transparent WebP"); !bounded)
      return bounded.error();

  Raster out(target);
  config.output.colorspace = MODE_RGBA;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = out.rgba.data();
  config.output.u.RGBA.stride = static_cast<int>(target.width * 4);
  config.output.u.RGBA.size = out.rgba.size();
  if (target != inside) {
    config.options.use_scaling = 1;
    config.options.scaled_width = static_cast<int>(target.width);
    config.options.scaled_height = static_cast<int>(target.height);
  }
  const VP8StatusCode status = WebPDecode(bytes.data(), bytes.size(), &config);
  if (status != VP8_STATUS_OK) return Error(Errc::malformed, "WebP: broken pixels (" + std::to_string(status) + ")");
  return out;
}

}  // namespace

Result<ImageInfo> inspect_webp(ByteView image) {
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(image.data(), image.size(), &features) != VP8_STATUS_OK)
    return Error(Errc::malformed, "WebP: broken or cut header");
  const PixelSize size{static_cast<std::uint32_t>(features.width), static_cast<std::uint32_t>(features.height)};
  if (const Result<> sized = check_size(size); !sized) return sized.error();
  return ImageInfo{ImageFormat::webp, size.width, size.height, features.has_animation != 0};
}

Result<Raster> decode_webp(ByteView image, std::uint32_t max_edge) {
  const WebPData data{image.data(), image.size()};
  // Parses every chunk header and fails unless the whole file is there.
  const std::unique_ptr<WebPDemuxer, void (*)(WebPDemuxer*)> demuxer(WebPDemux(&data), WebPDemuxDelete);
  if (!demuxer) return Error(Errc::malformed, "WebP: broken container, or ends early");
  const PixelSize canvas{WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH),
                         WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT)};
  if (const Result<> sized = check_size(canvas); !sized) return sized.error();
  const FirstFrame frame(demuxer.get());
  if (!frame.found()) return Error(Errc::malformed, "WebP: no frame");

  const PixelSize target = fit_within(canvas, max_edge);
  if (frame.size() == canvas) return decode_frame(frame, target);
  // A frame smaller than the canvas lies somewhere on it; the rest is transparent.
  const auto scaled = [&](std::uint32_t length) {
    return static_cast<std::uint32_t>(std::uint64_t{length} * target.width / canvas.width);
  };
  const PixelSize part{std::max(1u, scaled(frame.size().width)), std::max(1u, scaled(frame.size().height))};
  const Result<Raster> picture = decode_frame(frame, part);
  if (!picture) return picture.error();
  Raster out(target);
  place(out, *picture, scaled(frame.x()), scaled(frame.y()));
  return out;
}

Result<std::uint32_t> webp_first_frame_length(ByteView image) {
  for (std::uint64_t at = riff_header_bytes; at + chunk_header_bytes <= image.size();) {
    const ByteView header = image.subspan(at, chunk_header_bytes);
    const std::uint64_t length =
        header[4] | std::uint64_t{header[5]} << 8 | std::uint64_t{header[6]} << 16 | std::uint64_t{header[7]} << 24;
    const std::uint64_t end = at + chunk_header_bytes + length + length % 2;
    if (end > image.size()) break;
    if (protocol::as_text(header.first(4)) == "ANMF") return static_cast<std::uint32_t>(end);
    at = end;
  }
  return Error(Errc::malformed, "WebP: no whole first frame");
}

}  // namespace wharf::media
