#pragma once
// Whom the phone's address book has: what the records of its collection say, not how anybody is called here. A name
// goes along when somebody changes the number, and the address book still has the old one.

#include <functional>
#include <optional>
#include <string>

#include "events/person.h"
#include "storage/app_state.h"
#include "storage/contacts.h"

namespace wharf::sessions {

/// `book`: how critical_unblock_low is known; `has_record`: whether it has a record of this index. While more of it has
/// been spoken of than is known (what a program has changed comes back so), and before it was read, the name says.
bool is_saved(const storage::ContactRow& row, const events::PersonIds& ids,
              const std::optional<storage::AppStateRow>& book,
              const std::function<bool(const std::string& index)>& has_record);

}  // namespace wharf::sessions
