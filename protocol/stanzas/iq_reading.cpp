#include "protocol/stanzas/iq_reading.h"

#include "protocol/text.h"

namespace wharf::protocol {

Error refusal_of_code(std::uint64_t code, std::string_view text, std::string_view what) {
  Errc errc = Errc::refused;
  switch (code) {
    case 404: errc = Errc::not_found; break;
    case 408: errc = Errc::timed_out; break;
    case 409: errc = Errc::conflict; break;
    case 429: errc = Errc::rate_limited; break;
    case 500:
    case 503: errc = Errc::network; break;
    default: break;
  }
  std::string detail(what);
  detail.append(": ").append(std::to_string(code));
  if (!text.empty()) detail.append(" ").append(text);
  return Error(errc, std::move(detail));
}

std::optional<Error> iq_refusal(const Node& answer, std::string_view what) {
  const auto error = iq_error_of(answer);
  if (!error) return std::nullopt;
  return refusal_of_code(error->code, error->text, what);
}

Result<const Node*> result_child(const Node& answer, std::string_view tag, std::string_view what) {
  if (auto refusal = iq_refusal(answer, what)) return std::move(*refusal);
  const Node* child = answer.is("iq") && answer.attr("type") == "result" ? answer.child(tag) : nullptr;
  if (child == nullptr) return Error(Errc::malformed, std::string(what) + ": answer without " + std::string(tag));
  return child;
}

Result<void> result_only(const Node& answer, std::string_view what) {
  if (auto refusal = iq_refusal(answer, what)) return std::move(*refusal);
  if (!answer.is("iq") || answer.attr("type") != "result")
    return Error(Errc::malformed, std::string(what) + ": no answer");
  return {};
}

bool is_request(const Node& iq, std::string_view type, std::string_view xmlns) {
  return iq.is("iq") && iq.attr("type") == type && iq.attr("xmlns") == xmlns && iq.has("id");
}

}  // namespace wharf::protocol
