#include "sandbox/network/account_sync.h"

#include <utility>

namespace wharf::sandbox {

void AccountSync::tell_own_devices(const Origin& origin, const Node& change) {
  const auto& account = origin.party.account;
  for (const auto& [device, known] : account.devices) {
    if (device == origin.key.device) continue;
    Node notification("notification");
    notification.set("from", account.pn_jid()).set("type", "account_sync").set("id", c_.next_id());
    delivery_.enqueue({account.phone, device}, notification.set("t", c_.unix_seconds()).add(change));
  }
}

}  // namespace wharf::sandbox
