#include "sandbox/control_api.h"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "sandbox/control_call.h"

namespace wharf::sandbox {

namespace json = boost::json;

namespace {

constexpr std::string_view prefix = "/sandbox/v1";

enum class Body { none, json, text };

struct Route {
  std::string_view method;
  std::string_view pattern;  // below the prefix; {name} takes one segment
  Body body;
  ControlHandler handler;
};

constexpr Route routes[] = {
    {"GET", "/network", Body::none, show_network},
    {"GET", "/phones", Body::none, list_phones},
    {"POST", "/phones", Body::json, create_phone},
    {"GET", "/phones/{phone}", Body::none, show_phone},
    {"POST", "/phones/{phone}/scan", Body::json, scan},
    {"POST", "/phones/{phone}/enter-code", Body::json, enter_code},
    {"POST", "/phones/{phone}/messages", Body::json, send_message},
    {"GET", "/phones/{phone}/messages", Body::none, list_messages},
    {"POST", "/phones/{phone}/read", Body::json, mark_read},
    {"POST", "/phones/{phone}/typing", Body::json, set_typing},
    {"POST", "/phones/{phone}/unlink", Body::json, unlink_companions},
    {"POST", "/phones/{phone}/deliver", Body::json, set_deliver},
    {"POST", "/phones/{phone}/power", Body::json, set_power},
    {"POST", "/phones/{phone}/forget-sessions", Body::json, forget_sessions},
    {"POST", "/phones/{phone}/corrupt-sessions", Body::json, corrupt_sessions},
    {"POST", "/phones/{phone}/reinstall", Body::json, reinstall},
    {"POST", "/phones/{phone}/account", Body::json, set_account},
    {"POST", "/phones/{phone}/auto-reply", Body::json, set_auto_reply},
    {"POST", "/phones/{phone}/auto-read", Body::json, set_auto_read},
    {"POST", "/phones/{phone}/call", Body::json, not_implemented},
    {"POST", "/phones/{phone}/groups", Body::json, not_implemented},
    {"POST", "/scan-qr", Body::text, scan_qr_text},
    {"GET", "/faults", Body::none, show_faults},
    {"POST", "/faults", Body::json, set_faults},
    {"POST", "/faults/release", Body::json, release_faults},
    {"POST", "/kick", Body::json, kick_device},
    {"GET", "/stats", Body::none, show_stats},
    {"GET", "/wire", Body::none, show_wire},
    {"POST", "/clock", Body::json, advance_clock},
    {"POST", "/devices/{phone}/{device}/drain-prekeys", Body::json, drain_prekeys},
};

// --- targets

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// nullopt for a broken escape. A '+' stays one: it begins phone numbers.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high < 0 ? -1 : hex_digit(text[i + 2]);
    if (low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

using Names = std::map<std::string, std::string, std::less<>>;

std::optional<Names> match(std::string_view pattern, const std::vector<std::string>& segments) {
  const std::vector<std::string_view> parts = split(pattern, '/');
  if (parts.size() != segments.size()) return std::nullopt;
  Names names;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].front() == '{') {
      names[std::string(parts[i].substr(1, parts[i].size() - 2))] = segments[i];
    } else if (parts[i] != segments[i]) {
      return std::nullopt;
    }
  }
  return names;
}

std::optional<Names> query_of(std::string_view text) {
  Names out;
  for (const std::string_view pair : split(text, '&')) {
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto name = percent_decoded(pair.substr(0, equals));
    const auto value = percent_decoded(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value) return std::nullopt;
    out[*name] = *value;
  }
  return out;
}

std::string media_type_of(const net::HttpRequest& request) {
  std::string type(request.header("content-type"));
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return type;
}

/// Reads the body the route wants into `call`; the refusal otherwise.
std::optional<net::HttpResponse> read_body(const Route& route, const net::HttpRequest& request, ControlCall& call) {
  const std::string type = media_type_of(request);
  if (route.body == Body::none) return std::nullopt;
  if (route.body == Body::text) {
    if (type == "application/json") {
      return control_error(415, "UNSUPPORTED_MEDIA_TYPE", "this route takes the raw QR text: Content-Type: text/plain");
    }
    call.text = request.body;
    return std::nullopt;
  }
  if (request.body.empty()) return std::nullopt;  // as {}: the fields say what is missing
  // Required, not guessed: a page of another site can send a body without a type unasked, JSON it cannot.
  if (type != "application/json") {
    return control_error(
        415, "UNSUPPORTED_MEDIA_TYPE",
        "this route takes JSON: Content-Type: application/json" + (type.empty() ? std::string() : ", not " + type));
  }
  boost::system::error_code failed;
  json::value body = json::parse(request.body, failed);
  if (failed) return control_error(400, "VALIDATION_ERROR", "the body is not valid JSON: " + failed.message());
  if (body.is_null()) return std::nullopt;
  if (!body.is_object()) return control_error(400, "VALIDATION_ERROR", "the body must be a JSON object");
  call.body = std::move(body.get_object());
  return std::nullopt;
}

}  // namespace

ControlApi::ControlApi(Network& network, Phones& phones, const SandboxAddresses& addresses, AfterCommit after_commit)
    : network_(network), phones_(phones), addresses_(addresses), after_commit_(std::move(after_commit)) {}

void ControlApi::handle(net::HttpRequest request, net::Responder responder) {
  const std::string_view target = request.target;
  const std::size_t mark = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(0, mark);
  auto query = query_of(target.substr(std::min(mark + 1, target.size())));
  const auto refuse = [&](net::HttpResponse response) { responder.send(std::move(response)); };

  std::vector<std::string> segments;
  const bool ours =
      path.substr(0, prefix.size()) == prefix && (path.size() == prefix.size() || path[prefix.size()] == '/');
  if (ours) {
    for (const std::string_view segment : split(path.substr(prefix.size()), '/')) {
      auto decoded = percent_decoded(segment);
      if (!decoded) query.reset();
      segments.push_back(decoded.value_or(""));
    }
  }
  if (!query) return refuse(control_error(400, "VALIDATION_ERROR", "the address holds a broken percent escape"));

  std::string allowed;
  for (const Route& route : routes) {
    auto names = ours ? match(route.pattern, segments) : std::nullopt;
    if (!names) continue;
    if (route.method != request.method) {
      allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
      continue;
    }
    ControlCall call{network_,          phones_, addresses_, after_commit_, std::move(*names),
                     std::move(*query), {},      {},         responder};
    if (auto refusal = read_body(route, request, call)) return refuse(std::move(*refusal));
    return route.handler(call);
  }
  if (allowed.empty()) return refuse(control_error(404, "NOT_FOUND", "no such route: " + std::string(path)));
  net::HttpResponse response =
      control_error(405, "METHOD_NOT_ALLOWED", request.method + " is not possible here; allowed: " + allowed);
  response.headers.emplace_back("Allow", allowed);
  refuse(std::move(response));
}

}  // namespace wharf::sandbox
