#include "net/loop_guard.h"

#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <ctime>
#include <stdexcept>
#include <thread>

#include "net/worker_pool.h"
#include "tests/net/escapes.h"

using namespace wharf::net;
using wharf::test::Escapes;
using namespace std::chrono_literals;
using Reports = std::vector<std::string>;

TEST_CASE("a guard reports what an entry lets out and tells its caller") {
  Escapes escapes;
  CHECK(guard("quiet", [] {}));
  CHECK_FALSE(guard("loud", [] { throw std::runtime_error("broken"); }));
  CHECK_FALSE(guard("odd", [] { throw 42; }));
  bool closed = false;
  CHECK_FALSE(guard(
      "owner", [] { throw std::runtime_error("gone"); }, [&] { closed = true; }));
  CHECK(closed);
  CHECK(escapes.seen == Reports{"loud: broken", "odd: not a std::exception", "owner: gone"});
}

TEST_CASE("what a guard does after a failure may fail too") {
  Escapes escapes;
  CHECK_FALSE(guard(
      "entry", [] { throw std::runtime_error("one"); }, [] { throw std::runtime_error("two"); }));
  CHECK(escapes.seen == Reports{"entry: one", "entry: two"});
}

TEST_CASE("a guarded callback passes its arguments on") {
  Escapes escapes;
  int sum = 0;
  std::function<void(int, std::unique_ptr<int>)> add = guarded("add", [&sum](int a, std::unique_ptr<int> b) {
    sum += a + *b;
    if (a < 0) throw std::runtime_error("negative");
  });
  add(1, std::make_unique<int>(2));
  add(-1, std::make_unique<int>(0));
  CHECK(sum == 2);
  CHECK(escapes.seen == Reports{"add: negative"});
}

TEST_CASE("a timer whose callback throws does not end the loop, and can be armed again") {
  Escapes escapes;
  asio::io_context loop;
  Timer timer(new_alarm(loop.get_executor()));
  timer.after(0ms, [] { throw std::runtime_error("late"); });
  loop.run();
  bool fired = false;
  timer.after(0ms, [&] { fired = true; });
  loop.restart();
  loop.run();
  CHECK(fired);
  CHECK(escapes.seen == Reports{"timer: late"});
}

TEST_CASE("neither a worker's job nor its completion can end the process") {
  Escapes escapes;
  asio::io_context loop;
  {
    WorkerPool pool(loop.get_executor(), 1);
    REQUIRE(pool.run([] { throw std::runtime_error("job"); }, [] { throw std::runtime_error("done"); }));
    loop.run();
  }
  CHECK(escapes.seen == Reports{"worker: job", "worker completion: done"});
}

TEST_CASE("an entry that nobody guarded costs only itself") {
  Escapes escapes;
  asio::io_context loop;
  std::string ran;
  asio::post(loop, [&] { ran += "a"; });
  asio::post(loop, [] { throw std::runtime_error("bare"); });
  asio::post(loop, [&] { ran += "b"; });
  run_loop(loop);
  CHECK(ran == "ab");
  CHECK(escapes.seen == Reports{"loop: bare"});
}

TEST_CASE("who watches its thread hears of each outermost entry and what it is, also of one that threw") {
  Escapes escapes;
  Reports held;
  on_hold(0us, [&](std::string_view where, HoldTime) { held.emplace_back(where); });
  guard("outer", [] { guard("inner", [] {}); });
  guard("loud", [] { throw std::runtime_error("broken"); });
  guard("hour", [&] { on_hold(1h, [&](std::string_view, HoldTime) { held.emplace_back("too soon"); }); });
  guard("quick", [] {});
  on_hold(0us, nullptr);
  guard("unseen", [] {});
  CHECK(held == Reports{"outer", "loud"});
}

TEST_CASE("entries are measured one by one while the loop runs") {
  Reports held;
  on_hold(0us, [&](std::string_view where, HoldTime) { held.emplace_back(where); });
  asio::io_context loop;
  LoopScheduler scheduler(loop);
  scheduler.post([] {});
  scheduler.post([&] { on_hold(0us, nullptr); });
  run_loop(loop);
  CHECK(held == Reports{"posted call"});
}

TEST_CASE("a hold tells what the thread computed of it, not what it waited for") {
  std::vector<HoldTime> told;
  const auto note = [&](std::string_view, HoldTime time) { told.push_back(time); };
  const auto waits = [] { std::this_thread::sleep_for(20ms); };
  const auto computes = [] {
    timespec now{};
    do {
      ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    } while (now.tv_sec == 0 && now.tv_nsec < 1'000'000);
  };
  on_hold(0us, note);
  guard("unasked", waits);
  on_hold(0us, note, true);
  guard("waits", waits);
  std::thread([&] {
    on_hold(0us, note, true);
    guard("computes", computes);
  }).join();
  on_hold(0us, nullptr);
  REQUIRE(told.size() == 3);
  CHECK_FALSE(told[0].worked);
  CHECK(told[1].held >= 20ms);
  CHECK(told[1].worked < told[1].held / 2);
  CHECK(told[2].worked > 500us);
}

TEST_CASE("an entry of another thread holds nothing up") {
  Reports held;
  on_hold(0us, [&](std::string_view where, HoldTime) { held.emplace_back(where); });
  std::thread([] { guard("worker", [] {}); }).join();
  on_hold(0us, nullptr);
  CHECK(held.empty());
}
