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

/// Takes what it reads from the front.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}
  /// Exactly so many digits, of a number in this range.
  std::optional<unsigned> digits(std::size_t count, unsigned least, unsigned most) {
    unsigned value = 0;
    const char* const begin = rest_.data();
    if (rest_.size() < count || rest_.front() < '0' || rest_.front() > '9') return std::nullopt;
    const auto [end, failed] = std::from_chars(begin, begin + count, value);
    if (failed != std::errc() || end != begin + count || value < least || value > most) return std::nullopt;
    rest_.remove_prefix(count);
    return value;
  }
  bool one_of(std::string_view chars) {
    if (rest_.empty() || chars.find(rest_.front()) == std::string_view::npos) return false;
    taken_ = rest_.front();
    rest_.remove_prefix(1);
    return true;
  }
  char taken() const { return taken_; }
  bool at_end() const { return rest_.empty(); }
  /// "" when none is there.
  std::string_view fraction() {
    const std::size_t end = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    const std::string_view found = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return found;
  }

 private:
  std::string_view rest_;
  char taken_ = 0;
};

/// nullopt: no offset.
std::optional<std::chrono::minutes> read_offset(Reader& reader) {
  if (reader.one_of("Zz")) return std::chrono::minutes(0);
  if (!reader.one_of("+-")) return std::nullopt;
  const int sign = reader.taken() == '-' ? -1 : 1;
  const auto hours = reader.digits(2, 0, 23);
  if (!hours || !reader.one_of(":")) return std::nullopt;
  const auto minutes = reader.digits(2, 0, 59);
  if (!minutes) return std::nullopt;
  return std::chrono::minutes(sign * static_cast<int>(*hours * 60 + *minutes));
}

/// nullopt: a point without digits.
std::optional<unsigned> read_millis(Reader& reader) {
  if (!reader.one_of(".")) return 0;
  const std::string_view fraction = reader.fraction();
  if (fraction.empty()) return std::nullopt;
  unsigned millis = 0;
  for (std::size_t i = 0; i < 3; ++i)
    millis = millis * 10 + (i < fraction.size() ? static_cast<unsigned>(fraction[i] - '0') : 0);
  return millis;
}

}  // namespace

std::optional<storage::UnixMs> parse_iso(std::string_view text) {
  using namespace std::chrono;
  Reader reader(text);
  const auto y = reader.digits(4, 1970, 9999);
  if (!y || !reader.one_of("-")) return std::nullopt;
  const auto mo = reader.digits(2, 1, 12);
  if (!mo || !reader.one_of("-")) return std::nullopt;
  const auto d = reader.digits(2, 1, 31);
  if (!d || !reader.one_of("Tt ")) return std::nullopt;
  const auto h = reader.digits(2, 0, 23);
  if (!h || !reader.one_of(":")) return std::nullopt;
  const auto mi = reader.digits(2, 0, 59);
  if (!mi || !reader.one_of(":")) return std::nullopt;
  const auto s = reader.digits(2, 0, 60);  // 60: a leap second
  const auto millis = s ? read_millis(reader) : std::nullopt;
  const auto offset = millis ? read_offset(reader) : std::nullopt;
  const year_month_day date(year(static_cast<int>(*y)), month(*mo), day(*d));
  if (!offset || !reader.at_end() || !date.ok()) return std::nullopt;
  const auto at = sys_days(date) + hours(*h) + minutes(*mi) + seconds(*s) + milliseconds(*millis) - *offset;
  const auto unix_ms = duration_cast<milliseconds>(at.time_since_epoch()).count();
  return unix_ms >= 0 ? std::optional<storage::UnixMs>(unix_ms) : std::nullopt;
}

std::optional<storage::UnixMs> parse_time(std::string_view text, std::int64_t unit_ms) {
  constexpr std::int64_t largest = std::int64_t{1} << 43;  // in the year 2248
  std::int64_t units = 0;
  const char* const end = text.data() + text.size();
  if (const auto read = std::from_chars(text.data(), end, units); read.ec == std::errc() && read.ptr == end)
    return units >= 0 && units <= largest / unit_ms ? std::optional(units * unit_ms) : std::nullopt;
  constexpr std::size_t date_chars = 10;
  std::string whole(text);
  if (text.size() == date_chars) whole.append("T00:00:00Z");
  return parse_iso(whole);
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
