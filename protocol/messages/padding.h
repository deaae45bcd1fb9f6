#pragma once
// Plaintext padding of enc version 2. Specification 03 section 3; vectors padding.json.

#include "protocol/bytes.h"
#include "protocol/crypto/random.h"
#include "protocol/result.h"

namespace wharf::protocol {

Bytes pad_message(ByteView plaintext, Random& random);  // 1..16 bytes
/// A view into `padded`. Errors: malformed (0, longer than the text, bytes not all equal).
Result<ByteView> unpad_message(ByteView padded);

}  // namespace wharf::protocol
