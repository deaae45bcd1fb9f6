#include "tests/simulation/virtual_scheduler.h"

#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>

#include "net/loop_guard.h"

using namespace wharf::simulation;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  VirtualTime time{1'700'000'000'000};
  VirtualScheduler one{time}, two{time};
  std::string log;
  std::function<void()> says(const std::string& word) {
    return [this, word] { log += word + " "; };
  }
  void run() {
    while (time.run_next()) {
    }
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "entries run by their time, those of one time in the order in which they were made") {
  one.after(2ms, says("late"));
  one.post(says("first"));
  two.post(says("second"));
  two.after(1ms, says("middle"));
  one.after(2ms, says("last"));
  run();
  CHECK(log == "first second middle late last ");
}

TEST_CASE_METHOD(Fixture, "a clock shows the time of the entry that runs, and stands still between entries") {
  const auto began = one.steady();
  std::chrono::nanoseconds seen{0};
  one.after(90s, [&] { seen = two.steady() - began; });
  CHECK(one.steady() == began);
  run();
  CHECK(seen == 90s);
  CHECK(one.unix_ms() == 1'700'000'090'000);
  time.run_until(100s);
  CHECK(one.steady() - began == 100s);
}

TEST_CASE_METHOD(Fixture, "what is posted by an entry runs after what waits already for the same time") {
  one.post([&] {
    says("a")();
    one.post(says("c"));
  });
  one.post(says("b"));
  run();
  CHECK(log == "a b c ");
}

TEST_CASE_METHOD(Fixture, "only the last arming of a timer counts, and a cancelled one is silent") {
  wharf::net::Timer timer(one);
  timer.after(1ms, says("replaced"));
  timer.after(5ms, says("armed"));
  wharf::net::Timer other(one);
  other.after(1ms, says("cancelled"));
  other.cancel();
  run();
  CHECK(log == "armed ");
}

TEST_CASE_METHOD(Fixture, "a callback may arm its own timer again and destroy it") {
  auto timer = std::make_unique<wharf::net::Timer>(one);
  timer->after(1ms, [&] {
    says("once")();
    timer->after(1ms, [&] {
      says("twice")();
      timer.reset();
    });
  });
  run();
  CHECK(log == "once twice ");
}

TEST_CASE_METHOD(Fixture, "a killed process never runs again, its neighbour goes on") {
  wharf::net::Timer timer(one);
  timer.after(1ms, says("timer of the dead"));
  one.post(says("post of the dead"));
  two.after(2ms, says("alive"));
  one.kill();
  one.post(says("ghost"));
  timer.after(1ms, says("ghost"));
  run();
  CHECK(log == "alive ");
}

TEST_CASE_METHOD(Fixture, "what a dropped entry held may schedule and cancel while it dies") {
  struct Held {
    explicit Held(Fixture& fixture) : world(fixture), timer(fixture.one) {}
    Fixture& world;
    wharf::net::Timer timer;
    ~Held() {
      timer.cancel();
      world.one.post(world.says("ghost"));
    }
  };
  auto held = std::make_shared<Held>(*this);
  held->timer.after(1ms, says("ghost"));
  one.post([held] {});
  held.reset();
  one.kill();
  run();
  CHECK(log.empty());
}

TEST_CASE_METHOD(Fixture, "an entry that throws ends itself alone") {
  std::string where;
  wharf::net::on_escape([&](std::string_view, std::string_view what) { where = what; });
  one.post([] { throw std::runtime_error("broken"); });
  one.post(says("next"));
  run();
  wharf::net::on_escape(nullptr);
  CHECK(log == "next ");
  CHECK(where == "broken");
}

TEST_CASE("the wall clock of one process is wrong, its steady time and the clock of the others are not") {
  std::chrono::milliseconds error{0};
  VirtualTime time(1'000'000);
  VirtualScheduler wrong(time, &error), right(time);
  const auto steady = wrong.steady();
  bool rang = false;
  wrong.after(Micros(5'000), [&] { rang = true; });

  error = std::chrono::hours(-1);
  CHECK(wrong.unix_ms() == 1'000'000 - 3'600'000);
  CHECK(right.unix_ms() == 1'000'000);
  CHECK(wrong.steady() == steady);
  time.run_until(Micros(5'000));
  CHECK(rang);
  CHECK(wrong.unix_ms() == 1'000'005 - 3'600'000);
}
