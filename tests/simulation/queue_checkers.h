#pragma once
// What was asked of the queue, compared with when each message was sealed: nothing before its time or after its expiry,
// nothing that was withdrawn, and no refusal to withdraw what still waited.

#include "tests/simulation/ledger.h"
#include "tests/simulation/world.h"

namespace wharf::simulation {

/// Of one text that a session was asked to send, and has accepted. `error`: why its `ack` event says that it ended, or
/// "".
void check_queue(World& world, Ledger& ledger, const Text& text, const std::string& error);

/// In each chat of each session: whatever its priority, nothing was sealed before what had been accepted before it.
void check_queue_order(Ledger& ledger);

/// Of requests for several messages, as far as their sessions tell: in the order of the request.
void check_several(Ledger& ledger, const Text& first);

/// This `error` is an end in the queue, and one that this text may have.
bool may_end_in_queue(const Text& text, std::string_view error);
/// It ended in the queue: no phone may have it.
bool ended_in_queue(const Text& text, std::string_view error);

}  // namespace wharf::simulation
