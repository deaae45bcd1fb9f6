#pragma once
// Devices that may have missed what became of their account's groups: they are told at login, and ask for the whole
// list. Specification 06 section 4, 05 section 2.3.

#include <cstdint>
#include <map>
#include <optional>

#include "sandbox/network/context.h"

namespace wharf::sandbox {

class GroupDirt {
 public:
  explicit GroupDirt(NetworkContext& context) : c_(context) {}

  /// From now until it is cleaned. One that is attached hears of it at once.
  void mark(const DeviceKey& key);
  /// At login.
  void tell(const DeviceKey& key) const;
  /// `timestamp` as the device was told; an older one cleans nothing.
  void clean(const DeviceKey& key, std::uint64_t timestamp);
  /// The device is gone.
  void forget(const DeviceKey& key);

  // --- row: group_dirt
  std::optional<Bytes> row(const DeviceKey& key) const;
  void restore(const DeviceKey& key, ByteView row);

 private:
  void changed(const DeviceKey& key) { c_.changes.changed(RowKind::group_dirt, key.phone, row_number(key.device, 2)); }

  NetworkContext& c_;
  std::map<DeviceKey, std::uint64_t> since_;  // unix seconds
};

}  // namespace wharf::sandbox
