#pragma once
// Which devices are attached right now, and the way of a stanza to one of them.

#include <map>

#include "sandbox/account.h"
#include "sandbox/network/stanza_log.h"
#include "sandbox/network_ports.h"

namespace wharf::sandbox {

class LiveDevices {
 public:
  explicit LiveDevices(StanzaLog& log) : log_(log) {}

  bool contains(const DeviceKey& key) const { return ports_.contains(key); }
  /// nullptr of a device that is not attached.
  DevicePort* find(const DeviceKey& key) const;
  void attach(const DeviceKey& key, DevicePort& port) { ports_[key] = &port; }
  /// The port that it had, or nullptr.
  DevicePort* release(const DeviceKey& key);
  /// Now, not queued; nothing when it is not attached.
  void send(const DeviceKey& key, const Node& stanza) const;

 private:
  StanzaLog& log_;
  std::map<DeviceKey, DevicePort*> ports_;
};

}  // namespace wharf::sandbox
