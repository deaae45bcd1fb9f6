#pragma once
// One stanza at a time: what a port hands in while the server is busy with something else is handled when the outermost
// turn ends, so no stanza is handled inside the handling of another.

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

#include "sandbox/account.h"

namespace wharf::sandbox {

class Turns {
 public:
  /// Who sent a stanza: a device, or, with `pairing`, a connection that is not linked.
  struct Sender {
    DeviceKey device;
    std::uint64_t pairing = 0;
  };
  using Handle = std::function<void(const Sender&, const Node&)>;
  explicit Turns(Handle handle) : handle_(std::move(handle)) {}

  void arrived(const Sender& from, const Node& stanza);

 private:
  friend class Turn;
  Handle handle_;
  std::deque<std::pair<Sender, Node>> inbox_;
  bool busy_ = false;
};

/// Around everything that may deliver.
class Turn {
 public:
  explicit Turn(Turns& turns) : turns_(turns), outermost_(!std::exchange(turns.busy_, true)) {}
  ~Turn();
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Turns& turns_;
  bool outermost_;
};

}  // namespace wharf::sandbox
