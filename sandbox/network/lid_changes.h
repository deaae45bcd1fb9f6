#pragma once
// An account of before the migration that gets its LID, and one that gets another LID. It keeps everything else:
// number, phone, devices, keys, chats, groups. Specification 02 section 9, 05 sections 4 (`modify`) and 6.3
// (`xwa2_notify_lid_change`).

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "protocol/result.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/audience.h"
#include "sandbox/network/blocklist.h"
#include "sandbox/network/groups/group_membership.h"
#include "sandbox/network/groups/group_store.h"
#include "sandbox/network/login.h"
#include "sandbox/network/privacy.h"

namespace wharf::sandbox {

class LidChanges {
 public:
  LidChanges(Accounts& accounts, Audience& audience, Login& login, Blocklist& blocklist, Privacy& privacy,
             const GroupStore& groups, GroupMembership& membership)
      : accounts_(accounts),
        audience_(audience),
        login_(login),
        blocklist_(blocklist),
        privacy_(privacy),
        groups_(groups),
        membership_(membership) {}

  /// `lid`: 15 digits; nullopt: one is drawn. The connections of its companions end, as `success` is what tells a
  /// device the LID of its own account. Of a first LID nobody is told: usync, stanzas and groups show it from then on.
  /// Of another one are told its groups that name people by LID, everybody who has a chat with it or is in such a
  /// group, and `besides` (names of accounts). Errors: malformed, refused (it has it already), conflict (somebody has
  /// or had it).
  protocol::Result<void> change(Party& party, const std::optional<std::string>& lid,
                                const std::set<std::string>& besides);
  static bool is_lid(std::string_view text);

 private:
  /// Everybody who is to hear that the LID of the party is this one from the next moment on.
  void tell(const Party& party, const std::string& lid, const std::set<std::string>& besides);
  void end_connections(const Account& account);

  Accounts& accounts_;
  Audience& audience_;
  Login& login_;
  Blocklist& blocklist_;
  Privacy& privacy_;
  const GroupStore& groups_;
  GroupMembership& membership_;
};

}  // namespace wharf::sandbox
