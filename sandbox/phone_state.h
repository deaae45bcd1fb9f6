#pragma once
// The inside of a simulated phone, one .cpp per subject. It is a client of the network like any other: stanzas go to
// Network::handle, answers come back through deliver. All work happens in turns: what arrived is handled, what it
// caused is sent, and the next turn comes from NetworkClock::after(0).

#include <boost/json/fwd.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/messages/bootstrap.h"
#include "protocol/messages/content.h"
#include "protocol/signal/session.h"
#include "protocol/stanzas/iq.h"
#include "protocol/stanzas/messages.h"
#include "protocol/stanzas/prekeys.h"
#include "protocol/stanzas/usync.h"
#include "sandbox/phone.h"
#include "sandbox/phone_log.h"

namespace wharf::sandbox {

/// Tunables of a phone; times on the network clock.
struct PhoneLimits {
  static constexpr std::size_t one_time_keys_per_upload = 30;
  static constexpr std::size_t max_one_time_keys = 2'000;  // dispensed ones that never came back are forgotten
  static constexpr std::size_t stanzas_per_turn = 256;
  static constexpr std::size_t max_sent = 2'000;  // kept for retries
  static constexpr std::size_t max_withheld_receipts = 20'000;
  static constexpr std::size_t max_retry_counters = 10'000;
  static constexpr unsigned max_retries = 5;
  static constexpr unsigned max_send_attempts = 4;  // the same stanza again when no ack came
  static constexpr std::int64_t ack_timeout_ms = 10'000;
  static constexpr std::int64_t iq_timeout_ms = 30'000;
  static constexpr std::int64_t device_list_ttl_ms = 300'000;
  static constexpr std::int64_t code_lifetime_ms = 180'000;
  static constexpr std::int64_t code_answer_ms = 60'000;
};

/// A message of this phone, kept until it is too old to be asked for again.
struct SentMessage {
  std::string id;
  std::string chat;  // account of the other party
  Bytes encoded;
  std::array<std::uint8_t, 32> secret{};
  std::string type = "text", media_type;
  std::optional<std::uint16_t> peer_device;  // a bootstrap message to this companion only
  std::set<DeviceKey> addressed;             // devices that got a ciphertext
  struct Resends {
    unsigned count = 0;
    Bytes base_key;  // of the session of the newest one
    /// Whether that one was sealed on this session; true also when nobody knows.
    bool on_session(const Bytes& base) const { return base_key.empty() || base_key == base; }
  };
  std::map<DeviceKey, Resends> resends;
  bool completed_fan_out = false;  // the one resend to devices that the device list had missed
  Node stanza;                     // while no ack came
  unsigned attempts = 0;
  std::int64_t sent_ms = 0;
  bool acked = false;
  bool queued = false;        // in its chat's queue: not encrypted yet
  bool owes_fan_out = false;  // the server named missing devices and they have got nothing yet
  std::uint64_t order = 0;    // grows from message to message
  bool done() const { return acked && !owes_fan_out; }
};

/// A code pairing: offered by the network, then typed by the user.
struct CodePairing {
  LinkCodeHello hello;
  std::int64_t at_ms = 0;
  bool typed = false;  // primary_hello is on its way or was sent; `done` waits for the end
  protocol::KeyPair ephemeral;
  protocol::PublicKey companion_ephemeral{};
  std::function<void(protocol::Result<Jid>)> done;
  std::shared_ptr<void> deadline;
};

struct Phone::State final : DevicePort {
  State(Network& net, Account& acc, std::shared_ptr<Worker> work);
  ~State() override;

  Network& network;
  Account& account;
  std::shared_ptr<Worker> worker;
  std::shared_ptr<int> alive = std::make_shared<int>(0);  // callbacks held by others ask for it before they touch us

  // --- rows that are no longer as on disk (rows.h)
  void core_changed() { network.changes().changed(RowKind::phone, account.phone); }
  void session_changed(const DeviceKey& peer) {
    network.changes().changed(RowKind::phone_session, account.phone, peer.phone + ":" + std::to_string(peer.device));
  }
  void key_changed(protocol::PreKeyId id) {
    network.changes().changed(RowKind::phone_key, account.phone, row_number(id, 4));
  }
  void account_key_changed(const std::string& phone) {
    network.changes().changed(RowKind::phone_account_key, account.phone, phone);
  }
  void sent_changed(const std::string& id) { network.changes().changed(RowKind::phone_sent, account.phone, id); }

