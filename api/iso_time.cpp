#include "api/iso_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

namespace wharf::api {
namespace {

struct Civil {
  int year;
  unsigned month, day, hour, minute, second, millis;
};

Civil civil(storage::UnixMs at) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds(at)};
  const auto midnight = floor<days>(time);
  const year_month_day date(midnight);
  const auto since = static_cast<unsigned>((time - midnight).count());
  return {static_cast<int>(date.year()),
          static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),
          since / 3'600'000,
          since / 60'000 % 60,
          since / 1000 % 60,
          since % 1000};
}

/// Reads a number of so many digits and what must stand behind it.
bool take(std::string_view& text, std::size_t digits, std::string_view behind, unsigned& value) {
  const char* end = text.data() + std::min(digits, text.size());
  const auto read = std::from_chars(text.data(), end, value);
  if (text.size() < digits || read.ec != std::errc() || read.ptr != end) return false;
  text.remove_prefix(digits);
  if (!text.starts_with(behind)) return false;
  text.remove_prefix(behind.size());
  return true;
}

}  // namespace

std::optional<storage::UnixMs> parse_time(std::string_view text, std::int64_t unit_ms) {
  using namespace std::chrono;
  constexpr std::int64_t largest = 1ll << 43;  // in the year 2248
  std::int64_t units = 0;
  if (const auto read = std::from_chars(text.data(), text.data() + text.size(), units);
      read.ec == std::errc() && read.ptr == text.data() + text.size() && !text.empty())
    return units >= 0 && units <= largest / unit_ms ? std::optional(units * unit_ms) : std::nullopt;
  unsigned y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0, ms = 0;
  if (!take(text, 4, "-", y) || !take(text, 2, "-", mo) || !take(text, 2, "", d)) return std::nullopt;
  const year_month_day date{year(static_cast<int>(y)), month(mo), day(d)};
  if (!date.ok() || y < 1970 || y > 2200) return std::nullopt;
  if (!text.empty()) {
    if (!text.starts_with('T')) return std::nullopt;
    text.remove_prefix(1);
    if (!take(text, 2, ":", h) || !take(text, 2, ":", mi) || !take(text, 2, "", s)) return std::nullopt;
    if (text.starts_with('.')) {
      text.remove_prefix(1);
      if (!take(text, 3, "", ms)) return std::nullopt;
    }
    if (text != "Z" || h > 23 || mi > 59 || s > 59) return std::nullopt;
  }
  const auto at = sys_days(date) + hours(h) + minutes(mi) + seconds(s) + milliseconds(ms);
  return duration_cast<milliseconds>(at.time_since_epoch()).count();
}

std::string iso_seconds(storage::UnixMs at) {
  const Civil c = civil(at);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", c.year, c.month, c.day, c.hour, c.minute, c.second);
}

std::string iso_millis(storage::UnixMs at) {
  const Civil c = civil(at);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", c.year, c.month, c.day, c.hour, c.minute, c.second,
                     c.millis);
}

}  // namespace wharf::api
