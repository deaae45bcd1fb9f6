#pragma once
// The simulated chat server: login, pairing, prekeys, usync, routing, receipts, offline queues. Specification 06.
// Sans-IO: stanzas in, stanzas out. Connections (sandbox/connection.h) and simulated phones (sandbox/phone.h) attach
// to it in the same way, as DevicePorts. One thread.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/binary/node.h"
#include "protocol/crypto/random.h"
#include "protocol/noise/client_payload.h"
#include "protocol/noise/handshake.h"
#include "sandbox/account.h"
#include "sandbox/rows.h"

namespace wharf::sandbox {

/// The network clock (06 section 18): real time plus an offset that tests move.
class NetworkClock {
 public:
  virtual ~NetworkClock() = default;
  virtual std::int64_t unix_ms() const = 0;
  virtual void advance(std::int64_t ms) = 0;
  /// One-shot timer on this clock; the token cancels when destroyed.
  virtual std::shared_ptr<void> after(std::int64_t ms, std::function<void()> callback) = 0;
};

/// A device that is attached right now. Neither call may lead to detach() or drop_pairing() before it returned: a
/// connection that wants to end posts that to its loop.
class DevicePort {
 public:
  virtual ~DevicePort() = default;
  virtual void deliver(const Node& stanza) = 0;
  /// The server ends the connection after what was delivered (stream:error and failure were delivered before).
  virtual void disconnect() = 0;
};

/// An unregistered connection that shows QR refs or waits for a code.
struct PairingConnection {
  std::uint64_t id = 0;
  std::vector<std::string> refs;  // all live until the connection ends
  protocol::PublicKey noise_key{};
  protocol::ParsedClientPayload payload;  // with registration
};

/// What the phone uploads for a scanned companion (06 section 3.2 step 8).
struct PairDeviceUpload {
  std::string ref;
  Bytes device_identity;  // ADVSignedDeviceIdentityHMAC
  Bytes key_index_list;   // ADVSignedKeyIndexList
  std::uint64_t timestamp = 0;
  std::uint32_t key_index = 0;
};

/// A companion_hello relayed to the phone of the account (06 section 3.3).
struct LinkCodeHello {
  Bytes ref;
  Bytes wrapped_ephemeral;
  protocol::PublicKey companion_noise{};
  protocol::PublicKey companion_identity{};  // from the registration payload
  std::string display;
};
struct LinkCodeFinish {
  Bytes ref;
  Bytes wrapped_bundle;
  protocol::PublicKey companion_identity{};
};

/// Counters and knobs that tests read and set (06 sections 19 and 20). Names are those of POST /sandbox/v1/faults.
struct Faults {
  bool bad_certificate = false;        // chain signed by a foreign root
  bool bad_account_signature = false;  // pair-success: account signature flipped (by the phone: the HMAC is right)
  bool bad_hmac = false;               // pair-success: HMAC flipped
  bool bad_signed_prekey = false;      // bundles: signature of the signed prekey flipped
  bool force_fallback = false;         // IK answered by XX
  bool offline_strict = false;         // 06 section 9 rule 2
  bool compress = false;               // stanzas over 1 KB compressed
  unsigned drop_acks = 0;              // the next n message acks are lost
  unsigned duplicate_deliveries = 0;   // the next n messages are delivered twice
  unsigned corrupt_messages = 0;       // the next n ciphertexts get their MAC flipped
  unsigned reorder = 0;                // hold the next n messages to a device and deliver them reversed
  bool hold_messages = false;  // queue deliveries to companions until released (order: released reversed when reorder)
  unsigned refuse_logins = 0;  // failure 503 for the next n
  // 429 for the next n of a companion (never of a phone)
  unsigned rate_limit_sends = 0;  // messages
  unsigned rate_limit_iqs = 0;    // IQs but the keep-alive, with backoff
  unsigned rate_limit_usync = 0;  // usync queries, in place of each protocol's data
  bool bad_snapshot_mac = false;  // app state: phones write snapshots with a wrong MAC
};

/// A collection of app state as its phone wrote it: what a new device starts from (06 section 13).
struct AppStateSnapshot {
  std::uint64_t version = 0;  // 0: none was written
  std::string direct_path;    // of `file` on the media host
  Bytes reference;            // ExternalBlobReference
  Bytes file;                 // the encrypted SyncdSnapshot
};

struct NetworkStats {
  std::uint64_t messages_accepted = 0, messages_delivered = 0, receipts_relayed = 0, retries_relayed = 0;
  std::uint64_t duplicate_sends = 0;  // same id again: acked, not delivered twice
  /// A message key (sender device, target device, ratchet key, counter) seen with two different ciphertexts. Must be 0.
  std::uint64_t reused_message_keys = 0;
  std::map<DeviceKey, std::uint64_t> reused_by;  // whose, since this process began
  /// Accepted fan-outs that came again under their id with other bytes, by sender, since this process began. Not wrong
  /// in itself: who keeps no sealed stanzas seals anew, and who adds devices must. The phones here do.
  std::map<DeviceKey, std::uint64_t> changed_resends;
  std::uint64_t unknown_iqs = 0;
  std::uint64_t connections = 0, logins = 0, resumed_logins = 0;
};

class Network {
 public:
  struct Settings {
    std::string settings_name = "sandbox";
    std::size_t pre_key_low_mark = 5;
    std::size_t max_queued_per_device = 20'000;
    std::size_t max_accounts = 100'000;
    std::size_t max_stanza_log = 2'000;  // ring
    protocol::AppVersion minimum_version{2, 3000, 0};
    std::string media_host = "127.0.0.1:443";  // of media_conn answers
    unsigned code_attempts_per_hour = 3;       // companion_hello per number, then 429
    bool notify_devices_by_lid = true;         // device-list changes in LID form too (knob devices.notify = both)
  };
  Network(Settings settings, NetworkClock& clock, protocol::Random& random);
  ~Network();

