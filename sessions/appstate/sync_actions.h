#pragma once
// What the devices of the account keep in common, acted upon: how the phone's address book calls people, and how the
// account calls itself. Other actions are kept (their records count in the hash) and do nothing yet. Specification 04
// section 9.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/appstate/actions.h"
#include "sessions/directory.h"
#include "sessions/people/contact_book.h"

namespace wharf::sessions {

class SyncActions {
 public:
  SyncActions(Directory& directory, ContactBook& book) : directory_(directory), book_(book) {}

  /// untold: no event says so, as of an address book that is read for the first time.
  enum class Telling : bool { told, untold };
  /// What a value says of who is who: before it, or any other of the same patch, is acted upon.
  void learn(std::string_view collection, const protocol::AppStateMutation& mutation, Telling telling);
  /// Of a collection of this name. Acting on the same one again changes nothing.
  void act(std::string_view collection, const protocol::AppStateMutation& mutation, Telling telling = Telling::told);
  /// A record of this index is there no more, and none of the other indexes_of() it.
  void act_gone(std::string_view collection, const std::string& index);
  /// Every index that may say the same thing as this one, this one last: whoever it is about may be saved by number and
  /// by LID.
  std::vector<std::string> indexes_of(std::string_view collection, const std::string& index);
  /// Set by the session: the account calls itself this.
  std::function<void(const std::string& name)> on_own_name;

 private:
  Directory& directory_;
  ContactBook& book_;
};

}  // namespace wharf::sessions
