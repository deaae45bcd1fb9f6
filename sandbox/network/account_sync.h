#pragma once
#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery.h"

namespace wharf::sandbox {

/// Tells a change of the account to its other devices: account_sync to each but the one that made it.
class AccountSync {
 public:
  AccountSync(NetworkContext& context, Delivery& delivery) : c_(context), delivery_(delivery) {}

  void tell_own_devices(const Origin& origin, const Node& change);

 private:
  NetworkContext& c_;
  Delivery& delivery_;
};

}  // namespace wharf::sandbox
