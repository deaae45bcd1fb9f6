// The queue between the loop and the one writer.
//
// The loop appends turns under a mutex; the writer takes everything at once (a swap) and commits it in batches: BEGIN
// IMMEDIATE, each turn in its own savepoint, COMMIT. One flush of the disk pays for the whole batch, and while it
// lasts the next batch collects by itself: under load batches grow, idle ones are single turns without delay.
// A batch returns to the loop as one function: listener first, then the completions in order.
//
// Without `post` the same batches run on the caller, one turn each; a commit from inside a completion queues behind
// and is run by the outermost call, so that actors that commit again from their completion do not nest.
//
// With `post` and `writer` there is no thread either: batches form as with one, and whoever simulates the process says
// when each of them is written. A purge is a step of its own; a ping probes a failed store, as nobody waits a second.
// The index of words grows with the batches alone there.

#include "storage/store.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <iterator>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "storage/apply.h"
#include "storage/backup.h"
#include "storage/event_log.h"
#include "storage/index_keeper.h"
#include "storage/recall.h"
#include "storage/removal.h"
#include "storage/statement.h"
#include "storage/transaction.h"

namespace wharf::storage {

namespace {

constexpr std::size_t probe_bytes = 16 * 1024;  // a few pages: a disk with one free block is not a working disk

constexpr const char* write_probe = "INSERT OR REPLACE INTO probe (id, filler) VALUES (1, randomblob(?1))";

using Listener = std::function<void(const std::vector<Event>&)>;

struct Turn {
  Changes changes;
  Store::Committed done;
  std::size_t bytes = 0;       // of the changes
  std::size_t events_end = 0;  // of its events among those of the batch, once it has run
};

/// The oldest turns that make one transaction: so many, and no further than the one that reaches the bytes.
std::vector<Turn> take_batch(std::deque<Turn>& waiting, const Store::Settings& settings) {
  std::vector<Turn> batch;
  batch.reserve(std::min(waiting.size(), settings.max_turns_per_commit));
  std::size_t bytes = 0;
  while (!waiting.empty()) {
    bytes += waiting.front().bytes;
    batch.push_back(std::move(waiting.front()));
    waiting.pop_front();
    if (batch.size() >= settings.max_turns_per_commit || bytes >= settings.max_bytes_per_commit) break;
  }
  return batch;
}

/// What a batch has to tell the loop.
struct Outcome {
  std::vector<Event> events;
  std::vector<std::pair<Store::Committed, Result<void>>> completions;

  void tell(const std::shared_ptr<Listener>& listener) {
    // One actor's exception must not swallow the completions of the others.
    std::exception_ptr first;
    const auto guarded = [&first](const auto& call) {
      try {
        call();
      } catch (...) {
        if (!first) first = std::current_exception();
      }
    };
    if (!events.empty() && *listener) guarded([&] { (*listener)(events); });
    for (auto& [done, result] : completions) {
      if (done) guarded([&] { done(std::move(result)); });
    }
    if (first) std::rethrow_exception(first);
  }
};

}  // namespace

struct Store::State {
  State(Settings s, std::unique_ptr<Database> w)
      : settings(std::move(s)), writer(std::move(w)), log(settings.max_events), index(*writer, index_settings()) {}

  Settings settings;
  std::unique_ptr<Database> writer;  // of the writer thread once it runs
  std::unique_ptr<Database> reader;  // of the loop; none for ":memory:", which is read through the writer
  std::string renewal;
  EventLog log;
  IndexKeeper index;                                                  // the writer's
  std::shared_ptr<Listener> listener = std::make_shared<Listener>();  // shared with batches on their way to the loop

  mutable std::mutex mutex;
  std::condition_variable work;      // for the writer
  std::condition_variable progress;  // for flush()
  std::deque<Turn> queue;
  std::vector<std::function<void(bool)>> pings;
  std::size_t wake_at = 1;     // queue length that wakes the writer
  std::uint64_t accepted = 0;  // turns ever queued
  std::uint64_t finished = 0;  // turns handed back
  bool stopping = false;

  std::atomic<std::size_t> queued = 0;
  std::atomic<bool> healthy = true;
  mutable std::mutex failure_mutex;
  std::string failure;

