#include "tests/media/image_files.h"

#include <png.h>
#include <turbojpeg.h>
#include <webp/decode.h>
#include <webp/encode.h>
#include <webp/mux.h>
#include <zlib.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <memory>
#include <stdexcept>

namespace wharf::media::test {

namespace {

void check(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
}

void set(Raster& picture, std::uint32_t x, std::uint32_t y, Color color) {
  for (std::size_t c = 0; c < 4; ++c) picture.pixel(x, y)[c] = static_cast<std::uint8_t>(color[c]);
}

int width_of(const Raster& picture) { return static_cast<int>(picture.size.width); }
int height_of(const Raster& picture) { return static_cast<int>(picture.size.height); }

Bytes compressed(const Raster& picture, int pixel_format, int flags) {
  const std::unique_ptr<void, int (*)(tjhandle)> encoder(tjInitCompress(), tjDestroy);
  unsigned char* data = nullptr;
  unsigned long length = 0;
  check(tjCompress2(encoder.get(), picture.rgba.data(), width_of(picture), 0, height_of(picture), pixel_format, &data,
                    &length, TJSAMP_444, 92, flags) == 0,
        "tjCompress2");
  const Bytes out(data, data + length);
  tjFree(data);
  return out;
}

std::vector<Color> palette() { return {clear, red, green, blue, yellow, white}; }

std::uint8_t palette_index(const std::uint8_t* pixel) {
  const std::vector<Color> colors = palette();
  for (std::size_t i = 0; i < colors.size(); ++i)
    if (std::equal(colors[i].begin(), colors[i].end(), pixel)) return static_cast<std::uint8_t>(i);
  throw std::runtime_error("a colour that is not in the palette");
}

/// One row as the kind stores it.
Bytes png_row(const Raster& picture, std::uint32_t y, PngKind kind) {
  Bytes row;
  for (std::uint32_t x = 0; x < picture.size.width; ++x) {
    const std::uint8_t* pixel = picture.pixel(x, y);
    switch (kind) {
      case PngKind::rgb: row.insert(row.end(), pixel, pixel + 3); break;
      case PngKind::gray16: row.insert(row.end(), {pixel[0], pixel[0]}); break;
      case PngKind::palette_with_clear: row.push_back(palette_index(pixel)); break;
      default: row.insert(row.end(), pixel, pixel + 4); break;
    }
  }
  return row;
}

void set_palette(png_structp png, png_infop info) {
  std::vector<png_color> colors;
  for (const Color& color : palette())
    colors.push_back(
        {static_cast<png_byte>(color[0]), static_cast<png_byte>(color[1]), static_cast<png_byte>(color[2])});
  const png_byte alpha[] = {0};
  png_set_PLTE(png, info, colors.data(), static_cast<int>(colors.size()));
  png_set_tRNS(png, info, alpha, 1, nullptr);
}

}  // namespace

Raster filled(PixelSize size, Color color) { return quadrants(size, {color, color, color, color}); }

Raster quadrants(PixelSize size, const std::array<Color, 4>& colors) {
  Raster out(size);
  for (std::uint32_t y = 0; y < size.height; ++y)
    for (std::uint32_t x = 0; x < size.width; ++x)
      set(out, x, y, colors[(y >= size.height / 2 ? 2u : 0u) + (x >= size.width / 2 ? 1u : 0u)]);
  return out;
}

Raster gradient(PixelSize size) {
  Raster out(size);
  for (std::uint32_t y = 0; y < size.height; ++y)
    for (std::uint32_t x = 0; x < size.width; ++x)
      set(out, x, y, {static_cast<int>(x * 255 / size.width), static_cast<int>(y * 255 / size.height), 64, 255});
  return out;
}

Raster noise(PixelSize size) {
  Raster out(size);
  std::uint32_t state = 12345;
  for (std::uint8_t& byte : out.rgba) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return out;
}

bool near(const Raster& picture, std::uint32_t x, std::uint32_t y, Color color, int tolerance) {
  if (x >= picture.size.width || y >= picture.size.height) return false;
  const std::uint8_t* pixel = picture.pixel(x, y);
  UNSCOPED_INFO("pixel " << x << "," << y << ": " << int{pixel[0]} << " " << int{pixel[1]} << " " << int{pixel[2]}
                         << " " << int{pixel[3]});
  for (std::size_t c = 0; c < 4; ++c)
    if (std::abs(pixel[c] - color[c]) > tolerance) return false;
  return true;
}

bool has_quadrants(const Raster& picture, const std::array<Color, 4>& colors, int tolerance) {
  const auto [width, height] = picture.size;
  return near(picture, width / 4, height / 4, colors[0], tolerance) &&
         near(picture, width * 3 / 4, height / 4, colors[1], tolerance) &&
         near(picture, width / 4, height * 3 / 4, colors[2], tolerance) &&
         near(picture, width * 3 / 4, height * 3 / 4, colors[3], tolerance);
}

Bytes jpeg_file(const Raster& picture, int flags) { return compressed(picture, TJPF_RGBX, flags); }

Bytes cmyk_jpeg_file(PixelSize size, const std::array<std::uint8_t, 4>& light) {
  return compressed(filled(size, {light[0], light[1], light[2], light[3]}), TJPF_CMYK, 0);
}

Bytes with_segment(const Bytes& jpeg, std::uint8_t marker, const Bytes& payload) {
  Bytes segment{0xff, marker};
  append(segment, protocol::big_endian(static_cast<std::uint32_t>(payload.size() + 2), 2));
  append(segment, payload);
  Bytes out = jpeg;
  out.insert(out.begin() + 2, segment.begin(), segment.end());
  return out;
}

Bytes exif(std::uint16_t orientation, std::string_view byte_order) {
  const auto number = [&](std::uint32_t value, std::size_t width) {
    Bytes bytes = protocol::big_endian(value, width);
    if (byte_order == "II") std::reverse(bytes.begin(), bytes.end());
    return bytes;
  };
  // Two entries, the orientation second; it fills the first half of its value field.
  return protocol::concat(protocol::as_bytes(std::string_view("Exif\0\0", 6)), protocol::as_bytes(byte_order),
                          number(42, 2), number(8, 4), number(2, 2),                      //
                          number(0x0100, 2), number(4, 2), number(1, 4), number(640, 4),  // ImageWidth
                          number(0x0112, 2), number(3, 2), number(1, 4), number(orientation, 2), number(0, 2),
                          number(0, 4));
}

Bytes jpeg_claiming(std::uint16_t width, std::uint16_t height) {
  return protocol::concat(Bytes{0xff, 0xd8, 0xff, 0xc0, 0, 11, 8}, protocol::big_endian(height, 2),
                          protocol::big_endian(width, 2), Bytes{1, 1, 0x11, 0},
                          Bytes{0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0xff, 0xd9});
}

Raster read_jpeg(ByteView jpeg) {
  const std::unique_ptr<void, int (*)(tjhandle)> decoder(tjInitDecompress(), tjDestroy);
  int width = 0, height = 0, sampling = 0, space = 0;
  check(tjDecompressHeader3(decoder.get(), jpeg.data(), jpeg.size(), &width, &height, &sampling, &space) == 0,
        "header");
  Raster out({static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height)});
  check(tjDecompress2(decoder.get(), jpeg.data(), jpeg.size(), out.rgba.data(), width, 0, height, TJPF_RGBA, 0) == 0,
        "tjDecompress2");
  return out;
}

