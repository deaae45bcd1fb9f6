#include "protocol/result.h"

namespace wharf::protocol {

const char* name(Errc code) {
  switch (code) {
    case Errc::none: return "none";
    case Errc::truncated: return "truncated";
    case Errc::malformed: return "malformed";
    case Errc::too_large: return "too_large";
    case Errc::unsupported: return "unsupported";
    case Errc::bad_mac: return "bad_mac";
    case Errc::bad_signature: return "bad_signature";
    case Errc::bad_certificate: return "bad_certificate";
    case Errc::invalid_key: return "invalid_key";
    case Errc::invalid_key_id: return "invalid_key_id";
    case Errc::no_session: return "no_session";
    case Errc::no_sender_key: return "no_sender_key";
    case Errc::duplicate_message: return "duplicate_message";
    case Errc::future_message: return "future_message";
    case Errc::not_found: return "not_found";
    case Errc::conflict: return "conflict";
    case Errc::not_ready: return "not_ready";
    case Errc::refused: return "refused";
    case Errc::forbidden: return "forbidden";
    case Errc::rate_limited: return "rate_limited";
    case Errc::timed_out: return "timed_out";
    case Errc::closed: return "closed";
    case Errc::network: return "network";
    case Errc::storage: return "storage";
    case Errc::storage_full: return "storage_full";
    case Errc::not_implemented: return "not_implemented";
    case Errc::internal: return "internal";
  }
  return "unknown";
}

}  // namespace wharf::protocol
