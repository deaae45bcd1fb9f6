#pragma once
// The inside of Network: accounts, live devices, queues, and the conversations between client and server, one .cpp per
// subject. Nothing here does I/O; everything runs on the one thread of the Network.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/delivery_memory.h"
#include "sandbox/network.h"
#include "sandbox/offline_queue.h"
#include "sandbox/rows.h"

namespace wharf::sandbox {

/// A device at run time: its queue always, its connection while it is attached.
struct Slot {
  OfflineQueue queue;

  // --- while attached
  DevicePort* port = nullptr;
  bool passive = false;    // before <active/>: only what the offline protocol delivers
  bool available = false;  // last presence
  struct Subscription {
    bool lid = false;      // the form the client addressed it in
    bool trusted = false;  // it showed a token of that account
  };
  std::map<std::string, Subscription> subscriptions;  // by account; they live for the connection
  std::uint64_t next = 1;                             // entries below were delivered on this connection
  /// Copies that a retry receipt of this connection settled: the plain ack that follows it means them, not the copy
  /// that the sender has sent again meanwhile. One entry (id and sender) for each such ack that is still to come.
  std::multiset<std::string> acks_to_come;
  std::uint64_t backlog_end = 0;  // newest entry of the backlog announced at login
  std::size_t backlog_total = 0;
  bool backlog_done = false;
  std::size_t batch_left = 0;
  unsigned batches_asked = 0;
  std::shared_ptr<void> backlog_timer;
  std::shared_ptr<void> overflow_timer;  // the device is about to be unlinked

  bool uploaded_prekeys = false;
  bool low_notified = false, empty_notified = false;
};

/// App state of one collection: opaque patches, 06 section 13.
struct Collection {
  std::uint64_t version = 0;
  AppStateSnapshot snapshot;
  std::deque<std::pair<std::uint64_t, Bytes>> patches;  // version, SyncdPatch as served
};

/// An account with everything the server keeps for it.
struct Party {
  Account account;
  std::map<std::uint16_t, Slot> slots;
  std::deque<std::uint16_t> freed_devices;      // newest last: not given again at once
  std::set<std::string, std::less<>> contacts;  // accounts that have a chat with this one
  std::map<std::string, std::string, std::less<>> privacy;
  std::set<std::string, std::less<>> blocked;  // user JIDs as text
  std::map<std::string, Collection, std::less<>> app_state;
  std::string about;
  std::deque<std::int64_t> code_attempts_ms;
  bool online = false;           // as subscribers were told
  std::int64_t last_seen = 0;    // unix seconds, 0 = never
  std::set<DeviceKey> watchers;  // subscribed devices
  std::shared_ptr<void> absence_timer;
};

/// The sender of a stanza that is being handled.
struct Origin {
  Party& party;
  Device& device;
  Slot& slot;
  DeviceKey key;
};

/// A JID resolved to an account, whichever identity it used.
struct Address {
  Party* party = nullptr;
  std::uint16_t device = 0;
  bool lid = false;
  DeviceKey key() const { return {party->account.phone, device}; }
};

struct PendingPairing {
  PairingConnection connection;
  DevicePort* port = nullptr;
  std::shared_ptr<void> expiry, reply_timer;
  // --- code flow
  std::string code_ref;  // "" before companion_hello
  std::string code_phone;
  // --- pair-success sent, waiting for pair-device-sign
  std::string success_id;  // "" before
  std::string phone;
  std::uint16_t device = 0;
  PairDeviceUpload upload;
  std::function<void(protocol::Result<Jid>)> done;
};

struct Network::State {
  State(Network& owner, Settings settings, NetworkClock& clock, protocol::Random& random);

  Network& network;  // for its callbacks
  Settings settings;
  NetworkClock& clock;
  protocol::Random& random;
  Faults faults;
  NetworkStats stats;

