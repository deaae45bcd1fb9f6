#include "sessions/commands.h"

#include <utility>

namespace wharf::sessions {

const char* name(const Command& command) {
  return std::visit([]<class Operation>(const Asked<Operation>&) { return Operation::name; }, command);
}

std::shared_ptr<Owed> owed(const Command& command) {
  return std::visit([](const auto& asked) -> std::shared_ptr<Owed> { return asked.reply.owed(); }, command);
}

void refuse(Command command, const Refusal& why) {
  std::visit([&](auto& asked) { std::move(asked.reply)(why); }, command);
}

Refusal no_session(const std::string& name) {
  return Refusal(protocol::Errc::not_found, Subject::session, "there is no session '" + name + "'");
}

void answer_as_removed(Command command, const std::string& session) {
  const auto answer = [&]<class Operation>(Asked<Operation>& asked) {
    std::move(asked.reply)(when_removed<Operation>(session));
  };
  std::visit(answer, command);
}

}  // namespace wharf::sessions
