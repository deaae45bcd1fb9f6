#pragma once
// The errors of the API: the one table that turns an error into HTTP. The shape of answers is web/envelope.h.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/dialect_choice.h"
#include "net/http_server.h"
#include "sessions/refusal.h"
#include "web/envelope.h"

namespace wharf::api {

/// Everything that can be wrong with a request. Status and both dialects' codes stand in the table of envelope.cpp.
enum class ErrorCode {
  validation,
  invalid_chat_id,
  route_not_found,
  method_not_allowed,
  not_acceptable,
  unsupported_media_type,
  payload_too_large,
  header_too_large,
  request_timeout,
  upgrade_required,
  forbidden,
  session_not_found,
  chat_not_found,
  message_not_found,
  media_not_found,
  group_not_found,
  group_conflict,
  contact_not_found,
  call_not_found,
  channel_not_found,
  business_not_found,
  webhook_not_found,
  event_not_found,
  qr_not_available,
  session_exists,
  webhook_exists,
  message_id_reused,
  message_on_its_way,
  change_overtaken,
  media_gone,
  media_unusable,
  media_damaged,
  message_failed,
  never_reached,
  session_not_ready,
  idempotency_key_reused,
  max_sessions,
  rate_limited,
  queue_full,
  refused,
  media_fetch_failed,
  timed_out,
  storage,
  storage_full,
  unavailable,
  unhealthy,
  not_implemented,
  internal,
};

struct ErrorRow {
  ErrorCode code;
  unsigned status;
  std::string_view openwa, gateway;
};
const ErrorRow& error_row(ErrorCode code);
/// Every row, for the OpenAPI document.
const std::vector<ErrorRow>& error_rows();

/// A request that is answered with an error.
struct Failure {
  Failure(ErrorCode c, std::string m) : code(c), message(std::move(m)) {}
  Failure(ErrorCode c, std::string m, std::vector<std::pair<std::string, std::string>> d)
      : code(c), message(std::move(m)), details(std::move(d)) {}
  ErrorCode code;
  std::string message;
  std::vector<std::pair<std::string, std::string>> details;  // field -> what is wrong and what is allowed
  std::int64_t retry_after_s = 0;  // of a 429 that is no rate limit of ours, 0: the window of the limit; of a 5xx
};

/// With the detail as its message. What names a field, a path or a route is the handler's to say.
Failure failure_of(const sessions::Refusal& refusal);

/// {"success":false,"error":{…}}
net::HttpResponse render_failure(const Failure& failure, Dialect dialect);

using web::Beside;
using web::echo;
using web::render_success;

}  // namespace wharf::api
