#include "net/loop_guard.h"

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
  bool measuring = false;
};

thread_local HoldWatch watch;

}  // namespace

void on_hold(std::chrono::microseconds at_least, HoldReport report) {
  watch.at_least = at_least;
  watch.report = std::move(report);
}

Hold::Hold(std::string_view where) noexcept : where_(where) {
  if (!watch.report || watch.measuring) return;
  watch.measuring = measures_ = true;
  begin_ = std::chrono::steady_clock::now();
}

Hold::~Hold() {
  if (!measures_) return;
  watch.measuring = false;
  const auto held = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin_);
  if (!watch.report || held < watch.at_least) return;
  try {
    watch.report(where_, held);
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
