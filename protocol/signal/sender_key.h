#pragma once
// Sender keys: what is said to a group is encrypted once, under a chain that every member got from the author in a
// pairwise message (the distribution). Specification 03 section 2.
//
// An author signs every message, so that members who hold the chain key cannot speak in his name. A reader therefore
// verifies first; only what the author himself made reaches the chain. Everything works on values: a failed operation
// leaves the record, or the own key, exactly as it was.
//
// Random draws: a new own key draws key id (4 bytes), chain key (32), signing key (32), in this order; an encryption
// draws the 64 bytes of its signature. Reading draws nothing.

#include <cstdint>
#include <vector>

#include "protocol/crypto/curve25519.h"
#include "protocol/result.h"
#include "protocol/signal/chain_key.h"

namespace wharf::protocol {

struct SenderKeyLimits {
  static constexpr std::size_t max_keys = 5;  // per (group, author device), the oldest dropped
  static constexpr std::uint32_t max_forward_jump = 20'000;
  static constexpr std::size_t max_skipped_keys = 2'000;  // per key, the oldest dropped: a record is at most 360 KB
  // Ours: no chain gets this far, and no sum of it with a jump overflows.
  static constexpr std::uint32_t max_iteration = 0x7fff'ffff;
};

/// What a reader keeps and derives for an author: less where anybody may make us keep keys.
struct SenderKeyBounds {
  std::uint32_t forward_jump = SenderKeyLimits::max_forward_jump;
  std::size_t skipped_keys = SenderKeyLimits::max_skipped_keys;  // per key, the oldest dropped
};

namespace detail {

/// One key of one author, as a reader has it.
struct SenderKeyState {
  std::uint32_t id = 0;
  std::uint32_t start = 0;      // the first iteration that was ever ours to read
  std::uint32_t iteration = 0;  // of the chain key: the next message, when none is missing
  Secret32 chain_key;
  PublicKey signing_key{};
  std::vector<SkippedKey> skipped;  // ascending, all in [start, iteration)
};

}  // namespace detail

/// What a distribution did to a record.
enum class DistributionEffect {
  none,      // the key was known: nothing changed
  added,     // a new key, or one in the place of another that had its id
  extended,  // a known key can be read from an earlier iteration on
};

struct GroupDecrypted {
  Bytes plaintext;  // still padded
  std::uint32_t key_id = 0;
  std::uint32_t iteration = 0;  // of the message key that was consumed
};

/// The keys of one author device in one group (or status@broadcast, or broadcast list). Filed by (chat, device); which
/// device that is and whether the chat is the one the distribution names, the caller decides.
class SenderKeyRecord {
 public:
  /// Our own storage format: a version byte, then fields; 80 bytes for one key without gaps, 36 more for each skipped
  /// message. Errors: malformed, unsupported (newer version).
  static Result<SenderKeyRecord> parse(ByteView blob);
  Bytes serialize() const;

  bool empty() const { return states_.empty(); }
  /// Whether there is a key with this id: for finding the author's key under another of his devices.
  bool holds(std::uint32_t key_id) const;

  /// A SenderKeyDistributionMessage. A known key stays where it is, so that no iteration is read twice; when the
  /// distribution starts below it, the keys from there on are added. Errors: malformed (also iterations over
  /// max_iteration), too_large, unsupported, invalid_key.
  Result<DistributionEffect> process(ByteView distribution, const SenderKeyBounds& bounds = {});

  /// An skmsg. At most forward_jump + skipped_keys HMACs, after the signature verified. Errors:
  ///   malformed, too_large, unsupported   not a SenderKeyMessage, or signed and not decryptable: retry reason 4
  ///   no_sender_key      unknown key id, or an iteration from before our start: retry reason 1
  ///   bad_signature      retry reason 5
  ///   future_message     over forward_jump ahead (no derivation was done): retry reason 6
  ///   duplicate_message  the message key was consumed before, or dropped as one of too many: no retry
  Result<GroupDecrypted> decrypt(ByteView body, const SenderKeyBounds& bounds = {});

  const std::vector<detail::SenderKeyState>& states() const { return states_; }  // oldest first

 private:
  detail::SenderKeyState* find(std::uint32_t key_id);

  std::vector<detail::SenderKeyState> states_;
};

/// A message for a group together with what its readers need.
struct GroupCiphertext {
  Bytes distribution;  // for devices that do not have the key yet: they read from this message on
  Bytes body;          // skmsg
  std::uint32_t key_id = 0;
  std::uint32_t iteration = 0;
};

/// The key under which this device speaks in one group. Replaced by a new one when a member leaves (03 section 2,
/// rotation).
class OwnSenderKey {
 public:
  static OwnSenderKey create(Random& random);

  /// 105 bytes; a version byte first. Errors: malformed, unsupported (newer version).
  static Result<OwnSenderKey> parse(ByteView blob);
  Bytes serialize() const;

  std::uint32_t id() const { return id_; }                // 31 random bits
  std::uint32_t iteration() const { return iteration_; }  // of the next message

  /// A SenderKeyDistributionMessage that reads from the next message on. With a message use what encrypt() returns:
  /// asked for afterwards it comes too late for that message.
  Bytes distribution() const;

  /// Encrypts the padded `plaintext` and advances. The key must be durable before the ciphertext leaves. Errors:
  /// no_sender_key (2^31 messages under one key).
  Result<GroupCiphertext> encrypt(ByteView plaintext, Random& random);

 private:
  OwnSenderKey() = default;

  std::uint32_t id_ = 0;
  std::uint32_t iteration_ = 0;
  detail::Secret32 chain_key_;
  KeyPair signing_;
};

/// Key id and iteration of an skmsg without decrypting: the identity of the message key. Errors: malformed, too_large,
/// unsupported.
struct GroupMessageKey {
  std::uint32_t key_id = 0;
  std::uint32_t iteration = 0;
  friend auto operator<=>(const GroupMessageKey&, const GroupMessageKey&) = default;
};
Result<GroupMessageKey> read_group_message_key(ByteView body);

}  // namespace wharf::protocol
