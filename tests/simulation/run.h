#pragma once
// One seed from the first QR code to the last check.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/trace.h"
#include "tests/simulation/users.h"

namespace wharf::simulation {

struct Outcome {
  std::vector<std::string> violations;
  std::string habits;               // of its users
  std::vector<std::string> faults;  // what was done to the world, in order
  std::vector<std::string> newest;  // lines of the trace
  std::uint64_t trace_hash = 0, trace_lines = 0, entries = 0;
  std::size_t texts = 0;
  std::uint64_t messages = 0;  // that the network delivered to devices: a text goes to each device of both sides
  std::size_t untrusted = 0;   // events of sessions that took the network's certificates for bad
  std::uint64_t lives = 0;
  Counts counts;
  Micros time{0};  // virtual, until it came to rest
};

struct Request {
  std::uint64_t seed = 0;
  std::size_t texts = 1'000;
  Trace::Show show = Trace::Show::newest;
  bool quiet_world = false;  // no faults at all
};

Outcome run_seed(const Request& request);

}  // namespace wharf::simulation
