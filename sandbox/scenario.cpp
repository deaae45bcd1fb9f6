#include "sandbox/scenario.h"

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>
#include <set>

#include "sandbox/control_schemas.h"
#include "sandbox/phones.h"
#include "sandbox/scenario_values.h"
#include "web/envelope.h"
#include "web/validation.h"

namespace wharf::sandbox {

namespace json = boost::json;
using web::FieldProblem;

namespace {

constexpr std::string_view own_members[] = {"do", "as", "at", "after", "jitter"};

bool is_own(std::string_view member) {
  return std::find(std::begin(own_members), std::end(own_members), member) != std::end(own_members);
}

/// `path` is what is not known yet, or lies in it.
bool is_later(const std::string& path, const std::set<std::string>& later) {
  return std::any_of(later.begin(), later.end(), [&](const std::string& unknown) {
    if (!path.starts_with(unknown)) return false;
    return path.size() == unknown.size() || path[unknown.size()] == '.' || path[unknown.size()] == '[';
  });
}

/// `path` is a field of the schema, or lies in one.
bool knows(const web::Schema& schema, std::string_view path) {
  const std::string_view name = path.substr(0, path.find_first_of(".["));
  const web::Field* field = schema.find(name);
  if (field == nullptr) return false;
  const auto dot = path.find('.');
  return dot == std::string_view::npos || field->object == nullptr || knows(*field->object, path.substr(dot + 1));
}

/// The query that the members say. A list or an object cannot be one.
web::Query query_of(const json::object& fields, std::vector<FieldProblem>& problems) {
  web::Query query;
  for (const auto& field : fields) {
    const json::value& value = field.value();
    const std::string name(field.key());
    if (value.is_string()) query.set(name, std::string(value.get_string()));
    else if (value.is_bool() || value.is_number()) query.set(name, json::serialize(value));
    else problems.push_back({name, "must be a string, a number, true or false"});
  }
  return query;
}

/// Of the routes that `name` may mean ("messages", "GET messages"), the one all of whose parameters are there.
struct Chosen {
  const ControlAction* action = nullptr;  // nullptr: there is none of this name
  std::vector<std::string_view> missing;  // parameters
};
Chosen choose(std::string_view name, const json::object& step) {
  std::string_view method;
  if (const auto space = name.find(' '); space != std::string_view::npos) {
    method = name.substr(0, space);
    name.remove_prefix(space + 1);
  }
  Chosen best;
  std::size_t best_given = 0;
  for (const ControlAction& action : control_actions()) {
    if ((!method.empty() && action.method != method) || action_name(action) != name) continue;
    Chosen one{&action, {}};
    const auto params = path_params(action.pattern);
    for (const auto param : params) {
      if (!step.contains(step_member(param))) one.missing.push_back(param);
    }
    const auto given = params.size() - one.missing.size();
    const bool nearer =
        one.missing.size() != best.missing.size() ? one.missing.size() < best.missing.size() : given > best_given;
    const bool tie = one.missing.size() == best.missing.size() && given == best_given;
    if (best.action == nullptr || nearer || (tie && action.method == "POST")) {
      best = std::move(one);
      best_given = given;
    }
  }
  return best;
}

std::string known_actions() {
  std::set<std::string> names{"wait", "expect", "repeat"};
  for (const ControlAction& action : control_actions()) names.insert(action_name(action));
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

class Reader {
 public:
  Reader(const json::object& body, Scenario& scenario) : body_(body), scenario_(scenario) {}

  std::vector<FieldProblem> read() {
    web::validate(body_, schemas::play_script, web::Unknown::refused, problems_);
    read_phones();
    if (!problems_.empty()) return std::move(problems_);
    scenario_.name = web::text_of(body_, "name");
    if (const auto seed = web::integer_of(body_, "seed")) scenario_.seed = static_cast<std::uint64_t>(*seed);
    scenario_.timeout_ms = web::integer_of(body_, "timeout").value_or(Scenario::default_timeout_ms);
    scenario_.detached = web::boolean_of(body_, "detached", false);
    scenario_.plays = read_steps(body_.at("steps").as_array(), "steps", 0);
    if (problems_.empty()) check_length();
    return std::move(problems_);
  }

 private:
  void report(std::string field, std::string what) {
    if (problems_.size() < web::most_problems) problems_.push_back({std::move(field), std::move(what)});
  }

  void read_phones() {
    const auto* given = body_.if_contains("phones");
    const auto* phones = given == nullptr ? nullptr : given->if_object();
    if (phones == nullptr) return;
    if (phones->size() > Scenario::max_phones)
      return report("phones", "must have at most " + std::to_string(Scenario::max_phones) + " names");
    for (const auto& phone : *phones) {
      const std::string name(phone.key());
      const auto* text = phone.value().if_string();
      const auto digits = normalise_phone(text == nullptr ? std::string_view() : std::string_view(*text));
      if (!is_scenario_name(name)) {
        report("phones." + web::echo(name), "is no name: a letter or _, then letters, digits, _ and -");
      } else if (!digits) {
        report("phones." + name, "is no phone number: " + digits.error().detail);
      } else {
        scenario_.phones[name] = *digits;
      }
    }
  }

  std::vector<ScenarioPlay> read_steps(const json::array& steps, const std::string& at, std::size_t depth) {
    std::vector<ScenarioPlay> plays;
    for (std::size_t i = 0; i < steps.size() && problems_.size() < web::most_problems; ++i) {
      const std::string place = at + "[" + std::to_string(i) + "]";
      const auto* step = steps[i].if_object();
      if (step == nullptr) {
        report(place, "must be an object");
        continue;
      }
      if (++written_ > Scenario::max_steps) {
        report(place, "is too much: a scenario has at most " + std::to_string(Scenario::max_steps) + " steps");
        return plays;
      }
      const auto more = read_step(*step, place, depth);
      if (plays.size() + more.size() > Scenario::max_plays) {
        report(place, "is too much: with its repetitions a scenario has at most " +
                          std::to_string(Scenario::max_plays) + " steps");
        return plays;
      }
      plays.insert(plays.end(), more.begin(), more.end());
    }
    return plays;
  }

  std::vector<ScenarioPlay> read_step(const json::object& step, const std::string& place, std::size_t depth) {
    const std::string_view what = web::text_of(step, "do");
    if (what == "repeat") return read_repeat(step, place, depth);
    ScenarioStep read;
    read.place = place;
    read.action = what;
    if (what == "wait") read.what = read_wait(step, place);
    else if (what == "expect") read.what = read_expect(step, place);
    else read.what = read_act(step, place);
    read.at = web::integer_of(step, "at").value_or(-1);
    read.after = web::integer_of(step, "after").value_or(0);
    read.jitter = web::integer_of(step, "jitter").value_or(0);
    if (step.contains("at") && step.contains("after")) report(place + ".after", "cannot stand beside `at`");
    read.as = name_step(step, place);
    scenario_.steps.push_back(std::move(read));
    return {{scenario_.steps.size() - 1, 0}};
  }

  std::vector<ScenarioPlay> read_repeat(const json::object& step, const std::string& place, std::size_t depth) {
    if (!check(step, schemas::script_repeat, place)) return {};
    if (depth >= Scenario::max_depth) {
      report(place, "is within too many others: repeats may be " + std::to_string(Scenario::max_depth) + " deep");
      return {};
    }
    const auto times = static_cast<std::size_t>(web::integer_of(step, "times").value_or(1));
    // Named before its steps: they are within it.
    ScenarioStep count;
    count.place = place;
    count.action = "repeat";
    count.as = name_step(step, place);
    count.what = ScenarioCount{};
    std::vector<ScenarioPlay> once;
    if (!count.as.empty()) {
      scenario_.steps.push_back(std::move(count));
      once.push_back({scenario_.steps.size() - 1, 0});
    }
    const auto inner = read_steps(step.at("steps").as_array(), place + ".steps", depth + 1);
    once.insert(once.end(), inner.begin(), inner.end());
    if (once.size() * times > Scenario::max_plays) {
      report(place + ".times", "is too many: with its repetitions a scenario has at most " +
                                   std::to_string(Scenario::max_plays) + " steps");
      return {};
    }
    std::vector<ScenarioPlay> plays;
    for (std::size_t round = 1; round <= times; ++round) {
      for (ScenarioPlay play : once) {
        if (play.round == 0) play.round = static_cast<std::uint32_t>(round);
        plays.push_back(play);
      }
    }
    return plays;
  }

  ScenarioWait read_wait(const json::object& step, const std::string& place) {
    check(step, schemas::script_wait, place);
    return {web::integer_of(step, "ms").value_or(0)};
  }

  ScenarioExpect read_expect(const json::object& step, const std::string& place) {
    ScenarioExpect read;
    json::object own;
    for (const auto& member : step) {
      const std::string_view name = member.key();
      (name == "who" || is_own(name) ? own : read.wanted)[name] = member.value();
    }
    Filling filling = known();
    json::object filled = fill(read.wanted, "", filling).get_object();
    for (const auto& member : own) filled[member.key()] = member.value();
    take(filling.problems, place);
    std::vector<FieldProblem> problems;
    web::validate(filled, schemas::script_expect, web::Unknown::refused, problems);
    take(problems, place, filling.later, &schemas::script_expect);
    if (step.contains("status") && !step.contains("id")) report(place + ".status", "needs `id`: of which message");
    if (step.contains("by") && !step.contains("status")) report(place + ".by", "needs `status`");
    const std::string_view who = web::text_of(step, "who");
    const auto named = scenario_.phones.find(who.substr(who.starts_with('$') ? 1 : 0));
    const auto digits = normalise_phone(who);
    if (named != scenario_.phones.end()) read.who = named->second;
    else if (digits) read.who = *digits;
    else if (!who.empty()) report(place + ".who", "is no name in `phones` and no phone number");
    return read;
  }

  ScenarioAct read_act(const json::object& step, const std::string& place) {
    ScenarioAct read;
    json::object own;
    for (const auto& member : step) {
      if (is_own(member.key())) own[member.key()] = member.value();
    }
    check(own, schemas::script_step, place);
    const std::string_view name = web::text_of(step, "do");
    if (name.empty()) return read;
    const Chosen chosen = choose(name, step);
    if (chosen.action == nullptr) {
      report(place + ".do", "is no action: \"" + web::echo(name) + "\"; known: " + known_actions());
      return read;
    }
    read.action = chosen.action;
    for (const auto param : chosen.missing) {
      report(place + "." + std::string(step_member(param)),
             "is required: {" + std::string(param) + "} of " + std::string(read.action->pattern));
    }
    const auto params = path_params(read.action->pattern);
    for (const auto param : params) {
      if (const auto* value = step.if_contains(step_member(param))) read_param(*value, param, place, read);
    }
    for (const auto& member : step) {
      const std::string_view field = member.key();
      const bool param = std::any_of(params.begin(), params.end(), [&](auto one) { return step_member(one) == field; });
      if (!param && !is_own(field)) read.fields[field] = member.value();
    }
    check_fields(read, place);
    return read;
  }

  void read_param(const json::value& value, std::string_view param, const std::string& place, ScenarioAct& act) {
    const std::string field = place + "." + std::string(step_member(param));
    std::string text;
    if (const auto* given = value.if_string()) text = std::string(*given);
    else if (value.is_int64()) text = std::to_string(value.get_int64());
    if (text.empty() || text.size() > 256) return report(field, "must be a string of 1 to 256 bytes, or an integer");
    if (param == "phone" && scenario_.phones.contains(text)) text = "$" + text;
    Filling filling = known();
    const json::value filled = fill(json::value(text), "", filling);
    for (FieldProblem& problem : filling.problems) report(field, std::move(problem.what));
    if (param == "phone" && filling.problems.empty() && filling.later.empty() &&
        !normalise_phone(std::string(filled.get_string())))
      report(field, "is no name in `phones` and no phone number");
    act.params.emplace_back(param, std::move(text));
  }

  void check_fields(const ScenarioAct& act, const std::string& place) {
    Filling filling = known();
    const json::object filled = fill(act.fields, "", filling).get_object();
    take(filling.problems, place);
    const web::Schema* schema = act.action->takes_body ? act.action->body : act.action->query;
    std::vector<FieldProblem> problems;
    if (act.action->takes_body && schema == nullptr) {
      if (act.action->check != nullptr) act.action->check(filled, problems);
      return take(problems, place, filling.later, nullptr);
    }
    if (schema == nullptr) schema = &schemas::no_fields;
    if (act.action->takes_body) {
      web::validate(filled, *schema, web::Unknown::refused, problems);
    } else {
      web::Query query = query_of(filled, problems);
      web::validate(query, *schema, web::Unknown::refused, problems);
      if (query.has("strict")) problems.push_back({"strict", "is not a known field"});
    }
    take(problems, place, filling.later, schema);
  }

  /// What is wrong in a step; a text that is not known yet is looked at by its route.
  void take(std::vector<FieldProblem>& problems, const std::string& place, const std::set<std::string>& later = {},
            const web::Schema* schema = nullptr) {
    for (FieldProblem& problem : problems) {
      if (is_later(problem.field, later) && (schema == nullptr || knows(*schema, problem.field))) continue;
      problem.field = place + "." + problem.field;
      if (problems_.size() < web::most_problems) problems_.push_back(std::move(problem));
    }
  }

  bool check(const json::object& step, const web::Schema& schema, const std::string& place) {
    std::vector<FieldProblem> problems;
    web::validate(step, schema, web::Unknown::refused, problems);
    const bool fine = problems.empty();
    take(problems, place);
    return fine;
  }

  /// Names can be used from the next step on.
  std::string name_step(const json::object& step, const std::string& place) {
    const std::string name(web::text_of(step, "as"));
    if (name.empty()) return name;
    const bool taken = scenario_.phones.contains(name) || !named_.insert(name).second;
    if (taken) report(place + ".as", "is taken: an earlier step or a phone has this name");
    return name;
  }

  /// The phones are known, the answers of earlier steps not yet.
  Filling known() const {
    Filling filling;
    filling.find = [this](std::string_view reference) -> FoundValue {
      const std::string name(reference.substr(0, reference.find('.')));
      if (const auto phone = scenario_.phones.find(reference); phone != scenario_.phones.end())
        return {json::value(phone->second), {}};
      if (named_.contains(name)) return {};
      if (scenario_.phones.contains(name)) return {{}, "$" + web::echo(reference) + ": a phone is a number alone"};
      return {{},
              "$" + web::echo(reference) +
                  " names no phone of `phones` and no earlier step (a dollar sign before a name is written $$)"};
    };
    return filling;
  }

  /// The times of a scenario alone may be longer than it may take.
  void check_length() {
    std::int64_t ms = 0;
    for (const ScenarioPlay& play : scenario_.plays) {
      const ScenarioStep& step = scenario_.steps[play.step];
      ms = step.at >= 0 ? std::max(ms, step.at) : ms + step.after;
      if (const auto* wait = std::get_if<ScenarioWait>(&step.what)) ms += wait->ms;
    }
    if (ms > scenario_.timeout_ms)
      report("timeout", "is " + std::to_string(scenario_.timeout_ms) + " ms, and the steps take " + std::to_string(ms) +
                            " at least");
  }

  const json::object& body_;
  Scenario& scenario_;
  std::vector<FieldProblem> problems_;
  std::set<std::string, std::less<>> named_;
  std::size_t written_ = 0;
};

}  // namespace

std::vector<std::string_view> path_params(std::string_view pattern) {
  std::vector<std::string_view> params;
  for (auto open = pattern.find('{'); open != std::string_view::npos; open = pattern.find('{', open + 1))
    params.push_back(pattern.substr(open + 1, pattern.find('}', open) - open - 1));
  return params;
}

std::string_view step_member(std::string_view param) { return param == "phone" ? "who" : param; }

std::string action_name(const ControlAction& action) {
  constexpr std::string_view of_a_phone = "/phones/{phone}/";
  std::string_view rest = action.pattern;
  rest.remove_prefix(rest.starts_with(of_a_phone) ? of_a_phone.size() : 1);
  std::string name;
  while (!rest.empty()) {
    const std::string_view segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), segment.size() + 1));
    if (!segment.starts_with('{')) name += (name.empty() ? "" : "/") + std::string(segment);
  }
  return name;
}

boost::system::result<Scenario, std::vector<FieldProblem>> Scenario::read(const json::object& body) {
  Scenario scenario;
  auto problems = Reader(body, scenario).read();
  if (!problems.empty()) return {boost::system::in_place_error, std::move(problems)};
  return scenario;
}

}  // namespace wharf::sandbox
