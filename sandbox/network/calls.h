#pragma once
// Calls between accounts: signalling alone, nobody hears anybody. An offer goes to every device of the account that is
// called and waits for those that are away; one device answers for all, and the server ends what nobody answers.
// Specification 06 section 16.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/calls/call.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/blocklist.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery.h"

namespace wharf::sandbox {

/// Calls are of one life of the network: after a start again nobody ends those that rang before.
class Calls {
 public:
  static constexpr std::size_t max_ongoing = 1'000;  // more are acknowledged and reach nobody

  Calls(NetworkContext& context, Accounts& accounts, Delivery& delivery, Blocklist& blocklist)
      : c_(context), accounts_(accounts), delivery_(delivery), blocklist_(blocklist) {}

  /// Acknowledged whatever it says.
  void on_call(const Origin& origin, const Node& call);
  /// A receipt that answers a stanza of a call, not a message.
  static bool is_answer(const Node& receipt);

 private:
  struct Ongoing {
    DeviceKey caller;
    std::string callee;  // account
    bool lid = false;    // how the call names its people
    std::shared_ptr<void> timer;
  };
  using Entry = std::map<std::string, Ongoing>::iterator;

  void acknowledge(const Origin& origin, const Node& call);
  void offer(const Origin& origin, const Address& to, const protocol::CallOffered& offer);
  void accept(const Origin& origin, Entry call);
  void reject(const Origin& origin, Entry call, const protocol::CallRejected& rejected);
  void hang_up(const Origin& origin, Entry call, const std::string& reason);
  void time_out(const std::string& call_id);
  /// The head of what `to` hears of the call, as coming from this device.
  protocol::CallHead head(Entry call, const DeviceKey& from) const;
  void tell(const DeviceKey& to, const Party& from, const protocol::CallEvent& event);
  /// The end, to every device of the callee but `spared` (nullptr: to all), as coming from the caller.
  void end_at_callee(Entry call, std::string_view reason, const DeviceKey* spared);
  void end_at_caller(Entry call, const DeviceKey& from, std::string_view reason);

  NetworkContext& c_;
  Accounts& accounts_;
  Delivery& delivery_;
  Blocklist& blocklist_;
  std::map<std::string, Ongoing> calls_;  // by call-id
};

}  // namespace wharf::sandbox
