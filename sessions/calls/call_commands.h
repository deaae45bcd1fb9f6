#pragma once
// What may be asked of a session about calls (sessions/commands.h). Specification 05 section 7.

#include <string>

namespace wharf::sessions {

/// Refuses a call that rings here; answered when the refusal has left. Errors, about Subject::call: not_found (it is
/// not known, it does not ring here, or it is over), not_implemented (a call of a group); not_ready (not connected).
struct RejectCall {
  using Answer = void;
  static constexpr const char* name = "reject_call";
  std::string call;  // its id
  friend bool operator==(const RejectCall&, const RejectCall&) = default;
};

}  // namespace wharf::sessions
