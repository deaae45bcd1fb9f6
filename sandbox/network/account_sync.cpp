#include "sandbox/network/account_sync.h"

#include <utility>

namespace wharf::sandbox {

void AccountSync::tell(const Origin& origin, const std::function<void(Node&)>& complete) {
  const auto& account = origin.party.account;
  for (const auto& [device, known] : account.devices) {
    if (device == origin.key.device) continue;
    Node notification("notification");
    notification.set("from", account.pn_jid()).set("type", "account_sync").set("id", c_.next_id());
    notification.set("t", c_.unix_seconds());
    complete(notification);
    delivery_.enqueue({account.phone, device}, std::move(notification));
  }
}

void AccountSync::tell_own_devices(const Origin& origin, const Node& change) {
  tell(origin, [&change](Node& notification) { notification.add(change); });
}

void AccountSync::tell_push_name(const Origin& origin) {
  tell(origin, [&origin](Node& notification) { notification.set("pushname", origin.party.account.name); });
}

}  // namespace wharf::sandbox
