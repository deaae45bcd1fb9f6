#pragma once
// Who somebody is, under both kinds of identity.

#include <optional>

#include "protocol/binary/jid.h"

namespace wharf::events {

/// Both identities of a user, as far as known; of a group neither.
struct PersonIds {
  std::optional<protocol::Jid> pn;
  std::optional<protocol::Jid> lid;
  friend bool operator==(const PersonIds&, const PersonIds&) = default;
};

}  // namespace wharf::events
