#pragma once
// Short lists inside one column: numbers and texts one after the other, each text with its length before it (u32,
// big-endian). Written and read by the same table's code only.

#include <optional>
#include <string_view>

#include "protocol/bytes.h"

namespace wharf::storage {

class PackedWriter {
 public:
  void number(std::uint32_t value);
  void text(std::string_view value);
  const protocol::Bytes& bytes() const { return bytes_; }

 private:
  protocol::Bytes bytes_;
};

/// nullopt past the end: a list ends there.
class PackedReader {
 public:
  explicit PackedReader(protocol::ByteView bytes) : rest_(bytes) {}
  std::optional<std::uint32_t> number();
  std::optional<std::string_view> text();

 private:
  protocol::ByteView rest_;
};

}  // namespace wharf::storage
