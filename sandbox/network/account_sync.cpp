#include "sandbox/network/account_sync.h"

#include <utility>

namespace wharf::sandbox {

namespace {

constexpr std::string_view account_sync = "account_sync";

}  // namespace

void AccountSync::tell(const Account& account, std::uint16_t spared, std::string_view type,
                       const std::function<void(Node&)>& complete) {
  for (const auto& [device, known] : account.devices) {
    if (device == spared) continue;
    Node notification("notification");
    notification.set("from", account.pn_jid()).set("type", type).set("id", c_.next_id());
    notification.set("t", c_.unix_seconds());
    complete(notification);
    delivery_.enqueue({account.phone, device}, std::move(notification));
  }
}

void AccountSync::tell_own_devices(const Origin& origin, const Node& change) {
  tell(origin.party.account, origin.key.device, account_sync,
       [&change](Node& notification) { notification.add(change); });
}

void AccountSync::tell_push_name(const Origin& origin) {
  tell(origin.party.account, origin.key.device, account_sync,
       [&origin](Node& notification) { notification.set("pushname", origin.party.account.name); });
}

}  // namespace wharf::sandbox
