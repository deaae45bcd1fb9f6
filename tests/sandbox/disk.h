#pragma once
// What a state file would hold, in memory: rows as the network and its phones hand them out.

#include <cstddef>
#include <map>
#include <optional>

#include "sandbox/phones.h"
#include "sandbox/rows.h"

namespace wharf::sandbox::test {

struct Disk {
  Disk();
  Disk(const Disk&);
  Disk& operator=(const Disk&);
  ~Disk();
  std::map<RowKey, Bytes> rows;

  /// From now on changes are noted.
  static void watch(Network& network);
  static std::optional<Bytes> row(Network& network, Phones& phones, const RowKey& key);
  /// One commit; the number of rows it wrote or removed.
  std::size_t commit(Network& network, Phones& phones);
  protocol::Result<void> load(Network& network, Phones& phones) const;
};

}  // namespace wharf::sandbox::test
