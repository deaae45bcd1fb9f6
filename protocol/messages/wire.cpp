#include "protocol/messages/wire.h"

#include <array>

namespace wharf::protocol {

namespace {

constexpr std::size_t max_varint_bytes = 10;
constexpr std::uint32_t max_field_number = (1u << 29) - 1;
constexpr std::size_t max_group_depth = 64;

}  // namespace

std::optional<WireField> WireReader::fail() {
  failed_ = true;
  rest_ = {};
  return std::nullopt;
}

std::optional<std::uint64_t> WireReader::varint() {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < max_varint_bytes && i < rest_.size(); ++i) {
    value |= std::uint64_t{rest_[i] & 0x7fu} << (7 * i);
    if ((rest_[i] & 0x80) == 0) {
      rest_ = rest_.subspan(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

/// Consumes up to the end of group `number`, its start being read. A stack instead of recursion: depth is the peer's.
bool WireReader::skip_group(std::uint32_t number) {
  std::array<std::uint32_t, max_group_depth> open;
  std::size_t depth = 0;
  open[depth++] = number;
  while (depth > 0) {
    const auto tag = varint();
    if (!tag || (*tag >> 3) == 0 || (*tag >> 3) > max_field_number) return false;
    const auto field = static_cast<std::uint32_t>(*tag >> 3);
    std::uint64_t skip = 0;
    switch (static_cast<WireType>(*tag & 7)) {
      case WireType::varint:
        if (!varint()) return false;
        break;
      case WireType::fixed64: skip = 8; break;
      case WireType::fixed32: skip = 4; break;
      case WireType::length: {
        const auto length = varint();
        if (!length) return false;
        skip = *length;
        break;
      }
      case WireType::group_start:
        if (depth == open.size()) return false;
        open[depth++] = field;
        break;
      case WireType::group_end:
        if (open[--depth] != field) return false;
        break;
      default: return false;
    }
    if (skip > rest_.size()) return false;
    rest_ = rest_.subspan(static_cast<std::size_t>(skip));
  }
  return true;
}

std::optional<WireField> WireReader::next() {
  if (rest_.empty()) return std::nullopt;
  const ByteView start = rest_;
  const auto tag = varint();
  // Bits above 32 are no field number; protobuf refuses them too.
  if (!tag || (*tag >> 3) == 0 || (*tag >> 3) > max_field_number) return fail();

  WireField field;
  field.number = static_cast<std::uint32_t>(*tag >> 3);
  field.type = static_cast<WireType>(*tag & 7);
  field.tag = start.first(start.size() - rest_.size());
  std::uint64_t length = 0;
  switch (field.type) {
    case WireType::varint: {
      const auto value = varint();
      if (!value) return fail();
      field.varint = *value;
      break;
    }
    case WireType::fixed64: length = 8; break;
    case WireType::fixed32: length = 4; break;
    case WireType::length: {
      const auto announced = varint();
      if (!announced) return fail();
      length = *announced;
      break;
    }
    case WireType::group_start:
      if (!skip_group(field.number)) return fail();
      break;
    default: return fail();  // an unpaired group end, and the wire types 6 and 7
  }
  if (length > rest_.size()) return fail();
  field.value = rest_.first(static_cast<std::size_t>(length));
  rest_ = rest_.subspan(static_cast<std::size_t>(length));
  field.whole = start.first(start.size() - rest_.size());
  return field;
}

std::optional<Bytes> merged_field(ByteView message, std::uint32_t number) {
  std::optional<Bytes> merged;
  WireReader reader(message);
  while (const auto field = reader.next()) {
    if (field->number != number || field->type != WireType::length) continue;
    if (!merged) merged.emplace();
    append(*merged, field->value);
  }
  return merged;
}

std::optional<ByteView> bytes_field(ByteView message, std::uint32_t number) {
  std::optional<ByteView> last;
  WireReader reader(message);
  while (const auto field = reader.next()) {
    if (field->number == number && field->type == WireType::length) last = field->value;
  }
  return last;
}

std::optional<std::uint64_t> varint_field(ByteView message, std::uint32_t number) {
  std::optional<std::uint64_t> last;
  WireReader reader(message);
  while (const auto field = reader.next()) {
    if (field->number == number && field->type == WireType::varint) last = field->varint;
  }
  return last;
}

bool has_field(ByteView message, std::uint32_t number) {
  WireReader reader(message);
  while (const auto field = reader.next()) {
    if (field->number == number) return true;
  }
  return false;
}

void append_varint(Bytes& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

void append_varint_field(Bytes& out, std::uint32_t number, std::uint64_t value) {
  append_varint(out, std::uint64_t{number} << 3);
  append_varint(out, value);
}

void append_field(Bytes& out, std::uint32_t number, ByteView value) {
  append_varint(out, std::uint64_t{number} << 3 | 2);
  append_varint(out, value.size());
  append(out, value);
}

}  // namespace wharf::protocol
