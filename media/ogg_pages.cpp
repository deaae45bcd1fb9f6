#include "media/ogg_pages.h"

#include <algorithm>
#include <array>

namespace wharf::media {

using protocol::ByteView;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

constexpr std::size_t max_streams = 16;
constexpr std::size_t checksum_offset = 22;

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte << 24;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc & 0x80000000u) != 0 ? 0x04c11db7u : 0u);
    table[byte] = crc;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> crc_table = make_crc_table();

std::uint64_t little_endian(ByteView bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

bool checksum_fits(ByteView page) {
  constexpr std::array<std::uint8_t, 4> zero{};
  std::uint32_t crc = ogg_crc(page.first(checksum_offset));
  crc = ogg_crc(zero, crc);
  crc = ogg_crc(page.subspan(checksum_offset + 4), crc);
  return crc == little_endian(page.subspan(checksum_offset, 4));
}

}  // namespace

std::uint32_t ogg_crc(ByteView bytes, std::uint32_t begin) {
  std::uint32_t crc = begin;
  for (const std::uint8_t byte : bytes) crc = (crc << 8) ^ crc_table[(crc >> 24) ^ byte];
  return crc;
}

Result<OggPage> read_ogg_page(ByteView bytes) {
  constexpr std::string_view capture = "OggS";
  const std::size_t seen = std::min(capture.size(), bytes.size());
  if (protocol::as_text(bytes.first(seen)) != capture.substr(0, seen))
    return Error(Errc::malformed, "an Ogg page does not begin with OggS");
  if (bytes.size() < OggPage::header_bytes) return Error(Errc::truncated, "an Ogg page ends within its header");
  if (bytes[4] != 0) return Error(Errc::malformed, "Ogg of version " + std::to_string(bytes[4]));

  OggPage page;
  page.continued = (bytes[5] & 1) != 0;
  page.begins_stream = (bytes[5] & 2) != 0;
  page.ends_stream = (bytes[5] & 4) != 0;
  page.granule = static_cast<std::int64_t>(little_endian(bytes.subspan(6, 8)));
  page.serial = static_cast<std::uint32_t>(little_endian(bytes.subspan(14, 4)));
  page.sequence = static_cast<std::uint32_t>(little_endian(bytes.subspan(18, 4)));

  const std::size_t segments = bytes[26];
  ByteView rest = bytes.subspan(OggPage::header_bytes);
  if (rest.size() < segments) return Error(Errc::truncated, "an Ogg page ends within its lacing values");
  page.lacing = rest.first(segments);
  rest = rest.subspan(segments);
  std::size_t payload_bytes = 0;
  for (const std::uint8_t length : page.lacing) payload_bytes += length;
  if (rest.size() < payload_bytes) return Error(Errc::truncated, "an Ogg page ends within its segments");
  page.payload = rest.first(payload_bytes);
  page.bytes = OggPage::header_bytes + segments + payload_bytes;
  if (!checksum_fits(bytes.first(page.bytes))) return Error(Errc::malformed, "the checksum of an Ogg page is wrong");
  return page;
}

Result<std::vector<OggStream>> read_ogg_streams(ByteView file) {
  std::vector<OggStream> streams;
  for (ByteView rest = file; !rest.empty() || streams.empty();) {
    const auto page = read_ogg_page(rest);
    if (!page) return page.error();
    if (!page->begins_stream) break;
    if (streams.size() == max_streams) return Error(Errc::malformed, "more than 16 streams in one Ogg");
    for (const OggStream& other : streams)
      if (other.serial == page->serial) return Error(Errc::malformed, "two Ogg streams with one serial number");
    std::size_t head_bytes = 0;
    for (const std::uint8_t length : page->lacing) {
      head_bytes += length;
      if (length < 255) break;
    }
    streams.push_back({page->serial, page->payload.first(head_bytes)});
    rest = rest.subspan(page->bytes);
  }
  if (streams.empty()) return Error(Errc::malformed, "the Ogg begins in the middle of a stream");
  return streams;
}

Result<std::optional<OggPacketReader::Packet>> OggPacketReader::next() {
  if (!within_packet_) {
    packet_.clear();
    length_ = 0;
  }
  while (!gather()) {
    const auto more = next_page();
    if (!more) return more.error();
    if (*more) continue;
    if (within_packet_) return Error(Errc::truncated, "the Ogg ends within a packet");
    return std::optional<Packet>();
  }
  within_packet_ = false;
  return std::optional<Packet>(Packet{packet_, length_, segment_ == last_end_ ? page_.granule : -1});
}

/// Takes segments of the page up to the end of a packet; false: the page is used up before that.
bool OggPacketReader::gather() {
  while (segment_ < page_.lacing.size()) {
    const std::size_t length = page_.lacing[segment_++];
    const ByteView bytes = page_.payload.subspan(offset_, length);
    offset_ += length;
    length_ += length;
    protocol::append(packet_, bytes.first(std::min(length, max_kept_bytes - packet_.size())));
    within_packet_ = true;
    if (length < 255) return true;
  }
  return false;
}

/// Enters the next page of the stream; false: there is none.
Result<bool> OggPacketReader::next_page() {
  while (!ended_ && !rest_.empty()) {
    const auto page = read_ogg_page(rest_);
    if (!page) return page.error();
    rest_ = rest_.subspan(page->bytes);
    if (page->serial != serial_) continue;
    if (const auto entered = enter(*page); !entered) return entered.error();
    return true;
  }
  return false;
}

Result<> OggPacketReader::enter(const OggPage& page) {
  if (page.begins_stream != !sequence_) return Error(Errc::malformed, "an Ogg stream begins twice, or never");
  if (sequence_ && page.sequence != *sequence_ + 1) return Error(Errc::malformed, "a page of the Ogg is missing");
  // A page without segments says nothing about packets: the packet at hand goes on behind it.
  if (!page.lacing.empty() && page.continued != within_packet_)
    return Error(Errc::malformed, "a packet of the Ogg does not go on where it was left");
  sequence_ = page.sequence;
  page_ = page;
  segment_ = offset_ = last_end_ = 0;
  for (std::size_t i = 0; i < page.lacing.size(); ++i)
    if (page.lacing[i] < 255) last_end_ = i + 1;
  ended_ = page.ends_stream;
  if (page.granule >= 0) last_granule_ = page.granule;
  return {};
}

}  // namespace wharf::media
