#include "sandbox/script.h"

#include <algorithm>
#include <boost/json.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <utility>

#include "sandbox/control_call.h"
#include "sandbox/control_schemas.h"
#include "web/envelope.h"
#include "web/validation.h"

namespace wharf::sandbox {

namespace json = boost::json;

namespace {

constexpr std::int64_t client_watch_ms = 1'000;
constexpr std::size_t most_told = 3;  // of what came instead, in a message

std::string percent_encoded(std::string_view text) { return boost::urls::encode(text, boost::urls::unreserved_chars); }

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

std::string path_of(const ControlAction& action, const std::map<std::string_view, std::string>& params) {
  std::string path = "/sandbox/v1";
  std::string_view rest = action.pattern;
  for (auto open = rest.find('{'); open != std::string_view::npos; open = rest.find('{')) {
    const auto close = rest.find('}', open);
    path += std::string(rest.substr(0, open)) + percent_encoded(params.at(rest.substr(open + 1, close - open - 1)));
    rest.remove_prefix(close + 1);
  }
  return path + std::string(rest);
}

}  // namespace

std::string_view name(Script::State state) {
  switch (state) {
    case Script::State::playing: return "playing";
    case Script::State::passed: return "passed";
    case Script::State::failed: return "failed";
    case Script::State::stopped: break;
  }
  return "stopped";
}

/// Takes the answer to a step. A handler that drops it unanswered has failed.
class Script::Answer final : public net::Responder::Sink {
 public:
  Answer(std::weak_ptr<Script> script, std::size_t play) : script_(std::move(script)), play_(play) {}
  ~Answer() override {
    if (!answered_) respond(web::render_error(500, "INTERNAL_ERROR", {"the action ended without an answer", {}}));
  }
  void respond(net::HttpResponse response) override {
    answered_ = true;
    if (const auto script = script_.lock()) script->answered(play_, response);
  }
  void upgrade(net::WebSocketUpgrade) override {}
  bool peer_gone() const override {
    const auto script = script_.lock();
    return !script || script->state() != State::playing;
  }

