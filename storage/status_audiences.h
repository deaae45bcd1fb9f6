#pragma once
// Who an own status post goes to, as it was settled when the post was accepted or sent, and who its deletion goes to:
// nobody else is given them again. Filed under the session, as the post is; it goes with the post. Specification 05
// section 10.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/binary/jid.h"
#include "storage/ids.h"

namespace wharf::storage {

class Database;

/// What the post says of its audience (05 section 10 item 2). The numbers are on disk.
enum class StatusSetting : std::uint8_t {
  contacts = 0,
  denylist = 1,   // those, without some
  allowlist = 2,  // these alone
};
struct StatusAudienceRow {
  std::string post;  // WhatsApp id, of the post or of the deletion of one
  StatusSetting setting = StatusSetting::contacts;
  bool settled = false;              // false: what the account has set is asked for before the post is sent
  std::vector<protocol::Jid> users;  // canonical when it was settled, without the own account
  /// Whom it is kept from, by whatever identity they were named. Of the two identities of a person one may become known
  /// only after it was settled.
  std::vector<protocol::Jid> excluded = {};
  /// It was settled by what the account had set, which holds for the one try to send it; false: by the request, or by a
  /// build that did not tell them apart.
  bool by_setting = false;
  friend bool operator==(const StatusAudienceRow&, const StatusAudienceRow&) = default;
};
std::optional<StatusAudienceRow> find_status_audience(Database& db, SessionId session, const std::string& post);

/// Replaces what is there.
struct PutStatusAudience {
  SessionId session;
  StatusAudienceRow row;
  friend bool operator==(const PutStatusAudience&, const PutStatusAudience&) = default;
};

}  // namespace wharf::storage
