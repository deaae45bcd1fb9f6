#include "net/url.h"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>
#include <cctype>
#include <charconv>
#include <optional>
#include <utility>

namespace wharf::net {
namespace {

constexpr std::size_t max_url_bytes = 8192;
constexpr std::size_t max_host_bytes = 253;  // RFC 1035 2.3.4, without the final dot

std::uint16_t default_port(std::string_view scheme) {
  if (scheme == "http" || scheme == "ws") return 80;
  if (scheme == "https" || scheme == "wss") return 443;
  return 0;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool ipv6_literal(std::string_view host) { return host.find(':') != std::string_view::npos; }

// What may stand in a name we resolve, put into a Host header, SNI and a certificate check. No IDN: punycode is ASCII.
bool host_name(std::string_view host) {
  if (host.empty() || host.size() > max_host_bytes) return false;
  return std::all_of(host.begin(), host.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '.' || c == '_'; });
}

// A URL is an aggregate that begins with a string, so a plain text would be ambiguous as a result.
template <class T>
boost::system::result<T, std::string> refuse(std::string why) {
  return boost::system::result<T, std::string>(boost::system::in_place_error, std::move(why));
}

boost::system::result<std::uint16_t, std::string> parse_port(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > 65535) {
    return "the port \"" + std::string(text) + "\" is not a number from 0 to 65535";
  }
  return static_cast<std::uint16_t>(value);
}

/// Where the host of a URL stands, nullopt without an authority or for an IP literal in brackets.
std::optional<std::pair<std::size_t, std::size_t>> host_span(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return std::nullopt;
  std::size_t begin = scheme + 3;
  const std::size_t end = std::min(text.find_first_of("/?#", begin), text.size());
  if (const std::size_t at = text.substr(0, end).rfind('@'); at != std::string_view::npos && at >= begin)
    begin = at + 1;
  if (begin >= end || text[begin] == '[') return std::nullopt;
  const std::size_t port = text.substr(0, end).find(':', begin);
  return std::pair(begin, std::min(port, end));
}

}  // namespace

std::string Url::authority() const {
  std::string out = ipv6_literal(host) ? "[" + host + "]" : host;
  if (port != default_port(scheme)) out += ":" + std::to_string(port);
  return out;
}

boost::system::result<Url, std::string> parse_url(std::string_view text) {
  if (text.empty()) return refuse<Url>("the URL is empty");
  if (text.size() > max_url_bytes)
    return refuse<Url>("the URL is longer than " + std::to_string(max_url_bytes) + " bytes");
  // Boost.URL takes the first four numbers of 10.1.2.3.example for an address and stumbles over the rest. A name is not
  // its business: it sees a stand-in, we see the name.
  std::string readable(text);
  std::string name;
  if (const auto span = host_span(text)) {
    name = text.substr(span->first, span->second - span->first);
    if (!name.empty()) readable.replace(span->first, name.size(), "h");
  }
  const auto parsed = boost::urls::parse_uri(readable);
  if (!parsed) return refuse<Url>("the URL is malformed (a full one looks like https://host/path)");
  const boost::urls::url_view view = *parsed;

  Url url;
  url.scheme = lower(std::string_view(view.scheme().data(), view.scheme().size()));
  if (default_port(url.scheme) == 0)
    return refuse<Url>("the scheme \"" + url.scheme + "\" is not http, https, ws or wss");
  if (!view.has_authority()) return refuse<Url>("the URL has no host");

  switch (view.host_type()) {
    case boost::urls::host_type::ipv6: {
      // Canonical form: the same address always gives the same pool key, SNI decision and log line.
      const std::string address(view.host_address());
      boost::system::error_code error;
      const auto v6 = boost::asio::ip::make_address_v6(address, error);
      if (error) return refuse<Url>("\"" + address + "\" is not an IPv6 address");
      url.host = v6.to_string();
      break;
    }
    case boost::urls::host_type::ipv4:
    case boost::urls::host_type::name:
      url.host = lower(name);
      if (url.host.empty()) return refuse<Url>("the URL has no host");
      if (!host_name(url.host)) return refuse<Url>("the host of the URL is not a host name");
      break;
    default: return refuse<Url>("the host of the URL is not a host name");
  }

  const auto port_text = view.port();
  if (view.has_port() && !port_text.empty()) {
    auto port = parse_port(std::string_view(port_text.data(), port_text.size()));
    if (!port) return refuse<Url>(port.error());
    if (*port == 0) return refuse<Url>("port 0 cannot be connected to");
    url.port = *port;
  } else {
    url.port = default_port(url.scheme);
  }
  if (view.has_userinfo()) url.userinfo = std::string(view.encoded_userinfo());

  const std::string path(view.encoded_path());
  // The parser ends a port at the first character that is no digit and takes the rest for a path.
  if (!path.empty() && path.front() != '/') return refuse<Url>("the port of the URL is not a number");
  url.target = path.empty() ? "/" : path;
  if (view.has_query()) url.target += "?" + std::string(view.encoded_query());
  return url;
}

std::string without_credentials(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed) return "***";
  boost::urls::url url(*parsed);
  if (url.has_password()) url.set_password("***");
  else if (url.has_userinfo()) url.set_user("***");
  return url.c_str();
}

boost::system::result<HostPort, std::string> parse_host_port(std::string_view text) {
  HostPort out;
  std::string_view port;
  if (!text.empty() && text.front() == '[') {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos || bracket + 1 >= text.size() || text[bracket + 1] != ':') {
      return refuse<HostPort>("\"" + std::string(text) + "\" is not of the form [IPv6]:port");
    }
    out.host = std::string(text.substr(1, bracket - 1));
    boost::system::error_code error;
    boost::asio::ip::make_address_v6(out.host, error);
    if (error) return refuse<HostPort>("\"" + out.host + "\" is not an IPv6 address");
    port = text.substr(bracket + 2);
  } else {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos)
      return refuse<HostPort>("\"" + std::string(text) + "\" has no port (host:port)");
    out.host = lower(text.substr(0, colon));
    if (!host_name(out.host)) return refuse<HostPort>("\"" + std::string(text) + "\" is not of the form host:port");
    port = text.substr(colon + 1);
  }
  auto number = parse_port(port);
  if (!number) return refuse<HostPort>(number.error());
  out.port = *number;
  return out;
}

}  // namespace wharf::net
