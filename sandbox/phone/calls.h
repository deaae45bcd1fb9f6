#pragma once
// The calls of a phone: those that its user makes, and those that come. Nobody hears anybody. Specification 06 section
// 16.

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include "protocol/calls/call.h"
#include "sandbox/phone.h"
#include "sandbox/phone/chats.h"
#include "sandbox/phone/context.h"

namespace wharf::sandbox {

class PhoneCalls {
 public:
  static constexpr std::size_t max_kept = 256;  // the oldest go

  PhoneCalls(PhoneContext& context, const PhoneChats& chats) : c_(context), chats_(chats) {}

  // --- what its user does. Errors: closed (it is switched off), and as said
  /// The id of the call. Errors: refused (the own account).
  protocol::Result<std::string> place(const Account& whom, bool video);
  /// An own call that rings. Errors: not_found.
  protocol::Result<void> cancel(std::string_view id);
  /// A call that rings here. Errors: not_found.
  protocol::Result<void> accept(std::string_view id);
  protocol::Result<void> reject(std::string_view id);

  void on_call(const Node& call);
  /// Newest last; not kept over a restart.
  const std::deque<PhoneCall>& all() const { return calls_; }

 private:
  /// What the stanzas of a call repeat.
  struct Wire {
    std::string id;
    Jid peer;     // whom stanzas about it go to
    Jid creator;  // as it was said first
  };
  PhoneCall* find(std::string_view id);
  /// The call, when it rings and is of this direction.
  PhoneCall* ringing(std::string_view id, bool outgoing);
  void keep(PhoneCall call, Wire wire);
  void say(std::string_view id, Node payload);
  protocol::Result<void> answer(std::string_view id, std::string_view tag, std::string_view state);

  PhoneContext& c_;
  const PhoneChats& chats_;
  std::deque<PhoneCall> calls_;
  std::deque<Wire> wires_;  // of the same places
};

}  // namespace wharf::sandbox
