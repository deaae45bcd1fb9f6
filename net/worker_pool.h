#pragma once
// The threads behind the workers port.

#include <functional>
#include <memory>
#include <thread>

#include "net/loop.h"
#include "net/workers.h"

namespace wharf::net {

class WorkerPool final : public Workers {
 public:
  /// `limit`: jobs that may wait; run() refuses more. `niceness` 0 to 19: by how much the threads stand back behind the
  /// rest of the process where processors are short (setpriority(2): on Linux a thread has its own).
  WorkerPool(Executor loop, unsigned threads, std::size_t limit = 1024, int niceness = 0);
  ~WorkerPool() override;  // waits for running jobs, drops waiting ones
  bool run(std::function<void()> work, std::function<void()> done) override;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the worker threads
};

}  // namespace wharf::net
