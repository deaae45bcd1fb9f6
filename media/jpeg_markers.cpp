#include "media/jpeg_markers.h"

#include <algorithm>
#include <optional>

namespace wharf::media {

using protocol::ByteReader;
using protocol::ByteView;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

constexpr std::uint8_t end_of_image = 0xd9, start_of_scan = 0xda, app1 = 0xe1, app14 = 0xee;
constexpr std::uint32_t max_exif_entries = 512;

bool has_no_segment(std::uint8_t marker) { return marker == 0x01 || (marker >= 0xd0 && marker <= 0xd9); }

/// SOF0..15 without the three other tables in their range.
bool is_frame_header(std::uint8_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}
/// Baseline, extended and progressive, Huffman or arithmetic: what libjpeg-turbo reads.
bool is_readable_frame(std::uint8_t marker) { return marker <= 0xc2 || marker == 0xc9 || marker == 0xca; }
bool is_progressive(std::uint8_t marker) { return marker == 0xc2 || marker == 0xca; }

struct Segment {
  std::uint8_t marker = 0;
  ByteView payload;
};

/// Like libjpeg: bytes before an 0xff and more of those are skipped, and so are stuffed zeros, so that after a scan
/// this finds the marker behind its data.
class SegmentReader {
 public:
  explicit SegmentReader(ByteView image) : rest_(image) {}

  std::optional<Segment> next() {
    while (true) {
      const auto found = std::find(rest_.begin(), rest_.end(), std::uint8_t{0xff});
      const auto code = std::find_if(found, rest_.end(), [](std::uint8_t byte) { return byte != 0xff; });
      if (code == rest_.end()) return std::nullopt;
      rest_ = rest_.subspan(static_cast<std::size_t>(code - rest_.begin()) + 1);
      if (*code == 0) continue;
      if (has_no_segment(*code)) return Segment{*code, {}};
      ByteReader reader(rest_);
      const auto length = reader.big_endian(2);
      if (!length || *length < 2) return std::nullopt;
      const auto payload = reader.take(*length - 2);
      if (!payload) return std::nullopt;
      rest_ = rest_.subspan(*length);
      return Segment{*code, *payload};
    }
  }

 private:
  ByteView rest_;
};

/// The two byte orders of a TIFF, and its offsets, which may point anywhere.
class TiffView {
 public:
  static std::optional<TiffView> open(ByteView bytes) {
    if (bytes.size() < 8) return std::nullopt;
    const std::string_view order = protocol::as_text(bytes.first(2));
    if (order != "II" && order != "MM") return std::nullopt;
    return TiffView(bytes, order == "II");
  }
  std::optional<std::uint32_t> number(std::size_t offset, std::size_t width) const {
    if (offset > bytes_.size() || bytes_.size() - offset < width) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value = value << 8 | bytes_[offset + (little_endian_ ? width - 1 - i : i)];
    return value;
  }

 private:
  TiffView(ByteView bytes, bool little_endian) : bytes_(bytes), little_endian_(little_endian) {}
  ByteView bytes_;
  bool little_endian_;
};

Result<> read_frame_header(const Segment& segment, JpegMarkers& out) {
  if (!is_readable_frame(segment.marker)) return Error(Errc::unsupported, "JPEG: lossless or hierarchical");
  ByteReader reader(segment.payload);
  const auto precision = reader.u8();
  const auto height = reader.big_endian(2), width = reader.big_endian(2);
  const auto components = reader.u8();
  if (!precision || !height || !width || !components) return Error(Errc::malformed, "JPEG: short frame header");
  if (*precision != 8) return Error(Errc::unsupported, "JPEG: not 8 bits a sample");
  if (*components != 1 && *components != 3 && *components != 4)
    return Error(Errc::unsupported, "JPEG: neither grey nor colour nor four inks");
  out.size = {*width, *height};
  out.components = *components;
  out.several_scans = is_progressive(segment.marker);
  return {};
}

}  // namespace

int exif_orientation(ByteView app1_payload) {
  constexpr std::string_view name("Exif\0\0", 6);
  if (!protocol::as_text(app1_payload).starts_with(name)) return 1;
  const auto tiff = TiffView::open(app1_payload.subspan(name.size()));
  if (!tiff || tiff->number(2, 2) != 42u) return 1;
  const std::uint32_t directory = *tiff->number(4, 4);
  const std::uint32_t entries = std::min(tiff->number(directory, 2).value_or(0), max_exif_entries);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::size_t entry = std::size_t{directory} + 2 + std::size_t{i} * 12;
    if (tiff->number(entry, 2) != 0x0112u) continue;
    // One SHORT; it lies in the entry itself.
    const std::uint32_t value = tiff->number(entry + 8, 2).value_or(1);
    const bool one_short = tiff->number(entry + 2, 2) == 3u && tiff->number(entry + 4, 4) == 1u;
    return one_short && value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Result<JpegMarkers> read_jpeg_markers(ByteView image) {
  JpegMarkers out;
  SegmentReader reader(image);
  bool exif_seen = false;
  while (const std::optional<Segment> segment = reader.next()) {
    if (segment->marker == end_of_image) break;
    if (segment->marker == app14 && protocol::as_text(segment->payload).starts_with("Adobe")) out.adobe = true;
    if (segment->marker == app1 && !exif_seen && protocol::as_text(segment->payload).starts_with("Exif")) {
      exif_seen = true;
      out.orientation = exif_orientation(segment->payload);
    }
    if (is_frame_header(segment->marker)) {
      if (out.components != 0) return Error(Errc::malformed, "JPEG: two frame headers");
      if (const Result<> read = read_frame_header(*segment, out); !read) return read.error();
    }
    if (segment->marker != start_of_scan) continue;
    if (out.components == 0) return Error(Errc::malformed, "JPEG: a scan before its frame header");
    if (segment->payload.empty()) return Error(Errc::malformed, "JPEG: short scan header");
    out.several_scans = out.several_scans || segment->payload[0] < out.components;
    return out;
  }
  // A head that ends between the two has told all but how it is scanned.
  if (out.components == 0) return Error(Errc::malformed, "JPEG: no frame header");
  return out;
}

JpegScans count_jpeg_scans(ByteView image) {
  JpegScans out;
  SegmentReader reader(image);
  while (const std::optional<Segment> segment = reader.next()) {
    if (segment->marker == start_of_scan) ++out.count;
    if (segment->marker != end_of_image) continue;
    out.complete = true;
    break;
  }
  return out;
}

}  // namespace wharf::media