  // --- phone.cpp: turns and stanzas
  void deliver(const Node& stanza) override;
  void disconnect() override;
  void power_on();
  void power_off();
  void schedule();
  void run_turn();
  void handle(const Node& stanza);
  void on_notification(const Node& notification);
  /// Leaves at the end of the turn.
  void send(Node stanza);
  using Answer = std::function<void(protocol::Result<Node>)>;
  /// `iq` carries `id`. Errors: closed (switched off), timed_out; an error answer arrives as a Node.
  void ask(Node iq, Answer answer);
  std::int64_t now_ms() const { return network.clock().unix_ms(); }
  std::uint64_t now() const { return static_cast<std::uint64_t>(now_ms() / 1000); }
  protocol::Random& random() const { return network.random(); }
  DeviceKey self() const { return {account.phone, 0}; }
  Jid own_pn() const { return account.pn_jid(); }
  Jid own_lid() const { return account.lid_jid(); }  // "" of an account without
  /// A chat with `peer` is addressed by LID when both have one, else by number; never mixed (03 section 4.8).
  bool by_lid(const Account& peer) const { return account.has_lid() && peer.has_lid(); }
  Jid form_for(const Account& peer) const { return by_lid(peer) ? peer.lid_jid() : peer.pn_jid(); }
  /// The account of a number or JID as people write it; nullptr when nobody has it.
  Account* look_up(std::string_view phone_or_jid) const;
  std::optional<DeviceKey> key_of(const Jid& jid) const;

  bool powered = false;
  bool in_turn = false;
  std::deque<Node> inbox, outbox;  // the inbox is not kept: what is not acked comes again
  std::shared_ptr<void> turn;
  protocol::StanzaIds ids;
  struct Question {
    Answer answer;
    std::shared_ptr<void> deadline;
  };
  std::map<std::string, Question> questions;

  // --- phone_keys.cpp: own keys, sessions, device lists
  void new_identity();
  void publish_keys();
  protocol::PreKey new_one_time_key();
  protocol::OwnPreKeys own_pre_keys() const;
  void start_from(const DeviceKey& peer, const protocol::PreKeyBundle& bundle);
  /// Checks a companion's device-identity against its account. Errors: not_found (none sent), bad_signature, malformed.
  protocol::Result<void> check_companion(const DeviceKey& peer, ByteView device_identity,
                                         const protocol::PublicKey& identity) const;
  bool has_session(const DeviceKey& peer) const;
  /// Fetches what is missing; devices without a usable bundle stay without a session. Errors: closed, timed_out.
  void with_sessions(std::vector<DeviceKey> devices, std::function<void(protocol::Result<void>)> then);
  /// Makes the device lists of `phones` known. Errors: closed, timed_out, what the server answered.
  void with_device_lists(std::vector<std::string> phones, std::function<void(protocol::Result<void>)> then);
  std::vector<DeviceKey> devices_of(const std::string& phone) const;

  protocol::LocalIdentity local;
  std::map<protocol::PreKeyId, protocol::SignedPreKey> signed_keys;
  std::map<protocol::PreKeyId, protocol::PreKey> one_time_keys;
  protocol::PreKeyId next_key_id = 1;
  std::map<DeviceKey, protocol::SessionRecord> sessions;
  std::map<std::string, protocol::PublicKey> account_keys;  // identity of other phones' device 0
  struct DeviceList {
    std::vector<std::uint16_t> devices;
    std::int64_t fetched_ms = 0;
  };
  std::map<std::string, DeviceList> device_lists;

  // --- phone_pairing.cpp
  using Paired = std::function<void(protocol::Result<Jid>)>;
  void scan(std::string_view qr, Paired done);
  void enter_code(std::string_view code, Paired done);
  void on_code_finish(const LinkCodeFinish& finish);
  void end_code(protocol::Result<Jid> outcome);
  void link(std::string ref, const protocol::PublicKey& identity, const protocol::Key32& adv_secret, Paired done);
  Bytes key_index_list(std::uint64_t timestamp, std::optional<std::uint32_t> added);
  void on_removed(std::uint16_t device);
  void bootstrap(std::uint16_t device);
  /// `asked`: the key ids that a companion named; empty: what a new one needs.
  void share_keys(std::uint16_t device, const std::vector<Bytes>& asked = {});
  void send_peer(std::uint16_t device, Bytes encoded);
  void off_loop(std::function<void()> work, std::function<void()> done);

