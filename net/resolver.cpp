#include "net/resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <cstring>
#include <utility>

#include "net/loop_guard.h"

namespace wharf::net {
namespace {

constexpr std::chrono::seconds keep_answer{60};
constexpr std::chrono::seconds keep_failure{5};
constexpr std::size_t max_entries = 4096;
constexpr std::size_t max_addresses = 16;
constexpr unsigned threads = 2;

Resolved failure(std::string why) { return Resolved(boost::system::in_place_error, std::move(why)); }

Resolved query(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    return failure(std::string(::gai_strerror(error)));
  }
  Addresses addresses;
  for (const addrinfo* at = found; at != nullptr && addresses.size() < max_addresses; at = at->ai_next) {
    if (at->ai_family == AF_INET) {
      sockaddr_in v4{};
      std::memcpy(&v4, at->ai_addr, sizeof v4);
      addresses.emplace_back(asio::ip::address_v4(ntohl(v4.sin_addr.s_addr)));
    } else if (at->ai_family == AF_INET6) {
      sockaddr_in6 v6{};
      std::memcpy(&v6, at->ai_addr, sizeof v6);
      asio::ip::address_v6::bytes_type bytes{};
      std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
      addresses.emplace_back(asio::ip::address_v6(bytes, v6.sin6_scope_id));
    }
  }
  ::freeaddrinfo(found);
  if (addresses.empty()) return failure("the name has no address");
  return addresses;
}

}  // namespace

void Resolver::resolve(const std::string& host, std::function<void(const Resolved&)> done) {
  boost::system::error_code not_literal;
  const auto literal = asio::ip::make_address(host, not_literal);
  if (!not_literal) {
    return asio::post(loop_, [literal, done = std::move(done)] { done(Addresses{literal}); });
  }
  const SteadyTime now = std::chrono::steady_clock::now();
  if (entries_.size() >= max_entries) forget_expired();
  Entry& entry = entries_[host];
  if (!entry.asking && entry.expires > now) {
    return asio::post(loop_, [known = entry.answer, done = std::move(done)] { done(known); });
  }
  entry.waiting.push_back(std::move(done));
  if (std::exchange(entry.asking, true)) return;

  if (!pool_) pool_ = std::make_unique<WorkerPool>(loop_.get_executor(), threads, max_waiting_);
  auto result = std::make_shared<Resolved>(Addresses());  // written by the worker, then read by the loop
  const bool queued =
      pool_->run([host, result] { *result = query(host); }, [this, host, result] { answer(host, std::move(*result)); });
  if (!queued)
    asio::post(loop_, [waiting = std::exchange(entry.waiting, {})] {
      for (const auto& callback : waiting)
        guard("name resolved", [&] { callback(failure("too many names wait for the resolver")); });
    });
  if (!queued) entries_.erase(host);
}

void Resolver::answer(const std::string& host, Resolved resolved) {
  const auto at = entries_.find(host);
  if (at == entries_.end()) return;
  at->second.asking = false;
  at->second.expires = std::chrono::steady_clock::now() + (resolved ? keep_answer : keep_failure);
  at->second.answer = resolved;
  const auto waiting = std::exchange(at->second.waiting, {});
  for (const auto& callback : waiting) guard("name resolved", [&] { callback(resolved); });
}

void Resolver::forget_expired() {
  const SteadyTime now = std::chrono::steady_clock::now();
  std::erase_if(entries_, [now](const auto& entry) { return !entry.second.asking && entry.second.expires <= now; });
  // Still full of fresh answers: memory is bounded, names are asked again.
  if (entries_.size() >= max_entries) std::erase_if(entries_, [](const auto& entry) { return !entry.second.asking; });
}

}  // namespace wharf::net
