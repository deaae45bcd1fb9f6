#pragma once
// The companions of an account: one is added when it was linked, and removed by the phone, by itself, or because its
// queue ran over. Specification 06 sections 3 and 17.3.

#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery.h"
#include "sandbox/network/device_lists.h"
#include "sandbox/network/groups/group_dirt.h"
#include "sandbox/network/login.h"
#include "sandbox/network/prekeys.h"

namespace wharf::sandbox {

class Companions {
 public:
  Companions(NetworkContext& context, Accounts& accounts, Delivery& delivery, Login& login, PreKeys& prekeys,
             DeviceLists& lists, GroupDirt& dirt)
      : c_(context),
        accounts_(accounts),
        delivery_(delivery),
        login_(login),
        prekeys_(prekeys),
        lists_(lists),
        dirt_(dirt) {}

  enum class RemovedBy { account, itself };
  /// Errors: not_found.
  protocol::Result<void> unlink(const DeviceKey& key, RemovedBy who);
  /// <remove-companion-device>. The origin may be gone afterwards.
  void on_iq(const Origin& origin, const Node& iq);

 private:
  void remove_all(const Origin& origin, const Node& iq);

  NetworkContext& c_;
  Accounts& accounts_;
  Delivery& delivery_;
  Login& login_;
  PreKeys& prekeys_;
  DeviceLists& lists_;
  GroupDirt& dirt_;
};

}  // namespace wharf::sandbox
