#include "sessions/server_refusal.h"

#include <algorithm>

#include "protocol/stanzas/iq.h"

namespace wharf::sessions {

using protocol::Errc;
using protocol::Error;

Errc errc_of_server(std::uint64_t code) {
  switch (code) {
    case 400:
    case 406: return Errc::malformed;
    case 401:
    case 403:
    case 405: return Errc::forbidden;
    case 404:
    case 410: return Errc::not_found;
    case 408: return Errc::timed_out;
    case 409: return Errc::conflict;
    case 429: return Errc::rate_limited;
    default: return Errc::refused;
  }
}

std::int64_t bounded_backoff_s(std::uint64_t said) {
  constexpr std::uint64_t day_s = 86'400;
  return static_cast<std::int64_t>(std::min(said, day_s));
}

Refusal server_refusal(const protocol::Node* answer, const Error& why, Subject about) {
  if (answer == nullptr) return no_answer();
  const auto said = protocol::iq_error_of(*answer);
  if (!said) return {why.code, about, why.detail};
  std::string text = "WhatsApp refused: " + (said->text.empty() ? std::string("no reason given") : said->text);
  if (said->code != 0) text += " (" + std::to_string(said->code) + ")";
  if (said->backoff_seconds != 0) text += ", to be asked again in " + std::to_string(said->backoff_seconds) + " s";
  Refusal out(errc_of_server(said->code), about, std::move(text));
  out.retry_after_s = bounded_backoff_s(said->backoff_seconds);
  return out;
}

Refusal no_answer() { return Error(Errc::timed_out, "WhatsApp did not answer"); }
Refusal not_connected() { return {Errc::not_ready, Subject::connection, "the session is not connected"}; }

}  // namespace wharf::sessions
