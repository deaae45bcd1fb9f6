#pragma once
// What a session knows of its peers: ratchets, identities, phone number <-> LID, device lists. Point look-ups for the
// actor; all rows are keyed by (session, integer jid).

#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/binary/jid.h"
#include "protocol/bytes.h"
#include "protocol/crypto/curve25519.h"
#include "storage/ids.h"

namespace wharf::storage {

class Database;

// --- pairwise sessions and identities; `device` is the device JID the session is filed under
std::optional<protocol::Bytes> find_ratchet(Database& db, SessionId session, const protocol::Jid& device);
struct PutRatchet {
  SessionId session;
  protocol::Jid device;
  protocol::Bytes record;
  friend bool operator==(const PutRatchet&, const PutRatchet&) = default;
};
struct RemoveRatchet {
  SessionId session;
  protocol::Jid device;
  friend bool operator==(const RemoveRatchet&, const RemoveRatchet&) = default;
};
/// Moves every ratchet and identity of user `from` (all devices) to the same device of user `to` (LID migration, 02
/// section 9): the moved copy wins over an existing ratchet; an existing identity stays. Idempotent.
struct MigrateUser {
  SessionId session;
  protocol::Jid from, to;
  friend bool operator==(const MigrateUser&, const MigrateUser&) = default;
};

std::optional<protocol::PublicKey> find_identity(Database& db, SessionId session, const protocol::Jid& device);
struct PutIdentity {
  SessionId session;
  protocol::Jid device;
  protocol::PublicKey key{};
  friend bool operator==(const PutIdentity&, const PutIdentity&) = default;
};
/// Ratchets and identities of all devices of a user (identity change notification).
struct ForgetUserKeys {
  SessionId session;
  protocol::Jid user;
  friend bool operator==(const ForgetUserKeys&, const ForgetUserKeys&) = default;
};

// --- phone number <-> LID (user JIDs)
std::optional<protocol::Jid> find_lid(Database& db, SessionId session, const protocol::Jid& pn);
std::optional<protocol::Jid> find_pn(Database& db, SessionId session, const protocol::Jid& lid);
/// One PN has one current LID, newest wins; both directions replaced.
struct PutLid {
  SessionId session;
  protocol::Jid pn, lid;
  friend bool operator==(const PutLid&, const PutLid&) = default;
};

// --- device lists (user JID as filed)
struct DeviceListRow {
  std::vector<std::uint16_t> devices;
  std::uint32_t raw_id = 0;
  UnixMs fetched_at = 0;
  std::uint64_t listed_at = 0;  // unix seconds: date of the signed key index that the list was checked with; 0 = none
  friend bool operator==(const DeviceListRow&, const DeviceListRow&) = default;
};
std::optional<DeviceListRow> find_device_list(Database& db, SessionId session, const protocol::Jid& user);
struct PutDeviceList {
  SessionId session;
  protocol::Jid user;
  DeviceListRow row;
  friend bool operator==(const PutDeviceList&, const PutDeviceList&) = default;
};
struct RemoveDeviceList {
  SessionId session;
  protocol::Jid user;
  friend bool operator==(const RemoveDeviceList&, const RemoveDeviceList&) = default;
};
/// fetched_at becomes 0: to be asked for again, while the list stays as the one to beat. Nothing when there is none.
struct AgeDeviceList {
  SessionId session;
  protocol::Jid user;
  friend bool operator==(const AgeDeviceList&, const AgeDeviceList&) = default;
};

}  // namespace wharf::storage