  std::map<std::string, std::unique_ptr<Party>, std::less<>> parties;  // by phone
  std::map<std::string, Party*, std::less<>> by_lid;
  std::map<std::uint64_t, PendingPairing> pairings;
  std::map<std::string, std::uint64_t, std::less<>> refs;  // of QR texts and code pairings
  std::uint64_t last_pairing = 0;
  struct Held {
    DeviceKey target;
    Node stanza;
  };
  std::map<std::uint64_t, Held> held;
  std::uint64_t last_held = 0;
  Changes changes;
  DeliveryMemory memory;
  std::deque<std::string> log;
  std::uint64_t last_id = 0;
  std::string id_prefix;
  Bytes token_secret;                                                             // of the privacy tokens
  std::map<std::string, std::pair<std::string, std::string>, std::less<>> media;  // path -> account, collection

  // --- network.cpp: look-ups and the way of a stanza
  std::int64_t now() const { return clock.unix_ms() / 1000; }
  std::string next_id();
  Party* find(std::string_view phone);
  std::optional<Address> resolve(const Jid& jid);
  /// Like resolve, but asks on_unknown_number for a number nobody has.
  std::optional<Address> resolve_or_create(const Jid& jid);
  Device* find_device(const DeviceKey& key);
  Slot* find_slot(const DeviceKey& key);
  // --- rows that are no longer as on disk (rows.h)
  void account_changed(const Party& party) { changes.changed(RowKind::account, party.account.phone); }
  void device_changed(const DeviceKey& key) { changes.changed(RowKind::device, key.phone, row_number(key.device, 2)); }
  void one_time_changed(const DeviceKey& key, std::uint64_t number) {
    changes.changed(RowKind::one_time_key, key.phone, row_number(key.device, 2) + row_number(number, 8));
  }
  void queue_changed(const DeviceKey& key, std::uint64_t number) {
    changes.changed(RowKind::queued, key.phone, row_number(key.device, 2) + row_number(number, 8));
  }
  /// And its collection.
  void patch_changed(const Party& party, const std::string& collection, std::uint64_t version) {
    changes.changed(RowKind::collection, party.account.phone, collection);
    changes.changed(RowKind::patch, party.account.phone, collection + '\0' + row_number(version, 8));
  }
  void note(std::string_view direction, std::string_view who, const Node& stanza);
  void complain(std::string text);  // something a client did wrong: log and wire log
  void record(std::string line);
  void dispatch(const DeviceKey& from, const Node& stanza);
  void dispatch_pairing(std::uint64_t pairing, const Node& stanza);
  /// To a live device, now; not queued.
  void send_now(const DeviceKey& key, Slot& slot, const Node& stanza);
  void answer(Origin& origin, const Node& stanza) { send_now(origin.key, origin.slot, stanza); }

  // --- delivery.cpp: queue and backlog, 06 section 9
  void enqueue(const DeviceKey& target, Node stanza);
  void enqueue_message(const DeviceKey& target, Node stanza);  // with the message faults
  void release_held();
  void begin_delivery(const DeviceKey& key, Slot& slot, bool passive);
  void pump(const DeviceKey& key, Slot& slot);
  void on_offline_batch(Origin& origin, std::uint64_t count);
  void set_passive(Origin& origin, bool passive);
  /// Removes what the answer names from the queue of its device; only what was delivered on this connection.
  void settle(Origin& origin, std::string_view tag, const Node& answer);

  // --- login.cpp: 06 sections 4 and 17
  std::optional<DeviceKey> login(const protocol::PublicKey& noise_key, const protocol::ParsedClientPayload& payload,
                                 DevicePort& port);
  void attach_phone(const std::string& phone, DevicePort& port);
  void detach(const DeviceKey& key, DevicePort& port);
  void end_connection(Slot& slot, const Node* last);
  void kick(const DeviceKey& key, std::string_view how);
  enum class RemovedBy { account, itself };
  protocol::Result<void> unlink(const DeviceKey& key, RemovedBy who);

