#pragma once
// Own keys of a session: prekeys, app state keys; and how often a sender was asked to send again. What is known of
// peers is storage/peers.h.

#include <optional>
#include <string>
#include <vector>

#include "protocol/binary/jid.h"
#include "protocol/signal/session.h"
#include "storage/ids.h"

namespace wharf::storage {

class Database;

// --- own prekeys
std::optional<protocol::KeyPair> find_pre_key(Database& db, SessionId session, protocol::PreKeyId id);
/// Keys with from <= id < to, ascending (for an upload window).
std::vector<protocol::PreKey> load_pre_keys(Database& db, SessionId session, protocol::PreKeyId from,
                                            protocol::PreKeyId to);
struct AddPreKeys {
  SessionId session;
  std::vector<protocol::PreKey> keys;
  friend bool operator==(const AddPreKeys&, const AddPreKeys&) = default;
};
struct RemovePreKey {
  SessionId session;
  protocol::PreKeyId id = 0;
  friend bool operator==(const RemovePreKey&, const RemovePreKey&) = default;
};
/// One-time keys that retry receipts carry have ids from here on, never uploaded: one is never handed out twice.
inline constexpr protocol::PreKeyId first_retry_key_id = 0x800000;
struct RetryKeyLimits {
  std::size_t per_user = 64, per_session = 512;  // a burst of a peer's messages after a loss of ratchets fits
  UnixMs kept_ms = 24 * 60 * 60 * 1000;
  friend bool operator==(const RetryKeyLimits&, const RetryKeyLimits&) = default;
};
/// Adds the key and removes what is too much: keys older than `kept_ms`, then the oldest of this user, then the oldest
/// of all. So whoever sends what cannot be read makes a bounded number of rows, and mostly out of his own share.
struct AddRetryPreKey {
  SessionId session;
  protocol::Jid user;
  protocol::PreKey key;
  UnixMs at = 0;
  RetryKeyLimits limits = {};
  friend bool operator==(const AddRetryPreKey&, const AddRetryPreKey&) = default;
};

std::optional<protocol::SignedPreKey> find_signed_pre_key(Database& db, SessionId session, protocol::PreKeyId id);
/// Keeps the newest `keep` signed prekeys.
struct AddSignedPreKey {
  SessionId session;
  protocol::SignedPreKey key;
  std::size_t keep = 3;
  friend bool operator==(const AddSignedPreKey&, const AddSignedPreKey&) = default;
};

// --- what was asked for once more: (author device, message id); swept after a day
struct RetryRow {
  std::uint32_t count = 0;  // the number that the last retry receipt said
  bool told = false;        // since then the message was stored: a resend is no news, even when its chat is gone
  std::uint32_t requests =
      0;                    // retry receipts sent; a request that a cut may have taken is sent again under its number
  protocol::Jid chat = {};  // where it was said; empty: by who was no member there, or by an earlier release
  friend bool operator==(const RetryRow&, const RetryRow&) = default;
};
/// A count of zero when there is no row.
RetryRow find_retry(Database& db, SessionId session, const protocol::Jid& author, const std::string& id);
/// The devices that were asked for a message of this id in this chat once more and have not brought it, at most `most`.
std::vector<protocol::Jid> awaited_authors(Database& db, SessionId session, const std::string& id,
                                           const protocol::Jid& chat, std::size_t most);
/// Whether the session has any such row.
bool has_retries(Database& db, SessionId session);
struct PutRetry {
  SessionId session;
  protocol::Jid author;
  std::string id;
  RetryRow row;
  UnixMs at = 0;
  friend bool operator==(const PutRetry&, const PutRetry&) = default;
};

// --- app state keys shared by the phone (for a later issue; kept from the first day)
struct PutAppStateKey {
  SessionId session;
  protocol::Bytes key_id, key;
  std::uint64_t timestamp = 0;
  friend bool operator==(const PutAppStateKey&, const PutAppStateKey&) = default;
};
std::optional<protocol::Bytes> find_app_state_key(Database& db, SessionId session, protocol::ByteView key_id);

}  // namespace wharf::storage