  struct Companion {
    std::uint32_t key_index = 0;
    protocol::PublicKey identity{};
  };
  std::map<std::uint16_t, Companion> linked;
  std::uint32_t raw_id = 0;
  std::uint32_t last_key_index = 0;  // highest ever used: never given twice
  std::uint64_t last_adv_time = 0;
  std::optional<CodePairing> code;
  std::set<std::uint16_t> waiting_bootstraps;  // prekeys arrived while the phone was off
  std::optional<protocol::AppStateKeyShare> app_state_key;

  // --- phone_app_state.cpp
  void make_app_state_key();
  /// What nobody wrote yet: the push name, and the other collections empty.
  void write_app_state();
  /// The key ids of an APP_STATE_SYNC_KEY_REQUEST.
  static std::vector<Bytes> requested_keys(ByteView message);

  // --- phone_sending.cpp
  protocol::Result<std::string> send_text(const Phone::Send& message, std::string_view id_prefix);
  void keep_sent(SentMessage message);
  /// The queue that a message waits in: its chat's, or that of a bootstrapped companion.
  static std::string queue_of(const SentMessage& message);
  void start_next(const std::string& chat);
  void begin(const std::string& chat, const std::string& id);
  void fan_out(const std::string& chat, const std::string& id);
  void finish(const std::string& chat, protocol::Result<void> outcome);
  protocol::Result<void> encrypt_and_send(SentMessage& message);
  std::optional<protocol::Ciphertext> seal(const DeviceKey& device, ByteView message);
  void transmit(SentMessage& message, Node stanza);
  void on_ack(const Node& ack);
  void complete_fan_out(const std::string& id);
  void end_fan_out(const std::string& id, const protocol::Result<void>& ready);
  void check_unacked();
  void raise(std::string_view id, std::string_view status, std::string_view failure = {});

  std::map<std::string, SentMessage> sent;
  std::deque<std::string> sent_order;
  std::uint64_t last_order = 0;
  struct ChatQueue {
    std::deque<std::string> ids;
    bool busy = false;
  };
  std::map<std::string, ChatQueue> queues;
  std::set<std::string> starting;
  std::set<std::string> unacked;
  std::shared_ptr<void> ack_timer;

  // --- phone_receiving.cpp
  void on_message(const Node& message);
  void on_receipt(const Node& receipt);
  protocol::Result<protocol::Decrypted> decrypt(const Node& message, const protocol::ReceivedEnc& enc,
                                                const DeviceKey& author);
  void accept(const Node& message, const protocol::MessageSource& source, const DeviceKey& author, ByteView plaintext);
  void confirm(const Node& message, const protocol::MessageSource& source);
  void log_received(const protocol::MessageSource& source, const DeviceKey& author,
                    const protocol::IncomingMessage& content);
  void react(const PhoneMessage& received);
  protocol::Result<std::size_t> read(std::string_view chat, std::string_view id);

  PhoneLog log{[this](std::uint64_t number) {
    network.changes().changed(RowKind::phone_message, account.phone, row_number(number, 8));
  }};
  bool delivering = true;
  std::map<std::uint64_t, Node> withheld;  // delivery receipts, oldest first
  void withhold(Node receipt);
  std::optional<AutoReply> auto_reply;
  bool auto_read = false;

  // --- phone_retries.cpp
  void ask_again(const Node& message, const protocol::MessageSource& source, const DeviceKey& author,
                 const protocol::Error& reason);
  void on_retry(const Node& receipt);
  void resend(const std::string& id, const DeviceKey& requester, const Jid& to, std::uint32_t count);

  std::map<std::pair<DeviceKey, std::string>, unsigned> retry_counters;  // of messages we could not decrypt

  // --- phone_rows.cpp
  std::optional<Bytes> row(const RowKey& key) const;
  boost::json::object core() const;
  void restore_core(const boost::json::object& saved);
  void restore(const RowKey& key, ByteView row);  // throws when damaged
  void restored();
  bool start_powered = false;
};

}  // namespace wharf::sandbox
