#pragma once
// What the devices of the account keep in common, acted upon: how the phone's address book calls people, and how the
// account calls itself. Other actions are kept (their records count in the hash) and do nothing yet. Specification 04
// section 9.

#include <functional>
#include <string>

#include "protocol/appstate/actions.h"
#include "sessions/directory.h"
#include "sessions/people/contact_book.h"

namespace wharf::sessions {

class SyncActions {
 public:
  SyncActions(Directory& directory, ContactBook& book) : directory_(directory), book_(book) {}

  /// Of a collection of this name. Acting on the same one again changes nothing.
  void act(std::string_view collection, const protocol::AppStateMutation& mutation);
  /// A record of this index is there no more, as nobody removed it: a snapshot is without it.
  void act_gone(std::string_view collection, const std::string& index);
  /// Set by the session: the account calls itself this.
  std::function<void(const std::string& name)> on_own_name;

 private:
  void on_contact(const Jid& who, const protocol::AppStateMutation& mutation);

  Directory& directory_;
  ContactBook& book_;
};

}  // namespace wharf::sessions
