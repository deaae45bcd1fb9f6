#pragma once
// Frames: 3-byte big-endian length and body, cut from a byte stream. Specification 01 section 2.

#include <array>
#include <cstdint>
#include <optional>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace wharf::protocol {

/// "WA", protocol 6, dictionary 3: sent once by the client, and the Noise prologue.
inline constexpr std::array<std::uint8_t, 4> connection_header = {0x57, 0x41, 6, 3};
inline constexpr std::size_t max_frame_bytes = (1u << 24) - 1;
/// The largest encoded node that one frame carries once it is encrypted (16 bytes of tag).
inline constexpr std::size_t max_payload_bytes = max_frame_bytes - 16;

/// Appends one frame. `body` must not exceed max_frame_bytes.
void append_frame(Bytes& out, ByteView body);

/// What a client writes before its first frame: optional routing prefix ("ED" 0 1 len3 info), then the header.
Bytes client_prologue(ByteView routing_info);

/// Reassembles frames from any cutting of the stream. Memory follows the data received, never an announced length.
class FrameReader {
 public:
  explicit FrameReader(std::size_t limit = max_frame_bytes) : limit_(limit) {}
  void feed(ByteView data);
  /// The next complete body; nullopt when more data is needed. Errors: too_large (length over the limit).
  Result<std::optional<Bytes>> next();
  std::size_t buffered() const { return buffer_.size() - begin_; }

 private:
  std::size_t limit_;
  Bytes buffer_;
  std::size_t begin_ = 0;
};

/// Server side of the prologue (specification 06 section 1.2). Feed bytes until `header` is there.
class PrologueReader {
 public:
  /// Consumes from the front of `data`. True when complete. Errors: malformed (not WA, other version,
  /// routing info over 64 KiB).
  Result<bool> feed(ByteView& data);
  const std::array<std::uint8_t, 4>& header() const { return header_; }
  const Bytes& routing_info() const { return routing_info_; }

 private:
  Bytes pending_;
  std::array<std::uint8_t, 4> header_{};
  Bytes routing_info_;
};

}  // namespace wharf::protocol
