#pragma once
// An AsyncStream under Beast's websocket::stream that gathers: a write is taken into a queue and is done, and what was
// taken within one turn of the loop leaves in one write. Beast alone writes each message by itself and waits for the
// loop in between, which for a burst of small ones costs a packet and a turn each. Ours also for the count of bytes
// that the kernel has not taken yet, by which slow readers are cut. Internal to net/. Loop thread only.

#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "net/send_queue.h"
#include "net/stream.h"

namespace wharf::net {

class GatheringStream : public std::enable_shared_from_this<GatheringStream> {
 public:
  /// More is not taken before the kernel has taken some.
  static constexpr std::size_t max_gathered_bytes = 64u << 10;

  using executor_type = Executor;
  executor_type get_executor() { return stream_->get_executor(); }

  explicit GatheringStream(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {}

  template <class MutableBuffers, class Token>
  auto async_read_some(const MutableBuffers& into, Token&& token) {
    return asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, const MutableBuffers& buffers) {
          if (!before_reading_) return stream_->async_read_some(buffers, std::move(handler));
          using Read = HeldFunction<ReadLater<MutableBuffers, std::decay_t<decltype(handler)>>>;
          const auto held = std::make_shared<Read>(
              ReadLater<MutableBuffers, std::decay_t<decltype(handler)>>{*stream_, buffers, std::move(handler)});
          std::exchange(before_reading_, nullptr)([held](boost::system::error_code error) { held->complete(error); });
        },
        token, into);
  }
  /// Runs once, in place of the first read, which begins when what it was given is called without an error, and else
  /// ends with that.
  void before_reading(std::function<void(std::function<void(boost::system::error_code)>)> step) {
    before_reading_ = std::move(step);
  }
  template <class ConstBuffers, class Token>
  auto async_write_some(const ConstBuffers& from, Token&& token) {
    return asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, const ConstBuffers& buffers) {
          const std::size_t bytes = take(buffers);
          hold([handler = std::move(handler), bytes](boost::system::error_code error) mutable {
            handler(error, error ? 0 : bytes);
          });
        },
        token, from);
  }
  /// Says that nothing more will be sent, behind what was taken.
  template <class Handler>  // void(error_code)
  void async_shutdown_send(Handler&& handler) {
    ending_ = true;
    hold(std::forward<Handler>(handler));
  }

  /// Completes the write that was taken, if there is one and room for more: who has more to write need not wait for the
  /// loop. Not for use inside a write.
  void complete_taken();
  /// Taken and not yet accepted by the kernel.
  std::size_t queued_bytes() const { return queue_.bytes(); }
  /// Taken so far, all together.
  std::uint64_t taken_bytes() const { return taken_bytes_; }

  /// Called when everything taken has left, and when it cannot leave.
  std::function<void()> drained, failed;
  Stream& stream() { return *stream_; }

 private:
  struct Held {
    virtual ~Held() = default;
    virtual void complete(boost::system::error_code error) = 0;
  };
  template <class Function>
  struct HeldFunction final : Held {
    explicit HeldFunction(Function f) : function(std::move(f)) {}
    void complete(boost::system::error_code error) override { function(error); }
    Function function;
  };
  template <class MutableBuffers, class Handler>
  struct ReadLater {
    Stream& stream;
    MutableBuffers buffers;
    Handler handler;
    void operator()(boost::system::error_code error) {
      if (error) return std::move(handler)(error, 0);
      stream.async_read_some(buffers, std::move(handler));
    }
  };
  template <class Function>
  void hold(Function&& function) {
    held_ = std::make_unique<HeldFunction<std::decay_t<Function>>>(std::forward<Function>(function));
    schedule();
  }
  template <class ConstBuffers>
  std::size_t take(const ConstBuffers& buffers) {
    std::size_t taken = 0;
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at) {
      const asio::const_buffer piece = *at;
      const std::size_t some = std::min(piece.size(), max_gathered_bytes - taken);
      queue_.append(std::span(static_cast<const std::uint8_t*>(piece.data()), some));
      taken += some;
    }
    taken_bytes_ += taken;
    return taken;
  }
  class Wake;
  bool room() const;
  void schedule();
  void turn();
  void flush();

  std::unique_ptr<Stream> stream_;
  SendQueue queue_;
  std::unique_ptr<Held> held_;  // the completion of the one operation
  std::function<void(std::function<void(boost::system::error_code)>)> before_reading_;
  std::uint64_t taken_bytes_ = 0;
  boost::system::error_code error_;
  bool scheduled_ = false, waiting_ = false;
  bool ending_ = false;  // held_ is of the shutdown
};

}  // namespace wharf::net
