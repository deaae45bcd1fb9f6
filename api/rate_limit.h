#pragma once
// The rate limits: at most `limit` requests of one key in any 60 seconds, counted in one-second steps (so the window
// is 60 to 61 seconds, never shorter). Memory is bounded: the key that was silent longest is forgotten first.

#include <array>
#include <chrono>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "net/clock.h"

namespace wharf::api {

class RateLimit {
 public:
  struct Verdict {
    bool allowed = true;
    unsigned limit = 0;  // 0 = off: no headers
    unsigned remaining = 0;
    std::chrono::seconds reset{0};  // until the oldest counted request leaves the window; at least 1
  };

  explicit RateLimit(unsigned per_minute, std::size_t max_keys = 20'000);
  /// Counts the request when it is allowed; refused ones do not count. `times`: as so many.
  Verdict take(std::string_view key, net::SteadyTime now, unsigned times = 1);
  /// The state without counting.
  Verdict look(std::string_view key, net::SteadyTime now);
  std::size_t keys() const { return entries_.size(); }

 private:
  static constexpr std::size_t window_s = 60;
  struct Entry {
    std::string key;
    std::int64_t second = 0;                           // the newest step in `counts`
    std::array<std::uint32_t, window_s + 1> counts{};  // by second modulo size
    std::uint32_t total = 0;
  };
  Entry& entry(std::string_view key, std::int64_t second);
  Verdict verdict(const Entry& entry, std::int64_t second) const;

  unsigned per_minute_;
  std::size_t max_keys_;
  std::list<Entry> entries_;                                                // most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> index_;  // keys point into entries_
};

/// The key of a client of HttpRequest::remote_address: its address without the port, of IPv6 the /64, which one client
/// owns as a whole.
std::string client_key(std::string_view remote_address);

}  // namespace wharf::api
