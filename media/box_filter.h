#pragma once
// Makes a picture smaller while it is decoded. Every source pixel is spread over the cells of the small picture that it
// covers, in proportion to the area. Sums do not care about order, so rows may come in any, and the sparse passes of an
// interlaced PNG are added as they arrive: no decoder here needs a buffer of the size of the source.

#include <cstdint>
#include <vector>

#include "media/raster.h"

namespace wharf::media {

class BoxFilter {
 public:
  /// `to` is at most as large as `from` in both directions; 16 bytes are held for each of its pixels.
  BoxFilter(PixelSize from, PixelSize to);

  /// Which pixels of a row are given: the one at `first`, and every `step`th after it.
  struct Columns {
    std::uint32_t first = 0, step = 1;
  };
  /// Adds `rgba` (4 bytes a pixel, straight alpha) to row `y`. Each pixel is to be given once; pixels beyond the source
  /// are ignored.
  void add_row(std::uint32_t y, protocol::ByteView rgba, Columns columns);
  void add_row(std::uint32_t y, protocol::ByteView rgba) { add_row(y, rgba, Columns{}); }

  /// The picture, once every pixel was given.
  Raster finish() const;

 private:
  /// How a source row or column is spread: over one cell, or over it and the next.
  struct Spread {
    std::uint32_t cell;
    float first, second;
  };
  static std::vector<Spread> spread(std::uint32_t from, std::uint32_t to);
  void add_cells(std::uint32_t row, float share);

  PixelSize to_;
  std::vector<Spread> columns_, rows_;
  std::vector<float> line_;   // one source row, in cells: red, green, blue (times alpha) and alpha
  std::vector<float> cells_;  // likewise, the whole picture
};

}  // namespace wharf::media
