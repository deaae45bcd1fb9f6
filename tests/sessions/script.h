#pragma once
// A real Session, its rows and a scripted network, driven through a conversation and then again with a failure at every
// step of it: the connection cut before or after a turn's stanzas left, the commit lost, the process killed between
// commit and effects, one stanza of the network that never arrives. Whatever failed, afterwards the promises hold: no
// message key is used twice, each message arrives exactly once, the queue is empty, nothing was confirmed that is not
// in a row.
//
//   TEST_CASE("…") {
//     test::fail_at_every_step([](test::Script& s) {
//       s.login();
//       s.send("hello");
//       s.settle();
//     });
//   }

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sessions/session.h"
#include "storage/store.h"
#include "tests/sessions/scripted_network.h"

namespace wharf::test {

struct Failure {
  enum class Kind {
    none,
    commit_lost,      // turn `at` does not become durable; the session starts again from its rows
    killed,           // turn `at` is durable, none of its effects happens; the session starts again from its rows
    cut_before_send,  // the connection ends before a stanza of turn `at` reached the network
    cut_after_send,   // … after they did; what the network answered is lost
    answer_lost,      // stanza `at` of the network never arrives; the connection stays
    dial_failed,      // the server closes on the hello of connection `at`
  };
  Kind kind = Kind::none;
  std::size_t at = 0;
};
const char* name(Failure::Kind kind);

class Script {
 public:
  enum class Begin { linked, unlinked };
  /// `inputs_per_turn`: how many waiting inputs one turn takes, as an actor under load does.
  explicit Script(Failure failure = {}, std::size_t inputs_per_turn = 1, Begin begin = Begin::linked);
  ~Script();

  // --- steps
  /// Starts the session. It is linked; nothing was uploaded and nobody is known yet.
  void login();
  /// Starts an unlinked session; its user scans each QR that it shows, or asks for a code and types it into the phone,
  /// until it is linked, and starts the session again when it has failed. `Code then QR`: the code is typed once, what
  /// is shown after that is scanned.
  enum class Pair { by_qr, by_code, by_code_then_qr };
  void pair(Pair how);
  /// A client of the API asks for a text to the contact, under an idempotency key, and asks again until it is answered.
  void send(const std::string& text);
  /// The same in the turn that also takes the next due deadline.
  void send_at_next_deadline(const std::string& text);
  /// The contact sends one. Unreadable: with keys the session does not have.
  void receive(const std::string& text);
  void receive_unreadable(const std::string& text);
  /// From now on, over restarts too, calls are rejected as they come, with this text.
  void reject_calls(const std::string& text);
  /// The contact calls; it is rejected, and gets the text.
  void ring();
  /// Waits, on the clock of the script, until everything that was asked for is done. At most ten minutes.
  void settle();
  /// Cuts the connection (between steps; a Failure cuts inside one).
  void cut();
  void pass(std::chrono::milliseconds time);
  /// An input of the test's own, in its own turn.
  void call(std::function<void(sessions::Session&)> run);

  /// Settles: the session comes to rest by its own alarms. Only what the network pushed and nobody can know of waits
  /// for the next connection. Then one more text each way shows that the session still works. Requires every promise.
  void finish();

  ScriptedNetwork& network() { return network_; }
  sessions::Session& session() { return *session_; }
  storage::Database& rows() { return store_->reader(); }
  std::size_t count_events(std::string_view event) const;
  /// Steps so far: the range of Failure::at.
  std::size_t turns() const { return turns_; }
  std::size_t stanzas() const { return stanzas_; }
  std::size_t dials() const { return dials_; }

 private:
  struct Request {
    std::string text;
    bool asked = false, answered = false;
  };

  void build();
  void rebuild();
  void connect();
  void hang_up();
  void turn(std::vector<sessions::Input> inputs);
  void perform(sessions::Effect& effect, bool deaf);
  void arrive(std::vector<protocol::Node> stanzas);
  bool step();
  bool advance();
  void ask(std::size_t request);
  template <class Operation>
  void tell(Operation operation, sessions::Reply<typename Operation::Answer> reply) {
    mailbox_.emplace_back(
        sessions::CommandArrived{sessions::Asked<Operation>{std::move(operation), std::move(reply)}, {}});
  }
  void write(const std::string& line);
  bool user_acts();
  std::optional<net::SteadyTime> next_time() const;
  bool session_rests() const;
  bool done() const { return session_rests() && network_.everything_acked(); }
  void check();
  bool fails(Failure::Kind kind) const { return failure_.kind == kind && failure_.at == turns_ - 1; }

  Failure failure_;
  std::size_t inputs_per_turn_;
  protocol::SeededRandom random_{7};
  sessions::SessionSettings settings_;
  sessions::SessionConfig config_;
  std::unique_ptr<storage::Store> store_;
  ScriptedNetwork network_;
  std::unique_ptr<sessions::Session> session_;
  std::deque<sessions::Input> mailbox_;
  std::deque<protocol::Node> arriving_;
  std::optional<net::SteadyTime> connect_at_;
  bool connected_ = false;
  std::uint64_t generation_ = 0;  // of session_
  std::vector<Request> requests_;
  std::vector<std::string> received_;
  std::size_t rings_ = 0;
  std::size_t turns_ = 0, stanzas_ = 0, dials_ = 0;
  // the user who pairs
  std::optional<Pair> pairing_;
  std::string scanned_, typed_;  // last
  bool code_asked_ = false;
  std::optional<net::SteadyTime> ask_again_at_;
  unsigned starts_ = 0;
  std::string transcript_;  // printed when a promise is broken
  std::int64_t now_ms_ = 1'700'000'000'000;
  net::SteadyTime steady_ = net::SteadyTime{} + std::chrono::hours(24);
};

/// Runs the conversation once undisturbed, then once for every kind of failure at every step, with that many inputs a
/// turn. The conversation may be run some hundred times: it holds no state of its own.
void fail_at_every_step(const std::function<void(Script&)>& conversation, Script::Begin begin = Script::Begin::linked,
                        std::vector<std::size_t> inputs_a_turn = {1, 64});

}  // namespace wharf::test
