#pragma once
// Protobuf's wire format one field at a time, without a schema: for the places where bytes must be kept exactly as they
// came (unwrapping, quoting, the reporting token) and for refusing what a generated parser would let pass.
// Specification 03 section 9, "Error:".

#include <cstdint>
#include <optional>

#include "protocol/bytes.h"

namespace wharf::protocol {

enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, length = 2, group_start = 3, group_end = 4, fixed32 = 5 };

struct WireField {
  std::uint32_t number = 0;
  WireType type = WireType::varint;
  ByteView tag;    // as received: a varint may be longer than needed
  ByteView whole;  // tag and value
  ByteView value;  // of a length-delimited field, without its length; of a fixed one its bytes; else empty
  std::uint64_t varint = 0;
};

/// Reads fields forward over borrowed bytes. After an error next() keeps returning nullopt and failed() is true.
class WireReader {
 public:
  explicit WireReader(ByteView bytes) : rest_(bytes) {}
  std::optional<WireField> next();
  bool failed() const { return failed_; }

 private:
  std::optional<std::uint64_t> varint();
  bool skip_group(std::uint32_t number);
  std::optional<WireField> fail();

  ByteView rest_;
  bool failed_ = false;
};

/// All length-delimited occurrences of field `number`, concatenated: for sub-messages that is protobuf's merge rule.
/// nullopt when there is none. Reading stops at a malformed field.
std::optional<Bytes> merged_field(ByteView message, std::uint32_t number);
/// The last length-delimited occurrence of field `number`, a view into `message`: the rule for strings and bytes.
std::optional<ByteView> bytes_field(ByteView message, std::uint32_t number);
/// The last varint of field `number`.
std::optional<std::uint64_t> varint_field(ByteView message, std::uint32_t number);
bool has_field(ByteView message, std::uint32_t number);

/// Appends a length-delimited field.
void append_field(Bytes& out, std::uint32_t number, ByteView value);
/// Appends a varint field, zero too.
void append_varint_field(Bytes& out, std::uint32_t number, std::uint64_t value);
void append_varint(Bytes& out, std::uint64_t value);

}  // namespace wharf::protocol
