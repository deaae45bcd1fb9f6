#pragma once
// How far WhatsApp lets the account go: the lock on writing to strangers, and the quota of new chats. Both are told as
// mex notifications too. Specification 05 sections 6.3, 8.1 and 14.

#include <optional>
#include <string>

#include "protocol/mex/query.h"

namespace wharf::protocol {

/// While active nothing goes to people who have not written before, and each try makes it worse.
struct AccountRestricted {
  bool active = false;
  std::string enforcement;             // WEB_COMPANION_ONLY, BIZ_QUALITY, …; "" when not active
  std::optional<std::uint64_t> until;  // nullopt when not active; not said = a minute from now
  friend bool operator==(const AccountRestricted&, const AccountRestricted&) = default;
};
/// How many new chats the account may begin.
struct NewChatQuota {
  std::string status;  // NONE, FIRST_WARNING, SECOND_WARNING, CAPPED
  std::optional<std::uint64_t> used, total, cycle_start, cycle_end;
  friend bool operator==(const NewChatQuota&, const NewChatQuota&) = default;
};

/// nullopt when what decides is missing.
std::optional<AccountRestricted> read_restriction(const Json& json, std::uint64_t unix_seconds);
Json restriction_json(const AccountRestricted& restriction);
std::optional<NewChatQuota> read_quota(const Json& json);
Json quota_json(const NewChatQuota& quota);

MexRequest restriction_query();
MexRequest quota_query();
/// Errors: as read_mex_answer, malformed.
Result<AccountRestricted> read_restriction_answer(const Node& answer, std::uint64_t unix_seconds);
Result<NewChatQuota> read_quota_answer(const Node& answer);

/// The network's side, of a query whose operation is FetchReachoutTimelock or FetchNewChatMessageCappingInfo.
Node restriction_answer(const Node& request, const AccountRestricted& restriction);
Node quota_answer(const Node& request, const NewChatQuota& quota);

}  // namespace wharf::protocol
