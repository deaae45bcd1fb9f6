#include "sandbox/committer.h"
#include "net/loop_guard.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace wharf::sandbox {

namespace {

constexpr std::chrono::milliseconds retry_pause{1'000};

}  // namespace

Committer::Committer(net::Scheduler& scheduler, std::unique_ptr<net::Workers> writer, std::unique_ptr<StateFile> file,
                     Collect collect)
    : scheduler_(scheduler),
      file_(std::move(file)),
      collect_(std::move(collect)),
      writer_(std::move(writer)),
      retry_(scheduler) {}

Committer::~Committer() { writer_.reset(); }

void Committer::changed() {
  if (file_) schedule();
}

void Committer::after_commit(std::function<void()> effect) {
  if (!file_) return effect();
  held_.push_back({current_, std::move(effect)});
  schedule();
}

// The cut comes in a turn of its own: what one turn changes is committed whole, also what changes after its effects.
void Committer::schedule() {
  if (scheduled_ || in_flight_) return;
  scheduled_ = true;
  scheduler_.post([this, here = std::weak_ptr(alive_)] {
    if (here.expired()) return;
    scheduled_ = false;
    if (file_ && !in_flight_) cut();
  });
}

void Committer::cut() {
  auto rows = collect_();
  if (rows.empty()) return release(current_++);  // what these effects bring about belongs to the next batch
  in_flight_ = std::make_shared<Batch>();
  in_flight_->rows = std::move(rows);
  ++current_;
  submit();
}

void Committer::submit() {
  const bool taken =
      writer_->run([file = file_.get(), batch = in_flight_] { write(*file, *batch); }, [this] { on_written(); });
  if (!taken) retry_.after(retry_pause, [this] { submit(); });  // never: one batch at a time
}

void Committer::write(StateFile& file, Batch& batch) {
  const auto written = file.write(batch.rows);
  batch.written = written.has_value();
  if (!written) batch.error = written.error().detail;
}

void Committer::on_written() {
  if (!in_flight_) return;
  if (!in_flight_->written) {
    // The network stands still until the disk takes it: nothing is said that could be forgotten.
    spdlog::error("sandbox_state detail=\"{}\"", in_flight_->error);
    return retry_.after(retry_pause, [this] { submit(); });
  }
  in_flight_.reset();
  release(current_ - 1);
  cut();
}

void Committer::release(std::uint64_t durable) {
  while (!held_.empty() && held_.front().batch <= durable) {
    const auto effect = std::move(held_.front().effect);
    held_.pop_front();
    net::guard("sandbox effect", effect);
  }
}

void Committer::finish() {
  if (!file_) return;
  writer_.reset();  // waits for the running write
  retry_.cancel();
  bool kept = true;
  if (in_flight_ && !in_flight_->written) write(*file_, *in_flight_);
  if (in_flight_) kept = in_flight_->written;
  in_flight_.reset();
  if (kept) {
    Batch last;
    last.rows = collect_();
    write(*file_, last);
    kept = last.written;
    if (!kept) spdlog::error("sandbox_state detail=\"{}\"", last.error);
  }
  file_.reset();
  auto held = std::exchange(held_, {});
  if (!kept) return;
  for (auto& [batch, effect] : held) effect();
}

}  // namespace wharf::sandbox
