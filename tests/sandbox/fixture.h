#pragma once
// A network on a virtual clock, phones that can link companions, and companions made of our own client functions. No
// Signal sessions unless a test makes one: the server does not read ciphertext.

#include <memory>
#include <string>
#include <vector>

#include "protocol/pairing/adv.h"
#include "protocol/signal/session.h"
#include "protocol/stanzas/iq.h"
#include "protocol/stanzas/messages.h"
#include "protocol/stanzas/prekeys.h"
#include "protocol/stanzas/usync.h"
#include "sandbox/clock.h"
#include "sandbox/network.h"
#include "tests/support/printing.h"

namespace wharf::sandbox::test {

/// Records what the server delivers.
struct Inbox final : DevicePort {
  Inbox();
  ~Inbox();
  std::vector<Node> all;
  bool closed = false;
  void deliver(const Node& stanza) override;
  void disconnect() override;

  std::vector<Node> tagged(std::string_view tag) const;
  const Node* last(std::string_view tag) const;
  /// The answer to the IQ `id`; fails the test when there is none.
  const Node& answer(std::string_view id) const;
};

/// The keys of a device and what it sends at registration.
struct Keys {
  explicit Keys(protocol::Random& random);
  protocol::KeyPair noise;
  protocol::LocalIdentity identity;
  protocol::SignedPreKey signed_pre_key;
  protocol::Key32 adv_secret{};
  protocol::PublishedKeys published() const;
  std::vector<protocol::PreKey> pre_keys(protocol::PreKeyId first, std::size_t count, protocol::Random& random) const;
};

struct World {
  World();
  ~World();
  VirtualClock clock;
  protocol::SeededRandom random{7};
  Network network;
  std::string id();

 private:
  int ids_ = 0;
};

/// Device 0 of an account, attached, with 100 one-time keys.
struct Primary {
  Primary(World& world, std::string number, std::string name = "");
  ~Primary();
  World& world;
  std::string number;
  Keys keys;
  Inbox inbox;
  Account& account();
  DeviceKey key() const;
  void send(const Node& stanza);
  /// What the phone uploads for a scanned companion.
  PairDeviceUpload upload_for(const Keys& companion, std::string ref);
  std::uint32_t last_index = 0;
  std::vector<std::uint32_t> valid_indexes{0};
};

/// A companion: registers, links, logs in.
struct Companion {
  Companion(World& world, Primary& primary);  // not linked yet
  ~Companion();
  World& world;
  Primary& primary;
  Keys keys;
  std::unique_ptr<Inbox> inbox;
  std::uint64_t pairing = 0;
  DeviceKey key;  // when linked

  protocol::ParsedClientPayload registration() const;
  protocol::ParsedClientPayload login_payload(bool passive = false) const;
  void open_pairing();
  /// Until pair-success is there; the result of the phone's side goes to `linked`.
  protocol::PairSuccess scan();
  Node sign(const protocol::PairSuccess& success);
  void link();  // everything, to the 515
  /// A new connection; the inbox before it is kept in `earlier`.
  bool login(bool passive = false);
  void disconnect();
  void send(const Node& stanza);
  Jid pn() const;
  Jid lid() const;
  protocol::Result<Jid> linked = protocol::Error(protocol::Errc::not_ready, "");
  Node success_iq;
  std::vector<std::unique_ptr<Inbox>> earlier;
};

/// Linked, logged in, 20 one-time keys uploaded.
std::unique_ptr<Companion> ready_companion(World& world, Primary& primary);

/// A fan-out of opaque ciphertexts.
Node message_to(std::string_view id, const Jid& to, const std::vector<Jid>& devices,
                std::string_view body = "ciphertext");

}  // namespace wharf::sandbox::test
