#include "api/rate_limit.h"

#include <boost/asio/ip/address.hpp>

#include <algorithm>

#include "net/url.h"

namespace wharf::api {
namespace {

std::int64_t second_of(net::SteadyTime now) {
  return std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
}

}  // namespace

RateLimit::RateLimit(unsigned per_minute, std::size_t max_keys) : per_minute_(per_minute), max_keys_(max_keys) {}

RateLimit::Verdict RateLimit::take(std::string_view key, net::SteadyTime now, unsigned times) {
  if (per_minute_ == 0) return {};
  const std::int64_t second = second_of(now);
  Entry& found = entry(key, second);
  const bool allowed = found.total + times <= per_minute_;
  if (allowed) {
    found.total += times;
    found.counts[static_cast<std::size_t>(second) % found.counts.size()] += times;
  }
  Verdict result = verdict(found, second);
  result.allowed = allowed;
  return result;
}

RateLimit::Verdict RateLimit::look(std::string_view key, net::SteadyTime now) {
  if (per_minute_ == 0) return {};
  const std::int64_t second = second_of(now);
  return verdict(entry(key, second), second);
}

RateLimit::Entry& RateLimit::entry(std::string_view key, std::int64_t second) {
  if (const auto known = index_.find(key); known != index_.end()) {
    entries_.splice(entries_.begin(), entries_, known->second);
    Entry& found = entries_.front();
    const auto size = static_cast<std::int64_t>(found.counts.size());
    for (std::int64_t step = std::max(found.second + 1, second - size + 1); step <= second; ++step) {
      auto& slot = found.counts[static_cast<std::size_t>(step % size)];
      found.total -= slot;
      slot = 0;
    }
    found.second = std::max(found.second, second);
    return found;
  }
  // Those that were silent for a whole window count nothing any more; two at a time outrun one that is added.
  const auto over = [&] {
    return entries_.size() >= max_keys_ ||
           (!entries_.empty() && entries_.back().second + static_cast<std::int64_t>(window_s) < second);
  };
  for (int i = 0; i < 2 && over(); ++i) {
    index_.erase(entries_.back().key);
    entries_.pop_back();
  }
  entries_.emplace_front();
  entries_.front().key = key;
  entries_.front().second = second;
  index_.emplace(entries_.front().key, entries_.begin());
  return entries_.front();
}

RateLimit::Verdict RateLimit::verdict(const Entry& entry, std::int64_t second) const {
  Verdict result;
  result.limit = per_minute_;
  result.remaining = per_minute_ > entry.total ? per_minute_ - entry.total : 0;
  result.allowed = result.remaining > 0;
  const auto size = static_cast<std::int64_t>(entry.counts.size());
  std::int64_t oldest = second;
  for (std::int64_t step = second - size + 1; step < second; ++step) {
    if (step < 0 || entry.counts[static_cast<std::size_t>(step % size)] == 0) continue;
    oldest = step;
    break;
  }
  result.reset = std::chrono::seconds(std::max<std::int64_t>(1, oldest + size - second));
  return result;
}

std::string client_key(std::string_view remote_address) {
  // Without the port: each new connection has another one.
  const auto peer = net::parse_host_port(remote_address);
  const std::string host = peer ? peer->host : std::string(remote_address);
  boost::system::error_code failed;
  const auto address = boost::asio::ip::make_address(host, failed);
  if (failed || !address.is_v6() || address.to_v6().is_v4_mapped()) return host;
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return boost::asio::ip::address_v6(bytes).to_string() + "/64";
}

}  // namespace wharf::api
