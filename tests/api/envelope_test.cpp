#include "api/envelope.h"

#include <catch2/catch.hpp>

using namespace wharf;
using namespace wharf::api;
using protocol::Errc;
using sessions::Refusal;
using sessions::Subject;

TEST_CASE("what a refusal is about decides what its code means") {
  struct Row {
    Errc code;
    Subject subject;
    ErrorCode wanted;
  };
  const Row rows[] = {
      {Errc::not_found, Subject::session, ErrorCode::session_not_found},
      {Errc::not_found, Subject::chat, ErrorCode::chat_not_found},
      {Errc::not_found, Subject::message, ErrorCode::message_not_found},
      {Errc::not_found, Subject::quoted_message, ErrorCode::message_not_found},
      {Errc::conflict, Subject::session, ErrorCode::session_exists},
      {Errc::not_found, Subject::contact, ErrorCode::contact_not_found},
      {Errc::not_found, Subject::call, ErrorCode::call_not_found},
      {Errc::not_implemented, Subject::call, ErrorCode::not_implemented},
      {Errc::not_ready, Subject::call, ErrorCode::session_not_ready},
      {Errc::forbidden, Subject::contact, ErrorCode::forbidden},
      {Errc::malformed, Subject::contact, ErrorCode::validation},
      {Errc::conflict, Subject::contact, ErrorCode::refused},
      {Errc::conflict, Subject::change, ErrorCode::change_overtaken},
      {Errc::refused, Subject::contact, ErrorCode::refused},
      {Errc::rate_limited, Subject::contact, ErrorCode::rate_limited},
      {Errc::timed_out, Subject::contact, ErrorCode::timed_out},
      {Errc::not_ready, Subject::contact, ErrorCode::session_not_ready},
      {Errc::conflict, Subject::idempotency_key, ErrorCode::idempotency_key_reused},
      {Errc::conflict, Subject::message_id, ErrorCode::message_id_reused},
      {Errc::too_large, Subject::session, ErrorCode::max_sessions},
      {Errc::too_large, Subject::none, ErrorCode::validation},
      {Errc::rate_limited, Subject::queue, ErrorCode::queue_full},
      {Errc::rate_limited, Subject::none, ErrorCode::rate_limited},
      {Errc::malformed, Subject::phone, ErrorCode::validation},
      {Errc::not_ready, Subject::ended, ErrorCode::session_not_ready},
      {Errc::internal, Subject::none, ErrorCode::internal},
  };
  for (const Row& row : rows) {
    const Failure failure = failure_of(Refusal(row.code, row.subject, "why"));
    INFO(protocol::name(row.code) << " " << static_cast<int>(row.subject));
    CHECK(failure.code == row.wanted);
    CHECK(failure.message == "why");
    CHECK(failure.retry_after_s == 0);
  }
}

TEST_CASE("what WhatsApp says of when to ask again goes with its refusal") {
  Refusal refusal(Errc::rate_limited, Subject::contact, "why");
  refusal.retry_after_s = 900;
  CHECK(failure_of(refusal).retry_after_s == 900);
}
