#pragma once
// Internal to protocol/signal: what one double ratchet remembers. Specification 03 sections 1.3 (record) and 1.5.
//
// A state that was committed always has a sending chain: initiators make it with the session, responders with the first
// message they decrypt.

#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/crypto/curve25519.h"
#include "protocol/signal/chain_key.h"
#include "protocol/signal/session.h"

namespace wharf::protocol::detail {

struct SendingChain {
  KeyPair ratchet;
  Secret32 chain_key;
  std::uint32_t counter = 0;           // of the next message
  std::uint32_t previous_counter = 0;  // index of the last message on the chain before, 0 when there was none
};

struct ReceivingChain {
  PublicKey ratchet_key{};
  Secret32 chain_key;
  std::uint32_t counter = 0;        // of the next message key the chain key yields
  std::vector<SkippedKey> skipped;  // ascending counters, all below `counter`
};

/// What an initiator repeats in every pkmsg until the peer has answered.
struct PendingPreKey {
  std::optional<PreKeyId> one_time_id;
  PreKeyId signed_pre_key_id = 0;
};

struct RatchetState {
  bool initiated_by_peer = false;
  PublicKey remote_identity{};
  std::uint32_t remote_registration_id = 0;
  PublicKey base_key{};  // names the session on both sides
  std::optional<PendingPreKey> pending;
  Secret32 root_key;
  SendingChain sending;
  std::vector<ReceivingChain> receiving;  // oldest first, at most SessionLimits::max_receiving_chains

  std::size_t skipped_count() const {
    std::size_t count = 0;
    for (const ReceivingChain& chain : receiving) count += chain.skipped.size();
    return count;
  }
};

}  // namespace wharf::protocol::detail
