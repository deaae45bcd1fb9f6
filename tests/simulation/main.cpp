// simulate [--seeds N] [--first K] [--seed K [--trace]] [--texts N] [--quiet] [--minutes M]
// Runs seeds of the simulated world one after the other. A violated promise prints the seed, what was done to the
// world, and the end of the trace; the exit code is then 1.
#include <fmt/format.h>
#include <malloc.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string>

#include "tests/simulation/run.h"

using namespace wharf::simulation;

namespace {

struct Options {
  std::uint64_t first = 1, seeds = 20;
  Request request;
  bool one = false;
  double minutes = 0;  // 0: no limit
};

void report(const Outcome& outcome, const Request& request) {
  fmt::print("VIOLATION with seed {}\n", request.seed);
  for (const std::string& line : outcome.violations) fmt::print("  {}\n", line);
  fmt::print("habits: {}\nwhat was done to the world:\n", outcome.habits);
  for (const std::string& line : outcome.faults) fmt::print("  {}\n", line);
  fmt::print("the end of the trace:\n");
  for (std::size_t i = outcome.newest.size() - std::min<std::size_t>(outcome.newest.size(), 40);
       i < outcome.newest.size(); ++i)
    fmt::print("  {}\n", outcome.newest[i]);
  fmt::print("again: make simulate SEED={}{} (TRACE=1 prints the whole trace)\n", request.seed,
             request.texts == Request().texts ? "" : fmt::format(" TEXTS={}", request.texts));
}

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string option = arguments[i];
    const auto number = [&] {
      if (i + 1 >= count) {
        fmt::print(stderr, "{} wants a number\n", option);
        std::exit(2);
      }
      const char* text = arguments[++i];
      if (*text < '0' || *text > '9') {
        fmt::print(stderr, "{}: {} is no number\n", option, text);
        std::exit(2);
      }
      return text;
    };
    if (option == "--seeds") {
      options.seeds = std::strtoull(number(), nullptr, 10);
    } else if (option == "--first") {
      options.first = std::strtoull(number(), nullptr, 10);
    } else if (option == "--seed") {
      options.first = std::strtoull(number(), nullptr, 10);
      options.seeds = 1;
      options.one = true;
    } else if (option == "--texts") {
      options.request.texts = std::strtoull(number(), nullptr, 10);
    } else if (option == "--minutes") {
      options.minutes = std::strtod(number(), nullptr);
    } else if (option == "--trace") {
      options.request.show = Trace::Show::everything;
    } else if (option == "--quiet") {
      options.request.quiet_world = true;
    } else {
      fmt::print(stderr, "unknown option {}\n", option);
      std::exit(2);
    }
  }
  return options;
}

}  // namespace

int main(int count, char** arguments) {
  // A world gives back all of its memory, and the next one takes as much: that need not pass through the kernel.
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  mallopt(M_TOP_PAD, 16 << 20);
  Options options = parse(count, arguments);
  const auto began = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(); };
  std::uint64_t run = 0, violated = 0, texts = 0, messages = 0, entries = 0, lives = 0;
  Counts counts;
  double virtual_hours = 0;
  for (std::uint64_t i = 0; i < options.seeds; ++i) {
    if (options.minutes > 0 && elapsed() > options.minutes * 60) break;
    options.request.seed = options.first + i;
    const Outcome outcome = run_seed(options.request);
    ++run;
    texts += outcome.texts;
    messages += outcome.messages;
    entries += outcome.entries;
    lives += outcome.lives;
    counts += outcome.counts;
    virtual_hours += std::chrono::duration<double>(outcome.time).count() / 3600;
    if (options.one) {
      fmt::print("seed {}: {} texts, {} entries, {} lines, {} lives, {} untrusted, {} s virtual, trace {:016x}\n",
                 options.request.seed, outcome.texts, outcome.entries, outcome.trace_lines, outcome.lives,
                 outcome.untrusted, clock_text(outcome.time), outcome.trace_hash);
    }
    if (!outcome.violations.empty()) {
      ++violated;
      report(outcome, options.request);
      std::fflush(stdout);
    }
  }
  // The machine may be shared: this is what the worlds themselves cost.
  const double processor = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  fmt::print(
      "{} seeds, {} texts, {} messages delivered, {}, {} entries, {} lives of the daemon, {:.1f} virtual hours in "
      "{:.1f} "
      "s: {:.0f} seeds a minute, {:.0f} a minute of processor time; {} violated a promise\n",
      run, texts, messages, told(counts), entries, lives, virtual_hours, elapsed(),
      static_cast<double>(run) / elapsed() * 60, static_cast<double>(run) / processor * 60, violated);
  return violated == 0 ? 0 : 1;
}
