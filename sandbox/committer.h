#pragma once
// Commit before effect for the simulated network. Whatever leaves it (frames to clients, answers of the control API) is
// held until everything that happened before is on disk; one commit carries all changes that came while the one before
// it was being written. The writing is done on a thread of its own, never on the loop.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/scheduler.h"
#include "net/workers.h"
#include "sandbox/state_file.h"

namespace wharf::sandbox {

class Committer {
 public:
  /// `collect` gives the changes since its last call.
  using Collect = std::function<std::vector<RowChange>()>;
  /// `writer` has one thread: what it writes stays in order. Without a file nothing is kept and nothing is held.
  Committer(net::Scheduler& scheduler, std::unique_ptr<net::Workers> writer, std::unique_ptr<StateFile> file,
            Collect collect);
  ~Committer();

  /// Something changed: it will be committed soon.
  void changed();
  /// Runs `effect` when all that changed up to the end of this turn of the loop is durable; effects keep their order.
  /// While the disk refuses, they wait.
  void after_commit(std::function<void()> effect);
  /// The last commit, here and now, and the effects that waited for it. When it fails they are dropped: what was not
  /// kept was never said. Nothing is held afterwards.
  void finish();

 private:
  struct Batch {
    std::vector<RowChange> rows;
    bool written = false;  // set by the writer, read on the loop after it
    std::string error;
  };
  struct Held {
    std::uint64_t batch;
    std::function<void()> effect;
  };
  void schedule();
  void cut();
  void submit();
  void on_written();
  void release(std::uint64_t durable);
  static void write(StateFile& file, Batch& batch);

  net::Scheduler& scheduler_;
  std::unique_ptr<StateFile> file_;
  Collect collect_;
  std::unique_ptr<net::Workers> writer_;  // its end waits for the running write: before file_ goes
  net::Timer retry_;
  std::shared_ptr<Batch> in_flight_;
  std::uint64_t current_ = 1;  // number of the batch that is being gathered
  bool scheduled_ = false;
  std::deque<Held> held_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // posted turns ask for it
};

}  // namespace wharf::sandbox
