#pragma once
// Rows of a session: what the API shows of it, and the keys of its linked device.

#include <optional>
#include <string>
#include <vector>

#include "protocol/binary/jid.h"
#include "protocol/signal/session.h"
#include "storage/ids.h"

namespace wharf::storage {

class Database;

struct SessionRow {
  SessionId id;
  OrgId org = default_org;
  std::string name;      // unique in its organisation, 1-64 of A-Za-z0-9._-
  std::string status;    // one of the six words
  std::string config;    // JSON object as accepted
  std::string metadata;  // JSON object of the caller
  std::string reason;    // JSON object or ""
  bool stopped = false;  // by the user: not started again at daemon start
  UnixMs created_at = 0;
  UnixMs last_activity = 0;
  friend bool operator==(const SessionRow&, const SessionRow&) = default;
};

std::vector<SessionRow> load_sessions(Database& db);
std::optional<SessionRow> load_session(Database& db, SessionId session);
struct InsertSession {
  SessionRow row;
  friend bool operator==(const InsertSession&, const InsertSession&) = default;
};
/// status, config, metadata, reason, stopped, last_activity.
struct UpdateSession {
  SessionRow row;
  friend bool operator==(const UpdateSession&, const UpdateSession&) = default;
};
struct TouchSession {
  SessionId session;
  UnixMs at = 0;
  friend bool operator==(const TouchSession&, const TouchSession&) = default;
};
/// Gone at once, its name is free and its device's secrets are deleted; its other rows go in bounded slices behind
/// later batches, also after a restart (removal.h). Its events stay for the readers of the log.
struct RemoveSession {
  SessionId session;
  friend bool operator==(const RemoveSession&, const RemoveSession&) = default;
};
/// The highest session id ever used (ids are never reused).
std::int64_t last_session_id(Database& db);

/// Whether others may see what the account has read (its privacy setting readreceipts). The numbers are on disk.
enum class ReadsShown : std::uint8_t { unknown = 0, yes = 1, no = 2 };

/// The long-lived secrets and facts of one companion device (specification 02 section 1).
struct DeviceRow {
  SessionId session;
  protocol::KeyPair noise;
  protocol::KeyPair identity;
  std::uint32_t registration_id = 0;
  protocol::Key32 adv_secret{};
  protocol::PreKeyId signed_pre_key_id = 0;  // the current one; its pair is in signed_pre_key
  protocol::PreKeyId next_pre_key_id = 1;
  protocol::PreKeyId first_unuploaded = 1;
  bool server_has_prekeys = false;
  protocol::Bytes account;  // ADVSignedDeviceIdentity, four fields; empty = not linked
  protocol::Jid jid;        // own PN with device; empty = not linked
  protocol::Jid lid;
  std::string push_name, platform, business_name;
  std::uint32_t login_counter = 0;
  protocol::Bytes routing_info;
  std::optional<protocol::Key32> server_static;  // for IK
  std::uint64_t server_not_before = 0, server_not_after = 0;
  UnixMs signed_pre_key_at = 0;  // when the server confirmed it; 0: not yet
  bool groups_listed = false;    // all of the account's groups were told once, and stored
  ReadsShown reads_shown = ReadsShown::unknown;
  bool linked() const { return !account.empty() && !jid.empty(); }
  /// The LID of the account, without this device; nullopt: not known.
  std::optional<protocol::Jid> lid_user() const {
    return lid.empty() ? std::nullopt : std::optional<protocol::Jid>(lid.user_jid());
  }
  friend bool operator==(const DeviceRow&, const DeviceRow&) = default;
};
std::optional<DeviceRow> load_device(Database& db, SessionId session);
struct PutDevice {
  DeviceRow row;
  friend bool operator==(const PutDevice&, const PutDevice&) = default;
};
/// Forgets credentials, prekeys, ratchets, identities and device lists of the session (logged out): chats and messages
/// stay, and with them which number has which LID: they are filed under it. Nobody finds them any more; their rows go
/// in bounded slices behind later batches (removal.h).
struct WipeDevice {
  SessionId session;
  friend bool operator==(const WipeDevice&, const WipeDevice&) = default;
};

}  // namespace wharf::storage
