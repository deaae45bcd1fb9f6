// Control API: scenarios are played, looked at and stopped.

#include <boost/json.hpp>
#include <charconv>
#include <memory>
#include <utility>

#include "sandbox/control_call.h"
#include "sandbox/scenario.h"
#include "sandbox/scripts.h"
#include "web/envelope.h"

namespace wharf::sandbox {

namespace json = boost::json;

namespace {

/// The script of the path, or 404 and nullptr.
std::shared_ptr<Script> script_of(ControlCall& call) {
  const std::string& text = call.param("id");
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  auto script = failed == std::errc() && end == text.data() + text.size() ? call.scripts->find(number) : nullptr;
  if (!script)
    call.fail(404, "NOT_FOUND", "there is no script \"" + web::echo(text) + "\": it was never begun, or forgotten");
  return script;
}

}  // namespace

void play_script(ControlCall& call) {
  auto scenario = Scenario::read(call.body);
  if (!scenario) return call.invalid(scenario.error());
  if (scenario->detached) {
    const auto begun = call.scripts->play(std::move(*scenario), nullptr, nullptr);
    return begun ? call.succeed((*begun)->summary(), 202) : call.fail(begun.error());
  }
  auto waiting = std::make_shared<ControlCall>(call);  // lives until the scenario has ended
  Scripts* scripts = call.scripts;
  const auto begun = scripts->play(
      std::move(*scenario), [waiting] { return waiting->responder.peer_gone(); },
      [waiting, scripts](const Script& script) {
        if (scripts->closed() && script.state() == Script::State::stopped)
          return waiting->fail(503, "UNAVAILABLE", "the network ends: the scenario was stopped");
        waiting->succeed(script.report());
      });
  if (!begun) call.fail(begun.error());
}

void list_scripts(ControlCall& call) {
  json::array out;
  for (const auto& script : call.scripts->all()) out.push_back(script->summary());
  call.succeed(std::move(out));
}

void show_script(ControlCall& call) {
  if (const auto script = script_of(call)) call.succeed(script->report());
}

void forget_script(ControlCall& call) {
  const auto script = script_of(call);
  if (!script) return;
  call.scripts->forget(script->number());
  call.succeed(script->report());
}

}  // namespace wharf::sandbox
