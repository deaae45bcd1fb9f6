#pragma once
// Names to addresses, remembered. getaddrinfo blocks (seconds when a name server is down), and Asio's resolver has one
// thread for all names and no memory, so it runs on two threads of its own, at most one query per name is under way,
// and answers are kept for a minute. Internal to net/. Loop thread only.

#include <boost/asio/ip/address.hpp>
#include <boost/system/result.hpp>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/loop.h"
#include "net/worker_pool.h"

namespace wharf::net {

using Addresses = std::vector<asio::ip::address>;
using Resolved = boost::system::result<Addresses, std::string>;  // never empty; the error is for logs

class Resolver {
 public:
  /// `max_waiting`: names that wait for one of the two threads. What is asked for is looked up though its caller has
  /// gone, so whoever is told names by strangers keeps this small.
  explicit Resolver(asio::io_context& loop, std::size_t max_waiting = 4096) : loop_(loop), max_waiting_(max_waiting) {}

  /// Calls back in a later turn of the loop. Cancel by making `done` do nothing.
  void resolve(const std::string& host, std::function<void(const Resolved&)> done);

 private:
  struct Entry {
    Resolved answer = Addresses();
    SteadyTime expires;
    bool asking = false;
    std::vector<std::function<void(const Resolved&)>> waiting;
  };
  void answer(const std::string& host, Resolved resolved);
  void forget_expired();

  asio::io_context& loop_;
  std::size_t max_waiting_;
  std::unordered_map<std::string, Entry> entries_;
  std::unique_ptr<WorkerPool> pool_;  // made for the first real name: last, so that it ends first
};

}  // namespace wharf::net