  std::thread thread;
  bool running_inline = false;
  bool step_asked = false;  // settings.writer has a step that it did not run yet
  bool sweep_asked = false;

  IndexKeeper::Settings index_settings() const;
  bool inline_mode() const { return !settings.post; }
  bool threaded() const { return settings.post && !settings.writer; }

  // --- writing: on the writer thread, or on the caller in inline mode
  Result<void> run_turn(Changes& changes, std::vector<Event>& events);
  Result<void> run_isolated(Changes& changes, std::vector<Event>& events);
  Result<void> run_turns(std::vector<Turn>& turns, std::vector<Result<void>>& results, std::vector<Event>& events);
  static void take_back_events(std::vector<Turn>& turns, std::vector<Event>& events);
  Outcome run_batch(std::vector<Turn> turns);
  void forget();
  void note_failure(const Error& error);
  void note_success();
  void probe();
  void purge(std::size_t rows, std::size_t bytes);
  void purge_alone();
  void step_of_index();
  std::chrono::milliseconds idle_pause(std::chrono::steady_clock::time_point now) const;
  void work_idle();

  // --- the thread
  void run();
  void deliver(Outcome outcome, std::size_t turns);
  void answer_pings(std::vector<std::function<void(bool)>> asked);
  void run_inline();

  // --- Settings::writer
  void ask_step();
  void step();
};

IndexKeeper::Settings Store::State::index_settings() const {
  IndexKeeper::Settings out{settings.max_indexed_rows, settings.max_unindexed, settings.max_indexed_rows_idle,
                            settings.sweep_look, settings.tell_of_index};
  if (!out.tell) out.tell = [](std::string_view, std::string_view) {};
  return out;
}

/// After every rollback: what is remembered may be of rows that are gone now.
void Store::State::forget() {
  writer->recall().forget();
  log.forget();
}

void Store::State::note_failure(const Error& error) {
  {
    const std::lock_guard lock(failure_mutex);
    failure = error.detail;
  }
  healthy = false;
}

void Store::State::note_success() { healthy = true; }

Result<void> Store::State::run_turn(Changes& changes, std::vector<Event>& events) {
  // Names before the writes: the turn that removes a session still reports under its name.
  log.learn_labels(*writer, changes.events_);
  for (const Change& change : changes.rows_) {
    if (settings.before_change) {
      const Result<bool> wanted = settings.before_change(*writer, change);
      if (!wanted) return wanted.error();
      if (!*wanted) continue;
    }
    if (Result<void> applied = apply(*writer, change); !applied) return applied;
  }
  return log.append(*writer, std::move(changes.events_), events);
}

Result<void> Store::State::run_isolated(Changes& changes, std::vector<Event>& events) {
  const std::size_t events_before = events.size();
  Result<void> result = in_savepoint(*writer, [&] { return run_turn(changes, events); });
  if (result) return result;
  events.resize(events_before);
  forget();
  return result;
}

/// An error concerns every turn: nothing of the batch is stored.
Result<void> Store::State::run_turns(std::vector<Turn>& turns, std::vector<Result<void>>& results,
                                     std::vector<Event>& events) {
  for (std::size_t i = 0; i < turns.size(); ++i) {
    if (turns[i].changes.empty() || !results[i]) continue;
    results[i] = run_isolated(turns[i].changes, events);
    turns[i].events_end = events.size();
    // A full disk or an I/O error can make SQLite give up the whole transaction.
    if (!writer->in_transaction()) {
      return results[i] ? Error(Errc::storage, "SQLite rolled the transaction back") : results[i].error();
    }
  }
  // Old events may stay when this fails: the next batch tries again. The turns decide.
  if (log.wants_pruning() && !in_savepoint(*writer, [this] { return log.prune(*writer); })) forget();
  if (writer->in_transaction()) purge(settings.max_purged_rows, settings.max_purged_bytes);
  if (!writer->in_transaction()) return Error(Errc::storage_full, "SQLite rolled the transaction back while pruning");
  if (Result<void> followed = index.follow(); !followed) return followed;
  return index.take_new_rows();
}

/// Where the transaction of a batch is written once more: the turns have again what they had.
void Store::State::take_back_events(std::vector<Turn>& turns, std::vector<Event>& events) {
  std::size_t next = 0;
  for (Turn& turn : turns) {
    if (turn.events_end <= next) continue;
    turn.changes.events_.clear();
    for (; next < turn.events_end; ++next) turn.changes.events_.push_back(std::move(events[next]));
  }
  events.clear();
}

Outcome Store::State::run_batch(std::vector<Turn> turns) {
  Outcome outcome;
  std::vector<Result<void>> results(turns.size());
  bool any = false;
  for (const Turn& turn : turns) any = any || !turn.changes.empty();
  if (any) {
    const auto write = [&] { return run_turns(turns, results, outcome.events); };
    Result<void> committed = in_transaction(*writer, write);
    if (!committed) forget();
    if (index.transaction_ended(committed)) {
      take_back_events(turns, outcome.events);
      committed = in_transaction(*writer, write);
      if (!committed) forget();
    }
    for (Turn& turn : turns) std::for_each(turn.changes.rows_.begin(), turn.changes.rows_.end(), wipe_secrets);
    std::optional<Error> worst;
    if (!committed) {
      outcome.events.clear();
      for (std::size_t i = 0; i < turns.size(); ++i) {
        if (!turns[i].changes.empty()) results[i] = committed.error();
      }
      worst = committed.error();
    }
    for (const Result<void>& result : results) {
      if (result) continue;
      Error error = result.error();
      // Any other failure is of one turn's rows, on a damaged page perhaps: the others were stored.
      if (error.code == Errc::storage_full) worst = std::move(error);
    }
    if (worst) {
      note_failure(*worst);
    } else {
      note_success();
    }
  }
  outcome.completions.reserve(turns.size());
  for (std::size_t i = 0; i < turns.size(); ++i) {
    outcome.completions.emplace_back(std::move(turns[i].done), std::move(results[i]));
  }
  return outcome;
}

/// One slice of what was removed, inside the transaction. A failure concerns the slice alone: the tombstones stay, and
/// the next removal, rollback or start looks again.
void Store::State::purge(std::size_t rows, std::size_t bytes) {
  if (!writer->recall().removals_wait) return;
  bool more = false;
  const Result<void> purged = in_savepoint(*writer, [&]() -> Result<void> {
    const Result<bool> left = purge_removed(*writer, rows, bytes);
    if (!left) return left.error();
    more = *left;
    return {};
  });
  if (!purged) forget();
  writer->recall().removals_wait = purged && more;
  if (purged && !more) writer->recall().may_have_merges = false;
}

/// The same while nothing else commits.
void Store::State::purge_alone() {
  const Result<void> done = in_transaction(*writer, [this]() -> Result<void> {
    purge(settings.max_purged_rows_idle, settings.max_purged_bytes_idle);
    return writer->in_transaction() ? index.follow() : Result<void>();
  });
  if (!done) forget();
  if (index.transaction_ended(done) || done) return;
  writer->recall().removals_wait = false;
  note_failure(done.error());
}

/// How long a writer without turns waits before work_idle().
std::chrono::milliseconds Store::State::idle_pause(std::chrono::steady_clock::time_point now) const {
  if (writer->recall().removals_wait || index.wants_now()) return settings.purge_pause;
  if (index.wants_later()) return settings.index_pause;
  return std::max(std::chrono::milliseconds(0), std::chrono::ceil<std::chrono::milliseconds>(index.next_look() - now));
}

void Store::State::work_idle() {
  if (writer->recall().removals_wait) purge_alone();
  else step_of_index();
}

void Store::State::step_of_index() {
  using std::chrono::milliseconds;
  const auto machine = std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  const UnixMs unix_time = settings.unix_ms ? settings.unix_ms() : machine.count();
  const Result<void> done = index.step({std::chrono::steady_clock::now(), unix_time});
  if (!done) note_failure(done.error());
}

void Store::State::probe() {
  const Result<void> written =
      in_transaction(*writer, [this] { return Statement(*writer, write_probe).number(probe_bytes).run(); });
  if (written) return note_success();
  forget();
  note_failure(written.error());
}

void Store::State::deliver(Outcome outcome, std::size_t turns) {
  // std::function wants a copyable callable.
  auto shared = std::make_shared<Outcome>(std::move(outcome));
  queued -= turns;
  settings.post([shared, told = listener] { shared->tell(told); });
  {
    const std::lock_guard lock(mutex);
    finished += turns;
  }
  progress.notify_all();
}

void Store::State::answer_pings(std::vector<std::function<void(bool)>> asked) {
  for (auto& done : asked) {
    settings.post([done = std::move(done), well = healthy.load()] { done(well); });
  }
}

void Store::State::run() {
  std::deque<Turn> taken;
  // A moment, not an idle time: whoever pings in between must not put the probe off.
  auto next_probe = std::chrono::steady_clock::now();
  for (;;) {
    std::vector<std::function<void(bool)>> asked;
    bool idle = false, resting = false;
    const auto pause = idle_pause(std::chrono::steady_clock::now());  // may read: not under the lock of the loop
    {
      std::unique_lock lock(mutex);
      const auto something = [this] { return stopping || !queue.empty() || !pings.empty(); };
      if (taken.empty()) {
        if (healthy) {
          work.wait_for(lock, pause, [&] { return something() || index.asked(); });
          resting = !something();
        } else {
          work.wait_until(lock, next_probe, something);
        }
        if (settings.max_wait.count() > 0 && !queue.empty() && pings.empty()) {
          wake_at = settings.max_turns_per_commit;
          work.wait_for(lock, settings.max_wait,
                        [this] { return stopping || !pings.empty() || queue.size() >= settings.max_turns_per_commit; });
          wake_at = 1;
        }
        taken.swap(queue);
      }
      idle = !healthy && taken.empty() && std::chrono::steady_clock::now() >= next_probe;
      asked.swap(pings);
      if (stopping && taken.empty() && asked.empty()) return;
    }
    if (idle) {
      probe();
      next_probe = std::chrono::steady_clock::now() + settings.probe_interval;
    }
    if (resting) work_idle();
    answer_pings(std::move(asked));
    if (taken.empty()) continue;
    std::vector<Turn> batch = take_batch(taken, settings);
    const std::size_t size = batch.size();
    deliver(run_batch(std::move(batch)), size);
  }
}

void Store::State::run_inline() {
  if (running_inline) return;
  running_inline = true;
  struct Done {
    bool& flag;
    ~Done() { flag = false; }
  } done{running_inline};
  while (!queue.empty()) {
    std::vector<Turn> batch;
    batch.push_back(std::move(queue.front()));
    queue.pop_front();
    Outcome outcome = run_batch(std::move(batch));
    --queued;
    outcome.tell(listener);
  }
  while (healthy && writer->recall().removals_wait) purge_alone();
  while (healthy && index.wants_now()) step_of_index();
}

void Store::State::ask_step() {
  const bool working = healthy && (writer->recall().removals_wait || index.wants_now() || sweep_asked);
  if (step_asked || (queue.empty() && pings.empty() && !working)) return;
  step_asked = true;
  settings.writer([this] { step(); });
}

void Store::State::step() {
  step_asked = false;
  if (!pings.empty() && !healthy) probe();
  answer_pings(std::exchange(pings, {}));
  if (std::vector<Turn> batch = take_batch(queue, settings); !batch.empty()) {
    const std::size_t size = batch.size();
    deliver(run_batch(std::move(batch)), size);
  } else if (healthy && writer->recall().removals_wait) {
    purge_alone();
  } else if (healthy && (index.wants_now() || std::exchange(sweep_asked, false))) {
    step_of_index();
  }
  ask_step();
}

Store::Store() = default;

Result<std::unique_ptr<Store>> Store::open(Settings settings) {
  if (settings.path == ":memory:" && settings.post) {
    return Error(Errc::unsupported, "an in-memory database has one connection: it needs the inline store");
  }
  Result<std::unique_ptr<Database>> writer =
      Database::open(settings.path, Database::Mode::read_write, settings.synchronous);
  if (!writer) return writer.error();
  RunPlace place = place_of(settings.path);
  if (settings.boot) place.boot = *settings.boot;
  Result<std::string> renewal = begin_run(**writer, place, settings.synchronous);
  if (!renewal) return renewal.error();
  std::unique_ptr<Store> store(new Store);
  store->state_ = std::make_unique<State>(std::move(settings), std::move(*writer));
  State& state = *store->state_;
  state.renewal = std::move(*renewal);
  if (state.settings.path != ":memory:") {
    Result<std::unique_ptr<Database>> reader = store->open_reader();
    if (!reader) return reader.error();
    state.reader = std::move(*reader);
  }
  const bool removed = has_removed(*state.writer);
  state.writer->recall().removals_wait = removed;
  state.writer->recall().may_have_merges = removed;
  state.index.open();
  if (state.threaded()) state.thread = std::thread([&state] { state.run(); });
  if (state.settings.writer) state.ask_step();
  return store;
}

Store::~Store() {
  if (!state_ || state_->settings.writer) return;
  if (state_->thread.joinable()) {
    {
      const std::lock_guard lock(state_->mutex);
      state_->stopping = true;
    }
    state_->work.notify_one();
    state_->thread.join();
  }
  try {
    (void)end_run(*state_->writer);  // without it the next start is only more careful
  } catch (const ReadFailure&) {
  }
}

void Store::commit(Changes changes, Committed done) {
  State& state = *state_;
  if (state.queued >= state.settings.max_queued_turns) {
    Result<void> refused = Error(Errc::rate_limited, "the storage queue is full");
    if (!done) return;
    if (state.inline_mode()) return done(std::move(refused));
    return state.settings.post([done = std::move(done), refused = std::move(refused)] { done(refused); });
  }
  ++state.queued;
  const std::size_t bytes = changes.bytes();
  if (state.inline_mode()) {
    state.queue.push_back(Turn{std::move(changes), std::move(done), bytes});
    return state.run_inline();
  }
  bool wake = false;
  {
    const std::lock_guard lock(state.mutex);
    state.queue.push_back(Turn{std::move(changes), std::move(done), bytes});
    ++state.accepted;
    wake = state.queue.size() == 1 || state.queue.size() == state.wake_at;
  }
  if (state.settings.writer) return state.ask_step();
  if (wake) state.work.notify_one();
}

Database& Store::reader() { return state_->reader ? *state_->reader : *state_->writer; }

Result<std::unique_ptr<Database>> Store::open_reader() const {
  if (state_->settings.path == ":memory:") return Error(Errc::unsupported, "an in-memory database has one connection");
  return Database::open(state_->settings.path, Database::Mode::read_only, state_->settings.synchronous);
}

const std::string& Store::renewal() const { return state_->renewal; }

void Store::on_events(std::function<void(const std::vector<Event>&)> listener) {
  *state_->listener = std::move(listener);
}

bool Store::healthy() const { return state_->healthy; }

void Store::look_at_sweep() {
  state_->sweep_asked = true;
  state_->ask_step();
}

void Store::renew_search_index(std::int64_t number) {
  state_->index.ask_for_new_index(number);
  if (!state_->threaded()) return;  // with the next turn
  { const std::lock_guard lock(state_->mutex); }
  state_->work.notify_one();
}

std::string Store::last_failure() const {
  const std::lock_guard lock(state_->failure_mutex);
  return state_->failure;
}

void Store::ping(std::function<void(bool)> done) {
  State& state = *state_;
  if (state.inline_mode()) {
    if (!state.healthy && !state.running_inline) state.probe();
    return done(state.healthy);
  }
  {
    const std::lock_guard lock(state.mutex);
    state.pings.push_back(std::move(done));
  }
  if (state.settings.writer) return state.ask_step();
  state.work.notify_one();
}

void Store::flush() {
  State& state = *state_;
  if (state.inline_mode()) return;
  if (state.settings.writer) {
    while (!state.queue.empty()) state.step();
    return;
  }
  std::unique_lock lock(state.mutex);
  const std::uint64_t target = state.accepted;
  state.progress.wait(lock, [&] { return state.finished >= target; });
}

Result<void> Store::backup(const std::string& target) const {
  Result<std::unique_ptr<Database>> source = open_reader();
  if (!source) return source.error();
  return copy_database(**source, target);
}

}  // namespace wharf::storage
