#include "protocol/messages/padding.h"

#include <algorithm>

namespace wharf::protocol {

Bytes pad_message(ByteView plaintext, Random& random) {
  const auto length = static_cast<std::uint8_t>((random.bytes<1>()[0] & 15) + 1);
  Bytes padded = to_bytes(plaintext);
  padded.insert(padded.end(), length, length);
  return padded;
}

Result<ByteView> unpad_message(ByteView padded) {
  if (padded.empty()) return Error(Errc::malformed, "padded message is empty");
  const std::size_t length = padded.back();
  if (length == 0 || length > padded.size()) return Error(Errc::malformed, "padding length");
  const ByteView padding = padded.last(length);
  if (std::any_of(padding.begin(), padding.end(), [&](std::uint8_t byte) { return byte != length; })) {
    return Error(Errc::malformed, "padding bytes differ");
  }
  return padded.first(padded.size() - length);
}

}  // namespace wharf::protocol
