#pragma once
// What the parts of the simulated server share: settings, time, randomness, the faults that are on, what is counted and
// noted, and the way to an attached device. Owned by Network::State; the parts hold a reference. No part knows who
// hands it stanzas.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "protocol/crypto/random.h"
#include "sandbox/network/live_devices.h"
#include "sandbox/network/stanza_log.h"
#include "sandbox/network/turns.h"
#include "sandbox/network_ports.h"
#include "sandbox/network_settings.h"
#include "sandbox/rows.h"

namespace wharf::sandbox {

class NetworkContext {
 public:
  NetworkContext(const NetworkListeners& told, NetworkSettings with, NetworkClock& time, protocol::Random& source,
                 Turns::Handle handle)
      : listeners(told),
        settings(std::move(with)),
        clock(time),
        random(source),
        turns(std::move(handle)),
        log(settings.max_stanza_log, told.on_wire),
        live(log),
        id_prefix_(protocol::to_hex(random.bytes<4>())) {}

  const NetworkListeners& listeners;
  NetworkSettings settings;
  NetworkClock& clock;
  protocol::Random& random;
  Faults faults;
  NetworkStats stats;
  Changes changes;  // rows that are no longer as on disk
  Turns turns;
  StanzaLog log;
  LiveDevices live;

  std::int64_t now() const { return clock.unix_ms() / 1000; }
  std::uint64_t unix_seconds() const { return static_cast<std::uint64_t>(now()); }
  /// Of a stanza of the server's own.
  std::string next_id() { return id_prefix_ + "-" + std::to_string(++last_id_); }
  /// One-shot timer; the callback runs in a turn of its own. The token cancels when destroyed.
  std::shared_ptr<void> after(std::int64_t ms, std::function<void()> callback) {
    return clock.after(ms, [this, callback = std::move(callback)] {
      Turn turn(turns);
      callback();
    });
  }
  void send(const DeviceKey& key, const Node& stanza) const { live.send(key, stanza); }
  void complain(std::string text) { log.complain(std::move(text)); }
  void server_row_changed(std::string_view name) { changes.changed(RowKind::server, {}, std::string(name)); }

 private:
  std::string id_prefix_;
  std::uint64_t last_id_ = 0;
};

}  // namespace wharf::sandbox
