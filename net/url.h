#pragma once
// URLs, addresses and the outbound-address guard.

#include <boost/asio/ip/address.hpp>
#include <boost/system/result.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wharf::net {

struct Url {
  std::string scheme;  // lower case
  std::string host;    // without brackets
  std::uint16_t port = 0;
  std::string target;  // path and query, at least "/"
  std::string userinfo;
  bool secure() const { return scheme == "https" || scheme == "wss"; }
  std::string authority() const;  // host[:port], port omitted when default, brackets for IPv6
};
/// http, https, ws, wss. Errors: a message that names what is wrong.
boost::system::result<Url, std::string> parse_url(std::string_view text);

/// The URL for logs and answers: the password, or a user name that stands alone (a token), is "***". What is no URL
/// comes back as "***".
std::string without_credentials(std::string_view url);

/// True for addresses reachable on the public internet; false for every other range (private, loopback,
/// link-local, multicast, NAT64, 6to4, Teredo embeds, v4-mapped forms of them …).
bool globally_routable(const boost::asio::ip::address& address);

/// "host:port", "[v6]:port". Errors: a message.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
boost::system::result<HostPort, std::string> parse_host_port(std::string_view text);

}  // namespace wharf::net
