#pragma once
// Workers of a test without a loop: jobs run at once, their completions when the test says so.

#include <deque>
#include <functional>
#include <utility>

#include "net/workers.h"

namespace wharf::sandbox::test {

struct InlineWorkers final : net::Workers {
  bool refuses = false;
  bool run(std::function<void()> work, std::function<void()> done) override {
    if (refuses) return false;
    work();
    done_.push_back(std::move(done));
    return true;
  }
  /// Until nothing is left.
  void settle() {
    while (step()) {
    }
  }
  /// One completion; false when there is none.
  bool step() {
    if (done_.empty()) return false;
    const auto next = std::move(done_.front());
    done_.pop_front();
    next();
    return true;
  }

 private:
  std::deque<std::function<void()>> done_;
};

}  // namespace wharf::sandbox::test
