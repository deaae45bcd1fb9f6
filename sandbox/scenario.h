#pragma once
// A scenario: a timeline of steps, read from JSON and checked whole before anything of it is played. A step names a
// route of the control API ("messages" is POST /phones/{phone}/messages) and has the members of its body; or it is one
// of `wait`, `expect`, `repeat`. docs/sandbox.md "Scenarios".

#include <boost/json/object.hpp>
#include <boost/system/result.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "sandbox/control_actions.h"
#include "web/schema.h"

namespace wharf::sandbox {

/// A step that is a route of the control API.
struct ScenarioAct {
  const ControlAction* action = nullptr;
  std::vector<std::pair<std::string_view, std::string>> params;  // of its path, with references
  boost::json::object fields;                                    // of its body or query, with references
};
/// Until a message has come that has all of `wanted`, or one that is named has come so far.
struct ScenarioExpect {
  std::string who;             // digits
  boost::json::object wanted;  // with references
};
struct ScenarioWait {
  std::int64_t ms = 0;
};
/// Stands before each repetition of a named `repeat`: its value is {"n": which}.
struct ScenarioCount {};

struct ScenarioStep {
  std::string place;     // "steps[3]", "steps[2].steps[0]"
  std::string action;    // what it does, as written
  std::string as;        // its name; "" without one
  std::int64_t at = -1;  // ms after the beginning; negative: not given
  std::int64_t after = 0, jitter = 0;
  std::variant<ScenarioAct, ScenarioWait, ScenarioExpect, ScenarioCount> what;
};
struct ScenarioPlay {
  std::size_t step = 0;
  std::uint32_t round = 0;  // of the innermost repeat, from 1; 0 outside
};

struct Scenario {
  static constexpr std::size_t max_steps = 500;    // as written, on all levels
  static constexpr std::size_t max_plays = 2'000;  // with their repetitions
  static constexpr std::size_t max_depth = 4;      // of repeats
  static constexpr std::size_t max_phones = 200;
  static constexpr std::int64_t default_timeout_ms = 60'000, max_timeout_ms = 3'600'000;
  static constexpr std::int64_t default_within_ms = 10'000;

  std::string name;
  std::optional<std::uint64_t> seed;
  std::map<std::string, std::string, std::less<>> phones;  // names -> digits
  std::int64_t timeout_ms = default_timeout_ms;
  bool detached = false;
  std::vector<ScenarioStep> steps;
  std::vector<ScenarioPlay> plays;  // in their order

  /// Errors: all that is wrong, by place ("steps[3].text"); what a route looks at itself it says when its step comes.
  static boost::system::result<Scenario, std::vector<web::FieldProblem>> read(const boost::json::object& body);
};

/// How a step names a route: its path below /phones/{phone}, without its parameters.
std::string action_name(const ControlAction& action);
/// The parameter of a path as a member of a step: `who` is the phone.
std::string_view step_member(std::string_view param);
std::vector<std::string_view> path_params(std::string_view pattern);

}  // namespace wharf::sandbox
