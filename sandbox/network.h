#pragma once
// The simulated chat server: login, pairing, prekeys, usync, routing, receipts, offline queues. Specification 06.
// Sans-IO: stanzas in, stanzas out. Connections (sandbox/connection.h) and simulated phones (sandbox/phone.h) attach
// to it in the same way, as DevicePorts. One thread.

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/account/status_audience.h"
#include "protocol/binary/node.h"
#include "protocol/crypto/random.h"
#include "protocol/noise/client_payload.h"
#include "protocol/noise/handshake.h"
#include "sandbox/account.h"
#include "sandbox/app_state_snapshot.h"
#include "sandbox/linking.h"
#include "sandbox/media/upload_auth.h"
#include "sandbox/network_ports.h"
#include "sandbox/network_settings.h"
#include "sandbox/rows.h"

namespace wharf::protocol {
struct MediaContent;  // messages/building.h
}

namespace wharf::sandbox {

struct BusinessCard;  // shown_account.h
struct ShownAccount;
struct Channel;  // network/channels/channel_store.h

class Network : public NetworkListeners {
 public:
  using Settings = NetworkSettings;
  Network(Settings settings, NetworkClock& clock, protocol::Random& random);
  ~Network();

  // --- accounts
  /// Errors: conflict (number taken), malformed (not 7-15 digits), refused (max_accounts reached).
  /// `with_lid` false: an account of before the migration, which has only its number.
  protocol::Result<Account*> create_account(std::string phone, std::string name, bool with_lid = true);
  /// By what names it for good (Account::phone).
  Account* find_account(std::string_view phone);
  /// By the digits of its number; nullptr when nobody has it.
  Account* find_number(std::string_view number);
  /// The number of the account with this name; the text itself when it names none (a group, a LID).
  std::string number_named(std::string_view phone) const;
  /// It keeps its LID and everything else; its companions are removed. Its groups are told, its contacts, and `besides`
  /// (names of accounts). Errors: not_found, malformed, refused (it has it already), conflict (taken).
  protocol::Result<void> change_number(const std::string& phone, const std::string& number,
                                       const std::set<std::string>& besides = {});
  /// Its first LID, or another one; `lid`: 15 digits, nullopt: one is drawn. The connections of its companions end.
  /// Whoever is to hear of another one is told, and `besides` (names of accounts). Errors: not_found, malformed,
  /// refused (it has it already), conflict (somebody else has or had it).
  protocol::Result<void> change_lid(const std::string& phone, const std::optional<std::string>& lid = std::nullopt,
                                    const std::set<std::string>& besides = {});
  Account* find_account(const Jid& jid);  // PN or LID
  std::vector<Account*> accounts();
  /// Device 0 publishes its keys directly (it has no registration payload).
  void publish_phone_keys(Account& account, const protocol::UploadedKeys& keys);

  /// What an account shows of itself, and keeps to itself. Of an unknown one nothing.
  ShownAccount shown(const std::string& phone) const;
  /// Whom its status posts are for, as its companions are told. Phones say it of each post. Errors: not_found.
  protocol::Result<void> set_status_audience(const std::string& phone, protocol::StatusAudience audience);
  /// nullopt: it is no business any more. Its contacts are told. Errors: not_found.
  protocol::Result<void> set_business(const std::string& phone, std::optional<BusinessCard> card);
  /// As the server has them, in the order of their ids. Pointers live until the next stanza.
  std::vector<const Group*> groups() const;

  // --- channels, for who plays the accounts that have and follow them
  /// In the order of their ids. Pointers live until the next stanza.
  std::vector<const Channel*> channels() const;
  const Channel* find_channel(const Jid& id) const;
  /// Errors: not_found (nobody has this number), refused (there are too many).
  protocol::Result<Jid> create_channel(const std::string& phone, std::string name, std::string description);
  /// `name`, `description`: nullopt stays. Errors: not_found, refused (no admin; a name of nothing).
  protocol::Result<void> update_channel(const std::string& phone, const Jid& id, std::optional<std::string> name,
                                        std::optional<std::string> description);
  /// Errors: not_found, refused (the owner follows its own).
  protocol::Result<void> follow_channel(const std::string& phone, const Jid& id, bool follow);
  protocol::Result<void> set_channel_admin(const std::string& phone, const Jid& id, bool admin);
  /// A text; its server id. Errors: not_found, refused (no admin).
  protocol::Result<std::uint64_t> post_in_channel(const std::string& phone, const Jid& id, const std::string& text);
  /// A file that lies on the media host in clear already. The same.
  protocol::Result<std::uint64_t> post_in_channel(const std::string& phone, const Jid& id,
                                                  const protocol::MediaContent& file);
  /// By whoever posted it; of a file its caption. Errors: not_found, refused (it was deleted).
  protocol::Result<void> edit_in_channel(const Jid& id, std::uint64_t server_id, const std::string& text);
  /// The same. One that is deleted stays so.
  protocol::Result<void> delete_in_channel(const Jid& id, std::uint64_t server_id);
  /// "" takes it back. Errors: not_found (also: no such post).
  protocol::Result<void> react_in_channel(const std::string& phone, const Jid& id, std::uint64_t server_id,
                                          const std::string& emoji);

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

  /// Read whenever they are needed: a change holds from then on.
  NetworkSettings& settings();
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
  /// Unacked entries per device.
  std::size_t queue_length(const DeviceKey& device) const;
  std::size_t prekeys_left(const DeviceKey& device) const;
  void drain_prekeys(const DeviceKey& device);
  /// Where media_conn sends clients: "host:port", and one to fall back to or "". `max_file_bytes`: what the hosts take.
  void set_media_hosts(std::string primary, std::string fallback, std::uint64_t max_file_bytes);
  /// Of a token that a media_conn carried.
  AuthState check_media_auth(std::string_view auth) const;
  /// Every such token ends now.
  void expire_media_auth();
  /// The file at a direct path, query or not; nullptr when there is none.
  const Bytes* media(std::string_view direct_path) const;

  // --- rows: accounts, devices, prekeys, queues, app state, accepted messages (not: connections, pairings)
  Changes& changes();
  /// The bytes of a row of the network's own kinds (not is_of_phones()); nullopt when there is no such thing any
  /// more.
  std::optional<Bytes> row(const RowKey& key) const;
  /// Into a network without accounts, in the order of RowKey; then restored(). Errors: malformed.
  protocol::Result<void> restore(const RowKey& key, ByteView row);
  void restored();

  struct State;  // network/state.h: the parts, and who gets which stanza

 private:
  std::unique_ptr<State> state_;
};

}  // namespace wharf::sandbox
