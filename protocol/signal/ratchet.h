#pragma once
// Internal to protocol/signal: the double ratchet. Specification 03 section 1.5.
//
// Reading a message is split in two so that a failed attempt cannot leave a trace and nothing has to be copied:
// open_message looks at a const state, finds the message key, verifies and decrypts; commit_opened then makes the
// state changes that the verified message stands for. Own key pairs are drawn only in the second part: one per DH step.

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/signal/message_codec.h"
#include "protocol/signal/ratchet_state.h"

namespace wharf::protocol::detail {

struct RootStep {
  Secret32 root_key;
  Secret32 chain_key;
};
/// Errors: invalid_key (the agreement is all zero).
Result<RootStep> root_step(const Secret32& root_key, const PrivateKey& own, const PublicKey& peer);

struct MessageKeys {
  std::array<std::uint8_t, 32> cipher_key{};
  std::array<std::uint8_t, 32> mac_key{};
  std::array<std::uint8_t, 16> iv{};

  MessageKeys() = default;
  MessageKeys(const MessageKeys&) = default;
  MessageKeys& operator=(const MessageKeys&) = default;
  ~MessageKeys();
};
MessageKeys message_keys(const Secret32& seed);

/// First 8 bytes of HMAC(mac key, sender identity || receiver identity || version byte || protobuf).
std::array<std::uint8_t, mac_bytes> message_mac(ByteView mac_key, const PublicKey& sender, const PublicKey& receiver,
                                                ByteView authenticated);

/// A complete SignalMessage; advances the sending chain. Errors: no_session (2^32 - 1 messages on one chain).
Result<Bytes> seal_message(RatchetState& state, const PublicKey& own_identity, ByteView plaintext);

/// A verified message and what it changes.
struct Opened {
  Bytes plaintext;
  std::optional<std::size_t> chain;    // index of the receiving chain; nullopt: a new chain, by a DH step
  std::optional<std::size_t> skipped;  // index of the skipped key that was used; nullopt: the chain was walked
  Secret32 root_key;                   // after the receiving half of the DH step
  Secret32 chain_key;                  // the walked chain at the message's counter
  std::vector<Secret32> passed;        // chain keys at the counters just before: the skipped keys worth keeping
};

/// `derivations_left` bounds the chain steps all candidates together may cost for one unverified message.
/// Errors: duplicate_message, future_message (no derivation was done), invalid_key, bad_mac.
Result<Opened> open_message(const RatchetState& state, const PublicKey& own_identity, const SignalMessage& message,
                            std::uint32_t& derivations_left);

/// Errors: invalid_key (then the state is unchanged).
Result<void> commit_opened(RatchetState& state, const SignalMessage& message, const Opened& opened, Random& random);

}  // namespace wharf::protocol::detail
