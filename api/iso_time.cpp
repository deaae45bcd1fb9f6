#include "api/iso_time.h"

#include <fmt/format.h>

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

}  // namespace

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
