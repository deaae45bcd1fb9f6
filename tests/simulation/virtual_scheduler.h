#pragma once
// Time that passes only when somebody takes the next entry: one queue for a whole simulated world, ordered by due time
// and, at the same time, by the order in which the entries were made. The same entries give the same order, so the same
// seed gives the same world.
//
// Each process of the world (the daemon, the network) has a VirtualScheduler of its own on that queue. kill() takes the
// process away: what it had scheduled is dropped and never runs, what its remains schedule while they are taken apart
// is dropped as well.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "net/scheduler.h"

namespace wharf::simulation {

using Micros = std::chrono::microseconds;

class VirtualTime {
 public:
  /// Names an entry for as long as it waits; never given twice.
  struct Entry {
    Micros due{0};
    std::uint64_t number = 0;
    friend auto operator<=>(const Entry&, const Entry&) = default;
  };

  explicit VirtualTime(std::int64_t unix_ms) : unix_ms_at_start_(unix_ms) {}

  /// Since the start of the world.
  Micros now() const { return now_; }
  net::SteadyTime steady() const;
  std::int64_t unix_ms() const;

  /// A time in the past is now. `owner`: for drop().
  Entry add(Micros due, std::uint32_t owner, std::function<void()> run);
  void remove(const Entry& entry);
  void drop(std::uint32_t owner);

  /// Runs the next entry; false when there is none.
  bool run_next();
  /// Runs everything that is due by then; afterwards it is that time.
  void run_until(Micros end);
  std::optional<Micros> next_due() const;
  std::uint64_t entries_run() const { return entries_run_; }
  std::uint32_t new_owner() { return ++last_owner_; }
  /// Told of each entry before it runs.
  std::function<void(const Entry&)> on_run;

 private:
  struct Waiting {
    std::uint32_t owner = 0;
    std::function<void()> run;
  };
  std::int64_t unix_ms_at_start_;
  Micros now_{0};
  std::map<Entry, Waiting> waiting_;
  std::uint64_t last_number_ = 0, entries_run_ = 0;
  std::uint32_t last_owner_ = 0;
};

class VirtualScheduler final : public net::Scheduler {
 public:
  /// `time` outlives it and the alarms that it gave away. `clock_error`: how far the wall clock of this process is from
  /// the true time, negative behind it; outlives it too, and without one the clock is true. Steady time is always even.
  explicit VirtualScheduler(VirtualTime& time, const std::chrono::milliseconds* clock_error = nullptr);
  ~VirtualScheduler() override { kill(); }
  VirtualScheduler(const VirtualScheduler&) = delete;
  VirtualScheduler& operator=(const VirtualScheduler&) = delete;

  std::int64_t unix_ms() const override;
  net::SteadyTime steady() const override;
  void post(std::function<void()> run) override { after(Micros(0), std::move(run)); }
  std::shared_ptr<net::Alarm> new_alarm() override;
  /// Once, and not to be cancelled.
  void after(Micros delay, std::function<void()> run);
  Micros now() const;
  void kill();

 private:
  friend class VirtualAlarm;
  struct Process {
    VirtualTime& time;
    std::uint32_t owner = 0;
    const std::chrono::milliseconds* clock_error = nullptr;
    bool alive = true;
  };
  std::shared_ptr<Process> process_;  // shared with its alarms, which may outlive it
};

}  // namespace wharf::simulation
