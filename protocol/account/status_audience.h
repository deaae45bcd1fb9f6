#pragma once
// Who may see what the account posts as status. It is changed by app state (status_privacy), not here. Specification 05
// section 10 (item 1).

#include <optional>
#include <vector>

#include "protocol/binary/node.h"

namespace wharf::protocol {

struct StatusAudience {
  enum class Kind : std::uint8_t {
    contacts,  // saved contacts
    except,    // blacklist: those without `users`
    only,      // whitelist: `users` alone
  };
  Kind kind = Kind::contacts;
  std::vector<Jid> users;
  friend bool operator==(const StatusAudience&, const StatusAudience&) = default;
};
Node status_audience_iq(std::string_view id);
/// The list that is in force: the default one, else the first. None at all, and 404, is contacts. Errors: as iq_refusal
/// (protocol/stanzas/iq_reading.h), unsupported (a list of another type), malformed (over 1,000 lists or 20,000
/// users, a row that names nobody): what is not understood is never taken for a wider audience.
Result<StatusAudience> read_status_audience(const Node& answer);

/// The network's side.
bool is_status_audience_query(const Node& iq);
Node status_audience_answer(const Node& request, const StatusAudience& audience);

}  // namespace wharf::protocol
