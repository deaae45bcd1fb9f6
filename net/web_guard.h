#pragma once
// What keeps web pages from driving a local server through their visitor's browser. One guard for every door: the API,
// its WebSockets, the sandbox's control API.
//
// Two attacks. A name that a hostile page owns is made to resolve to 127.0.0.1 (DNS rebinding): the browser then takes
// our answers for the page's own, but its Host still names the page. And a page may send some requests to any address
// without asking (simple requests, WebSockets): browsers name the page in Origin, and in Sec-Fetch-Site where they
// leave Origin out (images, scripts). Programs send neither.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_server.h"

namespace wharf::net {

/// Pages that may call besides our own: none, or also those served from this machine (any port of a loopback host).
enum class LocalPages { refused, welcome };

struct WebGuardSettings {
  HostPort listen;                   // its host may be asked for; an unspecified one (0.0.0.0) stands for every address
  std::vector<std::string> hosts;    // further names, as parse_host() gives them
  std::string hosts_setting;         // where an operator lists `hosts`; "" when they cannot be
  std::vector<std::string> origins;  // pages that may call, as parse_origin() gives them
  LocalPages local_pages = LocalPages::refused;
};

class WebGuard {
 public:
  /// Renders a refusal: 403, or 400 when Host cannot be read.
  using Render = std::function<HttpResponse(const HttpRequest& request, unsigned status, const std::string& message)>;
  WebGuard(WebGuardSettings settings, Render render);

  /// The responder to go on with (it adds the CORS headers for a page that may call); nullopt when the request was
  /// answered here: refused, or a CORS preflight.
  std::optional<Responder> admit(const HttpRequest& request, Responder responder) const;
  /// Whether admit() would let it go on. Answers nothing: for the head of a request whose body is still to come.
  bool admits(const HttpRequest& head) const;

 private:
  struct Refusal {
    unsigned status = 0;
    std::string message;
  };
  std::optional<Refusal> refusal(const HttpRequest& request) const;
  std::string problem(const HttpRequest& request) const;
  bool known_host(const std::string& host) const;
  bool may_call(std::string_view origin) const;

  WebGuardSettings settings_;
  Render render_;
};

/// The host of "host", "host:port", "[v6]" or "[v6]:port" (a Host header, server.hosts): lower case, IPv6 in its
/// canonical form without brackets. nullopt when it is none of these.
std::optional<std::string> parse_host(std::string_view text);
/// "https://app.example.org" as a browser writes it: scheme and authority, default port left out. nullopt when it is
/// not an http(s) origin.
std::optional<std::string> parse_origin(std::string_view text);
/// "localhost" or a literal loopback address. Parsed, never compared by prefix: 127.evil.example is a name like any.
bool is_loopback_host(std::string_view host);
/// application/json or application/…+json, with or without parameters: a type that no page can send unasked.
bool is_json_type(std::string_view content_type);

}  // namespace wharf::net
