#pragma once
// What lies at an address that a stranger names, asked for with GET: only http and https, no credentials, every hop
// through the address guard of the client (net/outgoing_http.h), never from https back to http, everything bounded.
// Loop thread only.

#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/outgoing_http.h"
#include "net/scheduler.h"

namespace wharf::api {

struct WebFetchSettings {
  bool allow_private = false;  // loopback, private and link-local targets
  std::uint64_t max_bytes = 2ull << 30;
  std::chrono::milliseconds total_timeout{10 * 60'000};  // over all hops, the time of whoever takes it included
  std::chrono::milliseconds answer_timeout{15'000};      // of each hop, to the head of its answer
  unsigned max_redirects = 5;
  std::string user_agent = "wharf";
};

struct WebFailure {
  enum class Kind {
    address,    // what it is or where it leads; `what` goes on after its name: "must be …", "is answered with …"
    too_large,  // more than max_bytes
    network,    // the other server or the network is to blame
  };
  Kind kind = Kind::network;
  std::string what;
};

/// The head of a 200, without a content coding.
struct WebAnswer {
  net::Url url;  // of the last hop
  std::vector<std::pair<std::string, std::string>> headers;
  /// "" when it is not there; `name` in lower case.
  std::string_view header(std::string_view name) const;
};

/// Each of them may end the handle, and then none is called any more.
struct WebReader {
  std::function<void(const WebAnswer&)> answered;  // once, before the first bytes
  /// The next bytes, at most 64 KiB; none more before `taken`.
  std::function<void(std::string bytes, std::function<void()> taken)> take;
  std::function<void(std::optional<WebFailure>)> done;  // once, last
};

/// Nothing is called inside this call. `http` and `scheduler` outlive the handle.
[[nodiscard]] net::OutgoingHandle fetch_web(net::OutgoingHttp& http, net::Scheduler& scheduler, std::string url,
                                            WebFetchSettings settings, WebReader reader);

/// Where a Location leads (RFC 3986 section 5.2, RFC 9110 section 10.2.2). Errors: what is wrong with it.
boost::system::result<net::Url, std::string> follow(const net::Url& from, std::string_view location);

}  // namespace wharf::api
