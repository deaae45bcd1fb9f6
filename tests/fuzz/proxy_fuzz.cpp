// What a proxy answers while a tunnel is asked for: HTTP CONNECT and SOCKS5, with and without a password, in pieces. It
// ends without asking for more than it was given, and no failure text holds the password.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/proxy_handshake.h"

using namespace wharf::net;

namespace {

void check(bool invariant) {
  if (!invariant) std::abort();
}

void converse(const Proxy& proxy, std::string_view bytes, std::size_t piece) {
  const auto handshake = make_proxy_handshake(proxy, "example.org", 443);
  check(handshake != nullptr);
  auto progress = handshake->feed({});
  check(!handshake->take_to_send().empty());
  while (progress == ProxyHandshake::Progress::more && !bytes.empty()) {
    progress = handshake->feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    handshake->take_to_send();
  }
  check(progress != ProxyHandshake::Progress::failed || !handshake->failure().empty());
  check(handshake->failure().find("correct horse") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static constexpr const char* protocols[] = {"http", "socks5", "socks5h"};
  Proxy proxy;
  proxy.protocol = protocols[data[0] % 3];
  proxy.host = "proxy.example.org";
  proxy.port = 1080;
  if (data[0] & 0x40) {
    proxy.username = "user";
    proxy.password = "correct horse";
  }
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  converse(proxy, bytes, bytes.size());
  converse(proxy, bytes, 1 + data[0] / 3 % 8);
  return 0;
}
