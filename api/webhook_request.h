#pragma once
// One webhook delivery as an HTTP request: headers, signatures (Standard Webhooks 1.0 and X-Hub-Signature-256), and
// what its answer means for the next try. Pure.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "net/outgoing_http.h"
#include "protocol/bytes.h"
#include "protocol/crypto/random.h"
#include "storage/webhooks.h"

namespace wharf::api {

struct WebhookSettings {
  std::size_t concurrency = 64;  // requests under way over all webhooks
  std::size_t concurrency_per_webhook = 8;
  std::chrono::milliseconds timeout{10'000};
  std::chrono::milliseconds first_retry{1'000};
  std::chrono::milliseconds max_retry{3'600'000};
  std::chrono::milliseconds give_up{7LL * 24 * 3'600'000};
  std::chrono::milliseconds max_retry_after{24LL * 3'600'000};
  std::chrono::milliseconds cursor_interval{1'000};  // cursors are written this often
  std::size_t read_ahead = 256;                      // events of one webhook in memory, not yet tried
  std::size_t max_deferred = 10'000;                 // retry rows of one webhook; over it its cursor waits
  storage::EventId max_cursor_lag = 5'000;           // an idle webhook's durable cursor follows at least this close
  bool allow_private = false;
  std::string user_agent = "Wharf";
};

/// The key of a secret: the bytes behind "whsec_", else the text itself.
protocol::Bytes signing_key(std::string_view secret);
/// "v1,<base64>" per secret of `secrets` (separated by spaces, newest first), separated by spaces.
std::string webhook_signature(std::string_view secrets, std::string_view id, std::int64_t unix_s,
                              std::string_view body);
/// "sha256=<hex>" with the newest secret as text.
std::string hub_signature(std::string_view secrets, std::string_view body);

/// What is delivered.
struct Delivery {
  std::string event_id;    // as api/event_id.h writes it, or of a test
  std::string request_id;  // of the request that caused the event; "" = none
  std::string body;
};
/// Errors: a message (the stored URL does not parse).
boost::system::result<net::OutgoingRequest, std::string> webhook_request(const storage::WebhookRow& webhook,
                                                                         Delivery delivery, std::int64_t unix_s,
                                                                         const WebhookSettings& settings);

/// Exponential with full jitter: uniform in [0, min(max_retry, first_retry * 2^(attempts - 1))].
std::chrono::milliseconds retry_delay(std::uint32_t attempts, const WebhookSettings& settings,
                                      protocol::Random& random);
/// RFC 9110 section 10.2.3: seconds or an HTTP date. nullopt when neither.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, storage::UnixMs now);

/// What an attempt came to.
struct DeliveryOutcome {
  bool delivered = false;
  bool gone = false;  // 410: no further try
  unsigned status = 0;
  std::string error;  // for operators, "" when delivered
  std::optional<std::chrono::milliseconds> retry_after;
};
DeliveryOutcome outcome_of(const net::OutgoingResult& result, storage::UnixMs now);

}  // namespace wharf::api
