#pragma once
// zlib streams (RFC 1950) from a peer, with a bound on what they may unfold to. Specification 01 section 5.1.

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace wharf::protocol {

/// The whole of one stream, nothing behind it. Errors: malformed (not zlib, trailing data), truncated, too_large.
Result<Bytes> inflate_zlib(ByteView compressed, std::size_t max_bytes);

}  // namespace wharf::protocol