  // --- accounts
  /// Errors: conflict (number taken), malformed (not 7-15 digits), refused (max_accounts reached).
  /// `with_lid` false: an account of before the migration, which has only its number.
  protocol::Result<Account*> create_account(std::string phone, std::string name, bool with_lid = true);
  Account* find_account(std::string_view phone);
  Account* find_account(const Jid& jid);  // PN or LID
  std::vector<Account*> accounts();
  /// Device 0 publishes its keys directly (it has no registration payload).
  void publish_phone_keys(Account& account, const protocol::UploadedKeys& keys);

  // --- the simulated phones' privileges
  /// 0: nobody wrote this collection yet.
  std::uint64_t app_state_version(const std::string& phone, std::string_view collection) const;
  /// The first version of a collection; others follow by patches.
  void publish_app_state(const std::string& phone, const std::string& collection, AppStateSnapshot snapshot);
  /// The connection that shows `ref`, or nullptr (expired).
  const PairingConnection* find_pairing(std::string_view ref) const;
  /// Allocates the device number and pushes pair-success; the device becomes active when the companion signed. `done`:
  /// the device JID, or refused (companion answered an error / timeout / bad signature), not_found (expired ref).
  void pair_device(const std::string& phone, PairDeviceUpload upload, std::function<void(protocol::Result<Jid>)> done);
  /// primary_hello of a code pairing: relayed to the companion that owns `ref`.
  protocol::Result<void> send_primary_hello(ByteView ref, ByteView wrapped_ephemeral,
                                            const protocol::PublicKey& identity);
  /// Called for the account named in a companion_hello / when its companion_finish arrives.
  std::function<void(const std::string& phone, LinkCodeHello)> on_link_code_hello;
  std::function<void(const std::string& phone, LinkCodeFinish)> on_link_code_finish;
  /// A companion became active, uploaded its first prekeys, went away.
  std::function<void(const DeviceKey&)> on_device_linked, on_first_prekeys, on_device_removed;
  /// A message, a usync or a code pairing named a number nobody has: may create the account. Unset: unknown stays
  /// unknown.
  std::function<void(const std::string& phone)> on_unknown_number;
  /// 17.3: live connection gets 401 device_removed, later logins failure 401. Errors: not_found.
  protocol::Result<void> unlink(const DeviceKey& device);

  // --- stanzas
  /// Unregistered connections: pushes pair-device; refs live until drop_pairing.
  std::uint64_t open_pairing(protocol::PublicKey noise_key, protocol::ParsedClientPayload payload, DevicePort& port);
  void handle_pairing_stanza(std::uint64_t pairing, const Node& stanza);
  void drop_pairing(std::uint64_t pairing);
  /// Login of a registered device: checks, replaces an older connection, delivers success and the offline queue through
  /// `port`, or failure and disconnect. The attachment, or nullopt when refused. `resumed`: by Noise IK, for the
  /// statistics.
  std::optional<DeviceKey> login(const protocol::PublicKey& noise_key, const protocol::ParsedClientPayload& payload,
                                 DevicePort& port, bool resumed = false);
  /// Phones attach without a login.
  void attach_phone(const std::string& phone, DevicePort& port);
  void handle(const DeviceKey& from, const Node& stanza);
  /// The connection ended. `port` must match (a replaced connection detaches late).
  void detach(const DeviceKey& device, DevicePort& port);

  /// Ends live companion connections as told: a stream:error code (515, 503, …), "replaced", or a plain drop.
  void kick(const DeviceKey& device, std::string_view how);
  bool is_online(const DeviceKey& device) const;

  Faults& faults();
  const NetworkStats& stats() const;
  void count_connection();
  /// Something a connection got that no correct client sends: into the log and the wire log.
  void report(std::string problem);
  NetworkClock& clock();
  protocol::Random& random();
  /// Hands out messages held by the faults hold_messages / reorder.
  void release_held();
  /// Newest stanzas, oldest first, as summaries (both directions), for GET /sandbox/v1/wire.
  std::vector<std::string> wire_log() const;
  /// Told of each of these lines.
  std::function<void(const std::string& line)> on_wire;
  /// Unacked entries per device.
  std::size_t queue_length(const DeviceKey& device) const;
  std::size_t prekeys_left(const DeviceKey& device) const;
  void drain_prekeys(const DeviceKey& device);
  void set_media_host(std::string host_and_port);
  /// The file at a direct path, query or not; nullptr when there is none.
  const Bytes* media(std::string_view direct_path) const;

  // --- rows: accounts, devices, prekeys, queues, app state, accepted messages (not: connections, pairings)
  Changes& changes();
  /// The bytes of a row of the network's own kinds (below RowKind::phone); nullopt when there is no such thing any
  /// more.
  std::optional<Bytes> row(const RowKey& key) const;
  /// Into a network without accounts, in the order of RowKey; then restored(). Errors: malformed.
  protocol::Result<void> restore(const RowKey& key, ByteView row);
  void restored();

  struct State;  // the parts: prekeys.cpp, routing.cpp, usync.cpp, offline_queue.cpp, …

 private:
  std::unique_ptr<State> state_;
};

}  // namespace wharf::sandbox
