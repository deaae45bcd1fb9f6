#include "net/loop_guard.h"

#include <cstdio>
#include <exception>

namespace wharf::net {
namespace {

EscapeReport& current_report() {
  static EscapeReport report;
  return report;
}

}  // namespace

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
