#pragma once
// Who waits for something to become true of a session: that a QR is shown, that a message got so far. No command: it
// asks nothing of the session, costs no turn and is woken by committed events; by the server's ack also before its row
// is (ack_awaited.h). Loop thread only.

#include <chrono>
#include <memory>
#include <string>

#include "net/scheduler.h"
#include "sessions/reply.h"
#include "sessions/session_view.h"
#include "sessions/supervisor.h"
#include "storage/store.h"

namespace wharf::sessions {

class Waits {
 public:
  /// All of them outlive it. Listens to the supervisor's events and removals from here on.
  Waits(Supervisor& supervisor, net::Scheduler& scheduler, storage::Store& store);
  ~Waits();

  /// Answers with the view as soon as a QR is shown, or the session left initializing, or after `timeout`.
  /// Errors: not_found (no such session, or it is removed meanwhile).
  void await_qr(const std::string& session, std::chrono::milliseconds timeout, Reply<SessionView> reply);
  /// Answers when the message reached `level` (or error), or after `timeout` with how far it got. `sent`: as
  /// SendMessage answers; to be called from that answer, events tell the rest. Of one that was replayed the row is
  /// looked at first. Errors: not_found (the session, also when it is removed meanwhile; of one that was replayed, the
  /// message), storage.
  void await_ack(const std::string& session, SentMessage sent, storage::AckLevel level,
                 std::chrono::milliseconds timeout, Reply<SentMessage> reply);
  /// The process is going to stop: who waits is answered now, as if the time were up, and nobody waits after this.
  void end();

 private:
  struct State;
  std::shared_ptr<State> state_;  // watched by the supervisor's listener and by timers
};

}  // namespace wharf::sessions
