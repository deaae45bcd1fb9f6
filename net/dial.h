#pragma once
// From a name to a Stream that is ready for the first byte: resolve, guard, connect, proxy tunnel, TLS. Ours, because
// neither Asio nor Beast knows proxies or the address guard, and one deadline rules all the steps. Internal to net/.
// Loop thread only.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/outgoing_failure.h"
#include "net/proxy.h"
#include "net/resolver.h"
#include "net/stream.h"

namespace wharf::net {

struct DialTarget {
  std::string host;  // name or literal; also what the certificate must be for
  std::uint16_t port = 0;
  bool secure = false;
  std::optional<Proxy> proxy;  // then the name is resolved by the proxy
  bool globally_routable_only = false;
  SteadyTime deadline;
};

using DialResult = boost::system::result<std::unique_ptr<Stream>, OutgoingFailure>;

/// One running attempt; destroying it cancels, the callback does not run any more.
class Dial {
 public:
  /// `resolver` and `tls` outlive the attempt. `done` runs once, in a later turn of the loop, and may destroy the Dial.
  Dial(asio::io_context& loop, Resolver& resolver, SSL_CTX* tls, DialTarget target,
       std::function<void(DialResult)> done);
  ~Dial();
  Dial(const Dial&) = delete;
  Dial& operator=(const Dial&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with its pending operations
};

}  // namespace wharf::net
