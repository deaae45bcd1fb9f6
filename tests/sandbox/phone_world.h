#pragma once
// Simulated phones on a virtual clock, and a companion of one of them made of our own client functions: it pairs by QR
// or code, holds sessions and reads what it gets.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/groups/results.h"
#include "protocol/messages/content.h"
#include "protocol/signal/sender_key.h"
#include "sandbox/phones.h"
#include "tests/sandbox/fixture.h"

namespace wharf::sandbox::test {

struct PhoneWorld : World {
  PhoneWorld();
  ~PhoneWorld();
  Phones phones{network};
  /// A new phone; fails the test when the number is taken.
  Phone& phone(const std::string& number, const std::string& name = "");
  /// Runs every turn until nobody has anything left to do.
  void settle() { clock.advance(0); }
};

/// The newest message of a phone with this text; nullptr when there is none.
const PhoneMessage* with_text(const Phone& phone, std::string_view text);
std::vector<std::string> texts(const Phone& phone);

/// A companion's connection and keys.
struct Client final : DevicePort {
  explicit Client(PhoneWorld& world);
  ~Client();
  PhoneWorld& world;
  Keys keys;
  std::vector<Node> received;
  bool closed = false;

  void deliver(const Node& stanza) override;
  void disconnect() override;

  // --- linking. A wrong secret or identity makes what a forger would show.
  void open_pairing();
  std::string qr() const;
  std::optional<protocol::ParsedClientPayload> payload;
  std::vector<std::string> refs;
  std::uint64_t pairing = 0;
  /// Set when pair-success was accepted and answered.
  std::optional<protocol::PairSuccess> success;
  std::uint32_t key_index = 0;
  Bytes device_identity;

  /// false: it reads pair-success and answers with answer_pairing() alone.
  bool answers_pairing = true;
  void answer_pairing();

  void ask_code(const std::string& phone, const std::string& code);
  std::string code;
  protocol::KeyPair ephemeral;
  Bytes code_ref;

  /// Logs in and uploads 20 one-time keys.
  void log_in();
  DeviceKey key;
  Jid pn() const;
  Jid lid() const;

  // --- messages
  void send(const Node& stanza);
  /// Encrypts for every device of both accounts (sessions are made as needed); does not send.
  Node prepare(const std::string& to, const std::string& text, const std::string& id);
  /// The same of any Message.
  Node prepare(const std::string& to, ByteView encoded, const std::string& id);
  /// What arrived, decrypted; undecryptable stanzas are left out. Acknowledges with delivery receipts.
  std::vector<protocol::IncomingMessage> read_messages();
  /// For every device of every member of a group as the server has it, under this device's key there: it is given to
  /// all each time. `spoil`: the signature is wrong.
  enum class Spoil { nothing, signature };
  Node prepare_in_group(const Jid& group, const std::string& text, const std::string& id, Spoil spoil = Spoil::nothing);
  std::map<DeviceKey, protocol::SessionRecord> sessions;
  std::vector<Jid> extra_members;  // of a group that this account is not in: whom prepare_in_group() writes to
  std::map<Jid, protocol::OwnSenderKey> own_sender_keys;
  std::map<std::pair<Jid, DeviceKey>, protocol::SenderKeyRecord> sender_keys;
  std::map<protocol::PreKeyId, protocol::KeyPair> one_time;

 private:
  const Node& answer(const std::string& id) const;
  void on_primary_hello(const protocol::PrimaryHello& hello);
  protocol::SessionRecord& session_with(const DeviceKey& target);
  protocol::Ciphertext seal(const DeviceKey& target, ByteView plain);
  std::optional<Bytes> open(const protocol::MessageSource& source, const DeviceKey& author,
                            const protocol::ReceivedEnc& enc);
  std::size_t read_ = 0;
  std::optional<Node> signed_reply_;  // to pair-success
};

/// Linked by QR, logged in, bootstrapped.
std::unique_ptr<Client> linked_client(PhoneWorld& world, Phone& phone);

}  // namespace wharf::sandbox::test
