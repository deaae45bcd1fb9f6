#pragma once
// The devices of other accounts and of the own one, asked for when they are needed and kept for a while. Specification
// 02 section 7.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sandbox/phone/account_keys.h"
#include "sandbox/phone/context.h"

namespace wharf::sandbox {

class PhoneDeviceLists {
 public:
  PhoneDeviceLists(PhoneContext& context, PhoneAccountKeys& account_keys) : c_(context), account_keys_(account_keys) {}

  using Then = std::function<void(protocol::Result<void>)>;
  /// Makes the lists of `phones` known. Errors: closed, timed_out, what the server answered.
  void with_lists(const std::vector<std::string>& phones, Then then);
  /// What is known, without this phone.
  std::vector<DeviceKey> devices_of(const std::string& phone) const;
  void forget(const std::string& phone) { lists_.erase(phone); }
  void clear() { lists_.clear(); }

 private:
  static constexpr std::int64_t ttl_ms = 300'000;
  struct List {
    std::vector<std::uint16_t> devices;
    std::int64_t fetched_ms = 0;
  };
  protocol::Result<void> learn(const Node& answer);

  PhoneContext& c_;
  PhoneAccountKeys& account_keys_;
  std::map<std::string, List> lists_;  // by phone
};

}  // namespace wharf::sandbox
