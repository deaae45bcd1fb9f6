#pragma once
// Why an outgoing connection or request came to nothing.

#include <string>

namespace wharf::net {

struct OutgoingFailure {
  /// proxy: it could not be reached or made no tunnel; proxy_login: it does not accept our user name and password.
  enum class Kind { bad_address, resolve, connect, proxy, proxy_login, tls, timeout, protocol } kind = Kind::connect;
  std::string message;
};

}  // namespace wharf::net
