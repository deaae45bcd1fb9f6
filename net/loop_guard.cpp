#include "net/loop_guard.h"

#include <ctime>

#include <cstdio>
#include <exception>

namespace wharf::net {
namespace {

EscapeReport& current_report() {
  static EscapeReport report;
  return report;
}

struct HoldWatch {
  std::chrono::microseconds at_least{0};
  HoldReport report;
  bool processor_time = false;
  bool measuring = false;
};

thread_local HoldWatch watch;

std::chrono::microseconds processor_time_of_thread() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::microseconds(used.tv_sec * 1'000'000 + used.tv_nsec / 1'000);
}

}  // namespace

void on_hold(std::chrono::microseconds at_least, HoldReport report, bool processor_time) {
  watch.at_least = at_least;
  watch.report = std::move(report);
  watch.processor_time = processor_time;
}

Hold::Hold(std::string_view where) noexcept : where_(where) {
  if (!watch.report || watch.measuring) return;
  watch.measuring = measures_ = true;
  begin_ = std::chrono::steady_clock::now();
  if (watch.processor_time) worked_before_ = processor_time_of_thread();
}

Hold::~Hold() {
  if (!measures_) return;
  watch.measuring = false;
  HoldTime time;
  time.held = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin_);
  if (!watch.report || time.held < watch.at_least) return;
  if (watch.processor_time) time.worked = processor_time_of_thread() - worked_before_;
  try {
    watch.report(where_, time);
  } catch (...) {
    report_escape("hold report");
  }
}

void on_escape(EscapeReport report) { current_report() = std::move(report); }

void report_escape(std::string_view where) noexcept {
  const auto tell = [&](std::string_view what) {
    if (const EscapeReport& report = current_report()) return report(where, what);
    std::fprintf(stderr, "exception in %.*s: %.*s\n", static_cast<int>(where.size()), where.data(),
                 static_cast<int>(what.size()), what.data());
  };
  try {
    try {
      throw;
    } catch (const std::exception& error) {
      tell(error.what());
    } catch (...) {
      tell("not a std::exception");
    }
  } catch (...) {  // no memory for the report either: going on is worth more than the line
  }
}

}  // namespace wharf::net
