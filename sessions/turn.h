#pragma once
// One turn: the rows that change and what happens after they are durable. Commit before effect (docs/architecture.md).

#include <chrono>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/binary/node.h"
#include "protocol/bytes.h"
#include "storage/changes.h"

namespace wharf::sessions {

/// Sends one encoded node on the live connection; dropped when there is none (what must not be lost is in a row).
struct SendPayload {
  protocol::Bytes payload;
};
/// Answers the API. `failure` is set when the commit failed: nothing of the turn happened.
struct Answer {
  std::function<void(const protocol::Error* failure)> call;
};
/// Connects after `delay` (0: at once). The actor asks the session for the payload when the socket is open.
struct OpenLink {
  std::chrono::milliseconds delay{0};
};
/// Closes the connection after what was sent before in this turn; a close of ours causes no LinkDown input.
struct CloseLink {};
/// Runs `work` on a worker thread; `then` comes back as an input of a later turn.
struct RunWork {
  std::function<void()> work;
  std::function<void()> then;
};
/// The session is removed; the actor stops after this turn.
struct Finished {};
using Effect = std::variant<SendPayload, Answer, OpenLink, CloseLink, RunWork, Finished>;

struct Turn {
  storage::Changes changes;
  std::vector<Effect> effects;
};

}  // namespace wharf::sessions
