#pragma once
// What users change of what the devices of the account keep in common: how people are saved, and the own name.
// Specification 04 sections 8.8 and 9.

#include "sessions/appstate/app_state.h"
#include "sessions/people/people_commands.h"

namespace wharf::sessions {

class AddressBook {
 public:
  AddressBook(Context& context, Directory& directory, AppState& state)
      : c_(context), directory_(directory), state_(state) {}

  // Each answers when the server took it.
  void set_own_name(const std::string& name, Reply<void> reply);
  void save(const SaveContact& wanted, Reply<void> reply);
  void remove(const RemoveSavedContact& wanted, Reply<void> reply);

 private:
  /// Whether they are saved as a `contact` under this JID.
  bool has(const Jid& who) const;
  /// Whether there is a record to remove, or a change that would make one.
  bool can_go(std::string_view action, const Jid& who) const;

  Context& c_;
  Directory& directory_;
  AppState& state_;
};

}  // namespace wharf::sessions
