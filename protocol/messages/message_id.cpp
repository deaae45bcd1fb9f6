#include "protocol/messages/message_id.h"

#include <algorithm>
#include <vector>

#include "protocol/crypto/hash.h"

namespace wharf::protocol {

std::string new_message_id(std::uint64_t unix_seconds, const Jid& own, Random& random) {
  const Bytes seconds = concat(big_endian(static_cast<std::uint32_t>(unix_seconds >> 32), 4),
                               big_endian(static_cast<std::uint32_t>(unix_seconds), 4));
  const auto noise = random.bytes<16>();
  const Digest32 digest = sha256(concat(seconds, as_bytes(own.user), as_bytes("@c.us"), noise));
  std::string id = "3EB0" + to_hex(ByteView(digest).first(9));
  std::transform(id.begin(), id.end(), id.begin(),
                 [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c; });
  return id;
}

std::string participant_hash(std::span<const Jid> devices) {
  std::vector<std::string> canonical;
  canonical.reserve(devices.size());
  for (const Jid& device : devices) {
    const std::string_view host = device.server == server::legacy_user ? server::user : std::string_view(device.server);
    canonical.push_back(device.user + ".0:" + std::to_string(device.device) + "@" + std::string(host));
  }
  std::sort(canonical.begin(), canonical.end());
  std::string joined;
  for (const std::string& device : canonical) joined += device;
  return "2:" + to_base64(ByteView(sha256(as_bytes(joined))).first(6));
}

}  // namespace wharf::protocol
