#pragma once
// A session that is online and Ben, who writes to it: each of his messages is a turn that ends in a receipt.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "events/event.h"
#include "protocol/messages/building.h"
#include "protocol/messages/padding.h"
#include "tests/sessions/sending.h"
#include "tests/support/signal_peer.h"

namespace wharf::test {

using protocol::Bytes;
using protocol::Node;

inline const Jid own("15550000001", "s.whatsapp.net");

/// A session and Ben, who writes to it.
struct Conversation {
  SessionFixture f;
  SignalPeer peer;

  Conversation() : peer(SignalPeer::make(f.random, 77)) {
    f.go_online();
    const protocol::PreKeyBundle ours = published_bundle(f);
    REQUIRE(protocol::start_session(peer.session, peer.local, ours, f.random).has_value());
  }

  Bytes encoded(const protocol::OutgoingMessage& message) { return message.encoded; }
  void arrives(const std::string& id, const Bytes& message, std::uint64_t t = 1'700'000'000) {
    const Bytes padded = protocol::pad_message(message, f.random);
    const auto sealed = protocol::encrypt(peer.session, peer.local, padded).value();
    Node enc("enc");
    enc.set("v", "2").set("type", sealed.kind == protocol::CiphertextKind::pre_key_message ? "pkmsg" : "msg");
    Node stanza("message");
    stanza.set("id", id).set("from", ben).set("t", std::to_string(t)).set("type", "text").add(enc.bytes(sealed.body));
    const auto answers = SessionFixture::sent(f.stanza(stanza));
    REQUIRE(answers.size() == 1);
    REQUIRE(answers[0].is("receipt"));
  }
  Bytes text(const std::string& said) {
    return protocol::build_message(said, protocol::MessageFrame(), f.random).encoded;
  }
  static protocol::MessageKey key(const std::string& id, bool from_me) { return {id, from_me, own, std::nullopt}; }
  std::optional<storage::MessageRow> row(const std::string& id) {
    return storage::find_message_by_id(f.store->reader(), f.row.id, id, false);
  }
  std::ptrdiff_t told(std::string_view name) {
    const auto names = f.event_names();
    return std::count(names.begin(), names.end(), name);
  }
  /// The last event of this kind.
  template <class Fact>
  Fact last_told() {
    std::optional<Fact> last;
    for (const auto& event : storage::read_events(f.store->reader(), storage::EventFilter())) {
      const auto value = storage::value_of(event);
      REQUIRE(value.has_value());
      if (const auto* fact = std::get_if<Fact>(&(*value)->fact)) last = *fact;
    }
    REQUIRE(last);
    return *last;
  }
};

}  // namespace wharf::test
