#include "api/envelope.h"

#include <stdexcept>

namespace wharf::api {
namespace {

using protocol::Errc;
using sessions::Subject;

struct ErrcRow {
  Errc errc;
  std::optional<Subject> subject;  // nullopt: any other
  ErrorCode code;
};

// Read from the top: the first row that fits decides.
const std::vector<ErrcRow>& errc_rows() {
  static const std::vector<ErrcRow> rows = {
      {Errc::not_found, Subject::message, ErrorCode::message_not_found},
      {Errc::not_found, Subject::quoted_message, ErrorCode::message_not_found},
      {Errc::not_found, Subject::chat, ErrorCode::chat_not_found},
      {Errc::not_found, Subject::media, ErrorCode::media_gone},
      {Errc::malformed, Subject::media, ErrorCode::media_gone},
      {Errc::bad_mac, Subject::media, ErrorCode::media_damaged},
      {Errc::network, Subject::media, ErrorCode::media_fetch_failed},
      {Errc::refused, Subject::media, ErrorCode::media_fetch_failed},
      {Errc::not_found, Subject::group, ErrorCode::group_not_found},
      {Errc::conflict, Subject::group, ErrorCode::group_conflict},
      {Errc::not_found, Subject::contact, ErrorCode::contact_not_found},
      {Errc::not_found, Subject::call, ErrorCode::call_not_found},
      {Errc::not_found, Subject::channel, ErrorCode::channel_not_found},
      {Errc::conflict, Subject::channel, ErrorCode::refused},
      {Errc::conflict, Subject::contact, ErrorCode::refused},
      {Errc::conflict, Subject::change, ErrorCode::change_overtaken},
      {Errc::forbidden, std::nullopt, ErrorCode::forbidden},
      {Errc::not_found, std::nullopt, ErrorCode::session_not_found},
      {Errc::conflict, Subject::session, ErrorCode::session_exists},
      {Errc::conflict, Subject::idempotency_key, ErrorCode::idempotency_key_reused},
      {Errc::conflict, Subject::message_id, ErrorCode::message_id_reused},
      {Errc::conflict, std::nullopt, ErrorCode::session_not_ready},
      {Errc::too_large, Subject::session, ErrorCode::max_sessions},
      {Errc::too_large, std::nullopt, ErrorCode::validation},
      {Errc::malformed, std::nullopt, ErrorCode::validation},
      {Errc::unsupported, std::nullopt, ErrorCode::validation},
      {Errc::not_ready, std::nullopt, ErrorCode::session_not_ready},
      {Errc::no_session, std::nullopt, ErrorCode::session_not_ready},
      {Errc::rate_limited, Subject::queue, ErrorCode::queue_full},
      {Errc::rate_limited, std::nullopt, ErrorCode::rate_limited},
      {Errc::refused, std::nullopt, ErrorCode::refused},
      {Errc::timed_out, std::nullopt, ErrorCode::timed_out},
      {Errc::network, std::nullopt, ErrorCode::unavailable},
      {Errc::closed, std::nullopt, ErrorCode::unavailable},
      {Errc::storage, std::nullopt, ErrorCode::storage},
      {Errc::storage_full, std::nullopt, ErrorCode::storage_full},
      {Errc::not_implemented, std::nullopt, ErrorCode::not_implemented},
  };
  return rows;
}

}  // namespace

const std::vector<ErrorRow>& error_rows() {
  static const std::vector<ErrorRow> rows = {
      {ErrorCode::validation, 400, "VALIDATION_ERROR", "validation_error"},
      {ErrorCode::invalid_chat_id, 400, "INVALID_CHAT_ID", "validation_error"},
      {ErrorCode::forbidden, 403, "FORBIDDEN", "forbidden"},
      {ErrorCode::route_not_found, 404, "NOT_FOUND", "not_found"},
      {ErrorCode::session_not_found, 404, "SESSION_NOT_FOUND", "not_found"},
      {ErrorCode::chat_not_found, 404, "CHAT_NOT_FOUND", "not_found"},
      {ErrorCode::message_not_found, 404, "MESSAGE_NOT_FOUND", "not_found"},
      {ErrorCode::media_not_found, 404, "MEDIA_NOT_FOUND", "not_found"},
      {ErrorCode::group_not_found, 404, "GROUP_NOT_FOUND", "not_found"},
      {ErrorCode::contact_not_found, 404, "CONTACT_NOT_FOUND", "not_found"},
      {ErrorCode::call_not_found, 404, "CALL_NOT_FOUND", "not_found"},
      {ErrorCode::channel_not_found, 404, "CHANNEL_NOT_FOUND", "not_found"},
      {ErrorCode::business_not_found, 404, "BUSINESS_NOT_FOUND", "not_found"},
      {ErrorCode::webhook_not_found, 404, "WEBHOOK_NOT_FOUND", "not_found"},
      {ErrorCode::event_not_found, 404, "EVENT_NOT_FOUND", "not_found"},
      {ErrorCode::qr_not_available, 404, "QR_NOT_AVAILABLE", "not_found"},
      {ErrorCode::method_not_allowed, 405, "METHOD_NOT_ALLOWED", "method_not_allowed"},
      {ErrorCode::not_acceptable, 406, "NOT_ACCEPTABLE", "not_acceptable"},
      {ErrorCode::request_timeout, 408, "REQUEST_TIMEOUT", "request_timeout"},
      {ErrorCode::session_exists, 409, "SESSION_ALREADY_EXISTS", "conflict"},
      {ErrorCode::webhook_exists, 409, "WEBHOOK_ALREADY_EXISTS", "conflict"},
      {ErrorCode::message_id_reused, 409, "MESSAGE_ID_REUSED", "conflict"},
      {ErrorCode::group_conflict, 409, "GROUP_CONFLICT", "conflict"},
      {ErrorCode::message_on_its_way, 409, "MESSAGE_ON_ITS_WAY", "conflict"},
      {ErrorCode::change_overtaken, 409, "CHANGE_OVERTAKEN", "conflict"},
      {ErrorCode::session_not_ready, 409, "SESSION_NOT_READY", "session_not_ready"},
      {ErrorCode::idempotency_key_reused, 409, "IDEMPOTENCY_KEY_REUSED", "conflict"},
      {ErrorCode::media_gone, 410, "MEDIA_GONE", "media_gone"},
      {ErrorCode::payload_too_large, 413, "PAYLOAD_TOO_LARGE", "payload_too_large"},
      {ErrorCode::unsupported_media_type, 415, "UNSUPPORTED_MEDIA_TYPE", "unsupported_media_type"},
      {ErrorCode::media_unusable, 422, "MEDIA_UNUSABLE", "media_unusable"},
      {ErrorCode::message_failed, 422, "MESSAGE_FAILED", "message_failed"},
      {ErrorCode::never_reached, 422, "NEVER_REACHED", "never_reached"},
      {ErrorCode::upgrade_required, 426, "UPGRADE_REQUIRED", "upgrade_required"},
      {ErrorCode::max_sessions, 429, "MAX_SESSIONS_REACHED", "max_sessions_reached"},
      {ErrorCode::rate_limited, 429, "RATE_LIMITED", "rate_limited"},
      {ErrorCode::queue_full, 429, "QUEUE_FULL", "rate_limited"},
      {ErrorCode::header_too_large, 431, "HEADER_TOO_LARGE", "header_too_large"},
      {ErrorCode::internal, 500, "INTERNAL_ERROR", "internal_error"},
      {ErrorCode::not_implemented, 501, "NOT_IMPLEMENTED", "not_implemented"},
      {ErrorCode::refused, 502, "REFUSED_BY_WHATSAPP", "refused"},
      {ErrorCode::media_damaged, 502, "MEDIA_DAMAGED", "media_damaged"},
      {ErrorCode::media_fetch_failed, 502, "MEDIA_FETCH_FAILED", "media_fetch_failed"},
      {ErrorCode::unavailable, 503, "UNAVAILABLE", "unavailable"},
      {ErrorCode::unhealthy, 503, "UNHEALTHY", "unhealthy"},
      {ErrorCode::storage, 503, "STORAGE_ERROR", "storage_error"},
      {ErrorCode::timed_out, 504, "TIMEOUT", "timeout"},
      {ErrorCode::storage_full, 507, "STORAGE_FULL", "storage_full"},
  };
  return rows;
}

const ErrorRow& error_row(ErrorCode code) {
  for (const ErrorRow& row : error_rows())
    if (row.code == code) return row;
  throw std::logic_error("an error code without a row");
}

Failure failure_of(const sessions::Refusal& refusal) {
  const std::string message = refusal.detail.empty() ? protocol::name(refusal.code) : refusal.detail;
  for (const ErrcRow& row : errc_rows()) {
    if (row.errc != refusal.code || (row.subject && *row.subject != refusal.subject)) continue;
    Failure failure(row.code, message);
    failure.retry_after_s = refusal.retry_after_s;
    return failure;
  }
  return Failure(ErrorCode::internal, message);
}

net::HttpResponse render_failure(const Failure& failure, Dialect dialect) {
  const ErrorRow& row = error_row(failure.code);
  return web::render_error(row.status, dialect == Dialect::gateway ? row.gateway : row.openwa,
                           {failure.message, failure.details});
}

}  // namespace wharf::api
