#pragma once
#include <cstdint>
#include <functional>
#include <string_view>

#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery.h"

namespace wharf::sandbox {

/// Tells a change of the account to its other devices: to each but the one that made it.
class AccountSync {
 public:
  AccountSync(NetworkContext& context, Delivery& delivery) : c_(context), delivery_(delivery) {}

  /// `complete` puts into each notification what it says.
  void tell(const Account& account, std::uint16_t spared, std::string_view type,
            const std::function<void(Node&)>& complete);
  /// As account_sync.
  void tell_own_devices(const Origin& origin, const Node& change);
  /// The name that it shows to others.
  void tell_push_name(const Origin& origin);

 private:
  NetworkContext& c_;
  Delivery& delivery_;
};

}  // namespace wharf::sandbox
