#pragma once
// What the outside sees of a session, and what it is answered. Value types; the API renders them.

#include <chrono>
#include <optional>
#include <set>
#include <string>

#include "events/person.h"
#include "events/session_state.h"
#include "net/proxy.h"
#include "protocol/binary/jid.h"
#include "storage/ids.h"
#include "storage/messages.h"

namespace wharf::sessions {

using events::Connection;
using events::name;
using events::PersonIds;
using events::QrCode;
using events::Reason;
using events::Status;
using events::status_named;
using protocol::Jid;
using storage::UnixMs;

/// Which files are fetched without being asked for.
struct AutoDownload {
  std::set<std::string> kinds;  // names of MessageKind; none: nothing is
  std::uint64_t max_bytes = 16u << 20;
  friend bool operator==(const AutoDownload&, const AutoDownload&) = default;
};

/// What becomes of calls that ring here.
struct CallPolicy {
  bool reject = false;  // those of one person, as they come
  std::string text;     // is sent to whoever was rejected, once for each call; "" = nothing
  friend bool operator==(const CallPolicy&, const CallPolicy&) = default;
};

struct SessionConfig {
  bool multi_device = true;               // accepted and echoed
  bool headless = true;                   // accepted and echoed
  std::chrono::seconds qr_timeout{160};   // how long QR codes are shown before the session fails with qr_timeout
  std::chrono::seconds auth_timeout{60};  // from the scan to ready
  std::optional<net::Proxy> proxy;
  AutoDownload auto_download;
  bool shows_online = true;  // to others, while it is connected
  CallPolicy calls;
  bool statuses = false;  // events tell of status posts, and autoDownload fetches theirs
  friend bool operator==(const SessionConfig&, const SessionConfig&) = default;
};

struct SessionView {
  storage::SessionId id;
  storage::OrgId org = storage::default_org;
  std::string name;
  Status status = Status::initializing;
  Connection connection = Connection::offline;
  std::optional<Reason> reason;
  UnixMs created_at = 0, last_activity = 0;
  SessionConfig config;
  std::string config_json;    // the `config` object as accepted (echo)
  std::string metadata_json;  // "" = none
  std::optional<QrCode> qr;   // while one is shown
  std::optional<std::string> pairing_code;
  Jid jid, lid;  // own device JIDs once linked
  std::string push_name, platform;
  std::optional<bool> shows_online;  // to others, on the connection that there is; nullopt: there is none
  std::size_t queued = 0;            // messages waiting for their server ack
};

struct SentMessage {
  std::string id;  // WhatsApp id
  Jid chat;        // canonical
  PersonIds chat_ids;
  std::string text;
  std::string target_id;  // of what is said about a message: the id of that; else ""
  std::string details;    // of a text with a preview what it holds beside its words (events/message.h); else ""
  UnixMs timestamp = 0;
  storage::AckLevel ack = storage::AckLevel::pending;
  std::string error;
  std::uint64_t server_id = 0;  // of a post of a channel that the server has; 0: none, or not known yet
  bool replayed = false;        // the answer of an earlier request with the same key or id
  bool deleted = false;         // and the message is not there any more: nobody knows how far it got
};

struct PairingCode {
  std::string code;  // "ABCD1234", show as ABCD-1234
  UnixMs expires_at = 0;
};

}  // namespace wharf::sessions
