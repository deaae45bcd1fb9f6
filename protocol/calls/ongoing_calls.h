#pragma once
// The memory of calls: what follows an offer says less than it, and whether a call was missed shows only at its end.
// Specification 05 section 7.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/calls/call.h"

namespace wharf::protocol {

/// What is known of the call that an event is about.
struct CallKnown {
  bool video = false, is_group = false;
  std::optional<Jid> creator_pn, group;
  /// Of an end: it rang here and nobody answered. False as well when no offer was seen.
  bool missed = false;
  friend bool operator==(const CallKnown&, const CallKnown&) = default;
};

/// Not durable: after a restart an end says no more than itself. Of a flood of offers the oldest are forgotten.
class OngoingCalls {
 public:
  struct Settings {
    std::uint64_t kept_seconds = 300;  // from the offer on
    std::size_t max_calls = 64;
  };
  OngoingCalls() : OngoingCalls(Settings()) {}
  explicit OngoingCalls(Settings settings) : settings_(settings) {}

  /// Takes an event in. nullopt: its offer was not seen, or is too old. A call ends here with its end, and with a
  /// refusal that is not of one device alone.
  std::optional<CallKnown> follow(const CallEvent& event, std::uint64_t unix_seconds);
  /// The offer of a call that this device may refuse now: it rings here, nobody has answered, and it is not over.
  /// nullptr otherwise. Until the next call of a member.
  const CallOffered* ringing(std::string_view call_id, std::uint64_t unix_seconds) const;
  /// The offer of a call that goes on; nullptr when none was seen. Until the next call of a member.
  const CallOffered* find(std::string_view call_id) const;
  /// It is over for this device, which has refused it.
  void end(const std::string& call_id) { calls_.erase(call_id); }
  std::size_t size() const { return calls_.size(); }

 private:
  struct Call {
    CallOffered offer;
    bool accepted = false;
    std::uint64_t since = 0;  // by our clock
  };
  void forget_old(std::uint64_t unix_seconds);

  Settings settings_;
  std::map<std::string, Call, std::less<>> calls_;  // by call-id
};

}  // namespace wharf::protocol
