#include "api/webhook_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "api/request_id.h"
#include "net/percent_encoding.h"
#include "protocol/crypto/hash.h"

namespace wharf::api {
namespace {

using protocol::as_bytes;

bool same_header(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

protocol::Bytes signing_key(std::string_view secret) {
  constexpr std::string_view prefix = "whsec_";
  if (secret.starts_with(prefix)) {
    if (auto key = protocol::from_base64(secret.substr(prefix.size()))) return std::move(*key);
  }
  return protocol::to_bytes(secret);
}

std::string webhook_signature(std::string_view secrets, std::string_view id, std::int64_t unix_s,
                              std::string_view body) {
  const std::string signed_text = fmt::format("{}.{}.{}", id, unix_s, body);
  std::string out;
  while (!secrets.empty()) {
    const std::size_t space = secrets.find(' ');
    const auto mac = protocol::hmac_sha256(signing_key(secrets.substr(0, space)), as_bytes(signed_text));
    out += (out.empty() ? "v1," : " v1,") + protocol::to_base64(mac);
    secrets = space == std::string_view::npos ? std::string_view{} : secrets.substr(space + 1);
  }
  return out;
}

std::string hub_signature(std::string_view secrets, std::string_view body) {
  return "sha256=" +
         protocol::to_hex(protocol::hmac_sha256(as_bytes(secrets.substr(0, secrets.find(' '))), as_bytes(body)));
}

boost::system::result<net::OutgoingRequest, std::string> webhook_request(const storage::WebhookRow& webhook,
                                                                         Delivery delivery, std::int64_t unix_s,
                                                                         const WebhookSettings& settings) {
  auto url = net::parse_url(webhook.url);
  if (!url) return {boost::system::in_place_error, url.error()};
  net::OutgoingRequest request;
  request.url = std::move(*url);
  request.timeout = settings.timeout;
  request.allow_private = settings.allow_private;
  request.max_response_bytes = 8u << 10;

  const auto given = [&](std::string_view name) {
    return std::any_of(webhook.headers.begin(), webhook.headers.end(),
                       [&](const auto& h) { return same_header(h.first, name); });
  };
  request.headers = webhook.headers;
  if (!given("content-type")) request.headers.emplace_back("Content-Type", "application/json");
  if (!given("user-agent")) request.headers.emplace_back("User-Agent", settings.user_agent);
  if (!request.url.userinfo.empty() && !given("authorization")) {
    const std::string credentials =
        net::percent_decode(request.url.userinfo, net::Plus::literal).value_or(request.url.userinfo);
    request.headers.emplace_back("Authorization", "Basic " + protocol::to_base64(as_bytes(credentials)));
  }
  const auto& [event_id, request_id, body] = delivery;
  request.headers.emplace_back("X-Wharf-Event-Id", event_id);
  // Read from a row: what would frame the request anew stays out.
  if (is_request_id(request_id)) request.headers.emplace_back("X-Wharf-Request-Id", request_id);
  if (!webhook.secret.empty()) {
    request.headers.emplace_back("webhook-id", event_id);
    request.headers.emplace_back("webhook-timestamp", std::to_string(unix_s));
    request.headers.emplace_back("webhook-signature", webhook_signature(webhook.secret, event_id, unix_s, body));
    request.headers.emplace_back("X-Hub-Signature-256", hub_signature(webhook.secret, body));
  }
  request.body = std::move(delivery.body);
  return request;
}

std::chrono::milliseconds retry_delay(std::uint32_t attempts, const WebhookSettings& settings,
                                      protocol::Random& random) {
  std::chrono::milliseconds ceiling = settings.first_retry;
  for (std::uint32_t i = 1; i < attempts && ceiling < settings.max_retry; ++i) ceiling *= 2;
  ceiling = std::min(ceiling, settings.max_retry);
  return std::chrono::milliseconds(random.below(static_cast<std::uint32_t>(ceiling.count()) + 1));
}

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, storage::UnixMs now) {
  std::int64_t seconds = 0;
  const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (failed == std::errc() && end == value.data() + value.size()) {
    if (seconds < 0) return std::nullopt;
    return std::chrono::seconds(std::min<std::int64_t>(seconds, 366LL * 24 * 3600));
  }
  std::tm date{};
  const std::string text(value);
  const char* rest = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
  if (!rest || *rest != '\0') return std::nullopt;
  const storage::UnixMs at = static_cast<storage::UnixMs>(timegm(&date)) * 1000;
  return std::chrono::milliseconds(std::max<storage::UnixMs>(0, at - now));
}

DeliveryOutcome outcome_of(const net::OutgoingResult& result, storage::UnixMs now) {
  DeliveryOutcome outcome;
  if (!result) {
    outcome.error = result.error().message;
    return outcome;
  }
  outcome.status = result->status;
  outcome.delivered = result->status >= 200 && result->status < 300;
  if (outcome.delivered) return outcome;
  outcome.gone = result->status == 410;
  outcome.error = fmt::format("answered {}", result->status);
  for (const auto& [name, value] : result->headers)
    if (name == "retry-after") outcome.retry_after = parse_retry_after(value, now);
  return outcome;
}

}  // namespace wharf::api
