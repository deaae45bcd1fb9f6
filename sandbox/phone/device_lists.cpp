#include "sandbox/phone/device_lists.h"

#include <utility>

#include "protocol/stanzas/usync.h"

namespace wharf::sandbox {

using protocol::Result;

void PhoneDeviceLists::with_lists(const std::vector<std::string>& phones, Then then) {
  std::vector<Jid> unknown;
  for (const std::string& phone : phones) {
    const auto list = lists_.find(phone);
    if (list != lists_.end() && c_.now_ms() - list->second.fetched_ms < ttl_ms) continue;
    if (const Account* owner = c_.find(phone)) unknown.push_back(owner->jid());
  }
  if (unknown.empty()) return then({});
  c_.ask(protocol::usync_devices_iq(c_.ids.next(), c_.ids.next(), unknown),
         [this, then = std::move(then)](Result<Node> answer) {
           then(answer ? learn(*answer) : Result<void>(answer.error()));
         });
}

Result<void> PhoneDeviceLists::learn(const Node& answer) {
  const auto users = protocol::read_usync(answer);
  if (!users) return users.error();
  for (const protocol::UsyncUser& user : *users) {
    const auto who = c_.key_of(user.jid);
    if (!who || !user.has_devices) continue;
    lists_[who->phone] = List{protocol::usable_devices(user, account_keys_.of(who->phone)), c_.now_ms()};
  }
  return {};
}

std::vector<DeviceKey> PhoneDeviceLists::devices_of(const std::string& phone) const {
  std::vector<DeviceKey> out;
  const auto list = lists_.find(phone);
  if (list == lists_.end()) return out;
  for (const std::uint16_t device : list->second.devices) {
    if (const DeviceKey key{phone, device}; key != c_.self()) out.push_back(key);
  }
  return out;
}

}  // namespace wharf::sandbox
