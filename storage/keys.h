#pragma once
// Signal state of a session: own prekeys, ratchets, peer identities, LID mappings, device lists, retry counters.
// Point look-ups for the actor; all rows are keyed by (session, integer jid).

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "protocol/binary/jid.h"
#include "protocol/signal/session.h"
#include "storage/ids.h"
#include "storage/store.h"

namespace wharf::storage {

// --- own prekeys
std::optional<protocol::KeyPair> find_pre_key(Database& db, SessionId session, protocol::PreKeyId id);
/// Keys with from <= id < to, ascending (for an upload window).
std::vector<protocol::PreKey> load_pre_keys(Database& db, SessionId session, protocol::PreKeyId from,
                                            protocol::PreKeyId to);
void add_pre_keys(Changes& changes, SessionId session, std::vector<protocol::PreKey> keys);
void remove_pre_key(Changes& changes, SessionId session, protocol::PreKeyId id);
/// One-time keys that retry receipts carry have ids from here on, never uploaded: one is never handed out twice.
inline constexpr protocol::PreKeyId first_retry_key_id = 0x800000;
struct RetryKeyLimits {
  std::size_t per_user = 64, per_session = 512;  // a burst of a peer's messages after a loss of ratchets fits
  UnixMs kept_ms = 24 * 60 * 60 * 1000;
};
/// Adds the key and removes what is too much: keys older than `kept_ms`, then the oldest of this user, then the oldest
/// of all. So whoever sends what cannot be read makes a bounded number of rows, and mostly out of his own share.
void add_retry_pre_key(Changes& changes, SessionId session, const protocol::Jid& user, protocol::PreKey key, UnixMs at,
                       RetryKeyLimits limits = {});

std::optional<protocol::SignedPreKey> find_signed_pre_key(Database& db, SessionId session, protocol::PreKeyId id);
/// Keeps the newest `keep` signed prekeys.
void add_signed_pre_key(Changes& changes, SessionId session, protocol::SignedPreKey key, std::size_t keep = 3);

// --- pairwise sessions and identities; `device` is the device JID the session is filed under
std::optional<protocol::Bytes> find_ratchet(Database& db, SessionId session, const protocol::Jid& device);
void put_ratchet(Changes& changes, SessionId session, const protocol::Jid& device, protocol::Bytes record);
void remove_ratchet(Changes& changes, SessionId session, const protocol::Jid& device);
/// Moves every ratchet and identity of `from` user (all devices) to the same device of `to` user (LID migration, 02
/// section 9): the moved copy wins over an existing ratchet; an existing identity stays. Idempotent.
void migrate_user(Changes& changes, SessionId session, const protocol::Jid& from_user, const protocol::Jid& to_user);

std::optional<protocol::PublicKey> find_identity(Database& db, SessionId session, const protocol::Jid& device);
void put_identity(Changes& changes, SessionId session, const protocol::Jid& device, const protocol::PublicKey& key);
/// Ratchets and identities of all devices of a user (identity change notification).
void forget_user_keys(Changes& changes, SessionId session, const protocol::Jid& user);

// --- phone number <-> LID (user JIDs)
std::optional<protocol::Jid> find_lid(Database& db, SessionId session, const protocol::Jid& pn);
std::optional<protocol::Jid> find_pn(Database& db, SessionId session, const protocol::Jid& lid);
/// One PN has one current LID, newest wins; both directions replaced.
void put_lid(Changes& changes, SessionId session, const protocol::Jid& pn, const protocol::Jid& lid);

// --- device lists (user JID as filed)
struct DeviceListRow {
  std::vector<std::uint16_t> devices;
  std::uint32_t raw_id = 0;
  UnixMs fetched_at = 0;
  std::uint64_t listed_at = 0;  // unix seconds: date of the signed key index that the list was checked with; 0 = none
};
std::optional<DeviceListRow> find_device_list(Database& db, SessionId session, const protocol::Jid& user);
void put_device_list(Changes& changes, SessionId session, const protocol::Jid& user, DeviceListRow row);
void remove_device_list(Changes& changes, SessionId session, const protocol::Jid& user);
/// fetched_at becomes 0: to be asked for again, while the list stays as the one to beat. Nothing when there is none.
void age_device_list(Changes& changes, SessionId session, const protocol::Jid& user);

// --- retry counters: (chat, author device, message id) -> receipts we sent; swept after a day
std::uint32_t find_retry_count(Database& db, SessionId session, const protocol::Jid& author, const std::string& id);
void put_retry_count(Changes& changes, SessionId session, const protocol::Jid& author, const std::string& id,
                     std::uint32_t count, UnixMs at);

// --- app state keys shared by the phone (for a later issue; kept from the first day)
void put_app_state_key(Changes& changes, SessionId session, protocol::Bytes key_id, protocol::Bytes key,
                       std::uint64_t timestamp);
std::optional<protocol::Bytes> find_app_state_key(Database& db, SessionId session, protocol::ByteView key_id);

}  // namespace wharf::storage
