#pragma once
// What tests of sending share: whom a linked session of the fixture writes to, what it has sent, what the server says.

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/sessions/session_fixture.h"

namespace wharf::test {

inline const Jid ben("15550000002", "s.whatsapp.net");
inline const Jid own_lid("100000000000001", "lid");

inline protocol::Node ack(const std::string& id, unsigned error = 0) {
  protocol::Node node("ack");
  node.set("class", "message").set("id", id).set("from", ben).set("t", "1700000001");
  if (error != 0) node.set("error", std::to_string(error));
  return node;
}

inline std::vector<protocol::Node> messages(const std::vector<Effect>& effects) {
  auto nodes = SessionFixture::sent(effects);
  std::erase_if(nodes, [](const protocol::Node& node) { return !node.is("message"); });
  return nodes;
}

inline void list_devices(SessionFixture& f, const Jid& user, std::vector<std::uint16_t> devices) {
  storage::DeviceListRow list;
  list.devices = std::move(devices);
  list.fetched_at = f.now_ms;
  storage::Changes changes;
  changes.add(storage::PutDeviceList{f.row.id, user, list});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
}

/// A session whose messages leave in later turns, when they are prepared: all that follows from an input is run.
struct PreparingSession : SessionFixture {
  std::vector<protocol::Node> said;  // what is sent beside messages

  /// The messages that leave go behind `out`.
  void collect(std::vector<protocol::Node>& out, std::vector<Effect> effects) {
    for (const protocol::Node& node : sent(effects)) (node.is("message") ? out : said).push_back(node);
    for (Effect& effect : effects) {
      auto* work = std::get_if<RunWork>(&effect);
      if (work == nullptr) continue;
      work->work();
      collect(out, call(std::move(work->then)));
    }
  }
  /// The messages that this stanza leads to; of what else is sent `said` has what came of it alone.
  std::vector<protocol::Node> hear(protocol::Node node) {
    said.clear();
    std::vector<protocol::Node> out;
    collect(out, stanza(std::move(node)));
    return out;
  }
};

/// The connection is lost and comes back.
inline std::vector<protocol::Node> reconnect(SessionFixture& f) {
  f.cut();
  return f.go_online();
}

}  // namespace wharf::test
