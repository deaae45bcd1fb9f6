#pragma once
// What a state file would hold, in memory: rows as the network and its phones hand them out.

#include <map>

#include "sandbox/phones.h"
#include "sandbox/rows.h"

namespace wharf::sandbox::test {

struct Disk {
  std::map<RowKey, Bytes> rows;

  /// From now on changes are noted.
  static void watch(Network& network) {
    network.changes().on_first = [] {};
  }
  static std::optional<Bytes> row(Network& network, Phones& phones, const RowKey& key) {
    return key.kind >= RowKind::phone ? phones.row(key) : network.row(key);
  }
  /// One commit; the number of rows it wrote or removed.
  std::size_t commit(Network& network, Phones& phones) {
    const auto changes = network.changes().take([&](const RowKey& key) { return row(network, phones, key); });
    for (const auto& [key, value] : changes) {
      if (value) {
        rows[key] = *value;
      } else {
        rows.erase(key);
      }
    }
    return changes.size();
  }
  protocol::Result<void> load(Network& network, Phones& phones) const {
    for (const auto& [key, value] : rows) {
      auto restored = key.kind >= RowKind::phone ? phones.restore(key, value) : network.restore(key, value);
      if (!restored) return restored;
    }
    network.restored();
    phones.restored();
    return {};
  }
};

}  // namespace wharf::sandbox::test
