#pragma once
// A scenario that is played, step by step, on the network's clock. A step begins when the one before has ended and its
// time has come, in a turn of its own; the first that fails ends it. Every draw comes from the seed, in the order of
// the steps.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_server.h"
#include "protocol/crypto/random.h"
#include "sandbox/expectation.h"
#include "sandbox/network_ports.h"
#include "sandbox/phones.h"
#include "sandbox/scenario.h"
#include "sandbox/scenario_values.h"

namespace wharf::sandbox {

class Script : public std::enable_shared_from_this<Script> {
 public:
  static constexpr std::size_t max_answer_bytes = 64u << 10;  // of one step
  static constexpr std::size_t max_answers_bytes = 1u << 20;  // of all of them
  enum class State { playing, passed, failed, stopped };

  struct Ports {
    NetworkClock& clock;
    Phones& phones;
    /// Answers a request to the control API, now or later.
    const std::function<void(net::HttpRequest, net::Responder)>& act;
  };
  Script(Ports ports, std::uint64_t number, Scenario scenario, std::uint64_t seed);
  ~Script();

  /// `client_gone`: whoever waits for the end does so no more, and it stops (asked before each step and once a second);
  /// empty for one that is detached. `ended` is called once, at its end.
  void start(std::function<bool()> client_gone, std::function<void()> ended);
  /// Nothing when it has ended.
  void stop(std::string why);

  std::uint64_t number() const { return number_; }
  State state() const { return state_; }
  /// Without and with the results of its steps.
  boost::json::object summary() const;
  boost::json::object report() const;

 private:
  class Answer;
  struct Failure {
    std::string code, message;
    boost::json::object details = {};
    boost::json::array seen = {};
  };
  /// Runs it then, if the scenario still plays and the token is kept.
  std::shared_ptr<void> after(std::int64_t ms, void (Script::*then)());
  void schedule();
  void play();
  void act(const ScenarioAct& act);
  void answered(std::size_t play, const net::HttpResponse& response);
  void expect(const ScenarioExpect& expect);
  void look();
  void on_time_over();
  void on_waited();
  void on_deadline();
  void watch_client();

  const ScenarioStep& step() const { return scenario_.steps[scenario_.plays[next_].step]; }
  std::int64_t since_start() const;
  Filling filling() const;
  /// The values in place of references; nullopt: one has none, and the step has failed.
  std::optional<boost::json::value> filled(const boost::json::value& value);
  /// The step's row, as far as it is known when it ends.
  boost::json::object row() const;
  void succeed(boost::json::value data, std::optional<unsigned> status = {});
  void fail(Failure failure, std::optional<unsigned> status = {});
  void end(State state, std::string failure);

  Ports ports_;
  std::uint64_t number_;
  Scenario scenario_;
  std::uint64_t seed_;
  protocol::SeededRandom random_;
  State state_ = State::playing;
  std::string failure_;
  std::function<bool()> client_gone_;
  std::function<void()> ended_;

  std::int64_t begun_ms_ = 0, ended_ms_ = 0;
  std::size_t next_ = 0;                                           // in scenario_.plays
  std::int64_t step_begun_ms_ = 0;                                 // of the one that is played, after the beginning
  bool acting_ = false;                                            // an answer is due
  std::map<std::string, boost::json::value, std::less<>> values_;  // answers, by the names of their steps
  std::size_t answers_bytes_ = 0;
  boost::json::array results_;
  std::map<std::string, SeenMessages, std::less<>> seen_;  // by phone number
  std::optional<Expectation> expectation_;                 // that is waited for
  const Phone* expecting_ = nullptr;                       // by whom

  std::shared_ptr<void> timer_, deadline_, client_watch_, listener_;  // tokens
  std::shared_ptr<void> look_;                                        // of a look that is due; none is: nullptr
};

std::string_view name(Script::State state);

}  // namespace wharf::sandbox
