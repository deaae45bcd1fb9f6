#pragma once
// Terms of service: notices to accept before creating and following channels. Not accepting them is not fatal.
// Specification 05 section 8.2.

#include <optional>
#include <string>
#include <vector>

#include "protocol/binary/node.h"

namespace wharf::protocol {

namespace terms {
inline constexpr std::string_view follow_channel = "20601216";
inline constexpr std::string_view create_channel = "20601217";
}  // namespace terms

struct Terms {
  struct Notice {
    std::string id;
    bool accepted = true;
    friend bool operator==(const Notice&, const Notice&) = default;
  };
  std::vector<Notice> notices;
  std::optional<std::uint64_t> refresh_seconds;
  friend bool operator==(const Terms&, const Terms&) = default;
};
Node terms_iq(std::string_view id, const std::vector<std::string>& notices);
/// Errors: as iq_refusal (protocol/stanzas/iq_reading.h), malformed (no <tos>, over 1,000 rows).
Result<Terms> read_terms(const Node& answer);
Node accept_terms_iq(std::string_view id, std::string_view notice);  // answered by result_only()

/// The network's side: what is asked about, or accepted. Both forms of accepting are read.
struct TermsRequest {
  bool accept = false;
  std::vector<std::string> notices;
  friend bool operator==(const TermsRequest&, const TermsRequest&) = default;
};
std::optional<TermsRequest> read_terms_request(const Node& iq);
Node terms_answer(const Node& request, const Terms& terms);

}  // namespace wharf::protocol