  // --- pairing.cpp: 06 section 3
  std::uint64_t open_pairing(protocol::PublicKey noise_key, protocol::ParsedClientPayload payload, DevicePort& port);
  void handle_pairing_stanza(std::uint64_t id, const Node& stanza);
  void drop_pairing(std::uint64_t id, protocol::Errc reason = protocol::Errc::refused);
  void pair_device(const std::string& phone, PairDeviceUpload upload, std::function<void(protocol::Result<Jid>)> done);
  void on_pair_device_sign(std::uint64_t id, const Node& reply);
  void on_link_code(PendingPairing& pairing, const Node& iq);
  protocol::Result<void> send_primary_hello(ByteView ref, ByteView wrapped, const protocol::PublicKey& identity);

  // --- device_list.cpp: 06 section 7
  void announce_devices(Party& party, std::string_view change, std::uint16_t device, std::uint32_t key_index);
  std::string device_hash(const Party& party, bool lid) const;

  // --- iq.cpp and its subjects: 06 section 5
  void on_iq(Origin& origin, const Node& iq);
  void on_encrypt(Origin& origin, const Node& iq);  // prekeys.cpp
  void tell_of_low_prekeys(const std::set<DeviceKey>& dispensed);
  void on_usync(Origin& origin, const Node& iq);      // usync.cpp
  void on_app_state(Origin& origin, const Node& iq);  // app_state.cpp
  void on_privacy(Origin& origin, const Node& iq);    // privacy.cpp
  void on_blocklist(Origin& origin, const Node& iq);
  /// Nothing that `sender` says reaches `party`.
  static bool blocks(const Party& party, const Party& sender);
  /// Whether `holder` may show `token` as one that `issuer` gave it (06 section 5, privacy tokens).
  bool valid_token(const Party& issuer, const Party& holder, ByteView token) const;
  Bytes make_token(const Party& issuer, const Party& holder, std::uint64_t t) const;
  /// The set value of a privacy category, else its default.
  static std::string_view privacy_of(const Party& party, std::string_view category);
  /// account_sync to every device of the account but the one that made the change.
  void tell_own_devices(const Origin& origin, const Node& change);
  void publish_keys(Party& party, Device& device, Slot& slot, const protocol::UploadedKeys& upload);

  // --- routing.cpp, receipts.cpp: 06 section 8
  void on_message(Origin& origin, const Node& message);
  void on_receipt(Origin& origin, const Node& receipt);

  // --- presence.cpp: 06 section 10
  void on_presence(Origin& origin, const Node& presence);
  void on_chatstate(Origin& origin, const Node& chatstate);
  void presence_changed(Party& party);
  /// What `watcher` may know of `party` right now; nullopt: nothing.
  static std::optional<Node> presence_for(const Party& party, const Party& watcher, const Slot::Subscription& how);

 private:
  struct Waiting {
    DeviceKey from;
    std::uint64_t pairing = 0;  // instead of `from`: a connection that is not linked
    Node stanza;
  };
  std::deque<Waiting> inbox_;  // stanzas that arrived while the server was busy with something else
  bool busy_ = false;
  void handle_one(const DeviceKey& from, const Node& stanza);

 public:
  /// Around everything that may deliver: what a port hands in meanwhile is handled when the outermost turn ends, so no
  /// stanza is handled inside the handling of another.
  class Turn {
   public:
    explicit Turn(State& state);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    State& state_;
    bool outermost_;
  };
};

// --- answers to a client's IQ: same id, from = the request's to
Node result_of(const Node& iq);
/// `backoff`: seconds the client is asked to wait, 0 = not said.
Node error_of(const Node& iq, unsigned code, std::string_view text, unsigned backoff = 0);
/// RowKind::server.
inline constexpr std::string_view reused_keys_row = "reused_keys";
inline constexpr unsigned rate_limit_backoff_seconds = 60;
/// <stream:error code> of 06 section 17.1; code "" omits it.
Node stream_error(std::string_view code, std::string_view conflict = {});

}  // namespace wharf::sandbox
