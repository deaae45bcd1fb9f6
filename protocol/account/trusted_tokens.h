#pragma once
// Trusted-contact tokens: issuing ours. Those of contacts come as notifications (protocol/notifications/events.h).
// Specification 05 section 13 (item 9), 02 section 13.

#include <optional>
#include <vector>

#include "protocol/binary/node.h"

namespace wharf::protocol {

inline constexpr std::uint64_t token_bucket_seconds = 604'800;
inline constexpr std::uint64_t token_buckets = 4;

/// Whether a token of this time is still one: it is valid in its bucket of a week and the three after it.
bool token_valid(std::uint64_t token_seconds, std::uint64_t unix_seconds);
/// Whether a new one is due for a contact that was last given one then.
bool token_due(std::uint64_t last_issued_seconds, std::uint64_t unix_seconds);

struct TokenIssue {
  Jid contact;
  std::uint64_t at = 0;
  friend bool operator==(const TokenIssue&, const TokenIssue&) = default;
};
/// Answered by result_only(); some servers echo the tokens.
Node issue_token_iq(std::string_view id, const TokenIssue& issue);
/// The network's side: at most 1,000, rows that cannot be used left out. nullopt when it is no such request.
std::optional<std::vector<TokenIssue>> read_token_issues(const Node& iq);

}  // namespace wharf::protocol
