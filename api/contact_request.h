#pragma once
// What handlers of people share: who the path names, and asking the session about them.

#include <optional>
#include <type_traits>
#include <utility>

#include "api/services.h"
#include "sessions/commands.h"

namespace wharf::api {

struct ContactOfPath {
  sessions::SessionView session;
  protocol::Jid jid;  // canonical
  sessions::PersonIds ids;
  bool is_own = false;
};
/// The person of the path; answers and returns nullopt when it is none, or there is no such session.
std::optional<ContactOfPath> contact_of(const ServicesPtr& services, const CallPtr& call);
/// A name that goes to WhatsApp as it is: one line of at least one visible character. False: refused by its field.
bool acceptable_name(const CallPtr& call, const std::string& field, const std::string& name);
/// The `name` of a group or a channel; false: refused by its field. WhatsApp takes blanks, and nobody finds such a one
/// in a list.
bool shows_something(const CallPtr& call, std::string_view name);
/// The session, when it is linked to an account; answers and returns nullopt when it is not.
std::optional<sessions::SessionView> linked_session_of(const ServicesPtr& services, const CallPtr& call);

/// Asks the session of the path; answers what it refuses. `done` runs with what it says, with nothing of a void answer.
template <class Operation, class Done>
void ask_session(const ServicesPtr& services, const CallPtr& call, Operation operation, Done done) {
  using Answer = typename Operation::Answer;
  ask(services, call, std::move(operation),
      [call, done = std::move(done)](const sessions::Outcome<Answer>& answer) mutable {
        if (!answer) return call->failure(failure_of(call, answer.error()));
        if constexpr (std::is_void_v<Answer>) done();
        else done(*answer);
      });
}

}  // namespace wharf::api
