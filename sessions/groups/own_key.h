#pragma once
// The own sender key of a group as it is kept: with the name that it was made under. Everybody files it under that
// name, so one that was made under the other is of no use. Specification 03 section 2, 05 section 5.

#include <optional>

#include "protocol/groups/settings.h"
#include "protocol/signal/sender_key.h"
#include "sessions/context.h"

namespace wharf::sessions {

struct OwnKey {
  protocol::groups::AddressingMode mode = protocol::groups::AddressingMode::lid;
  protocol::OwnSenderKey key;
};
/// nullopt: none, or one that cannot be read, which is no worse.
std::optional<OwnKey> load_own_key(const Records& records, const Jid& group);
void store_own_key(Context& context, const Jid& group, const OwnKey& own);

/// Somebody who may have the own key of statuses has another identity by now: the next post is under another one (02
/// section 6.7). Nothing when nobody of this account was given it. Linear in who was.
void renew_status_key(Context& context, const Jid& user);

}  // namespace wharf::sessions
