#include "sessions/appstate/address_book.h"

#include <utility>

#include "sessions/appstate/saved_people.h"
#include "sessions/server_refusal.h"

namespace wharf::sessions {

using protocol::AppStateMutation;

// The last word counts, though it still waits for the server.
bool AddressBook::has(const Jid& who) const {
  const std::string index = protocol::index_of({protocol::contact_action, who.to_string()});
  return state_.waits(protocol::critical_unblock_low, index)
      .value_or(state_.has_record(protocol::critical_unblock_low, index));
}

bool AddressBook::can_go(std::string_view action, const Jid& who) const {
  const std::string index = protocol::index_of({action, who.to_string()});
  return state_.has_record(protocol::critical_unblock_low, index) ||
         state_.waits(protocol::critical_unblock_low, index) == true;
}

void AddressBook::set_own_name(const std::string& name, Reply<void> reply) {
  state_.change(protocol::critical_block, {protocol::set_push_name(name, c_.server_ms())}, std::move(reply));
}

// By number, unless only the LID is known or has an entry already (04 Pitfalls 23).
void AddressBook::save(const SaveContact& wanted, Reply<void> reply) {
  if (!c_.link.online()) return c_.answer(std::move(reply), not_connected());
  const Jid user = directory_.canonical_user(wanted.who);
  const PersonIds ids = directory_.person(user);
  protocol::ContactAction contact;
  contact.full_name = wanted.full_name;
  contact.first_name = wanted.first_name;
  contact.on_phone = wanted.on_phone;
  const bool by_number = ids.pn && (has(*ids.pn) || !ids.lid || !has(*ids.lid));
  if (by_number) contact.lid = ids.lid;
  else contact.pn = ids.pn;
  state_.change(protocol::critical_unblock_low,
                {protocol::save_contact(by_number ? *ids.pn : user, contact, c_.server_ms())}, std::move(reply));
}

void AddressBook::remove(const RemoveSavedContact& wanted, Reply<void> reply) {
  if (!c_.link.online()) return c_.answer(std::move(reply), not_connected());
  const Jid user = directory_.canonical_user(wanted.who);
  const PersonIds ids = directory_.person(user);
  std::vector<AppStateMutation> removals;
  for (const auto& who : {ids.pn, ids.lid})
    if (who && can_go(protocol::contact_action, *who))
      removals.push_back(protocol::remove_contact(*who, c_.server_ms()));
  if (ids.lid && can_go(protocol::lid_contact_action, *ids.lid))
    removals.push_back(protocol::remove_lid_contact(*ids.lid, c_.server_ms()));
  const auto row = c_.records.find_contact(user);
  const bool named = row && !row->name.empty();
  // Saved just now, its record is still on its way back; the patch goes out behind it.
  const auto book = c_.records.find_app_state(std::string(protocol::critical_unblock_low));
  const auto none = [](const std::string&) { return false; };
  if (removals.empty() && named && is_saved(*row, ids, book, none))
    removals.push_back(protocol::remove_contact(ids.pn.value_or(user), c_.server_ms()));
  if (removals.empty())
    return c_.answer(
        std::move(reply),
        Refusal(Errc::not_found, Subject::contact,
                named ? "this contact is not saved: the address book has it under the number that it had before"
                      : "this contact is not saved"));
  state_.change(protocol::critical_unblock_low, std::move(removals), std::move(reply));
}

}  // namespace wharf::sessions
