#pragma once
// HTTP between the daemon and the media host of a simulated world: no sockets and no TLS, but bodies that flow in
// pieces with latency, connections that are refused, hang or break in the middle, and the time limits of
// net::OutgoingRequest. What the host itself does wrong is its own affair (sandbox/media/media_faults.h).

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "net/outgoing_http.h"
#include "protocol/crypto/random.h"
#include "sandbox/media/media_host.h"
#include "tests/simulation/trace.h"
#include "tests/simulation/virtual_scheduler.h"

namespace wharf::simulation {

/// What the network does to requests, in percent of them.
struct HttpFaults {
  unsigned refused = 0;  // no connection
  unsigned hanging = 0;  // nobody answers
  unsigned cut = 0;      // broken while a body flows
  friend bool operator==(const HttpFaults&, const HttpFaults&) = default;
};

class SimHttp final : public net::OutgoingHttp {
 public:
  struct Surroundings {
    VirtualScheduler& client;   // the process that asks: with it ends everything that it asked
    VirtualScheduler& network;  // the host's
    protocol::Random& random;
    Trace& trace;
    sandbox::MediaHost& host;
    const HttpFaults& faults;
    /// Told of each request as it begins.
    std::function<void(const std::string& method, const std::string& target)> on_request;
    /// An upload was answered and is about to be heard of.
    std::function<void()> on_uploaded;
  };
  explicit SimHttp(Surroundings surroundings) : around_(std::move(surroundings)) {}
  ~SimHttp() override;

  void send(net::OutgoingRequest request, std::function<void(net::OutgoingResult)> done) override;
  net::OutgoingHandle start(net::OutgoingRequest request, std::function<void(net::OutgoingResult)> done) override;

 private:
  class Exchange;
  std::shared_ptr<Exchange> begin(net::OutgoingRequest request, std::function<void(net::OutgoingResult)> done);

  Surroundings around_;
  std::map<std::uint64_t, std::shared_ptr<Exchange>> exchanges_;
  std::uint64_t last_ = 0;
};

}  // namespace wharf::simulation
