#include "tests/simulation/virtual_scheduler.h"

#include <algorithm>
#include <vector>

#include "net/loop_guard.h"

namespace wharf::simulation {

using std::chrono::milliseconds;

// --- the queue

net::SteadyTime VirtualTime::steady() const {
  // Not at zero: "never" is often the epoch.
  return net::SteadyTime(std::chrono::hours(24)) + now_;
}

std::int64_t VirtualTime::unix_ms() const {
  return unix_ms_at_start_ + std::chrono::duration_cast<milliseconds>(now_).count();
}

VirtualTime::Entry VirtualTime::add(Micros due, std::uint32_t owner, std::function<void()> run) {
  const Entry entry{std::max(due, now_), ++last_number_};
  waiting_.emplace(entry, Waiting{owner, std::move(run)});
  return entry;
}

void VirtualTime::remove(const Entry& entry) {
  const auto gone = waiting_.extract(entry);  // what it holds dies after the queue is in order again
}

void VirtualTime::drop(std::uint32_t owner) {
  std::vector<std::function<void()>> dropped;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (it->second.owner != owner) {
      ++it;
      continue;
    }
    dropped.push_back(std::move(it->second.run));
    it = waiting_.erase(it);
  }
}

bool VirtualTime::run_next() {
  if (waiting_.empty()) return false;
  auto next = waiting_.extract(waiting_.begin());
  now_ = next.key().due;
  ++entries_run_;
  if (on_run) on_run(next.key());
  net::guard("simulated entry", next.mapped().run);
  return true;
}

void VirtualTime::run_until(Micros end) {
  while (!waiting_.empty() && waiting_.begin()->first.due <= end) run_next();
  now_ = std::max(now_, end);
}

std::optional<Micros> VirtualTime::next_due() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.begin()->first.due;
}

// --- a process

class VirtualAlarm final : public net::Alarm, public std::enable_shared_from_this<VirtualAlarm> {
 public:
  explicit VirtualAlarm(std::shared_ptr<VirtualScheduler::Process> process) : process_(std::move(process)) {}

  void after(milliseconds delay, std::function<void()> callback) override {
    cancel();
    if (!process_->alive) return;
    const Micros due = process_->time.now() + std::max(Micros(0), Micros(delay));
    armed_ = process_->time.add(due, process_->owner, [self = shared_from_this(), callback = std::move(callback)] {
      self->armed_.reset();
      callback();
    });
  }

  void cancel() override {
    // Alive until the end: the entry may hold what owns this alarm.
    const auto self = shared_from_this();
    if (const auto armed = std::exchange(armed_, std::nullopt)) process_->time.remove(*armed);
  }

 private:
  std::shared_ptr<VirtualScheduler::Process> process_;
  std::optional<VirtualTime::Entry> armed_;
};

VirtualScheduler::VirtualScheduler(VirtualTime& time, const milliseconds* clock_error)
    : process_(std::make_shared<Process>(Process{time, time.new_owner(), clock_error, true})) {}

std::int64_t VirtualScheduler::unix_ms() const {
  return process_->time.unix_ms() + (process_->clock_error ? process_->clock_error->count() : 0);
}

net::SteadyTime VirtualScheduler::steady() const { return process_->time.steady(); }

Micros VirtualScheduler::now() const { return process_->time.now(); }

std::shared_ptr<net::Alarm> VirtualScheduler::new_alarm() { return std::make_shared<VirtualAlarm>(process_); }

void VirtualScheduler::after(Micros delay, std::function<void()> run) {
  if (!process_->alive) return;
  process_->time.add(process_->time.now() + std::max(Micros(0), delay), process_->owner, std::move(run));
}

void VirtualScheduler::kill() {
  const auto process = process_;
  if (!std::exchange(process->alive, false)) return;
  process->time.drop(process->owner);
}

}  // namespace wharf::simulation
