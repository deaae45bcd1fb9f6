#include "sandbox/network/number_changes.h"

#include <cstdint>
#include <vector>

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;

protocol::Result<void> NumberChanges::change(Party& party, const std::string& number,
                                             const std::set<std::string>& besides) {
  auto& account = party.account;
  if (!Accounts::is_number(number)) return Error(Errc::malformed, "a phone number has 7 to 15 digits");
  if (account.number == number) return Error(Errc::refused, "this is the number of the account already");
  if (accounts_.find_number(number) != nullptr) return Error(Errc::conflict, "the number is taken");
  std::vector<std::uint16_t> linked;
  for (const auto& [id, device] : account.devices) {
    if (id != 0) linked.push_back(id);
  }
  for (const auto id : linked) (void)companions_.unlink({account.phone, id}, Companions::RemovedBy::account);
  std::set<std::string> whom(party.contacts.begin(), party.contacts.end());
  whom.insert(besides.begin(), besides.end());
  for (const auto& id : groups_.of(account.phone)) {
    const auto& group = *groups_.find(id);
    membership_.tell_number(group, party, number);
    for (const auto& [phone, member] : group.members) {
      if (views_.shows_number(group, *accounts_.find(phone), party)) whom.insert(phone);
    }
  }
  protocol::ContactNumberChanged told{account.pn_jid(), Jid(number, protocol::server::user), {}, {}};
  if (account.has_lid()) told.old_lid = told.new_lid = account.lid_jid();
  audience_.tell(party, whom, told);
  accounts_.renumber(party, number);
  return {};
}

}  // namespace wharf::sandbox
