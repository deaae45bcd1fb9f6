// The simulated world itself: that a seed is a world, that its promises hold in a slice of seeds (make simulate runs as
// many as asked for), and that its checkers see what they are there for.
#include "tests/simulation/run.h"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace wharf::simulation;

namespace {

std::string told(const Outcome& outcome, const Request& request) {
  std::string text = "again: make simulate SEED=" + std::to_string(request.seed) +
                     " TEXTS=" + std::to_string(request.texts) + "\nhabits: " + outcome.habits + "\n";
  for (const auto* lines : {&outcome.violations, &outcome.faults}) {
    for (const std::string& line : *lines) text += line + "\n";
  }
  return text;
}

Outcome run(std::uint64_t seed, std::size_t texts) {
  Request request;
  request.seed = seed;
  request.texts = texts;
  return run_seed(request);
}

}  // namespace

TEST_CASE("the same seed gives the same world, another one another") {
  const Outcome one = run(5, 120), again = run(5, 120), other = run(6, 120);
  CHECK(one.trace_lines == again.trace_lines);
  CHECK(one.trace_hash == again.trace_hash);
  CHECK(one.newest == again.newest);
  CHECK(one.trace_hash != other.trace_hash);
}

TEST_CASE("the promises hold in a world where nothing goes wrong") {
  Request request;
  request.seed = 1;
  request.texts = 150;
  request.quiet_world = true;
  const Outcome outcome = run_seed(request);
  INFO(told(outcome, request));
  CHECK(outcome.violations.empty());
  CHECK(outcome.texts >= 150);  // those of one request count as one
  CHECK(outcome.lives == 1);
}

TEST_CASE("sessions fetch the files that they were told to fetch by themselves") {
  Request request;
  request.seed = 2;
  request.texts = 300;
  request.quiet_world = true;
  const Outcome outcome = run_seed(request);
  INFO(told(outcome, request));
  CHECK(outcome.violations.empty());
  CHECK(outcome.counts.unasked > 0);
}

TEST_CASE(
    "the promises hold in the first worlds, where things are said before what they are about, files are sent, "
    "messages are put off, withdrawn, or expire, and people talk in groups, come and go") {
  Counts counts;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Request request;
    request.seed = seed;
    request.texts = 150;
    const Outcome outcome = run_seed(request);
    INFO(told(outcome, request));
    CHECK(outcome.violations.empty());
    counts += outcome.counts;
  }
  CHECK(counts.early > 10);
  CHECK(counts.compared > 100);
  CHECK(counts.put_off > 10);
  CHECK(counts.withdrawn > 3);
  CHECK(counts.expired > 1);
  CHECK(counts.several > 10);
  CHECK(counts.in_groups > 40);
  CHECK(counts.group_copies > 200);
  CHECK(counts.groups > 5);
  CHECK(counts.kept_out > 10);
}

TEST_CASE(
    "a clock jumps by days: the network's certificates look bad until it is right again, and no promise is broken") {
  Request request;
  request.seed = 61;
  request.texts = 250;
  const Outcome outcome = run_seed(request);
  INFO(told(outcome, request));
  CHECK(outcome.violations.empty());
  CHECK(std::any_of(outcome.faults.begin(), outcome.faults.end(),
                    [](const std::string& line) { return line.find("clock_jump by") != std::string::npos; }));
  CHECK(outcome.untrusted > 0);
}

TEST_CASE("devices come and go in the middle of the traffic, and the texts reach all that are there") {
  Request request;
  request.seed = 8;
  request.texts = 150;
  const Outcome outcome = run_seed(request);
  INFO(told(outcome, request));
  CHECK(outcome.violations.empty());
  const auto happened = [&](const char* what) {
    return std::any_of(outcome.faults.begin(), outcome.faults.end(),
                       [&](const std::string& line) { return line.find(what) != std::string::npos; });
  };
  CHECK(happened("device_added 1555"));
  CHECK(happened("device_removed s"));
}
