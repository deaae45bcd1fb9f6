#include "net/web_guard.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <cctype>
#include <utility>

#include "net/http_message_reader.h"

namespace wharf::net {
namespace {

constexpr std::string_view exposed_headers =
    "X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, Location, ETag,"
    " Accept-Ranges, Content-Range, Content-Disposition";
constexpr std::size_t max_requested_headers_bytes = 1024;

std::optional<asio::ip::address> literal_address(std::string_view host) {
  boost::system::error_code failed;
  auto address = asio::ip::make_address(std::string(host), failed);
  if (failed) return std::nullopt;
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  return address;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool is_preflight(const HttpRequest& request) {
  return request.method == "OPTIONS" && !request.header("origin").empty() &&
         !request.header("access-control-request-method").empty();
}

// A typed address or a followed link: the answer is shown to the person and read by no page.
bool is_navigation(const HttpRequest& request) {
  return request.method == "GET" && request.header("sec-fetch-mode") == "navigate" &&
         request.header("sec-fetch-dest") == "document";
}

// Our own pages name the address they came from.
bool own_page(const HttpRequest& request) {
  const auto page = parse_url(request.header("origin"));
  return page && page->authority() == lower(request.header("host"));
}

HttpResponse preflight_answer(const HttpRequest& request) {
  HttpResponse response;
  response.status = 204;
  auto& headers = response.headers;
  headers.emplace_back("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
  // The page is trusted as a whole, so whatever it wants to send is fine; the list goes back only when it is one.
  const std::string_view wanted = request.header("access-control-request-headers");
  if (!wanted.empty() && wanted.size() <= max_requested_headers_bytes &&
      valid_header("Access-Control-Allow-Headers", wanted))
    headers.emplace_back("Access-Control-Allow-Headers", std::string(wanted));
  if (request.header("access-control-request-private-network") == "true")
    headers.emplace_back("Access-Control-Allow-Private-Network", "true");
  headers.emplace_back("Access-Control-Max-Age", "600");
  return response;
}

void add_cors(HttpResponse& response, const std::string& origin) {
  response.headers.emplace_back("Access-Control-Allow-Origin", origin);
  response.headers.emplace_back("Access-Control-Expose-Headers", std::string(exposed_headers));
  response.headers.emplace_back("Vary", "Origin");
}

/// Every answer of an admitted page carries the page's origin.
class CorsSink final : public Responder::Sink {
 public:
  CorsSink(Responder responder, std::string origin) : responder_(std::move(responder)), origin_(std::move(origin)) {}
  void respond(HttpResponse response) override {
    add_cors(response, origin_);
    responder_.send(std::move(response));
  }
  void upgrade(WebSocketUpgrade upgrade) override { responder_.accept_websocket(std::move(upgrade)); }
  bool peer_gone() const override { return responder_.peer_gone(); }

 private:
  Responder responder_;
  std::string origin_;
};

}  // namespace

std::optional<std::string> parse_host(std::string_view text) {
  std::string_view host = text;
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return std::nullopt;
    const std::string_view behind = text.substr(bracket + 1);
    if (!behind.empty() && !parse_host_port(text)) return std::nullopt;
    boost::system::error_code failed;
    const auto v6 = asio::ip::make_address_v6(std::string(text.substr(1, bracket - 1)), failed);
    if (failed) return std::nullopt;
    return v6.to_string();
  }
  if (host.find(':') == std::string_view::npos) {
    const auto parsed = parse_host_port(std::string(host) + ":80");
    if (!parsed) return std::nullopt;
    return parsed->host;
  }
  const auto parsed = parse_host_port(host);
  if (!parsed) return std::nullopt;
  return parsed->host;
}

std::optional<std::string> parse_origin(std::string_view text) {
  const auto url = parse_url(text);
  if (!url || (url->scheme != "http" && url->scheme != "https") || !url->userinfo.empty() || url->target != "/")
    return std::nullopt;
  return url->scheme + "://" + url->authority();
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost") return true;
  const auto address = literal_address(host);
  return address && address->is_loopback();
}

bool is_json_type(std::string_view content_type) {
  std::string type = lower(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  return type == "application/json" || (type.starts_with("application/") && type.ends_with("+json"));
}

WebGuard::WebGuard(WebGuardSettings settings, Render render)
    : settings_(std::move(settings)), render_(std::move(render)) {}

bool WebGuard::known_host(const std::string& host) const {
  if (is_loopback_host(host)) return true;
  const auto address = literal_address(host);
  const auto listen = literal_address(settings_.listen.host);
  // Listening everywhere, each of our addresses is the listen address; rebinding needs a name.
  if (address && listen && (listen->is_unspecified() || *address == *listen)) return true;
  return host == lower(settings_.listen.host) ||
         std::find(settings_.hosts.begin(), settings_.hosts.end(), host) != settings_.hosts.end();
}

bool WebGuard::may_call(std::string_view origin) const {
  const auto page = parse_origin(origin);
  if (!page) return false;
  if (std::find(settings_.origins.begin(), settings_.origins.end(), *page) != settings_.origins.end()) return true;
  return settings_.local_pages == LocalPages::welcome && is_loopback_host(parse_url(*page)->host);
}

std::string WebGuard::problem(const HttpRequest& request) const {
  const std::string_view origin = request.header("origin");
  if (!origin.empty()) {
    if (own_page(request) || may_call(origin)) return {};
    return "requests from pages of other sites are refused; list the page's origin in cors.origins";
  }
  const std::string_view site = request.header("sec-fetch-site");
  const bool elsewhere = site == "cross-site" || (site == "same-site" && settings_.local_pages == LocalPages::refused);
  if (!elsewhere || is_navigation(request)) return {};
  return "requests from pages of other sites are refused; a page of cors.origins asks with fetch(), which names it";
}

std::optional<WebGuard::Refusal> WebGuard::refusal(const HttpRequest& request) const {
  const auto host = parse_host(request.header("host"));
  if (!host) return Refusal{400, "the Host header names no host"};
  if (!known_host(*host)) {
    std::string message = "the Host header names a host that this server is not known as";
    if (!settings_.hosts_setting.empty()) message += "; list it in " + settings_.hosts_setting;
    return Refusal{403, message};
  }
  if (const std::string refused = problem(request); !refused.empty()) return Refusal{403, refused};
  return std::nullopt;
}

bool WebGuard::admits(const HttpRequest& head) const {
  if (refusal(head)) return false;
  return head.header("origin").empty() || own_page(head) || !is_preflight(head);
}

std::optional<Responder> WebGuard::admit(const HttpRequest& request, Responder responder) const {
  if (const auto refused = refusal(request)) {
    responder.send(render_(request, refused->status, refused->message));
    return std::nullopt;
  }
  std::string origin(request.header("origin"));
  if (origin.empty() || own_page(request)) return responder;
  if (is_preflight(request)) {
    HttpResponse answer = preflight_answer(request);
    add_cors(answer, origin);
    responder.send(std::move(answer));
    return std::nullopt;
  }
  return Responder(std::make_shared<CorsSink>(std::move(responder), std::move(origin)));
}

}  // namespace wharf::net
