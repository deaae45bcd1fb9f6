#include "api/qr_image.h"

#include <png.h>

#include <algorithm>
#include <qrcodegen/qrcodegen.hpp>
#include <stdexcept>

namespace wharf::api {
namespace {

using protocol::Bytes;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

constexpr unsigned quiet_modules = 4;

struct WriterDeleter {
  png_infop info = nullptr;
  void operator()(png_structp png) const {
    png_infop owned = info;
    png_destroy_write_struct(&png, &owned);
  }
};

void append_bytes(png_structp png, png_bytep data, png_size_t size) {
  auto* out = static_cast<Bytes*>(png_get_io_ptr(png));
  out->insert(out->end(), data, data + size);
}

// libpng reports failure by calling this; it must not return, and an exception crosses its C frames safely only because
// Debian builds libpng with unwind tables. Nothing here fails but the allocation of a few kilobytes.
[[noreturn]] void png_failed(png_structp, png_const_charp message) { throw std::runtime_error(message); }
void png_warned(png_structp, png_const_charp) {}

Bytes write_png(const std::vector<Bytes>& rows, unsigned pixels) {
  Bytes out;
  out.reserve(2048);
  png_structp raw = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, png_failed, png_warned);
  if (!raw) throw std::bad_alloc();
  const png_infop info = png_create_info_struct(raw);
  std::unique_ptr<png_struct, WriterDeleter> png(raw, WriterDeleter{info});
  if (!info) throw std::bad_alloc();
  png_set_write_fn(raw, &out, append_bytes, nullptr);
  png_set_IHDR(raw, info, pixels, pixels, 1, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_set_filter(raw, 0, PNG_FILTER_NONE);
  png_write_info(raw, info);
  for (const Bytes& row : rows) png_write_row(raw, row.data());
  png_write_end(raw, info);
  return out;
}

}  // namespace

Result<Bytes> qr_png(std::string_view text, unsigned pixels) {
  using qrcodegen::QrCode;
  constexpr std::size_t max_bytes = 2953;  // version 40, level L, byte mode
  if (text.size() > max_bytes) return Error(Errc::too_large, "text over 2953 bytes");
  // Level L keeps the modules large: a phone reads a screen, not a crumpled label. The mask is fixed: weighing all
  // eight costs twelve times the rest of the encoding (1.3 of 1.4 ms), gains nothing on texts that are mostly random,
  // and every reader takes any mask.
  constexpr int mask = 3;
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  const QrCode code = QrCode::encodeSegments({qrcodegen::QrSegment::makeBytes(bytes)}, QrCode::Ecc::LOW,
                                             QrCode::MIN_VERSION, QrCode::MAX_VERSION, mask, false);

  const unsigned modules = static_cast<unsigned>(code.getSize()) + 2 * quiet_modules;
  const unsigned side = std::max(modules, pixels);
  const unsigned scale = side / modules;
  const unsigned margin = (side - static_cast<unsigned>(code.getSize()) * scale) / 2;

  const Bytes white((side + 7) / 8, 0xff);
  std::vector<Bytes> rows(side, white);
  for (int y = 0; y < code.getSize(); ++y) {
    Bytes row = white;
    for (int x = 0; x < code.getSize(); ++x) {
      if (!code.getModule(x, y)) continue;
      const unsigned from = margin + static_cast<unsigned>(x) * scale;
      for (unsigned at = from; at < from + scale; ++at)
        row[at / 8] = static_cast<std::uint8_t>(row[at / 8] & ~(0x80u >> (at % 8)));
    }
    std::fill_n(rows.begin() + margin + static_cast<unsigned>(y) * scale, scale, row);
  }
  return write_png(rows, side);
}

std::string QrImages::data_url(const std::string& text) {
  {
    const std::lock_guard lock(mutex_);
    for (const Image& image : images_)
      if (image.text == text) return image.url;
  }
  const auto png = qr_png(text);
  if (!png) return {};
  std::string url = "data:image/png;base64," + protocol::to_base64(*png);
  const std::lock_guard lock(mutex_);
  images_.push_front({text, url});
  if (images_.size() > max_images_) images_.pop_back();
  return url;
}

}  // namespace wharf::api
