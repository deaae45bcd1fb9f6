#include "sandbox/network/live_devices.h"

namespace wharf::sandbox {

DevicePort* LiveDevices::find(const DeviceKey& key) const {
  const auto found = ports_.find(key);
  return found == ports_.end() ? nullptr : found->second;
}

DevicePort* LiveDevices::release(const DeviceKey& key) {
  const auto found = ports_.find(key);
  if (found == ports_.end()) return nullptr;
  auto* port = found->second;
  ports_.erase(found);
  return port;
}

void LiveDevices::send(const DeviceKey& key, const Node& stanza) const {
  auto* port = find(key);
  if (!port) return;
  if (log_.on()) log_.note(">", text_of(key), stanza);
  port->deliver(stanza);
}

}  // namespace wharf::sandbox
