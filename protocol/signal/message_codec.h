#pragma once
// Internal to protocol/signal: the bytes of msg and pkmsg, of skmsg and of what distributes its key. Specification
// 03 sections 1.4 and 2.
//   SignalMessage                 0x33 || protobuf || first 8 bytes of an HMAC
//   PreKeySignalMessage           0x33 || protobuf; its field `message` is a complete SignalMessage
//   SenderKeyMessage              0x33 || protobuf || 64 bytes of signature
//   SenderKeyDistributionMessage  0x33 || protobuf

#include <array>
#include <cstdint>
#include <optional>

#include "protocol/bytes.h"
#include "protocol/crypto/curve25519.h"
#include "protocol/result.h"
#include "protocol/signal/chain_key.h"
#include "protocol/signal/session.h"

namespace wharf::protocol::detail {

constexpr std::uint8_t message_version = 0x33;  // high nibble: version of this message; low nibble: our maximum
constexpr std::size_t mac_bytes = 8;
constexpr std::size_t signature_bytes = 64;
constexpr std::size_t min_message_bytes = 10;
constexpr std::size_t max_message_bytes = 16 * 1024 * 1024;  // our bound: no stanza carries more

struct SignalMessage {
  PublicKey ratchet_key{};
  std::uint32_t counter = 0;
  std::uint32_t previous_counter = 0;
  Bytes ciphertext;
  ByteView authenticated;  // version byte and protobuf as received: a view into the parsed bytes
  ByteView mac;            // 8 bytes: a view into the parsed bytes
};

/// `body` must outlive the result. Errors: malformed, too_large, unsupported (version), invalid_key (ratchet key).
Result<SignalMessage> parse_signal_message(ByteView body);

/// The version byte and protobuf; the MAC is to be appended.
Bytes write_signal_message(const PublicKey& ratchet_key, std::uint32_t counter, std::uint32_t previous_counter,
                           ByteView ciphertext);

struct PreKeySignalMessage {
  PreKeyMessageHeader header;
  Bytes message;  // the inner SignalMessage, not looked into
};
/// Errors: malformed, too_large, unsupported (version), invalid_key (base or identity key).
Result<PreKeySignalMessage> parse_pre_key_signal_message(ByteView body);
Bytes write_pre_key_signal_message(const PreKeyMessageHeader& header, ByteView message);

struct SenderKeyMessage {
  std::uint32_t id = 0;
  std::uint32_t iteration = 0;
  Bytes ciphertext;
  ByteView authenticated;  // version byte and protobuf as received: a view into the parsed bytes
  ByteView signature;      // 64 bytes, the last whatever the protobuf says: a view into the parsed bytes
};
/// `body` must outlive the result. Errors: malformed, too_large, unsupported (version).
Result<SenderKeyMessage> parse_sender_key_message(ByteView body);
/// The version byte and protobuf; the signature is to be appended.
Bytes write_sender_key_message(std::uint32_t id, std::uint32_t iteration, ByteView ciphertext);

struct SenderKeyDistribution {
  std::uint32_t id = 0;
  std::uint32_t iteration = 0;  // of the chain key
  Secret32 chain_key;
  PublicKey signing_key{};
};
/// Errors: malformed, too_large, unsupported (version), invalid_key (chain key or signing key of another form).
Result<SenderKeyDistribution> parse_sender_key_distribution(ByteView body);
Bytes write_sender_key_distribution(const SenderKeyDistribution& distribution);

}  // namespace wharf::protocol::detail
