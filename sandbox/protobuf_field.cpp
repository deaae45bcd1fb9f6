#include "sandbox/protobuf_field.h"

namespace wharf::sandbox {

namespace {

bool read_varint(std::span<std::uint8_t>& rest, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (rest.empty()) return false;
    const std::uint8_t byte = rest.front();
    rest = rest.subspan(1);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

}  // namespace

std::span<std::uint8_t> protobuf_field(std::span<std::uint8_t> message, std::uint32_t number) {
  std::span<std::uint8_t> found;
  auto rest = message;
  while (!rest.empty()) {
    std::uint64_t tag = 0, length = 0;
    if (!read_varint(rest, tag)) return found;
    switch (tag & 7) {
      case 0:
        if (!read_varint(rest, length)) return found;
        continue;
      case 1: length = 8; break;
      case 2:
        if (!read_varint(rest, length)) return found;
        break;
      case 5: length = 4; break;
      default: return found;
    }
    if (length > rest.size()) return found;
    const auto body = rest.first(static_cast<std::size_t>(length));
    if ((tag & 7) == 2 && tag >> 3 == number) found = body;
    rest = rest.subspan(body.size());
  }
  return found;
}

void append_varint(protocol::Bytes& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace wharf::sandbox
