#include "sandbox/network/accounts.h"

#include <algorithm>
#include <utility>

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;

protocol::Result<Party*> Accounts::create(std::string phone, std::string name, bool with_lid) {
  if (!is_number(phone)) return Error(Errc::malformed, "a phone number has 7 to 15 digits");
  if (find_number(phone)) return Error(Errc::conflict, "the number is taken");
  if (parties_.size() >= c_.settings.max_accounts) return Error(Errc::refused, "the network is full");
  auto party = std::make_unique<Party>();
  auto* created = party.get();
  created->account.number = phone;
  by_number_.emplace(phone, created);
  // Who had this number before keeps its name.
  if (parties_.contains(phone)) {
    std::size_t count = 2;
    while (parties_.contains(phone + "#" + std::to_string(count))) ++count;
    phone += "#" + std::to_string(count);
  }
  created->account.phone = phone;
  created->account.name = std::move(name);
  if (with_lid) {
    created->account.lid = new_lid();
    by_lid_.emplace(created->account.lid, created);
  }
  created->account.devices[0].id = 0;
  changed(*created);
  device_changed({phone, 0});
  parties_.emplace(std::move(phone), std::move(party));
  return created;
}

std::string Accounts::new_lid() {
  std::string lid;
  do {
    lid = std::to_string(1 + c_.random.below(9));
    while (lid.size() < 15) lid.push_back(static_cast<char>('0' + c_.random.below(10)));
  } while (by_lid_.contains(lid));
  return lid;
}

Party* Accounts::find(std::string_view phone) const {
  const auto found = parties_.find(phone);
  return found == parties_.end() ? nullptr : found->second.get();
}

Party* Accounts::find_number(std::string_view number) const {
  const auto found = by_number_.find(number);
  return found == by_number_.end() ? nullptr : found->second;
}

bool Accounts::is_number(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return text.size() >= 7 && text.size() <= 15 && std::all_of(text.begin(), text.end(), digit);
}

void Accounts::renumber(Party& party, std::string number) {
  by_number_.erase(party.account.number);
  party.account.number = std::move(number);
  by_number_[party.account.number] = &party;
  changed(party);
}

Party* Accounts::find_lid(std::string_view lid) const {
  const auto found = by_lid_.find(lid);
  return found == by_lid_.end() ? nullptr : found->second;
}

void Accounts::give_lid(Party& party, std::string lid) {
  auto& account = party.account;
  if (account.has_lid()) account.former_lids.push_back(account.lid);
  std::erase(account.former_lids, lid);  // it goes back
  account.lid = std::move(lid);
  by_lid_[account.lid] = &party;
  changed(party);
}

std::optional<Address> Accounts::resolve(const Jid& jid) const {
  if (jid.user.empty()) return std::nullopt;
  if (jid.is_lid()) {
    auto* party = find_lid(jid.user);
    if (!party) return std::nullopt;
    return Address{party, jid.device, true};
  }
  if (!jid.is_phone_number() && jid.server != protocol::server::legacy_user) return std::nullopt;
  auto* party = find_number(jid.user);
  if (!party) return std::nullopt;
  return Address{party, jid.device, false};
}

std::optional<Address> Accounts::resolve_or_create(const Jid& jid) const {
  auto address = resolve(jid);
  const auto& ask = c_.listeners.on_unknown_number;
  if (address || !ask || !jid.is_phone_number() || jid.user.empty()) return address;
  ask(jid.user);
  return resolve(jid);
}

Device* Accounts::find_device(const DeviceKey& key) const {
  auto* party = find(key.phone);
  if (!party) return nullptr;
  const auto found = party->account.devices.find(key.device);
  return found == party->account.devices.end() ? nullptr : &found->second;
}

bool Accounts::introduce(Party& one, Party& other) {
  if (!one.contacts.insert(other.account.phone).second) return false;
  other.contacts.insert(one.account.phone);
  c_.changes.changed(RowKind::contact, one.account.phone, other.account.phone);
  c_.changes.changed(RowKind::contact, other.account.phone, one.account.phone);
  return true;
}

void Accounts::device_changed(const DeviceKey& key) {
  c_.changes.changed(RowKind::device, key.phone, row_number(key.device, 2));
}

void Accounts::restore(std::unique_ptr<Party> party) {
  by_number_[party->account.number] = party.get();
  if (party->account.has_lid()) by_lid_[party->account.lid] = party.get();
  for (const auto& lid : party->account.former_lids) by_lid_[lid] = party.get();
  auto& place = parties_[party->account.phone];
  place = std::move(party);
}

}  // namespace wharf::sandbox
