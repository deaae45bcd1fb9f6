#pragma once
// Receipts and requests to send again, as they come for messages of a real Session.

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "protocol/stanzas/key_nodes.h"
#include "tests/sessions/sending.h"

namespace wharf::test::receipts {

using namespace wharf::sessions;
using protocol::Node;
using storage::AckLevel;
using test::list_devices;
using test::SignalPeer;
using Fixture = SessionFixture;

inline const Jid ben("15550000002", "s.whatsapp.net");
inline const Jid carl("15550000003", "s.whatsapp.net");
inline const Jid group("120363000000000001", "g.us");
inline const Jid own_phone("100000000000001", "lid");
inline const Jid own_phone_number("15550000001", "s.whatsapp.net");

/// A text of ours that the server has taken.
inline void sent_to(SessionFixture& f, const Jid& chat, const std::string& id, UnixMs age_ms = 0) {
  storage::MessageRow row;
  row.session = f.row.id;
  row.chat = chat;
  row.author = own_phone;
  row.id = id;
  row.from_me = true;
  row.kind = "text";
  row.content = {0x0a, 0x01, 'x'};
  row.ack = AckLevel::server;
  row.timestamp = row.created_at = f.now_ms - age_ms;
  storage::Changes changes;
  changes.add(storage::InsertMessage{row, false, std::nullopt});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
}

inline AckLevel level_of(SessionFixture& f, const std::string& id) {
  return storage::find_message_by_id(f.store->reader(), f.row.id, id, true)->ack;
}

inline Node receipt(const Jid& from, const std::string& id, const std::string& type = "") {
  Node node("receipt");
  node.set("id", id).set("from", from).set("t", "1700000001");
  if (!type.empty()) node.set("type", type);
  return node;
}

inline Node retry(const Jid& from, const std::string& id, unsigned count = 1, std::uint8_t registration = 77) {
  Node node = receipt(from, id, "retry");
  node.add(Node("retry").set("count", std::uint64_t{count}).set("id", id).set("t", "1700000000").set("v", "1"));
  node.add(Node("registration").bytes(protocol::Bytes{0, 0, 0, registration}));
  return node;
}

/// The <keys> that a peer puts into its retry receipt.
inline Node keys_of(const SignalPeer& peer) {
  const auto bundle = peer.bundle();
  Node keys("keys");
  keys.add(Node("type").bytes(protocol::Bytes{5})).add(Node("identity").bytes(bundle.identity));
  keys.add(protocol::key_node(bundle.one_time->id, bundle.one_time->pub));
  return keys.add(
      protocol::signed_key_node(bundle.signed_pre_key_id, bundle.signed_pre_key, bundle.signed_pre_key_signature));
}

inline std::size_t resends(const std::vector<Effect>& effects) {
  const auto nodes = SessionFixture::sent(effects);
  return static_cast<std::size_t>(
      std::count_if(nodes.begin(), nodes.end(), [](const Node& node) { return node.is("message"); }));
}

inline bool acked(const std::vector<Effect>& effects) {
  const auto nodes = SessionFixture::sent(effects);
  return std::any_of(nodes.begin(), nodes.end(),
                     [](const Node& node) { return node.is("ack") && node.attr("class") == "receipt"; });
}

inline void put_identity(SessionFixture& f, const Jid& device, const protocol::PublicKey& key) {
  storage::Changes changes;
  changes.add(storage::PutIdentity{f.row.id, device, key});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
}

/// A session with one companion of a contact, beside befriend()'s with its main device.
inline void meet_companion(SessionFixture& f, const Jid& companion) {
  const SignalPeer peer = SignalPeer::make(f.random, 77);
  const auto device = storage::load_device(f.store->reader(), f.row.id);
  protocol::SessionRecord record;
  REQUIRE(protocol::start_session(record, {device->identity, device->registration_id}, peer.bundle(), f.random)
              .has_value());
  storage::Changes changes;
  changes.add(storage::PutRatchet{f.row.id, companion, record.serialize()});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
}

}  // namespace wharf::test::receipts