Bytes png_file(const Raster& picture, PngKind kind) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  Bytes out;
  png_set_write_fn(
      png, &out,
      [](png_structp writer, png_bytep data, png_size_t length) {
        append(*static_cast<Bytes*>(png_get_io_ptr(writer)), ByteView(data, length));
      },
      nullptr);
  int color = PNG_COLOR_TYPE_RGB_ALPHA;
  if (kind == PngKind::rgb) color = PNG_COLOR_TYPE_RGB;
  if (kind == PngKind::gray16) color = PNG_COLOR_TYPE_GRAY;
  if (kind == PngKind::palette_with_clear) color = PNG_COLOR_TYPE_PALETTE;
  png_set_IHDR(png, info, picture.size.width, picture.size.height, kind == PngKind::gray16 ? 16 : 8, color,
               kind == PngKind::rgba_interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (kind == PngKind::palette_with_clear) set_palette(png, info);
  png_write_info(png, info);
  std::vector<Bytes> rows;
  std::vector<png_bytep> pointers;
  for (std::uint32_t y = 0; y < picture.size.height; ++y) rows.push_back(png_row(picture, y, kind));
  for (Bytes& row : rows) pointers.push_back(row.data());
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

Bytes png_chunk(std::string_view type, ByteView payload) {
  const Bytes checked = protocol::concat(protocol::as_bytes(type), payload);
  const auto crc = static_cast<std::uint32_t>(crc32(0, checked.data(), static_cast<uInt>(checked.size())));
  return protocol::concat(protocol::big_endian(static_cast<std::uint32_t>(payload.size()), 4), checked,
                          protocol::big_endian(crc, 4));
}

Bytes png_header(std::uint32_t width, std::uint32_t height) {
  const Bytes payload =
      protocol::concat(protocol::big_endian(width, 4), protocol::big_endian(height, 4), Bytes{8, 6, 0, 0, 0});
  return protocol::concat(protocol::as_bytes("\x89PNG\r\n\x1a\n"), png_chunk("IHDR", payload));
}

Bytes with_png_chunk(const Bytes& png, std::string_view type, ByteView payload) {
  const Bytes chunk = png_chunk(type, payload);
  Bytes out = png;
  out.insert(out.begin() + 33, chunk.begin(), chunk.end());
  return out;
}

Bytes deflated(ByteView plain) {
  uLongf length = compressBound(plain.size());
  Bytes out(length);
  check(compress2(out.data(), &length, plain.data(), plain.size(), 9) == Z_OK, "compress2");
  out.resize(length);
  return out;
}

Bytes webp_file(const Raster& picture, WebpKind kind) {
  std::uint8_t* data = nullptr;
  const int width = width_of(picture), height = height_of(picture);
  const std::size_t length = kind == WebpKind::lossless
                                 ? WebPEncodeLosslessRGBA(picture.rgba.data(), width, height, width * 4, &data)
                                 : WebPEncodeRGBA(picture.rgba.data(), width, height, width * 4, 90, &data);
  check(length > 0, "WebPEncode");
  const Bytes out(data, data + length);
  WebPFree(data);
  return out;
}

Bytes animated_webp(const std::vector<Raster>& frames) {
  WebPAnimEncoderOptions options;
  check(WebPAnimEncoderOptionsInit(&options), "options");
  WebPAnimEncoder* encoder = WebPAnimEncoderNew(width_of(frames.at(0)), height_of(frames.at(0)), &options);
  int at_ms = 0;
  for (const Raster& frame : frames) {
    WebPPicture picture;
    check(WebPPictureInit(&picture), "picture");
    picture.width = width_of(frame);
    picture.height = height_of(frame);
    picture.use_argb = 1;
    check(WebPPictureImportRGBA(&picture, frame.rgba.data(), picture.width * 4), "import");
    check(WebPAnimEncoderAdd(encoder, &picture, at_ms, nullptr), "add");
    WebPPictureFree(&picture);
    at_ms += 100;
  }
  check(WebPAnimEncoderAdd(encoder, nullptr, at_ms, nullptr), "end");
  WebPData data;
  WebPDataInit(&data);
  check(WebPAnimEncoderAssemble(encoder, &data), "assemble");
  const Bytes out(data.bytes, data.bytes + data.size);
  WebPDataClear(&data);
  WebPAnimEncoderDelete(encoder);
  return out;
}

Bytes webp_with_frame_at(PixelSize canvas, const Raster& frame, int x, int y) {
  const Bytes still = webp_file(frame);
  WebPMux* mux = WebPMuxNew();
  WebPMuxFrameInfo info{};
  info.bitstream = {still.data(), still.size()};
  info.x_offset = x;
  info.y_offset = y;
  info.duration = 100;
  info.id = WEBP_CHUNK_ANMF;
  check(WebPMuxPushFrame(mux, &info, 1) == WEBP_MUX_OK, "frame");
  check(WebPMuxSetCanvasSize(mux, static_cast<int>(canvas.width), static_cast<int>(canvas.height)) == WEBP_MUX_OK,
        "canvas");
  const WebPMuxAnimParams params{0, 0};
  check(WebPMuxSetAnimationParams(mux, &params) == WEBP_MUX_OK, "params");
  WebPData data;
  check(WebPMuxAssemble(mux, &data) == WEBP_MUX_OK, "assemble");
  const Bytes out(data.bytes, data.bytes + data.size);
  WebPDataClear(&data);
  WebPMuxDelete(mux);
  return out;
}

Raster read_webp(ByteView webp) {
  int width = 0, height = 0;
  std::uint8_t* data = WebPDecodeRGBA(webp.data(), webp.size(), &width, &height);
  check(data != nullptr, "WebPDecodeRGBA");
  Raster out({static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height)});
  std::copy(data, data + out.rgba.size(), out.rgba.begin());
  WebPFree(data);
  return out;
}

