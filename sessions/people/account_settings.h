#pragma once
// Privacy settings and the block list of the account: read and changed at the server, nothing of them is kept here.
// Specification 02 section 11, 05 section 13 (items 4 and 5).

#include <vector>

#include "protocol/account/privacy.h"
#include "sessions/context.h"
#include "sessions/directory.h"
#include "sessions/people/people_commands.h"
#include "sessions/reply.h"

namespace wharf::sessions {

class AccountSettings {
 public:
  AccountSettings(Context& context, Directory& directory) : c_(context), directory_(directory) {}

  using Settings = std::vector<protocol::PrivacySetting>;
  void read_privacy(Reply<Settings> reply);
  void change_privacy(Settings wanted, Reply<Settings> reply);
  void list_blocked(Reply<std::vector<Person>> reply);
  void block(const BlockContact& wanted, Reply<void> reply);

 private:
  void change_from(std::size_t place, Settings wanted, Reply<Settings> reply);
  void send_block(const BlockContact& wanted, Reply<void> reply);

  Context& c_;
  Directory& directory_;
};

}  // namespace wharf::sessions
