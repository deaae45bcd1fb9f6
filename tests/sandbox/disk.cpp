#include "tests/sandbox/disk.h"

namespace wharf::sandbox::test {

Disk::Disk() = default;
Disk::Disk(const Disk&) = default;
Disk& Disk::operator=(const Disk&) = default;
Disk::~Disk() = default;

void Disk::watch(Network& network) {
  network.changes().on_first = [] {};
}

std::optional<Bytes> Disk::row(Network& network, Phones& phones, const RowKey& key) {
  return is_of_phones(key.kind) ? phones.row(key) : network.row(key);
}

std::size_t Disk::commit(Network& network, Phones& phones) {
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

protocol::Result<void> Disk::load(Network& network, Phones& phones) const {
  for (const auto& [key, value] : rows) {
    auto restored = is_of_phones(key.kind) ? phones.restore(key, value) : network.restore(key, value);
    if (!restored) return restored;
  }
  network.restored();
  phones.restored();
  return {};
}

}  // namespace wharf::sandbox::test
