#pragma once
// A few threads for work that must not run on the loop: key stretching, images, large reads.

#include <functional>
#include <memory>
#include <thread>

#include "net/loop.h"

namespace wharf::net {

class WorkerPool {
 public:
  /// `limit`: jobs that may wait; run() refuses more.
  WorkerPool(Executor loop, unsigned threads, std::size_t limit = 1024);
  ~WorkerPool();  // waits for running jobs, drops waiting ones
  /// Runs `work` on a worker, then `done` on the loop. False when too many jobs wait. A job that
  /// throws is reported and calls `done` too.
  bool run(std::function<void()> work, std::function<void()> done);

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the worker threads
};

}  // namespace wharf::net
