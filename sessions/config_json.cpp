#include "sessions/config_json.h"

#include <algorithm>
#include <boost/json/parse.hpp>

#include "net/url.h"

namespace wharf::sessions {
namespace {

using boost::json::object;

bool flag(const object& o, std::string_view key, bool fallback) {
  const auto* value = o.if_contains(key);
  return value && value->is_bool() ? value->get_bool() : fallback;
}
std::chrono::seconds duration(const object& o, std::string_view key, std::chrono::seconds fallback) {
  const auto* value = o.if_contains(key);
  if (value == nullptr || !value->is_number()) return fallback;
  return std::chrono::seconds(std::clamp<std::int64_t>(value->to_number<std::int64_t>(), 1, 86'400));
}
std::string text(const object& o, std::string_view key) {
  const auto* value = o.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

AutoDownload auto_download(const object& o) {
  AutoDownload out;
  if (const auto* kinds = o.if_contains("types"); kinds && kinds->is_array()) {
    for (const auto& kind : kinds->get_array())
      if (kind.is_string()) out.kinds.emplace(kind.get_string());
  }
  if (const auto* most = o.if_contains("maxBytes"); most && most->is_number()) {
    const auto bytes = most->to_number<std::int64_t>();
    out.max_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(bytes, 0));
  }
  return out;
}

}  // namespace

SessionConfig parse_config(const std::string& json) {
  SessionConfig config;
  boost::system::error_code failed;
  const auto value = boost::json::parse(json.empty() ? "{}" : json, failed);
  if (failed || !value.is_object()) return config;
  const object& o = value.get_object();
  config.multi_device = flag(o, "multiDevice", config.multi_device);
  config.headless = flag(o, "headless", config.headless);
  config.qr_timeout = duration(o, "qrTimeout", config.qr_timeout);
  config.auth_timeout = duration(o, "authTimeout", config.auth_timeout);
  if (const auto* proxy = o.if_contains("proxyServerCredentials"); proxy && proxy->is_object()) {
    const object& p = proxy->get_object();
    std::string address = text(p, "address");
    if (const auto scheme = address.find("://"); scheme != std::string::npos) address.erase(0, scheme + 3);
    if (const auto parsed = net::parse_host_port(address)) {
      net::Proxy credentials;
      credentials.protocol = text(p, "protocol");
      credentials.host = parsed->host;
      credentials.port = parsed->port;
      credentials.username = text(p, "username");
      credentials.password = text(p, "password");
      config.proxy = credentials;
    }
  }
  if (const auto* wish = o.if_contains("autoDownload"); wish && wish->is_object())
    config.auto_download = auto_download(wish->get_object());
  if (const auto* calls = o.if_contains("calls"); calls && calls->is_object()) {
    config.calls.reject = flag(calls->get_object(), "reject", false);
    config.calls.text = text(calls->get_object(), "rejectText");
  }
  config.statuses = flag(o, "statuses", config.statuses);
  config.shows_online = text(o, "presence") != "unavailable";
  return config;
}

}  // namespace wharf::sessions
