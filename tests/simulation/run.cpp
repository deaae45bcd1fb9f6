#include "tests/simulation/run.h"

#include <fmt/format.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <mutex>

#include "net/loop_guard.h"
#include "tests/simulation/checkers.h"
#include "tests/simulation/curve_memo.h"
#include "tests/simulation/fault_schedule.h"
#include "tests/simulation/folder_checkers.h"

namespace wharf::simulation {

using std::chrono::minutes;
using std::chrono::seconds;

namespace {

/// A session's longest pause between two attempts is 15 minutes, and a message may be given four connections.
constexpr minutes longest_rest{90};
/// What is shown twice would be shown by then: every alarm of an idle world has come once.
constexpr seconds afterwards{200};

/// The daemon's own log, in the trace.
class TraceSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit TraceSink(Trace& trace) : trace_(trace) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    trace_.note("log", std::string_view(message.payload.data(), message.payload.size()));
  }
  void flush_() override {}
  Trace& trace_;
};

/// Log lines and escaped exceptions belong to this world while it lives.
class Ears {
 public:
  Ears(Trace& trace, Ledger& ledger) : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("simulated", std::make_shared<TraceSink>(trace)));
    net::on_escape([&trace, &ledger](std::string_view where, std::string_view what) {
      trace.note("escape", fmt::format("{}: {}", where, what));
      ledger.violate(fmt::format("an exception left {}: {}", where, what));
    });
  }
  ~Ears() {
    spdlog::set_default_logger(before_);
    net::on_escape(nullptr);
  }
  Ears(const Ears&) = delete;
  Ears& operator=(const Ears&) = delete;

 private:
  std::shared_ptr<spdlog::logger> before_;
};

Size size_of(const Request& request, protocol::Random& random) {
  Size size;
  const bool crowd = random.below(8) == 0;
  size.sessions = crowd ? 24 + random.below(17) : 1 + random.below(4);
  // With many chats there is always one whose devices and keys are not known yet.
  const bool many_chats = crowd || random.below(4) == 0;
  size.contacts = many_chats ? 8 + random.below(17) : 1 + random.below(3);
  size.texts = request.texts;
  size.traffic = seconds(std::max<std::size_t>(60, request.texts * 6 / 10));
  return size;
}

}  // namespace

Outcome run_seed(const Request& request) {
  forget_curve_results();
  Ledger ledger;
  World world(request.seed, request.show);
  const Ears ears(world.trace, ledger);
  Users users(world, ledger, size_of(request, world.driving));
  FaultSchedule faults(world, users, ledger);
  Outcome outcome;
  world.daemon.on_events = [&](const std::vector<storage::Event>& events) {
    for (const storage::Event& event : events) {
      world.trace.note("event", fmt::format("{} {} {}", event.id, event.session_name, event.name));
      if (event.data.find("untrusted_network") != std::string::npos) ++outcome.untrusted;
    }
    ledger.hear(events, world.time.now());
  };
  world.daemon.start();
  users.start();
  if (!request.quiet_world) faults.start();

  while (!users.all_sent() && world.time.now() < minutes(120)) {
    world.time.run_until(world.time.now() + seconds(1));
    faults.look_around();
    check_bounds(world, ledger);
  }
  users.stop_traffic();
  faults.look_around();
  faults.heal();
  const Micros healed_at = world.time.now();
  std::string waits;
  do {
    world.time.run_until(world.time.now() + seconds(5));
    faults.look_around();
    check_bounds(world, ledger);
    users.withdraw_late_ones();
    waits = users.all_answered() ? what_waits(world, ledger) : "somebody still asks for a text";
  } while (!waits.empty() && world.time.now() < healed_at + longest_rest);
  if (!waits.empty()) ledger.violate("the world does not come to rest: " + waits);
  outcome.time = world.time.now();
  users.check_unasked();
  users.fetch_all();
  const Micros asked_at = world.time.now();
  while (!users.all_fetched() && world.time.now() < asked_at + longest_rest)
    world.time.run_until(world.time.now() + seconds(5));
  if (!users.all_fetched()) ledger.violate("somebody still waits for a file");
  world.time.run_until(world.time.now() + afterwards);
  check_folder(world, ledger, users);
  outcome.lives = world.daemon.lives();
  pass_a_day(world, ledger, users);
  check_promises(world, ledger, faults.keeps_order());
  if (request.seed % 16 == 0) check_file(world, ledger);

  outcome.habits = names(users.habits());
  outcome.faults = faults.done();
  outcome.newest.assign(world.trace.newest().begin(), world.trace.newest().end());
  outcome.trace_hash = world.trace.hash();
  outcome.trace_lines = world.trace.lines();
  outcome.entries = world.time.entries_run();
  outcome.texts = ledger.texts.size();
  outcome.messages = world.network.stats().messages_delivered;
  for (const std::string& wrong : world.file_record.wrongs()) ledger.violate(wrong);
  ledger.counts.aged = world.file_record.aged();
  outcome.counts = ledger.counts;
  outcome.violations = ledger.violations;
  outcome.counts.announced_again = ledger.announced_again.size();
  world.end();  // while its users are there to be told
  return outcome;
}

}  // namespace wharf::simulation
