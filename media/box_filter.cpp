#include "media/box_filter.h"

#include <algorithm>
#include <cmath>

namespace wharf::media {

BoxFilter::BoxFilter(PixelSize from, PixelSize to)
    : to_(to),
      columns_(spread(from.width, to.width)),
      rows_(spread(from.height, to.height)),
      line_((std::size_t{to.width} + 1) * 4),  // the second cell of the last column is outside, with share 0
      cells_(to.pixels() * 4) {}

std::vector<BoxFilter::Spread> BoxFilter::spread(std::uint32_t from, std::uint32_t to) {
  std::vector<Spread> out(from);
  // In units of 1/from cells a pixel is `to` wide and a cell `from`.
  for (std::uint64_t i = 0; i < from; ++i) {
    const std::uint64_t begin = i * to, end = begin + to, cell = begin / from;
    const std::uint64_t border = std::min(end, (cell + 1) * from);
    out[i] = {static_cast<std::uint32_t>(cell), static_cast<float>(border - begin) / static_cast<float>(from),
              static_cast<float>(end - border) / static_cast<float>(from)};
  }
  return out;
}

void BoxFilter::add_row(std::uint32_t y, protocol::ByteView rgba, Columns columns) {
  if (y >= rows_.size()) return;
  std::fill(line_.begin(), line_.end(), 0.0f);
  std::size_t x = columns.first;
  for (std::size_t at = 0; at + 4 <= rgba.size() && x < columns_.size(); at += 4, x += columns.step) {
    const Spread& column = columns_[x];
    float* cell = &line_[std::size_t{column.cell} * 4];
    const float alpha = static_cast<float>(rgba[at + 3]);
    for (std::size_t c = 0; c < 4; ++c) {
      // Times alpha: the colour of a transparent pixel does not count.
      const float value = c == 3 ? alpha : alpha * static_cast<float>(rgba[at + c]);
      cell[c] += value * column.first;
      cell[c + 4] += value * column.second;
    }
  }
  add_cells(rows_[y].cell, rows_[y].first);
  if (rows_[y].second > 0) add_cells(rows_[y].cell + 1, rows_[y].second);
}

void BoxFilter::add_cells(std::uint32_t row, float share) {
  const std::size_t length = std::size_t{to_.width} * 4;
  float* cells = &cells_[row * length];
  for (std::size_t i = 0; i < length; ++i) cells[i] += line_[i] * share;
}

Raster BoxFilter::finish() const {
  Raster out(to_);
  const auto byte = [](float value) { return static_cast<std::uint8_t>(std::clamp(std::lround(value), 0l, 255l)); };
  for (std::size_t at = 0; at < cells_.size(); at += 4) {
    const float alpha = cells_[at + 3];
    if (alpha <= 0) continue;
    for (std::size_t c = 0; c < 3; ++c) out.rgba[at + c] = byte(cells_[at + c] / alpha);
    out.rgba[at + 3] = byte(alpha);
  }
  return out;
}

}  // namespace wharf::media
