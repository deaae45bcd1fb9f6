#pragma once
// When something was wrong in a simulated world that can end what a session is at, or keep it from beginning: a
// connection, the disk, the clock, the media host or the way to it, the daemon's life. For promises that hold only
// where nothing of the kind happens: what is tried once, and forgotten with the process.

#include <memory>
#include <vector>

#include "tests/simulation/memory_socket.h"

namespace wharf::simulation {

class Troubles {
 public:
  /// At this moment.
  void strike(Micros now) { times_.push_back({now, now}); }
  void last(Micros now, Micros until) { times_.push_back({now, until}); }
  /// Until somebody closes it.
  void silence(std::shared_ptr<MemoryLink> link) { silent_.push_back(std::move(link)); }
  /// Asked now and then, often enough: `wrong` of what was set going and is not over yet, since the last time.
  void look(Micros now, bool wrong);
  /// Anything between the two.
  bool any(Micros from, Micros to) const;

 private:
  struct Time {
    Micros from{0}, to{0};
  };
  std::vector<Time> times_;
  std::vector<std::shared_ptr<MemoryLink>> silent_;
  Micros looked_at_{0};
};

}  // namespace wharf::simulation
