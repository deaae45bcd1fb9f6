#include "net/gathering_stream.h"

#include <boost/asio/post.hpp>

#include "net/loop_guard.h"

namespace wharf::net {

bool GatheringStream::room() const {
  if (error_) return true;  // to say so
  return ending_ ? queue_.empty() : queue_.bytes() < max_gathered_bytes;
}

void GatheringStream::complete_taken() {
  while (held_ && room()) {
    if (ending_ && !error_) stream_->shutdown_send();
    const std::unique_ptr<Held> due = std::move(held_);
    due->complete(error_);
  }
}

void GatheringStream::schedule() {
  if (std::exchange(scheduled_, true)) return;
  asio::post(get_executor(), [self = shared_from_this()] {
    self->scheduled_ = false;
    guard("WebSocket", [&] { self->turn(); });
  });
}

void GatheringStream::turn() {
  flush();  // first: what completes may end the connection
  complete_taken();
  flush();
  if (held_ && room()) return schedule();
  if (!held_ && queue_.empty() && drained) drained();
}

void GatheringStream::flush() {
  if (waiting_ || error_ || queue_.empty()) return;
  switch (queue_.flush(*stream_)) {
    case SendQueue::Outcome::sent: return;
    case SendQueue::Outcome::blocked:
      waiting_ = true;
      return stream_->wait(queue_.wait(), [self = shared_from_this()](boost::system::error_code) {
        self->waiting_ = false;
        guard("WebSocket", [&] { self->turn(); });
      });
    case SendQueue::Outcome::failed:
      error_ = queue_.error();
      queue_.clear();
      if (failed) failed();
  }
}

}  // namespace wharf::net