std::size_t webp_chunk_offset(ByteView webp, std::string_view type) {
  for (std::size_t at = 12; at + 8 <= webp.size();) {
    if (protocol::as_text(webp.subspan(at, 4)) == type) return at;
    const std::size_t length = little_endian32(webp, at + 4);
    at += 8 + length + length % 2;
  }
  throw std::runtime_error("no such chunk");
}

std::uint32_t little_endian32(ByteView bytes, std::size_t at) {
  return bytes[at] | std::uint32_t{bytes[at + 1]} << 8 | std::uint32_t{bytes[at + 2]} << 16 |
         std::uint32_t{bytes[at + 3]} << 24;
}

Bytes gif_file(std::uint16_t width, std::uint16_t height, int frames, bool loop) {
  const auto number = [](std::uint16_t value) {
    return Bytes{static_cast<std::uint8_t>(value & 0xff), static_cast<std::uint8_t>(value >> 8)};
  };
  // A global table of two colours.
  Bytes out = protocol::concat(protocol::as_bytes("GIF89a"), number(width), number(height),
                               Bytes{0x80, 0, 0, 0, 0, 0, 255, 255, 255});
  if (loop)
    append(out, protocol::concat(Bytes{0x21, 0xff, 11}, protocol::as_bytes("NETSCAPE2.0"), Bytes{3, 1, 0, 0, 0}));
  for (int i = 0; i < frames; ++i) {
    append(out, Bytes{0x21, 0xf9, 4, 0, 10, 0, 0, 0});                         // delay
    append(out, Bytes{0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 0x01, 0});  // one pixel
  }
  out.push_back(0x3b);
  return out;
}

}  // namespace wharf::media::test
