#include "sandbox/network/companions.h"

#include <utility>
#include <vector>

#include "sandbox/network/answers.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;

namespace {

constexpr std::size_t freed_devices_kept = 8;

}  // namespace

protocol::Result<void> Companions::unlink(const DeviceKey& key, RemovedBy who) {
  auto* party = accounts_.find(key.phone);
  const auto* device = accounts_.find_device(key);
  if (!party || !device || key.device == 0) return Error(Errc::not_found, "no such companion");
  const auto key_index = device->key_index;
  if (who == RemovedBy::itself) {
    login_.end_connection(key, nullptr);
  } else {
    const auto removed = stream_error("401", "device_removed");
    login_.end_connection(key, &removed);
  }
  delivery_.forget(key);
  prekeys_.forget(key);
  dirt_.forget(key);
  party->account.devices.erase(key.device);
  party->freed_devices.push_back(key.device);
  if (party->freed_devices.size() > freed_devices_kept) party->freed_devices.pop_front();
  lists_.announce(*party, {"remove", key.device, key_index});
  accounts_.device_changed(key);
  accounts_.changed(*party);
  if (c_.listeners.on_device_removed) c_.listeners.on_device_removed(key);
  return {};
}

void Companions::on_iq(const Origin& origin, const Node& iq) {
  const auto refuse = [&](unsigned code, std::string_view text) { c_.send(origin.key, error_of(iq, code, text)); };
  const auto* remove = iq.child("remove-companion-device");
  if (!remove || iq.attr("type") != "set") return refuse(400, "bad-request");
  const DeviceKey own = origin.key;
  if (remove->attr("all") == "true") {
    if (own.device != 0) return refuse(403, "forbidden");
    return remove_all(origin, iq);
  }
  const auto jid = remove->jid("jid");
  const auto address = jid ? accounts_.resolve(*jid) : std::nullopt;
  if (!address || address->party != &origin.party) return refuse(403, "forbidden");
  if (own.device != 0 && address->device != own.device) return refuse(403, "forbidden");
  if (!accounts_.find_device(address->key()) || address->device == 0) return refuse(404, "item-not-found");
  c_.send(own, result_of(iq));
  (void)unlink(address->key(), own.device == 0 ? RemovedBy::account : RemovedBy::itself);
}

void Companions::remove_all(const Origin& origin, const Node& iq) {
  c_.send(origin.key, result_of(iq));
  std::vector<std::uint16_t> companions;
  for (const auto& [id, device] : origin.party.account.devices) {
    if (id != 0) companions.push_back(id);
  }
  for (const auto id : companions) (void)unlink({origin.key.phone, id}, RemovedBy::account);
}

}  // namespace wharf::sandbox
