#pragma once
// Finds and appends single fields of a serialised protobuf message without a schema: for faults that damage one field,
// and for the two fields the server itself sets in an app-state patch.

#include <cstdint>
#include <span>

#include "protocol/bytes.h"

namespace wharf::sandbox {

/// The contents of the last length-delimited field `number`; empty when absent or the message is malformed.
std::span<std::uint8_t> protobuf_field(std::span<std::uint8_t> message, std::uint32_t number);

void append_varint(protocol::Bytes& out, std::uint64_t value);

}  // namespace wharf::sandbox
