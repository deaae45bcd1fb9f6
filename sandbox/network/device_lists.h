#pragma once
// Who is told when an account's device list changes, and in which forms. Specification 06 section 7, last paragraph.

#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/network/account_sync.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery.h"
#include "sandbox/network/groups/group_store.h"

namespace wharf::sandbox {

/// The participant hash over all devices of an account, in one of its forms.
std::string device_hash(const Account& account, bool lid);

class DeviceLists {
 public:
  DeviceLists(NetworkContext& context, Accounts& accounts, Delivery& delivery, AccountSync& sync,
              const GroupStore& groups)
      : c_(context), accounts_(accounts), delivery_(delivery), sync_(sync), groups_(groups) {}

  /// The contacts, and who is in a group with the account, hear of the change ("add" or "remove"), the own devices of
  /// the whole list too.
  struct Change {
    std::string_view what;
    std::uint16_t device = 0;
    std::uint32_t key_index = 0;
  };
  void announce(const Party& party, const Change& change);

 private:
  Node notification(const Account& account, const Change& change, bool lid);
  void tell(const Party& told, const Party& party, const Change& change);
  Node whole_list(const Account& account) const;

  NetworkContext& c_;
  Accounts& accounts_;
  Delivery& delivery_;
  AccountSync& sync_;
  const GroupStore& groups_;
};

}  // namespace wharf::sandbox
