#pragma once
// What the chat server and the own phone do to link a companion: refs, the QR scan, the 8-character code, pair-success
// and the check of what comes back. As strict as the real ones, and it keeps the evidence: no identity is linked twice,
// nothing is confirmed that is in no row, the secret of a code is in no QR of a later connection.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocol/binary/node.h"
#include "protocol/crypto/curve25519.h"
#include "protocol/crypto/random.h"
#include "protocol/noise/client_payload.h"
#include "storage/store.h"

namespace wharf::test {

class ScriptedLinking {
 public:
  /// `account`: the identity of the phone. `number`: its user JID.
  ScriptedLinking(protocol::Random& random, storage::SessionId session, const protocol::Jid& number,
                  const protocol::Jid& lid);
  void set_account(const protocol::KeyPair& account) { account_ = account; }

  struct Companion {
    std::uint16_t device = 0;
    protocol::PublicKey noise{}, identity{};
  };
  /// The device that the server lets log in, if any.
  const std::optional<Companion>& companion() const { return companion_; }
  void link(const Companion& companion);

  // --- the connection of a device that registers
  std::vector<protocol::Node> on_registration(const protocol::PublicKey& noise,
                                              const protocol::ParsedClientPayload::Registration& keys);
  std::vector<protocol::Node> take(const protocol::Node& stanza, storage::Database& stored);
  /// The connection ended.
  void on_gone();
  bool registering() const { return open_.has_value(); }
  /// The server ends the connection, once what it said has arrived.
  bool ended() const { return ended_; }
  void on_connected() { ended_ = false; }

  // --- the phone in its user's hand. What is of another connection, or comes a second time, does nothing.
  std::vector<protocol::Node> scan(const std::string& qr);
  std::vector<protocol::Node> type(const std::string& code);

  const std::vector<std::string>& faults() const { return faults_; }

 private:
  /// A connection that registers.
  struct Open {
    Open() {}  // clang refuses optional::emplace() otherwise (CWG 1397)
    protocol::PublicKey noise{}, identity{};
    std::vector<std::string> refs;
    // by code
    std::string code_ref;
    protocol::Bytes wrapped;
    std::optional<protocol::KeyPair> ephemeral;
    protocol::PublicKey companion_ephemeral{};
    std::optional<protocol::Key32> secret;
    // pair-success is out
    std::string success_id;
    protocol::Bytes container;
    std::uint32_t key_index = 0;
  };
  std::vector<protocol::Node> vouch(const protocol::PublicKey& identity, const protocol::Key32& secret);
  std::vector<protocol::Node> on_link_code(const protocol::Node& iq);
  std::vector<protocol::Node> on_sign(const protocol::Node& iq, storage::Database& stored);
  void fault(std::string what) { faults_.push_back(std::move(what)); }

  protocol::Random& random_;
  storage::SessionId session_;
  protocol::Jid number_, lid_;
  protocol::KeyPair account_;
  std::optional<Companion> companion_;
  std::optional<Open> open_;
  bool ended_ = false;
  std::uint16_t next_device_ = 3;
  std::uint32_t last_key_index_ = 0;
  unsigned ids_ = 0;
  std::set<protocol::PublicKey> linked_;        // identities and Noise keys, ever
  std::set<protocol::Key32> secrets_of_codes_;  // of earlier connections
  std::vector<std::string> faults_;
};

}  // namespace wharf::test
