#pragma once
// A Supervisor over a store in memory, with its loop. Nobody listens where its sessions dial.

#include <catch2/catch.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "net/websocket_client.h"
#include "net/worker_pool.h"
#include "sessions/supervisor.h"
#include "sessions/waits.h"
#include "tests/storage/injection.h"
#include "tests/support/loop.h"

namespace wharf::test {

using namespace wharf::sessions;

struct SupervisorFixture {
  net::asio::io_context loop;
  net::LoopScheduler scheduler{loop};
  protocol::SeededRandom random{3};
  std::atomic<int> failing_updates = 0;  // turns of sessions that change their row
  std::unique_ptr<storage::Store> store;
  net::WorkerPool workers{loop.get_executor(), 1};
  net::WebSocketClient sockets{loop, {}};
  std::unique_ptr<Supervisor> supervisor;
  std::unique_ptr<Waits> waits;

  SupervisorFixture() {
    storage::Store::Settings file;
    file.path = ":memory:";
    file.before_change = [this](storage::Database& db, const storage::Change& change) -> storage::Result<bool> {
      if (failing_updates > 0 && std::holds_alternative<storage::UpdateSession>(change)) {
        --failing_updates;
        return protocol::Error(protocol::Errc::storage, "lost");
      }
      return run_injected(db, change);
    };
    store = *storage::Store::open(std::move(file));
    restart();
  }
  ~SupervisorFixture() {
    if (supervisor) stop();
  }
  void stop() {
    bool rests = false;
    supervisor->stop([&] { rests = true; });
    if (!run_until(loop, [&] { return rests; })) FAIL("the supervisor does not come to rest");
    waits.reset();
    supervisor.reset();
  }
  void restart() {
    if (supervisor) stop();
    SupervisorSettings settings;
    settings.network.chat_url = "ws://127.0.0.1:9/ws/chat";  // nobody listens there
    settings.max_sessions = 3;
    supervisor = std::make_unique<Supervisor>(Supervisor::Ports{scheduler, random, *store, workers, sockets}, settings);
    waits = std::make_unique<Waits>(*supervisor, scheduler, *store);
    supervisor->start();
  }
  /// Runs the loop until the request is answered.
  template <class T>
  Outcome<T> ask(const std::function<void(Reply<T>)>& request) {
    std::optional<Outcome<T>> answer;
    request([&](Outcome<T> result) {
      REQUIRE_FALSE(answer.has_value());  // exactly once
      answer = std::move(result);
    });
    if (!run_until(loop, [&] { return answer.has_value(); })) FAIL("a request is never answered");
    return std::move(*answer);
  }
  Outcome<SessionView> create(const std::string& name) {
    return ask<SessionView>([&](Reply<SessionView> reply) {
      Supervisor::NewSession session;
      session.name = name;
      supervisor->create(std::move(session), std::move(reply));
    });
  }
  template <class Operation>
  Outcome<typename Operation::Answer> tell(const std::string& name, Operation operation) {
    using Answer = typename Operation::Answer;
    return ask<Answer>([&](Reply<Answer> reply) { supervisor->tell(name, std::move(operation), std::move(reply)); });
  }
  Outcome<> remove(const std::string& name) { return tell(name, RemoveSession()); }
};

}  // namespace wharf::test
