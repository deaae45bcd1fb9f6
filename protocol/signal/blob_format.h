#pragma once
// Internal to protocol/signal: how records are laid out as blobs. They are loaded and stored once per message, so the
// fields have fixed widths and one allocation serves the whole blob. Integers are big-endian.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "protocol/bytes.h"
#include "protocol/crypto/curve25519.h"

namespace wharf::protocol::detail {

/// Fills a blob of known size from front to back; the caller has made it large enough.
class BlobWriter {
 public:
  explicit BlobWriter(std::uint8_t* at) : at_(at) {}
  void u8(std::size_t value) { *at_++ = static_cast<std::uint8_t>(value); }
  void u16(std::size_t value) {
    u8(value >> 8);
    u8(value);
  }
  void u32(std::uint32_t value) {
    u16(value >> 16);
    u16(value);
  }
  void key(const Key32& value) { at_ = std::copy(value.begin(), value.end(), at_); }

 private:
  std::uint8_t* at_;
};

/// Reads with one failure flag: after a short read every value is zero and `good` stays false.
class BlobReader {
 public:
  explicit BlobReader(ByteView bytes) : rest_(bytes) {}
  bool good() const { return good_; }
  std::size_t remaining() const { return rest_.size(); }
  std::uint32_t number(std::size_t width) {
    if (!need(width)) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value = value << 8 | rest_[i];
    rest_ = rest_.subspan(width);
    return value;
  }
  Key32 key() {
    Key32 value{};
    if (!need(value.size())) return value;
    std::copy_n(rest_.begin(), value.size(), value.begin());
    rest_ = rest_.subspan(value.size());
    return value;
  }

 private:
  bool need(std::size_t length) {
    good_ = good_ && rest_.size() >= length;
    return good_;
  }
  ByteView rest_;
  bool good_ = true;
};

}  // namespace wharf::protocol::detail
