#pragma once
// Times that a server or a peer states: Unix seconds, any 64 bits.

#include <cstdint>

#include "sessions/turn.h"

namespace wharf::sessions {

/// Later ones (year 9999) cannot be written as a date, and are no times.
inline constexpr std::uint64_t max_unix_s = 253'402'300'799;

/// In milliseconds; `now` when nothing sensible is stated.
constexpr UnixMs stated_ms(std::uint64_t unix_s, UnixMs now) {
  return unix_s == 0 || unix_s > max_unix_s ? now : static_cast<UnixMs>(unix_s) * 1000;
}

}  // namespace wharf::sessions
