#pragma once
// The turn transaction. A turn's rows are collected in a Changes, committed by the one writer thread together with
// whatever other turns are waiting (each in its own savepoint, one flush for all), and only when the commit is
// durable does the completion run on the loop.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/changes.h"
#include "storage/continuity.h"
#include "storage/database.h"
#include "storage/ids.h"

namespace wharf::storage {

class Store {
 public:
  struct Settings {
    std::string path;  // the SQLite file
    Synchronous synchronous = Synchronous::full;
    /// Runs a function on the loop. Empty: everything runs inline on the caller (tests, simulation).
    std::function<void(std::function<void()>)> post;
    /// With `post`, for simulations: asked whenever the writer has work. It keeps the function and runs it once, later,
    /// on the loop: one batch, or a step of the index of words, in place of the thread. The index is swept when that is
    /// asked for (look_at_sweep). What was not run when the Store ends is lost, as by a kill.
    std::function<void(std::function<void()>)> writer;
    std::function<UnixMs()> unix_ms;  // by which the index is swept; empty: this machine's clock
    std::size_t max_turns_per_commit = 256;
    std::size_t max_bytes_per_commit = 512u << 10;  // Changes::bytes(); a batch ends with the turn that reaches them
    std::chrono::milliseconds max_wait{0};   // how long the writer waits for more turns; 0 = takes what is queued
    std::size_t max_queued_turns = 100'000;  // over it commit fails at once with rate_limited
    /// Newest ids kept in the log. What a webhook has not had yet stays longer, up to twice as many.
    /// Readers with an older cursor start at the oldest kept one.
    std::int64_t max_events = 1'000'000;
    std::size_t max_purged_rows = 200;         // of removed sessions, chats and webhooks, with each batch (removal.h)
    std::size_t max_purged_rows_idle = 2'000;  // of the same, by a writer that has nothing else to do
    /// The same by the texts of the messages among them.
    std::size_t max_purged_bytes = 256u << 10, max_purged_bytes_idle = 1u << 20;
    std::chrono::milliseconds purge_pause{5};  // between the slices of an idle writer
    /// Messages that go into the index of words (search_index.h) with a batch, when more than max_unindexed wait.
    std::size_t max_indexed_rows = 500, max_unindexed = 2'000;
    /// The same of a writer that has nothing else to do: at once when so many wait, else after index_pause.
    std::size_t max_indexed_rows_idle = 250;
    std::chrono::milliseconds index_pause{2'000};
    /// On the writer's thread: what became of the index of words, for the log of the process (index_keeper.h).
    std::function<void(std::string_view event, std::string_view detail)> tell_of_index;
    std::chrono::milliseconds sweep_look{600'000};   // how often it looks whether a sweep of the index is due
    std::chrono::milliseconds probe_interval{1000};  // of the health probe after a failure
    std::optional<std::string> boot;                 // RunPlace::boot; default: that of this machine
    /// For tests: asked by the writer before each row change. False: it is left out; an error, or an exception, fails
    /// the turn there.
    std::function<Result<bool>(Database&, const Change&)> before_change;
  };
  /// Opens or creates the file and applies migrations. Errors: storage, storage_full, unsupported.
  static Result<std::unique_ptr<Store>> open(Settings settings);
  ~Store();  // commits what is queued (not with Settings::writer), then closes

  using Committed = std::function<void(Result<void>)>;
  /// Queues the turn. `done` runs on the loop after the transaction is durable (or rolled back: storage_full when the
  /// disk is full or read-only). Turns of one caller commit in call order. An empty Changes completes without I/O, but
  /// still in order behind earlier turns. Inline, a commit from inside a completion or the listener is queued and run
  /// when that returns.
  void commit(Changes changes, Committed done);

  /// The loop's reading connection: sees every commit whose completion has run.
  Database& reader();
  /// A further reading connection for a worker thread. Errors: storage.
  Result<std::unique_ptr<Database>> open_reader() const;

  /// Why every ratchet starts afresh in this run (storage/continuity.h); "" when they go on.
  const std::string& renewal() const;

  /// A search could not read the index of words: FoundMessages::unreadable_index. The writer makes a new one. Any
  /// thread.
  void renew_search_index(std::int64_t number);

  /// With Settings::writer: when it has nothing else to do it looks whether a sweep of the index is due, as its thread
  /// does each sweep_look by itself.
  void look_at_sweep();

  /// Called on the loop, in id order, after each commit and before the completions of its turns. The events have the
  /// values that they were made of.
  void on_events(std::function<void(const std::vector<Event>&)> listener);

  /// True while the last commit worked. After storage_full the writer probes with a small transaction every second
  /// (only while nothing else commits) so that health turns green by itself when space returns.
  bool healthy() const;
  std::string last_failure() const;
  /// Runs on the loop when the writer answered, with healthy(): for the watchdog. It waits for the batch in progress,
  /// not for the queue. Inline: at once, and a failed store is probed.
  void ping(std::function<void(bool)> done);
  /// Finishes everything queued; blocks. For shutdown and tests.
  void flush();
  /// Consistent copy while running (sqlite3_backup, 256 pages a step, temp file, fsync, rename). Any thread.
  Result<void> backup(const std::string& target) const;

 private:
  Store();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wharf::storage
