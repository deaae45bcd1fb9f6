#pragma once
// What happened in a simulated world, a line each: the newest ones for who has to understand a violation, and one hash
// over all of them, which tells whether two runs were the same.

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "tests/simulation/virtual_scheduler.h"

namespace wharf::simulation {

class Trace {
 public:
  enum class Show { newest, everything };
  Trace(const VirtualTime& time, Show show) : time_(time), show_(show) {}

  /// A line under the present time. `kind` is a word.
  void note(std::string_view kind, std::string_view text);
  /// For who reads the whole trace: a line that does not count.
  void aside(std::string_view kind, std::string_view text) const;
  /// Of the schedule alone: into the hash, no line.
  void count(std::uint64_t number);
  std::uint64_t hash() const { return hash_; }
  std::uint64_t lines() const { return lines_; }
  /// The newest lines, oldest first.
  const std::deque<std::string>& newest() const { return newest_; }

 private:
  static constexpr std::size_t kept = 400;
  void mix(std::string_view bytes);

  const VirtualTime& time_;
  Show show_;
  std::uint64_t hash_ = 14'695'981'039'346'656'037u;  // FNV-1a
  std::uint64_t lines_ = 0;
  std::deque<std::string> newest_;
};

/// FNV-1a of some bytes: names a frame in the trace.
std::uint64_t digest(std::string_view bytes);
/// "12.345678": seconds since the start of the world.
std::string clock_text(Micros time);

}  // namespace wharf::simulation
