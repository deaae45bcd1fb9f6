#pragma once
// Ogg files as tests need them: right ones, and ones that lie.

#include <initializer_list>
#include <vector>

#include "media/ogg_pages.h"

namespace wharf::media::test {

using protocol::Bytes;
using protocol::ByteView;

inline void put_little_endian(Bytes& out, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

/// Writes the checksum of the page at `at` anew.
inline void fix_checksum(Bytes& file, std::size_t at, std::size_t page_bytes) {
  for (std::size_t i = 22; i < 26; ++i) file[at + i] = 0;
  const std::uint32_t crc = ogg_crc(ByteView(file).subspan(at, page_bytes));
  for (std::size_t i = 0; i < 4; ++i) file[at + 22 + i] = static_cast<std::uint8_t>(crc >> (8 * i));
}

enum PageFlags : std::uint8_t { plain_page = 0, continued = 1, begins = 2, ends = 4 };

/// Appends pages of one logical stream to a file.
class OggWriter {
 public:
  explicit OggWriter(Bytes& file, std::uint32_t serial = 1) : file_(file), serial_(serial) {}

  /// A page as the lacing values say, whatever they mean.
  void raw_page(unsigned flags, std::int64_t granule, const Bytes& lacing, const Bytes& payload) {
    const std::size_t at = file_.size();
    protocol::append(file_, protocol::as_bytes("OggS"));
    file_.push_back(0);
    file_.push_back(static_cast<std::uint8_t>(flags));
    put_little_endian(file_, static_cast<std::uint64_t>(granule), 8);
    put_little_endian(file_, serial_, 4);
    put_little_endian(file_, sequence_++, 4);
    put_little_endian(file_, 0, 4);
    file_.push_back(static_cast<std::uint8_t>(lacing.size()));
    protocol::append(file_, lacing);
    protocol::append(file_, payload);
    fix_checksum(file_, at, file_.size() - at);
  }

  /// A page of whole packets.
  void page(unsigned flags, std::int64_t granule, const std::vector<Bytes>& packets) {
    Bytes lacing, payload;
    for (const Bytes& packet : packets) {
      lacing.insert(lacing.end(), packet.size() / 255, 255);
      lacing.push_back(static_cast<std::uint8_t>(packet.size() % 255));
      protocol::append(payload, packet);
    }
    raw_page(flags, granule, lacing, payload);
  }

  void skip_sequence_number() { ++sequence_; }

 private:
  Bytes& file_;
  std::uint32_t serial_;
  std::uint32_t sequence_ = 0;
};

}  // namespace wharf::media::test