 private:
  std::weak_ptr<Script> script_;
  std::size_t play_;
  bool answered_ = false;
};

Script::Script(Ports ports, std::uint64_t number, Scenario scenario, std::uint64_t seed)
    : ports_(ports), number_(number), scenario_(std::move(scenario)), seed_(seed), random_(seed) {
  for (const auto& [name, phone] : scenario_.phones) values_[name] = json::value(phone);
}

Script::~Script() = default;

void Script::start(std::function<bool()> client_gone, std::function<void()> ended) {
  client_gone_ = std::move(client_gone);
  ended_ = std::move(ended);
  begun_ms_ = ports_.clock.unix_ms();
  for (const ScenarioStep& step : scenario_.steps) {
    const auto* expect = std::get_if<ScenarioExpect>(&step.what);
    const Phone* phone = expect == nullptr ? nullptr : ports_.phones.find_number(expect->who);
    if (phone == nullptr || phone->messages().empty()) continue;
    seen_[expect->who].last_before = {phone->messages().back().author, phone->messages().back().id};
  }
  deadline_ = after(scenario_.timeout_ms, &Script::on_deadline);
  if (client_gone_) client_watch_ = after(client_watch_ms, &Script::watch_client);
  schedule();
}

std::shared_ptr<void> Script::after(std::int64_t ms, void (Script::*then)()) {
  return ports_.clock.after(ms, [self = weak_from_this(), then] {
    const auto script = self.lock();
    if (script && script->state_ == State::playing) (script.get()->*then)();
  });
}

void Script::on_deadline() {
  fail({"TIMEOUT", "the scenario has not ended within " + std::to_string(scenario_.timeout_ms) + " ms"});
}

void Script::watch_client() {
  if (client_gone_()) return stop("its client has gone");
  client_watch_ = after(client_watch_ms, &Script::watch_client);
}

std::int64_t Script::since_start() const { return ports_.clock.unix_ms() - begun_ms_; }

void Script::schedule() {
  for (; next_ < scenario_.plays.size(); ++next_) {
    if (!std::holds_alternative<ScenarioCount>(step().what)) break;
    values_[step().as] = json::object{{"n", scenario_.plays[next_].round}};
  }
  if (next_ == scenario_.plays.size()) return end(State::passed, {});
  step_begun_ms_ = since_start();  // of one that is never played
  std::int64_t wait = step().at >= 0 ? std::max<std::int64_t>(step().at - since_start(), 0) : step().after;
  if (step().jitter > 0) wait += random_.below(static_cast<std::uint32_t>(step().jitter) + 1);
  timer_ = after(wait, &Script::play);
}

void Script::play() {
  if (client_gone_ && client_gone_()) return stop("its client has gone");
  step_begun_ms_ = since_start();
  if (const auto* wait = std::get_if<ScenarioWait>(&step().what)) {
    timer_ = after(wait->ms, &Script::on_waited);
  } else if (const auto* wanted = std::get_if<ScenarioExpect>(&step().what)) {
    expect(*wanted);
  } else if (const auto* what = std::get_if<ScenarioAct>(&step().what)) {
    act(*what);
  }
}

void Script::on_waited() { succeed(nullptr); }

// --- a route of the control API

void Script::act(const ScenarioAct& act) {
  const auto fields = filled(act.fields);
  if (!fields) return;
  std::map<std::string_view, std::string> params;
  for (const auto& [param, text] : act.params) {
    const auto value = filled(json::value(text));
    if (!value) return;
    params[param] = text_of(*value);
    if (params[param].empty() || params[param].size() > 256 || params[param] == "." || params[param] == "..")
      return fail({"VALIDATION_ERROR", std::string(step_member(param)) + ": must be a text of 1 to 256 bytes"});
  }
  net::HttpRequest request;
  request.method = act.action->method;
  request.target = path_of(*act.action, params) + "?strict=true";
  if (act.action->takes_body) {
    request.headers.emplace_back("content-type", "application/json");
    request.body = json::serialize(*fields);
  } else {
    for (const auto& field : fields->get_object())
      request.target += "&" + percent_encoded(field.key()) + "=" + percent_encoded(text_of(field.value()));
  }
  acting_ = true;
  ports_.act(std::move(request), net::Responder(std::make_shared<Answer>(weak_from_this(), next_)));
}

void Script::answered(std::size_t play, const net::HttpResponse& response) {
  if (state_ != State::playing || play != next_ || !std::exchange(acting_, false)) return;
  boost::system::error_code unread;
  json::value document;
  if (response.content_type == "application/json" && !response.more) document = json::parse(response.body, unread);
  const auto* envelope = document.if_object();
  if (unread || envelope == nullptr)
    return fail({"INTERNAL_ERROR", "the action answered no JSON: it cannot be a step"}, response.status);
  if (response.status < 300) {
    const json::value* data = envelope->if_contains("data");
    return succeed(data == nullptr ? json::value() : *data, response.status);
  }
  Failure failure{"INTERNAL_ERROR", "the action failed"};
  if (const auto* error = envelope->if_contains("error"); error != nullptr && error->is_object()) {
    failure.code = web::text_of(error->get_object(), "code");
    failure.message = web::text_of(error->get_object(), "message");
    if (const auto* details = error->get_object().if_contains("details"); details != nullptr && details->is_object()) {
      for (const auto& detail : details->get_object())
        failure.details[step().place + "." + std::string(detail.key())] = detail.value();
    }
  }
  fail(std::move(failure), response.status);
}

// --- what a phone is to receive

void Script::expect(const ScenarioExpect& expect) {
  const auto wanted = filled(expect.wanted);
  if (!wanted) return;
  // What was not known when the scenario was checked.
  std::vector<web::FieldProblem> problems;
  json::object whole = wanted->get_object();
  whole["do"] = "expect";
  whole["who"] = expect.who;
  web::validate(whole, schemas::script_expect, web::Unknown::refused, problems);
  if (!problems.empty()) {
    Failure failure{"VALIDATION_ERROR", web::explain(problems).message};
    for (const auto& problem : problems) failure.details[step().place + "." + problem.field] = problem.what;
    return fail(std::move(failure));
  }
  Phone* phone = ports_.phones.find_number(expect.who);
  if (phone == nullptr) return fail({"NOT_FOUND", "there is no phone \"" + expect.who + "\""});
  expectation_.emplace(wanted->get_object());
  expecting_ = phone;
  listener_ = phone->on_messages([self = weak_from_this()] {
    const auto script = self.lock();
    if (script && !script->look_) script->look_ = script->after(0, &Script::look);
  });
  timer_ = after(expectation_->within_ms(), &Script::on_time_over);
  look();
}

void Script::look() {
  look_.reset();
  if (state_ != State::playing || !expectation_) return;
  const auto& who = std::get<ScenarioExpect>(step().what).who;
  const PhoneMessage* found = expectation_->find(*expecting_, seen_[who]);
  if (found == nullptr) return;
  if (!expectation_->absent()) {
    if (!expectation_->named()) seen_[who].expected.insert({found->author, found->id});
    return succeed(message_json(*expecting_, *found));
  }
  Failure failure{"EXPECTATION_FAILED", who + " received what was not to come: " + found->kind + " \"" +
                                            web::echo(found->text) + "\" from " +
                                            expecting_->number_named(found->author)};
  failure.seen.push_back(message_json(*expecting_, *found));
  fail(std::move(failure));
}

void Script::on_time_over() {
  look();
  if (state_ != State::playing || !expectation_) return;
  if (expectation_->absent()) return succeed(nullptr);
  const auto& who = std::get<ScenarioExpect>(step().what).who;
  Failure failure{"EXPECTATION_FAILED", {}};
  failure.seen = expectation_->instead(*expecting_, seen_[who]);
  const bool named = expectation_->named();
  std::string came;
  const std::size_t told = std::min(failure.seen.size(), most_told);
  for (std::size_t i = failure.seen.size() - told; i < failure.seen.size(); ++i) {
    const auto& message = failure.seen[i].get_object();
    const auto text = [&](std::string_view member) { return std::string(web::text_of(message, member)); };
    came += (came.empty() ? "" : ", ") + text("kind") + " \"" + text("text") + "\" ";
    came += named ? "which is " + text("status") : "from " + text("from");
  }
  failure.message =
      "within " + std::to_string(expectation_->within_ms()) + " ms " + who +
      (named ? " had no such message that came so far; it has " : " received no such message; it received ") +
      (came.empty() ? "none" : came);
  fail(std::move(failure));
}

// --- values and results

Filling Script::filling() const {
  Filling filling;
  filling.find = [this](std::string_view reference) -> FoundValue {
    const auto dot = std::min(reference.find('.'), reference.size());
    const auto known = values_.find(reference.substr(0, dot));
    const std::string shown = "$" + web::echo(reference);
    if (known == values_.end()) return {{}, shown + ": the step has no answer yet"};
    const json::value* value = member_at(known->second, reference.substr(std::min(dot + 1, reference.size())));
    if (value == nullptr) return {{}, shown + ": the answer has no such member"};
    return {*value, {}};
  };
  return filling;
}

std::optional<json::value> Script::filled(const json::value& value) {
  Filling filling = this->filling();
  json::value out = fill(value, "", filling);
  if (filling.problems.empty()) return out;
  Failure failure{"VALIDATION_ERROR", {}};
  for (const auto& problem : filling.problems) {
    const std::string field = step().place + (problem.field.empty() ? "" : "." + problem.field);
    if (failure.message.empty()) failure.message = field + ": " + problem.what;
    failure.details[field] = problem.what;
  }
  fail(std::move(failure));
  return std::nullopt;
}

json::object Script::row() const {
  json::object row{{"step", step().place}, {"do", step().action}};
  if (!step().as.empty()) row["as"] = step().as;
  if (const auto round = scenario_.plays[next_].round; round != 0) row["round"] = round;
  row["at"] = step_begun_ms_;
  row["ended"] = since_start();
  return row;
}

void Script::succeed(json::value data, std::optional<unsigned> status) {
  const std::size_t bytes = json::serialize(data).size();
  if (bytes > max_answer_bytes)
    return fail({"PAYLOAD_TOO_LARGE", "the answer has " + std::to_string(bytes) + " bytes: of one step at most " +
                                          std::to_string(max_answer_bytes) + " are kept"});
  if (answers_bytes_ + bytes > max_answers_bytes)
    return fail({"PAYLOAD_TOO_LARGE",
                 "the answers of the steps have more than " + std::to_string(max_answers_bytes) + " bytes together"});
  answers_bytes_ += bytes;
  json::object row = this->row();
  row["ok"] = true;
  if (status) row["status"] = *status;
  row["data"] = data;
  results_.push_back(std::move(row));
  if (!step().as.empty()) values_[step().as] = std::move(data);
  expectation_.reset();
  timer_.reset();
  listener_.reset();
  ++next_;
  schedule();
}

void Script::fail(Failure failure, std::optional<unsigned> status) {
  json::object row = this->row();
  row["ok"] = false;
  if (status) row["status"] = *status;
  json::object error{{"code", failure.code}, {"message", failure.message}, {"details", std::move(failure.details)}};
  if (!failure.seen.empty()) error["seen"] = std::move(failure.seen);
  row["error"] = std::move(error);
  results_.push_back(std::move(row));
  end(State::failed, step().place + " (" + step().action + "): " + failure.message);
}

void Script::stop(std::string why) {
  if (state_ == State::playing) end(State::stopped, std::move(why));
}

void Script::end(State state, std::string failure) {
  state_ = state;
  failure_ = std::move(failure);
  ended_ms_ = since_start();
  expectation_.reset();
  for (auto* token : {&timer_, &deadline_, &look_, &client_watch_, &listener_}) token->reset();
  client_gone_ = nullptr;
  values_.clear();
  if (const auto ended = std::exchange(ended_, nullptr)) ended();
}

json::object Script::summary() const {
  const auto steps = std::count_if(scenario_.plays.begin(), scenario_.plays.end(), [this](const ScenarioPlay& play) {
    return !std::holds_alternative<ScenarioCount>(scenario_.steps[play.step].what);
  });
  json::object out{{"id", std::to_string(number_)},
                   {"name", scenario_.name.empty() ? json::value(nullptr) : json::value(scenario_.name)},
                   {"state", sandbox::name(state_)},
                   {"passed", state_ == State::passed},
                   {"failure", failure_.empty() ? json::value(nullptr) : json::value(failure_)},
                   {"seed", seed_},
                   {"begunAt", begun_ms_},
                   {"took", state_ == State::playing ? since_start() : ended_ms_},
                   {"steps", steps},
                   {"played", results_.size()}};
  return out;
}

json::object Script::report() const {
  json::object out = summary();
  out["results"] = results_;
  return out;
}

}  // namespace wharf::sandbox
