#pragma once
// The other side of a scripted conversation: a chat server with an offline queue, one contact with one device and the
// own phone, all with real ratchets. It keeps what the specification lets a session rely on: what is not acked comes
// again at the next login, unchanged; a message of a known id is acked again; a one-time prekey is handed out once. And
// it keeps the evidence: every message key it saw, every text that was opened, every receipt that came too early.

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "protocol/binary/node.h"
#include "protocol/stanzas/prekeys.h"
#include "sessions/link.h"
#include "storage/store.h"
#include "tests/sessions/scripted_linking.h"
#include "tests/support/signal_peer.h"

namespace wharf::test {

class ScriptedNetwork {
 public:
  static const protocol::Jid own_pn, own_lid, contact_pn, contact_lid;  // users

  /// `stored`: the committed rows of the session, looked at when it says that it has something.
  ScriptedNetwork(protocol::Random& random, storage::SessionId session);

  // --- the connection
  /// Whether the handshake succeeds: a server that moved knows neither its old static key nor its old routing info.
  bool accepts(const sessions::Link::Settings& hello) const;
  const protocol::KnownServer& server() const { return server_; }
  /// What arrives after the handshake. Nothing sent before counts as received any more.
  std::vector<protocol::Node> on_connected(const sessions::Link::Settings& hello);
  void on_gone() { linking_.on_gone(); }
  /// The server ends the connection, once what it said has arrived.
  bool ended() const { return refused_ || linking_.ended(); }
  /// Takes one stanza of the session and answers it.
  std::vector<protocol::Node> take(const protocol::Node& stanza, storage::Database& stored);
  /// What the server can hand over now: nothing before `active`.
  std::vector<protocol::Node> push();

  /// Another static key, other routing info.
  void server_moves();
  /// The server is short of one-time prekeys and says so.
  void server_wants_keys();
  ScriptedLinking& linking() { return linking_; }

  // --- the contact
  void contact_says(const std::string& id, const std::string& text);
  /// Encrypted for a prekey that this session never had: it has to ask for it again.
  void contact_says_unreadably(const std::string& id, const std::string& text);
  /// The next message that the contact has not seen yet it cannot open: it asks for it again, with new keys.
  void contact_cannot_read_next() { ++unreadable_; }
  /// New keys under the same number. What it cannot open it asks for without telling them: the session has to fetch
  /// them.
  void contact_reinstalls();

  /// The offer of a call, without a time: it rings anew whenever it comes.
  void contact_calls(const std::string& id);

  // --- the evidence
  /// How many messages with this text the contact or the own phone opened. One that comes twice under one id is one
  /// message, as in every client.
  std::size_t contact_read(const std::string& text) const { return contact_.read.count(text); }
  std::size_t phone_read(const std::string& text) const { return phone_.read.count(text); }
  bool everything_acked() const { return owed_.empty(); }
  /// One line per broken promise: a message key used for two plaintexts, a text nobody can open, a stanza that changed
  /// when it was sent again, a receipt for a message that is in no row.
  std::vector<std::string> faults() const;

 private:
  struct Device {
    SignalPeer peer;
    std::map<protocol::MessageKeyIdentity, protocol::Bytes> keys;  // and the ciphertext each was used for
    std::multimap<std::string, std::string> read;                  // text -> message id
    std::map<std::string, std::string> by_id;                      // message id -> text
    protocol::PreKeyId next_one_time = 1;
  };
  /// Until it is acked it comes again at each login.
  struct Owed {
    protocol::Node stanza;
    bool sent = false;  // on this connection
  };

  std::uint16_t own_device() const { return linking_.companion() ? linking_.companion()->device : std::uint16_t{0}; }
  void on_upload(protocol::UploadedKeys uploaded);
  Device* device_of(const protocol::Jid& jid);
  std::vector<protocol::Node> answer_iq(const protocol::Node& iq);
  protocol::Node usync_answer(const protocol::Node& iq);
  protocol::Node bundles_answer(const protocol::Node& iq);
  protocol::PreKeyBundle own_bundle();
  void on_message(const protocol::Node& message);
  void open(Device& device, const protocol::Node& message, const protocol::Node& enc);
  void ask_again(const std::string& id, bool with_keys);
  void on_receipt(const protocol::Node& receipt, storage::Database& stored);
  void on_retry_request(const protocol::Node& receipt);
  void settle_owed(std::string_view tag, const std::string& id, const std::string& type);
  void owe_text(const std::string& id, const std::string& text, protocol::SessionRecord& session, unsigned count);
  void fault(std::string what) { faults_.push_back(std::move(what)); }

  protocol::Random& random_;
  storage::SessionId session_;
  Device contact_, phone_;
  ScriptedLinking linking_;
  std::optional<protocol::PublicKey> known_;  // the companion that the contact's session is with
  protocol::KnownServer server_;
  protocol::Bytes routing_;
  bool refused_ = false;
  std::map<protocol::PreKeyId, protocol::PublicKey> one_time_;  // every one ever uploaded
  std::optional<protocol::UploadedKeys> uploaded_;
  std::set<protocol::PreKeyId> handed_out_;
  std::map<std::string, std::string> said_;        // by the contact: id -> text
  std::map<std::string, protocol::Bytes> sealed_;  // by the session: id -> stanza
  unsigned unreadable_ = 0;
  bool reinstalled_ = false;
  std::set<std::string> asked_again_;  // ids
  std::deque<Owed> owed_;
  bool active_ = false;
  std::vector<std::string> faults_;
};

}  // namespace wharf::test
