#pragma once
// The Ogg container (RFC 3533): pages with a checksum, packets laced into them, several logical streams side by side.
//
// A file is read as a file, not as a broadcast joined late: a page that does not follow the one before it, a checksum
// that does not fit, a missing page of the stream that is read - each refuses the file instead of searching for the
// next capture pattern. Nothing is allocated by a length the file announces.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace wharf::media {

/// CRC-32 of Ogg: polynomial 0x04c11db7, nothing reflected, begins at 0. Over a page whose own checksum field is 0.
std::uint32_t ogg_crc(protocol::ByteView bytes, std::uint32_t begin = 0);

/// One page. The views are into the file.
struct OggPage {
  static constexpr std::size_t header_bytes = 27;  // in front of the lacing values

  bool continued = false;  // its first segment goes on with the packet of the page before
  bool begins_stream = false;
  bool ends_stream = false;
  std::int64_t granule = -1;  // of the last packet that ends in it; -1: none does. Its unit is the codec's
  std::uint32_t serial = 0;   // of the logical stream
  std::uint32_t sequence = 0;
  protocol::ByteView lacing;   // 0 to 255 lengths of segments; a packet ends with a segment below 255
  protocol::ByteView payload;  // the segments
  std::size_t bytes = 0;       // of the whole page
};

/// Reads the page at the front of `bytes`. truncated: it ends too soon; malformed: no capture pattern, another version
/// than 0, a checksum that does not fit.
protocol::Result<OggPage> read_ogg_page(protocol::ByteView bytes);

/// A logical stream that begins at the front of the file, among the first pages of all streams.
struct OggStream {
  std::uint32_t serial = 0;
  protocol::ByteView head;  // of its first packet, what the first page has: the codec says its name there
};

/// The streams that begin before any of them goes on; at least 1. malformed also when there are more than 16, or two
/// with one serial. What is chained behind them is not looked at.
protocol::Result<std::vector<OggStream>> read_ogg_streams(protocol::ByteView file);

/// The packets of one logical stream, in order; pages of other streams are skipped, their checksums verified.
class OggPacketReader {
 public:
  static constexpr std::size_t max_kept_bytes = 64 * 1024;  // the longest packet of Opus has 61,298

  struct Packet {
    protocol::ByteView bytes;   // at most max_kept_bytes of it, valid until the next call
    std::size_t length = 0;     // of the whole packet: pictures in tags can be longer than what is kept
    std::int64_t granule = -1;  // of its page when it is the last one that ends there, else -1
  };

  /// `file` is borrowed and must outlive the reader.
  OggPacketReader(protocol::ByteView file, std::uint32_t serial) : rest_(file), serial_(serial) {}

  /// nullopt after the last page of the stream, or at the end of the file: programs that were stopped leave the last
  /// page unmarked. truncated: the file ends within a page or a packet; malformed: as read_ogg_page, and when pages of
  /// the stream are missing, repeated or do not go on as they say. After an error the reader is of no more use.
  protocol::Result<std::optional<Packet>> next();
  /// Of the last page read that has one, packets or not; -1 when none had.
  std::int64_t last_granule() const { return last_granule_; }

 private:
  protocol::Result<bool> next_page();
  protocol::Result<> enter(const OggPage& page);
  bool gather();

  protocol::ByteView rest_;
  std::uint32_t serial_;
  OggPage page_;
  std::size_t segment_ = 0;   // of page_, the next one
  std::size_t offset_ = 0;    // of it in the payload
  std::size_t last_end_ = 0;  // of page_: one past the segment with which its last packet ends; 0: none ends
  bool ended_ = false;        // the last page of the stream was entered
  bool within_packet_ = false;
  std::optional<std::uint32_t> sequence_;
  std::int64_t last_granule_ = -1;
  protocol::Bytes packet_;
  std::size_t length_ = 0;
};

}  // namespace wharf::media
