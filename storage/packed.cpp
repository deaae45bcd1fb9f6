#include "storage/packed.h"

namespace wharf::storage {

void PackedWriter::number(std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes_.push_back(static_cast<std::uint8_t>((value >> shift) & 0xff));
}

void PackedWriter::text(std::string_view value) {
  number(static_cast<std::uint32_t>(value.size()));
  protocol::append(bytes_, protocol::as_bytes(value));
}

std::optional<std::uint32_t> PackedReader::number() {
  if (rest_.size() < 4) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | rest_[i];
  rest_ = rest_.subspan(4);
  return value;
}

std::optional<std::string_view> PackedReader::text() {
  const std::optional<std::uint32_t> size = number();
  if (!size || *size > rest_.size()) return std::nullopt;
  const std::string_view value = protocol::as_text(rest_.first(*size));
  rest_ = rest_.subspan(*size);
  return value;
}

}  // namespace wharf::storage
