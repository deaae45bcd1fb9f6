#pragma once
// QR codes as 1-bit PNG images: a raw text in, image bytes out. About half a millisecond of CPU each, so requests
// render on the worker pool and the result is kept while the code is shown.

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace wharf::api {

inline constexpr unsigned qr_default_pixels = 400, qr_min_pixels = 100, qr_max_pixels = 2000;

/// A square PNG with the four modules of quiet zone of ISO 18004; every module has the same whole number of pixels, the
/// rest is margin, so the image has exactly `pixels` (or one pixel a module, when that is more). Any thread.
/// Errors: too_large (more text than a QR code holds).
protocol::Result<protocol::Bytes> qr_png(std::string_view text, unsigned pixels = qr_default_pixels);

/// data:image/png;base64,… of recently shown codes. Any thread.
class QrImages {
 public:
  explicit QrImages(std::size_t max_images = 256) : max_images_(max_images) {}
  /// "" when the text does not fit a QR code.
  std::string data_url(const std::string& text);

 private:
  struct Image {
    std::string text, url;
  };
  std::size_t max_images_;
  std::mutex mutex_;
  std::list<Image> images_;  // newest first
};

}  // namespace wharf::api
