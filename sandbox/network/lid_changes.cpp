#include "sandbox/network/lid_changes.h"

#include <algorithm>

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;

bool LidChanges::is_lid(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return text.size() == 15 && text.front() != '0' && std::all_of(text.begin(), text.end(), digit);
}

protocol::Result<void> LidChanges::change(Party& party, const std::optional<std::string>& lid,
                                          const std::set<std::string>& besides) {
  auto& account = party.account;
  if (lid && !is_lid(*lid)) return Error(Errc::malformed, "a LID has 15 digits");
  if (lid && account.lid == *lid) return Error(Errc::refused, "this is the LID of the account already");
  const auto* owner = lid ? accounts_.find_lid(*lid) : nullptr;
  if (owner != nullptr && owner != &party) return Error(Errc::conflict, "the LID is, or was, of another account");
  const std::string next = lid ? *lid : accounts_.new_lid();
  // First: what its groups say is for the companions to read when they know their own LID.
  end_connections(account);
  const bool first = !account.has_lid();
  const Jid before = account.jid();
  if (!first) tell(party, next, besides);
  accounts_.give_lid(party, next);
  if (first) privacy_.speak_by_lid(party);
  blocklist_.rename(before, account.lid_jid());
  privacy_.rename(before, account.lid_jid());
  return {};
}

void LidChanges::tell(const Party& party, const std::string& lid, const std::set<std::string>& besides) {
  std::set<std::string> whom(party.contacts.begin(), party.contacts.end());
  whom.insert(besides.begin(), besides.end());
  for (const auto& id : groups_.of(party.account.phone)) {
    const auto& group = *groups_.find(id);
    membership_.tell_lid(group, party, lid);
    if (!group.lid) continue;
    for (const auto& [phone, member] : group.members) whom.insert(phone);
  }
  audience_.tell(party, whom, protocol::LidChanged{party.account.lid_jid(), Jid(lid, protocol::server::lid)});
}

void LidChanges::end_connections(const Account& account) {
  for (const auto& [id, device] : account.devices) {
    if (id != 0) login_.kick({account.phone, id}, "drop");
  }
}

}  // namespace wharf::sandbox
