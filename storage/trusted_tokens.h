#pragma once
// Trusted-contact tokens: what contacts gave the account, to be shown again where they would answer no stranger, and
// when it last gave them one. Filed under the device of the session, as contacts are. Specification 02 section 13.

#include <optional>

#include "protocol/binary/jid.h"
#include "protocol/bytes.h"
#include "storage/ids.h"

namespace wharf::storage {

class Database;

struct TrustedTokenRow {
  protocol::Jid user;           // canonical: the LID when known
  protocol::Bytes token;        // of theirs, a secret; empty = none
  std::uint64_t token_at = 0;   // Unix seconds, by whoever made it
  std::uint64_t issued_at = 0;  // Unix seconds of the last one that we gave; 0 = none
  friend bool operator==(const TrustedTokenRow&, const TrustedTokenRow&) = default;
};
std::optional<TrustedTokenRow> find_trusted_token(Database& db, SessionId session, const protocol::Jid& user);

/// Replaces what is there.
struct PutTrustedToken {
  SessionId session;
  TrustedTokenRow row;
  friend bool operator==(const PutTrustedToken&, const PutTrustedToken&) = default;
};
/// Nothing when there is none.
struct RemoveTrustedToken {
  SessionId session;
  protocol::Jid user;
  friend bool operator==(const RemoveTrustedToken&, const RemoveTrustedToken&) = default;
};

}  // namespace wharf::storage
