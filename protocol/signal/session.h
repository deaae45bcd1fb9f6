#pragma once
// Pairwise Signal sessions: X3DH and the double ratchet. Specification 03 section 1.
// Everything works on values: a failed operation leaves the record exactly as it was (verify first, then commit).
//
// Random draws: start_session generates the base key, then the first ratchet key; a decryption generates one ratchet
// key when the message carries a new ratchet key, and only after the message verified. Nothing else draws.

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "protocol/crypto/curve25519.h"
#include "protocol/result.h"

namespace wharf::protocol {

using PreKeyId = std::uint32_t;  // 24 bit, 1..16777215

/// What this device is in every session.
struct LocalIdentity {
  KeyPair identity;
  std::uint32_t registration_id = 0;
};

struct PreKey {
  PreKeyId id = 0;
  KeyPair pair;
  friend bool operator==(const PreKey&, const PreKey&) = default;
};
struct SignedPreKey {
  PreKeyId id = 0;
  KeyPair pair;
  Signature signature{};
  friend bool operator==(const SignedPreKey&, const SignedPreKey&) = default;
};

/// A new signed prekey: the signature covers 05 || public (02 section 1).
SignedPreKey make_signed_pre_key(const KeyPair& identity, PreKeyId id, Random& random);

/// What a peer publishes; the signature has NOT been verified yet (start_session does).
struct PreKeyBundle {
  std::uint32_t registration_id = 0;
  PublicKey identity{};
  PreKeyId signed_pre_key_id = 0;
  PublicKey signed_pre_key{};
  Signature signed_pre_key_signature{};
  struct OneTime {
    PreKeyId id = 0;
    PublicKey pub{};
  };
  std::optional<OneTime> one_time;
  Bytes device_identity;  // serialised ADVSignedDeviceIdentity of a companion, else empty
};

struct SessionLimits {
  static constexpr std::uint32_t max_forward_jump = 25'000;
  static constexpr std::size_t max_skipped_keys = 2'000;  // per chain, oldest dropped
  static constexpr std::size_t max_receiving_chains = 5;
  static constexpr std::size_t max_archived_states = 40;
  // Ours: what a peer can make one record hold (about 360 KB). The current session always fits; archived ones give way.
  static constexpr std::size_t max_skipped_keys_per_record = 10'000;
};

namespace detail {
struct RatchetState;
}

/// All ratchet states with one remote device: the current one and up to 40 archived ones.
class SessionRecord {
 public:
  SessionRecord();
  SessionRecord(const SessionRecord&);
  SessionRecord(SessionRecord&&) noexcept;
  SessionRecord& operator=(const SessionRecord&);
  SessionRecord& operator=(SessionRecord&&) noexcept;
  ~SessionRecord();

  /// Our own storage format: a version byte, then fields. Errors: malformed, unsupported (newer version).
  static Result<SessionRecord> parse(ByteView blob);
  Bytes serialize() const;

  bool has_current() const;
  /// True while every outgoing message is a pkmsg (nothing was decrypted on the current session yet).
  bool awaiting_reply() const;
  /// The same of a current session that was begun on the one-time key of this bundle: another one on that key could not
  /// be opened by a peer that has used it for this one.
  bool awaits_reply_on(const PreKeyBundle& bundle) const;
  std::uint32_t remote_registration_id() const;  // 0 without a current session
  std::optional<PublicKey> remote_identity() const;
  Bytes base_key() const;  // of the current session; empty without one
  /// Moves the current state to the archive (retry repair); does nothing without one.
  void archive_current();
  std::size_t archived_count() const;

  // For session.cpp (the state type is internal, protocol/signal/ratchet_state.h).
  std::vector<detail::RatchetState>& states() { return states_; }              // [0] is current when has_current()
  const std::vector<detail::RatchetState>& states() const { return states_; }  // then archived, most recent first
  /// The new state becomes current, an existing current one the first of the archive.
  void make_current(detail::RatchetState&& state);
  /// states()[index] becomes current.
  void promote(std::size_t index);
  /// Enforces max_skipped_keys_per_record, oldest state first.
  void forget_surplus_keys();

 private:
  std::vector<detail::RatchetState> states_;
  bool has_current_ = false;
};

/// Builds an initiator session from a bundle; an existing current session is archived.
/// Errors: bad_signature (signed prekey), invalid_key. `bundle.device_identity` is the caller's to verify.
Result<void> start_session(SessionRecord& record, const LocalIdentity& local, const PreKeyBundle& bundle,
                           Random& random);

enum class CiphertextKind { pre_key_message /* pkmsg */, message /* msg */ };
struct Ciphertext {
  CiphertextKind kind = CiphertextKind::message;
  Bytes body;
};
/// Advances the sending chain. The record must be durable before the ciphertext leaves. Errors: no_session.
Result<Ciphertext> encrypt(SessionRecord& record, const LocalIdentity& local, ByteView plaintext);

/// Looks up own prekeys while a pkmsg is decrypted; nullopt = not held (invalid_key_id).
struct OwnPreKeys {
  std::function<std::optional<KeyPair>(PreKeyId)> signed_pre_key;
  std::function<std::optional<KeyPair>(PreKeyId)> one_time;
};

struct Decrypted {
  Bytes plaintext;
  std::optional<PreKeyId> used_one_time;  // delete it in the same commit as the record
  bool identity_changed = false;          // of a pkmsg. Trust on first use: accepted, to be reported
  std::uint32_t counter = 0;              // of the message key that was consumed
};
/// Errors: malformed, too_large, unsupported, invalid_key, invalid_key_id, bad_mac, no_session, duplicate_message,
/// future_message. On error the record is untouched.
///
/// An archived session that decrypts becomes the current one, unless it belongs to another identity than the current
/// session: a message in flight from before a reinstallation must not turn our sending back to the old installation.
Result<Decrypted> decrypt_pre_key_message(SessionRecord& record, const LocalIdentity& local, const OwnPreKeys& keys,
                                          ByteView body, Random& random);
Result<Decrypted> decrypt_message(SessionRecord& record, const LocalIdentity& local, ByteView body, Random& random);

/// Envelope of a pkmsg without decrypting, for checks before any work. Errors: malformed, unsupported, invalid_key.
struct PreKeyMessageHeader {
  std::uint32_t registration_id = 0;
  PublicKey identity{};
  PublicKey base_key{};
  std::optional<PreKeyId> one_time_id;
  PreKeyId signed_pre_key_id = 0;
};
Result<PreKeyMessageHeader> read_pre_key_message(ByteView body);

/// Ratchet key and counter of a msg (or of the message inside a pkmsg): the identity of the message key. Used by
/// the sandbox to prove that no message key is used twice.
struct MessageKeyIdentity {
  PublicKey ratchet_key{};
  std::uint32_t counter = 0;
  friend auto operator<=>(const MessageKeyIdentity&, const MessageKeyIdentity&) = default;
};
Result<MessageKeyIdentity> read_message_key(CiphertextKind kind, ByteView body);

}  // namespace wharf::protocol
