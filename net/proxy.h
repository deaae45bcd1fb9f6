#pragma once
// A proxy that outgoing connections go through.

#include <cstdint>
#include <string>

namespace wharf::net {

struct Proxy {
  std::string protocol;  // "http", "https", "socks5", "socks5h"
  std::string host;
  std::uint16_t port = 0;
  std::string username, password;
  friend bool operator==(const Proxy&, const Proxy&) = default;
};

}  // namespace wharf::net
