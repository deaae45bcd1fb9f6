#include "protocol/noise/frame.h"

#include <algorithm>
#include <stdexcept>

namespace wharf::protocol {

namespace {

constexpr std::size_t length_bytes = 3;
constexpr std::array<std::uint8_t, 4> routing_mark = {0x45, 0x44, 0, 1};  // "ED"
constexpr std::size_t max_routing_bytes = 64 * 1024;
constexpr std::size_t kept_capacity = 16 * 1024;  // of an idle connection; there are thousands

}  // namespace

void append_frame(Bytes& out, ByteView body) {
  if (body.size() > max_frame_bytes) throw std::length_error("frame over 2^24 - 1 bytes");
  const auto length = static_cast<std::uint32_t>(body.size());
  out.reserve(out.size() + length_bytes + body.size());
  for (int shift : {16, 8, 0}) out.push_back(static_cast<std::uint8_t>(length >> shift));
  append(out, body);
}

Bytes client_prologue(ByteView routing_info) {
  Bytes out;
  if (!routing_info.empty() && routing_info.size() <= max_frame_bytes) {
    append(out, routing_mark);
    append_frame(out, routing_info);  // the same length and bytes
  }
  append(out, connection_header);
  return out;
}

void FrameReader::feed(ByteView data) {
  if (begin_ > 0) {  // what next() has given out goes before the buffer grows
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
  append(buffer_, data);
}

Result<std::optional<Bytes>> FrameReader::next() {
  const ByteView rest = ByteView(buffer_).subspan(begin_);
  if (rest.size() < length_bytes) return std::optional<Bytes>();
  const std::size_t length = from_big_endian(rest.first(length_bytes));
  if (length > limit_) return Error(Errc::too_large, "frame of " + std::to_string(length) + " bytes");
  if (rest.size() - length_bytes < length) return std::optional<Bytes>();
  std::optional<Bytes> body = to_bytes(rest.subspan(length_bytes, length));
  begin_ += length_bytes + length;
  if (begin_ == buffer_.size()) {
    begin_ = 0;
    buffer_.clear();
    if (buffer_.capacity() > kept_capacity) buffer_.shrink_to_fit();
  }
  return body;
}

Result<bool> PrologueReader::feed(ByteView& data) {
  const auto take = [&](std::size_t until) {
    const std::size_t length = std::min(data.size(), until - std::min(until, pending_.size()));
    append(pending_, data.first(length));
    data = data.subspan(length);
    return pending_.size() >= until;
  };
  const auto starts_with = [&](std::span<const std::uint8_t, 4> mark) {
    const std::size_t length = std::min(pending_.size(), mark.size());
    return std::equal(mark.begin(), mark.begin() + static_cast<std::ptrdiff_t>(length), pending_.begin());
  };

  const bool four = take(routing_mark.size());
  const bool routed = !pending_.empty() && starts_with(routing_mark);
  if (!routed && !starts_with(connection_header)) return Error(Errc::malformed, "prologue: not WA 6 3");
  if (!four) return false;
  std::size_t header_at = 0;
  if (routed) {
    if (!take(routing_mark.size() + length_bytes)) return false;
    const std::size_t length = from_big_endian(ByteView(pending_).subspan(routing_mark.size(), length_bytes));
    if (length > max_routing_bytes) return Error(Errc::malformed, "prologue: routing info over 64 KiB");
    header_at = routing_mark.size() + length_bytes + length;
    if (!take(header_at + connection_header.size())) return false;
    const ByteView info = ByteView(pending_).subspan(header_at - length, length);
    routing_info_ = to_bytes(info);
  }
  const ByteView header = ByteView(pending_).subspan(header_at, connection_header.size());
  if (!equal(header, connection_header)) return Error(Errc::malformed, "prologue: not WA 6 3");
  header_ = *exactly<4>(header);
  pending_ = {};
  return true;
}

}  // namespace wharf::protocol
