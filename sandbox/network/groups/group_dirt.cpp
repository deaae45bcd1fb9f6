#include "sandbox/network/groups/group_dirt.h"

#include <algorithm>
#include <utility>

#include "sandbox/row_values.h"

namespace wharf::sandbox {

void GroupDirt::mark(const DeviceKey& key) {
  auto& since = since_[key];
  since = std::max(since + 1, c_.unix_seconds());  // another one: what is cleaned meanwhile does not clean it
  changed(key);
  tell(key);
}

void GroupDirt::tell(const DeviceKey& key) const {
  const auto found = since_.find(key);
  if (found == since_.end()) return;
  Node dirty("dirty");
  dirty.set("type", "groups").set("timestamp", found->second);
  c_.send(key, Node("ib").set("from", protocol::server_jid()).add(std::move(dirty)));
}

void GroupDirt::clean(const DeviceKey& key, std::uint64_t timestamp) {
  const auto found = since_.find(key);
  if (found != since_.end() && timestamp >= found->second) forget(key);
}

void GroupDirt::forget(const DeviceKey& key) {
  if (since_.erase(key) > 0) changed(key);
}

std::optional<Bytes> GroupDirt::row(const DeviceKey& key) const {
  const auto found = since_.find(key);
  if (found == since_.end()) return std::nullopt;
  return protocol::to_bytes(row_number(found->second, 8));
}

void GroupDirt::restore(const DeviceKey& key, ByteView row) {
  if (row.size() != 8) damaged("a word about groups");
  since_[key] = protocol::from_big_endian(row);
}

}  // namespace wharf::sandbox
