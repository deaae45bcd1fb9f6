#include "net/gathering_stream.h"

#include <boost/asio/post.hpp>

#include "net/loop_guard.h"

namespace wharf::net {

/// What the loop keeps for us. The held completion keeps the connection, and that keeps us: a loop that ends without
/// having woken us breaks the ring.
class GatheringStream::Wake {
 public:
  Wake(std::shared_ptr<GatheringStream> stream, bool GatheringStream::*pending)
      : stream_(std::move(stream)), pending_(pending) {
    (*stream_).*pending = true;
  }
  Wake(Wake&&) = default;
  Wake& operator=(Wake&&) = delete;
  ~Wake() {
    if (stream_) const auto dropped = std::move(stream_->held_);
  }
  void operator()(const boost::system::error_code& = {}) {
    const auto stream = std::exchange(stream_, nullptr);
    (*stream).*pending_ = false;
    guard("WebSocket", [&] { stream->turn(); });
  }

 private:
  std::shared_ptr<GatheringStream> stream_;  // shared with the connection above it
  bool GatheringStream::*pending_;
};

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
  if (!scheduled_) asio::post(get_executor(), Wake(shared_from_this(), &GatheringStream::scheduled_));
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
      return stream_->wait(queue_.wait(), Wake(shared_from_this(), &GatheringStream::waiting_));
    case SendQueue::Outcome::failed:
      error_ = queue_.error();
      queue_.clear();
      if (failed) failed();
  }
}

}  // namespace wharf::net
