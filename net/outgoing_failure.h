#pragma once
// Why an outgoing connection or request came to nothing.

#include <string>

namespace wharf::net {

struct OutgoingFailure {
  /// proxy: it could not be reached or made no tunnel; proxy_login: it does not accept our user name and password;
  /// too_large: the answer has more than max_streamed_bytes; broken_body: our own source could not make the body of the
  /// request, or not as long as was announced.
  enum class Kind {
    bad_address,
    resolve,
    connect,
    proxy,
    proxy_login,
    tls,
    timeout,
    protocol,
    too_large,
    broken_body
  } kind = Kind::connect;
  std::string message;
};

}  // namespace wharf::net
