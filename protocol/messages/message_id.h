#pragma once
// Message ids and the participant hash. Specification 03 sections 4.4 and 4.5.

#include <span>
#include <string>

#include "protocol/binary/jid.h"
#include "protocol/crypto/random.h"

namespace wharf::protocol {

/// "3EB0" and 18 upper-case hex digits.
std::string new_message_id(std::uint64_t unix_seconds, const Jid& own, Random& random);

/// "2:" and 8 base64 characters over all device JIDs, the sender's included; order does not matter.
std::string participant_hash(std::span<const Jid> devices);

}  // namespace wharf::protocol
