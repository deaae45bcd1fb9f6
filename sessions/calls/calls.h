#pragma once
// Calls of the account: told as events, each state of a call once, refused when a program or the config wants it, never
// carried. Specification 05 section 7.
//
// What was told of a call is a row (of those that an Idempotency-Key has, for a day), in the commit of the event: after
// a kill between that commit and our answer the stanza comes again and tells nothing new. The text behind a refusal is
// remembered in the same way, so that it is sent once. The refusal itself is not durable: an offer that comes again
// and still rings is refused again.

#include <functional>
#include <string>
#include <string_view>

#include "protocol/calls/ongoing_calls.h"
#include "sessions/acceptance.h"
#include "sessions/calls/call_commands.h"
#include "sessions/context.h"
#include "sessions/directory.h"

namespace wharf::sessions {

class Calls {
 public:
  Calls(Context& context, Directory& directory, Acceptance& acceptance)
      : c_(context), directory_(directory), acceptance_(acceptance) {}

  /// Acknowledged whatever it says.
  void on_call(const Node& call);
  /// Errors: as RejectCall.
  Outcome<> reject(const std::string& id);
  /// Set by the session: the text for the caller was not accepted: the queue is full, or he cannot be written to.
  std::function<void(const std::string& call)> on_text_refused;

 private:
  void hear(const protocol::CallOffered& offer);
  void hear(const protocol::CallAccepted& accepted);
  void hear(const protocol::CallRejected& rejected);
  void hear(const protocol::CallEnded& ended);
  void hear(const protocol::UnknownCall&) {}  // says of no call what becomes of it
  /// Whether who sent it may say this of the call. Of a call between two that is whoever calls, who is called, and the
  /// own account; of one of a group others too, and unless its offer named another one, who sent it is the caller.
  bool is_credible(protocol::CallHead& head, bool of_group);
  /// One-to-one, and not from another device of the account.
  bool is_for_us_alone(const protocol::CallOffered& offer) const;
  void refuse(const protocol::CallOffered& offer);
  void send_text(const protocol::CallOffered& offer);
  /// The states that were told of a call within a day, each between blanks; "" = none.
  std::string told(const std::string& id) const;
  /// The number that a caller says is his, where nothing else is known of either: for show, nothing learns it.
  std::optional<Jid> stated_number(const Jid& caller, const std::optional<Jid>& stated);
  /// Nothing when it was told before, or when the call was over for us already.
  void tell(const protocol::CallHead& head, const std::optional<protocol::CallKnown>& known, std::string_view state,
            const std::string& reason);

  Context& c_;
  Directory& directory_;
  Acceptance& acceptance_;
  protocol::OngoingCalls ongoing_;
};

}  // namespace wharf::sessions
