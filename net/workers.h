#pragma once
// The port for work that must not run on the loop: key stretching, images, large reads.

#include <functional>

namespace wharf::net {

class Workers {
 public:
  virtual ~Workers() = default;
  /// Runs `work` beside the loop, then `done` on it. False when too many jobs wait. A job that throws is reported and
  /// calls `done` too.
  virtual bool run(std::function<void()> work, std::function<void()> done) = 0;
};

}  // namespace wharf::net
