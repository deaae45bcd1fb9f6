// libpng is the one decoder here that gives rows one by one, so even 50 megapixels pass through a single row buffer.
// It reports errors by longjmp: everything with a destructor lives outside of `guarded`.

#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <string>

#include "media/box_filter.h"
#include "media/image_formats.h"

namespace wharf::media {

using protocol::ByteReader;
using protocol::Bytes;
using protocol::ByteView;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

constexpr std::size_t signature_bytes = 8, header_bytes = 13, crc_bytes = 4;

struct Header {
  PixelSize size;
  bool animated = false;
};

/// Looks for the animation control of APNG, which stands before the first pixel data.
bool is_animated(ByteReader reader) {
  while (const auto length = reader.big_endian(4)) {
    const auto type = reader.take(4);
    if (!type || protocol::as_text(*type) == "IDAT") return false;
    if (protocol::as_text(*type) == "acTL") return true;
    if (!reader.take(*length) || !reader.take(crc_bytes)) return false;
  }
  return false;
}

Result<Header> read_header(ByteView image) {
  ByteReader reader(image);
  reader.take(signature_bytes);
  const auto length = reader.big_endian(4);
  const auto type = reader.take(4);
  if (!type || length != header_bytes || protocol::as_text(*type) != "IHDR")
    return Error(Errc::malformed, "PNG: does not begin with a header");
  const auto width = reader.big_endian(4), height = reader.big_endian(4);
  if (!width || !height || !reader.take(header_bytes - 8) || !reader.take(crc_bytes))
    return Error(Errc::malformed, "PNG: cut in its header");
  const PixelSize size{*width, *height};
  if (const Result<> sized = check_size(size); !sized) return sized.error();
  return Header{size, is_animated(reader)};
}

/// What libpng reads from, and the message it stopped with.
struct Source {
  explicit Source(ByteView image) : rest(image) {}
  ByteView rest;
  char message[96] = "";
};

void read_source(png_structp png, png_bytep out, png_size_t length) {
  auto* source = static_cast<Source*>(png_get_io_ptr(png));
  if (length > source->rest.size()) png_error(png, "ends early");
  std::memcpy(out, source->rest.data(), length);
  source->rest = source->rest.subspan(length);
}

[[noreturn]] void stop(png_structp png, png_const_charp message) {
  auto* source = static_cast<Source*>(png_get_error_ptr(png));
  std::snprintf(source->message, sizeof source->message, "%s", message);
  png_longjmp(png, 1);
}
void ignore_warning(png_structp, png_const_charp) {}

class Decoder {
 public:
  explicit Decoder(Source& source)
      : png_(png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, stop, ignore_warning)),
        info_(png_ ? png_create_info_struct(png_) : nullptr) {}
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { png_destroy_read_struct(&png_, &info_, nullptr); }

  bool valid() const { return info_ != nullptr; }
  png_structp png() const { return png_; }
  png_infop info() const { return info_; }

 private:
  png_structp png_;
  png_infop info_;
};

/// False when libpng stopped. `step` may own nothing with a destructor while it calls libpng.
template <class Step>
bool guarded(const Decoder& decoder, const Step& step) {
  if (setjmp(png_jmpbuf(decoder.png()))) return false;
  step(decoder.png(), decoder.info());
  return true;
}

/// Bounds, and 8-bit RGBA whatever is stored.
void begin(png_structp png, png_infop info, Source& source) {
  png_set_read_fn(png, &source, read_source);
  png_set_user_limits(png, max_image_edge, max_image_edge);
  png_set_chunk_cache_max(png, 16);
  png_set_chunk_malloc_max(png, 1u << 20);
  // Neither texts nor profiles matter here; unread, their compressed forms cannot expand.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_read_info(png, info);
  png_set_expand(png);
  png_set_scale_16(png);
  png_set_gray_to_rgb(png);
  png_set_add_alpha(png, 0xff, PNG_FILLER_AFTER);
  png_read_update_info(png, info);
}

/// Each pass of an interlaced picture brings every so many pixels of every so many rows.
void read_passes(png_structp png, PixelSize size, bool interlaced, Bytes& row, BoxFilter& filter) {
  for (std::uint32_t pass = 0; pass < (interlaced ? PNG_INTERLACE_ADAM7_PASSES : 1u); ++pass) {
    BoxFilter::Columns columns;
    std::uint32_t first_row = 0, row_step = 1, width = size.width;
    if (interlaced) {
      columns = {PNG_PASS_START_COL(pass), 1u << PNG_PASS_COL_SHIFT(pass)};
      first_row = PNG_PASS_START_ROW(pass);
      row_step = 1u << PNG_PASS_ROW_SHIFT(pass);
      width = PNG_PASS_COLS(size.width, pass);
    }
    if (width == 0) continue;  // libpng skips such a pass as well
    for (std::uint32_t y = first_row; y < size.height; y += row_step) {
      png_read_row(png, row.data(), nullptr);
      filter.add_row(y, ByteView(row).first(std::size_t{width} * 4), columns);
    }
  }
  png_read_end(png, nullptr);
}

}  // namespace

Result<ImageInfo> inspect_png(ByteView image) {
  const Result<Header> header = read_header(image);
  if (!header) return header.error();
  return ImageInfo{ImageFormat::png, header->size.width, header->size.height, header->animated};
}

Result<Raster> decode_png(ByteView image, std::uint32_t max_edge) {
  const Result<Header> header = read_header(image);
  if (!header) return header.error();
  const PixelSize size = header->size;

  Source source(image);
  const Decoder decoder(source);
  if (!decoder.valid()) return Error(Errc::internal, "no PNG decoder");
  const auto stopped = [&] { return Error(Errc::malformed, std::string("PNG: ") + source.message); };
  if (!guarded(decoder, [&](png_structp png, png_infop info) { begin(png, info, source); })) return stopped();
  if (png_get_image_width(decoder.png(), decoder.info()) != size.width ||
      png_get_image_height(decoder.png(), decoder.info()) != size.height ||
      png_get_rowbytes(decoder.png(), decoder.info()) != std::size_t{size.width} * 4)
    return Error(Errc::malformed, "PNG: two sizes");

  Bytes row(std::size_t{size.width} * 4);
  BoxFilter filter(size, fit_within(size, max_edge));
  const bool interlaced = png_get_interlace_type(decoder.png(), decoder.info()) == PNG_INTERLACE_ADAM7;
  if (!guarded(decoder, [&](png_structp png, png_infop) { read_passes(png, size, interlaced, row, filter); }))
    return stopped();
  return filter.finish();
}

}  // namespace wharf::media
