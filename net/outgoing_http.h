#pragma once
// The port for outgoing HTTP requests: what webhooks and media ask of the network. HttpClient in the daemon.
//
// Bodies are strings, or stream: a source makes that of the request while it leaves, a receiver takes that of the
// answer while it comes. At most one piece of each is in memory. Redirects are answers like others, with their
// `location`: who follows one sends the next request.

#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/body_stream.h"
#include "net/cancel_handle.h"
#include "net/outgoing_failure.h"
#include "net/url.h"

namespace wharf::net {

struct OutgoingResponse {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names lower case
  std::string body;                                          // cut at max_response_bytes
  std::shared_ptr<BodyReceiver> received = nullptr;          // has taken the body, whole; `body` is empty then
};
using OutgoingResult = boost::system::result<OutgoingResponse, OutgoingFailure>;

struct OutgoingRequest {
  std::string method = "POST";
  Url url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  /// From send() to the whole answer, the wait for a connection included; of a request that streams see below.
  std::chrono::milliseconds timeout{10'000};
  std::size_t max_response_bytes = 64u << 10;
  bool allow_private = false;  // loopback, private and link-local targets

  // ---- streams

  /// Set: makes the body, exactly `body_bytes`, the last piece marked as such; `body` is not used. Any other length is
  /// the failure broken_body, and never becomes a whole request. It is asked for one body once: such a request goes out
  /// on a connection of its own, since one from the pool might be stale; afterwards others use that. Not asked any more
  /// when the answer comes first and is none of success (413, 401, a redirect).
  BodySource body_source;
  std::uint64_t body_bytes = 0;
  /// Asked behind the header of the answer, whose body is empty then: who is to take the body while it comes. Null: it
  /// is collected. A body that is cut short of its length ends as a failure, whatever its receiver has taken of it.
  std::function<std::unique_ptr<BodyReceiver>(const OutgoingResponse& head)> receive_body;
  std::uint64_t max_streamed_bytes = 0;  // of a body that has a receiver; more of it is the failure too_large
  /// While the bytes of a streamed body flow, either way, only silence ends the request: nothing came, or the peer took
  /// nothing, for so long. The time that a source or a receiver takes is their own business. `timeout` bounds the rest:
  /// from the beginning to the body (without a source: to the header of the answer), from the end of the body to that
  /// header, and from there an answer that is collected.
  std::chrono::milliseconds progress_timeout{30'000};
};

/// A request under way. Its end, or cancel(), ends the request: the connection is dropped, nothing of it is called any
/// more (also from inside its own callbacks), source and receiver are destroyed. Nothing when it was answered, or its
/// client is gone. Loop thread only.
using OutgoingHandle = CancelHandle;

class OutgoingHttp {
 public:
  virtual ~OutgoingHttp() = default;
  /// `done` runs once, on the loop, never inside this call.
  virtual void send(OutgoingRequest request, std::function<void(OutgoingResult)> done) = 0;
  /// The same for a request that can be given up: every one that streams should be.
  [[nodiscard]] virtual OutgoingHandle start(OutgoingRequest request, std::function<void(OutgoingResult)> done) = 0;
};

}  // namespace wharf::net
