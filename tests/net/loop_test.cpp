#include "net/loop.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <memory>
#include <thread>

#include "net/worker_pool.h"
#include "tests/net/loopback.h"

using namespace wharf::net;
using wharf::test::run_until;
using namespace std::chrono_literals;

TEST_CASE("a timer fires once") {
  asio::io_context loop;
  Timer timer(new_alarm(loop.get_executor()));
  int fired = 0;
  timer.after(1ms, [&] { ++fired; });
  loop.run();
  CHECK(fired == 1);
}

TEST_CASE("re-arming, cancelling and destroying take a timer's callback back for sure") {
  asio::io_context loop;
  std::string calls;
  Timer rearmed(new_alarm(loop.get_executor())), cancelled(new_alarm(loop.get_executor()));
  auto destroyed = std::make_unique<Timer>(new_alarm(loop.get_executor()));
  // All are due at once: their completions are queued before the first callback runs.
  Timer first(new_alarm(loop.get_executor()));
  first.after(0ms, [&] {
    rearmed.after(0ms, [&] { calls += "new"; });
    cancelled.cancel();
    destroyed.reset();
  });
  rearmed.after(0ms, [&] { calls += "old"; });
  cancelled.after(0ms, [&] { calls += "cancelled"; });
  destroyed->after(0ms, [&] { calls += "destroyed"; });
  loop.run();
  CHECK(calls == "new");
}

TEST_CASE("a timer's callback may destroy or re-arm its own timer") {
  asio::io_context loop;
  auto timer = std::make_unique<Timer>(new_alarm(loop.get_executor()));
  int calls = 0;
  timer->after(0ms, [&] {
    ++calls;
    timer->after(0ms, [&] {
      timer.reset();
      ++calls;
    });
  });
  loop.run();
  CHECK(calls == 2);
  CHECK(timer == nullptr);
}

TEST_CASE("a moved timer keeps its callback, an overwritten one loses it") {
  asio::io_context loop;
  std::string calls;
  Timer a(new_alarm(loop.get_executor())), b(new_alarm(loop.get_executor()));
  a.after(0ms, [&] { calls += "a"; });
  b.after(0ms, [&] { calls += "b"; });
  b = std::move(a);
  loop.run();
  CHECK(calls == "a");
}

TEST_CASE("random bytes differ") {
  std::array<std::uint8_t, 32> a{}, b{};
  system_random(a);
  system_random(b);
  CHECK(a != b);
}

TEST_CASE("work runs on another thread and its completion on the loop") {
  asio::io_context loop;
  WorkerPool pool(loop.get_executor(), 2);
  std::thread::id worker, completion;
  REQUIRE(pool.run([&] { worker = std::this_thread::get_id(); }, [&] { completion = std::this_thread::get_id(); }));
  loop.run();  // a job that is out keeps the loop running
  CHECK(completion == std::this_thread::get_id());
  CHECK(worker != std::thread::id());
  CHECK(worker != completion);
}

TEST_CASE("threads that stand back do so alone") {
  asio::io_context loop;
  WorkerPool pool(loop.get_executor(), 1, 16, 10), usual(loop.get_executor(), 1);
  const int own = getpriority(PRIO_PROCESS, 0);
  int behind = -100, beside = -100;
  REQUIRE(pool.run([&] { behind = getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())); }, [] {}));
  REQUIRE(usual.run([&] { beside = getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())); }, [] {}));
  loop.run();
  CHECK(behind == std::min(own + 10, 19));
  CHECK(beside == own);
  CHECK(getpriority(PRIO_PROCESS, 0) == own);
}

TEST_CASE("a job that throws completes all the same") {
  asio::io_context loop;
  WorkerPool pool(loop.get_executor(), 1);
  bool done = false;
  REQUIRE(pool.run([] { throw 42; }, [&] { done = true; }));
  loop.run();
  CHECK(done);
}

TEST_CASE("a pool refuses more than its limit and drops what waits when it ends") {
  asio::io_context loop;
  std::promise<void> started, gate;
  std::atomic<int> ran = 0;
  int done = 0;
  {
    WorkerPool pool(loop.get_executor(), 1, 2);
    REQUIRE(pool.run(
        [&] {
          started.set_value();
          gate.get_future().wait();
          ++ran;
        },
        [&] { ++done; }));
    started.get_future().wait();
    CHECK(pool.run([&] { ++ran; }, [&] { ++done; }));
    CHECK(pool.run([&] { ++ran; }, [&] { ++done; }));
    CHECK_FALSE(pool.run([&] { ++ran; }, [&] { ++done; }));
    gate.set_value();
  }
  loop.run();
  CHECK(ran >= 1);
  CHECK(done == 0);  // the pool is gone: so are those who waited for it
}

TEST_CASE("what a job captured dies on the loop thread") {
  struct Witness {
    std::thread::id* died_on;
    ~Witness() { *died_on = std::this_thread::get_id(); }
  };
  asio::io_context loop;
  WorkerPool pool(loop.get_executor(), 1);
  std::thread::id died_on;
  auto witness = std::make_shared<Witness>(Witness{&died_on});
  died_on = {};
  REQUIRE(pool.run([witness] {}, [] {}));
  witness.reset();
  loop.run();
  CHECK(died_on == std::this_thread::get_id());
}
