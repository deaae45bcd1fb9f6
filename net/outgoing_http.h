#pragma once
// The port for outgoing HTTP requests: what webhooks (later media) ask of the network. HttpClient in the daemon.

#include <boost/system/result.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "net/outgoing_failure.h"
#include "net/url.h"

namespace wharf::net {

struct OutgoingRequest {
  std::string method = "POST";
  Url url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::chrono::milliseconds timeout{10'000};
  std::size_t max_response_bytes = 64u << 10;
  bool allow_private = false;  // loopback, private and link-local targets
};
struct OutgoingResponse {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names lower case
  std::string body;                                          // cut at max_response_bytes
};
using OutgoingResult = boost::system::result<OutgoingResponse, OutgoingFailure>;

class OutgoingHttp {
 public:
  virtual ~OutgoingHttp() = default;
  /// `done` runs once, on the loop.
  virtual void send(OutgoingRequest request, std::function<void(OutgoingResult)> done) = 0;
};

}  // namespace wharf::net
