#include "protocol/account/trusted_tokens.h"

#include "protocol/stanzas/iq_reading.h"
#include "protocol/stanzas/node_fields.h"

namespace wharf::protocol {

bool token_valid(std::uint64_t token_seconds, std::uint64_t unix_seconds) {
  return token_seconds / token_bucket_seconds + token_buckets > unix_seconds / token_bucket_seconds;
}

bool token_due(std::uint64_t last_issued_seconds, std::uint64_t unix_seconds) {
  return unix_seconds / token_bucket_seconds > last_issued_seconds / token_bucket_seconds;
}

Node issue_token_iq(std::string_view id, const TokenIssue& issue) {
  Node token("token");
  token.set("jid", issue.contact.user_jid()).set("t", issue.at).set("type", "trusted_contact");
  return iq_set(id, "privacy").add(Node("tokens").add(std::move(token)));
}

std::optional<std::vector<TokenIssue>> read_token_issues(const Node& iq) {
  const Node* tokens = is_request(iq, "set", "privacy") ? iq.child("tokens") : nullptr;
  if (tokens == nullptr || !within_rows(*tokens)) return std::nullopt;
  std::vector<TokenIssue> issues;
  for (const Node* row : tokens->children("token")) {
    const auto jid = user_attr(*row, "jid");
    const auto at = row->number("t");
    if (jid && at && row->attr("type") == "trusted_contact") issues.push_back({*jid, *at});
  }
  return issues;
}

}  // namespace wharf::protocol
