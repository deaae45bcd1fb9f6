#pragma once
// What a change does to the columns of a message that was there before it, for look-ups of the turn that writes it: the
// same as its `apply` in storage/messages.cpp (tests/sessions/records_test.cpp compares).

#include "protocol/binary/jid.h"
#include "storage/changes.h"

namespace wharf::sessions {

/// False: no change that rewrites a message. `chat`: where the message lay when the change was written.
bool rewrite_message(storage::MessageRow& row, const storage::Change& change, const protocol::Jid& chat);

}  // namespace wharf::sessions
