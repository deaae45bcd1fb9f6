#pragma once
// A real SessionActor over an inline store, without a network: the session is linked, its dials fail.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "net/websocket_client.h"
#include "net/worker_pool.h"
#include "sessions/actor.h"
#include "tests/net/loopback.h"
#include "tests/sessions/session_fixture.h"

namespace wharf::test {

/// The fixture's randomness; the next draw fails on demand, as the kernel's generator could.
class Dice final : public protocol::Random {
 public:
  explicit Dice(protocol::Random& source) : source_(source) {}
  void fill(std::span<std::uint8_t> out) override {
    if (std::exchange(fail_next, false)) throw std::runtime_error("no randomness");
    ++draws;
    if (on_draw) on_draw();
    source_.fill(out);
  }
  bool fail_next = false;
  int draws = 0;
  std::function<void()> on_draw;

 private:
  protocol::Random& source_;
};

struct ActorFixture {
  SessionFixture fixture;  // the rows of a linked session
  Dice random{fixture.random};
  net::asio::io_context loop;
  net::LoopScheduler scheduler{loop};
  net::WorkerPool workers{loop.get_executor(), 1};
  net::WebSocketClient sockets{loop, {}};
  // Nobody listens there: connection attempts fail.
  Shared shared{scheduler, random, *fixture.store,  workers, sockets, "ws://127.0.0.1:9/ws/chat", {},
                true,      {},     ConnectGate(100)};
  std::shared_ptr<SessionActor> actor = std::make_shared<SessionActor>(
      shared, fixture.row, *storage::load_device(fixture.store->reader(), fixture.row.id));

  template <class Operation>
  void tell(Operation operation, Reply<typename Operation::Answer> reply) {
    actor->post(SessionFixture::asked(std::move(operation), std::move(reply)));
  }
  /// Runs `inside` in a turn, as what a worker brings back.
  void in_turn(std::function<void(Session&)> inside) {
    actor->post(WorkDone{[this, inside = std::move(inside)] { inside(actor->session()); }});
  }
  /// What `post` posts waits in the mailbox behind a turn whose commit is under way, until this returns.
  void behind(const std::function<void(Session&)>& running, const std::function<void()>& post) {
    // Inside a completion the inline store holds the commits that come back.
    fixture.store->commit({}, [&](const protocol::Result<void>&) {
      in_turn([&](Session& session) {
        session.context().row_changed();
        if (running) running(session);
      });
      post();
    });
  }
  /// What `post` posts is handled in one turn.
  void together(const std::function<void()>& post) { behind({}, post); }
  void go_online() {
    in_turn([](Session& session) {
      Context& c = session.context();
      c.link.connect();
      c.link.hear_handshake(c.now.steady, c.random);
      c.link.log_in(c.now.steady);
      c.link.go_online();
    });
  }
  /// The session was thrown away and has begun again from its rows; until then nothing is accepted for it.
  void wait_until_restored(const Session* before) {
    REQUIRE(run_until(loop, [&] { return &actor->session() != before; }));
  }
  std::string stored_name() { return storage::load_device(fixture.store->reader(), fixture.row.id)->push_name; }
};

inline void rename(Session& session, const std::string& name) {
  session.context().device.push_name = name;
  session.context().device_changed();
}

inline void lose_commit(Session& session) {
  inject_into(session.context().records, [](storage::Database&) {
    return protocol::Result<void>(protocol::Error(protocol::Errc::storage, "lost"));
  });
}

}  // namespace wharf::test
