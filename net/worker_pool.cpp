#include "net/worker_pool.h"

#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/require.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace wharf::net {
namespace {

// Keeps io_context::run() from returning while a job is out.
using TrackedExecutor = decltype(asio::require(std::declval<Executor>(), asio::execution::outstanding_work.tracked));

struct Job {
  std::function<void()> work;
  std::function<void()> done;
  TrackedExecutor loop;
};

}  // namespace

struct WorkerPool::State {
  State(Executor executor, std::size_t waiting_limit) : loop(executor), limit(waiting_limit) {}
  Executor loop;
  const std::size_t limit;
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Job> waiting;
  bool stopping = false;
  std::vector<std::thread> threads;

  void serve(const std::shared_ptr<State>& self) {
    for (;;) {
      std::unique_lock lock(mutex);
      wake.wait(lock, [this] { return stopping || !waiting.empty(); });
      if (stopping) return;
      Job job = std::move(waiting.front());
      waiting.pop_front();
      lock.unlock();
      guard("worker", job.work);  // `done` runs either way
      // Both functions travel back: what they captured belongs to the loop thread and must die there.
      const TrackedExecutor loop_executor = job.loop;
      asio::post(loop_executor, [pool = std::weak_ptr<State>(self), finished = std::move(job)] {
        if (const std::shared_ptr<State> alive = pool.lock(); alive && alive->running())
          guard("worker completion", finished.done);
      });
    }
  }
  bool running() {
    const std::lock_guard lock(mutex);
    return !stopping;
  }
};

WorkerPool::WorkerPool(Executor loop, unsigned threads, std::size_t limit, int niceness)
    : state_(std::make_shared<State>(loop, limit)) {
  for (unsigned i = 0; i < (threads == 0 ? 1 : threads); ++i) {
    state_->threads.emplace_back([state = state_.get(), self = std::weak_ptr<State>(state_), niceness] {
      // Refused, it works as the others do: to stand back needs no privilege.
      const id_t thread = static_cast<id_t>(gettid());
      if (niceness > 0) (void)setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + niceness);
      if (const std::shared_ptr<State> pool = self.lock()) state->serve(pool);
    });
  }
}

WorkerPool::~WorkerPool() {
  std::deque<Job> dropped;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    dropped.swap(state_->waiting);
  }
  state_->wake.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

bool WorkerPool::run(std::function<void()> work, std::function<void()> done) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->waiting.size() >= state_->limit) return false;
    state_->waiting.push_back(
        Job{std::move(work), std::move(done), asio::require(state_->loop, asio::execution::outstanding_work.tracked)});
  }
  state_->wake.notify_one();
  return true;
}

}  // namespace wharf::net
