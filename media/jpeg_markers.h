#pragma once
// The marker segments of a JPEG, without its pixels. Sources: ITU T.81 annex B, Exif 2.32 at 4.5 and 4.6.4
// (Orientation), Adobe technical note 5116 (APP14).

#include <cstdint>

#include "media/raster.h"
#include "protocol/bytes.h"
#include "protocol/result.h"

namespace wharf::media {

struct JpegMarkers {
  PixelSize size;       // as stored, before orientation
  int components = 0;   // 1 grey, 3 colour, 4 inks
  int orientation = 1;  // of the EXIF data, 1..8
  bool adobe = false;   // its inks are stored inverted
  /// The decoder must collect all coefficients before it has a row: progressive, or one scan for each component.
  bool several_scans = false;
};

/// Reads up to the first scan; the first frame header must be among `image`.
/// Errors: malformed, unsupported (lossless, hierarchical or 12-bit).
protocol::Result<JpegMarkers> read_jpeg_markers(protocol::ByteView image);

struct JpegScans {
  std::size_t count = 0;
  bool complete = false;  // the end-of-image marker was found
};
/// Looks at the whole file, in time proportional to its length.
JpegScans count_jpeg_scans(protocol::ByteView image);

/// The orientation in the payload of an APP1 segment; 1 when there is none or it makes no sense.
int exif_orientation(protocol::ByteView app1);

}  // namespace wharf::media
