#pragma once
// Byte strings, their text forms, and the bounds-checked cursor through which untrusted bytes are read.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wharf::protocol {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
inline Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }
inline Bytes to_bytes(std::string_view text) { return to_bytes(as_bytes(text)); }
inline void append(Bytes& out, ByteView more) { out.insert(out.end(), more.begin(), more.end()); }
inline bool equal(ByteView a, ByteView b) { return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin()); }

template <class... Parts>
Bytes concat(const Parts&... parts) {
  Bytes out;
  out.reserve((ByteView(parts).size() + ... + 0));
  (append(out, ByteView(parts)), ...);
  return out;
}

/// Copies exactly N bytes; nullopt when the length differs.
template <std::size_t N>
std::optional<std::array<std::uint8_t, N>> exactly(ByteView bytes) {
  if (bytes.size() != N) return std::nullopt;
  std::array<std::uint8_t, N> out;
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

/// Big-endian forms of fixed width; `value` is truncated to the width.
Bytes big_endian(std::uint32_t value, std::size_t width);
std::uint64_t from_big_endian(ByteView bytes);  // at most 8 bytes are read

std::string to_hex(ByteView bytes);                       // lower case
std::optional<Bytes> from_hex(std::string_view text);     // either case
std::string to_base64(ByteView bytes);                    // standard alphabet, padded
std::optional<Bytes> from_base64(std::string_view text);  // standard alphabet, padding required
std::string to_base64url(ByteView bytes);                 // URL alphabet, no padding

/// Reads forward over borrowed bytes. A failed read returns nullopt and does not move.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : rest_(bytes) {}
  std::optional<std::uint8_t> u8();
  std::optional<std::uint32_t> big_endian(std::size_t width);  // width 1..4
  std::optional<std::uint64_t> u64();
  std::optional<ByteView> take(std::size_t length);  // a view into the borrowed bytes
  std::size_t remaining() const { return rest_.size(); }
  bool empty() const { return rest_.empty(); }

 private:
  ByteView rest_;
};

}  // namespace wharf::protocol
