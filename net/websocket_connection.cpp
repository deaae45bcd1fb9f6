// Everything sent within one callback of the
// loop leaves in one write: send() only queues, a posted flush writes.

#include "net/websocket_connection.h"

#include <openssl/rand.h>

#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <optional>
#include <utility>

#include "net/read_buffer.h"
#include "net/send_queue.h"
#include "net/websocket_frame.h"
#include "net/websocket_handle.h"

namespace wharf::net {
namespace {

constexpr std::chrono::milliseconds close_timeout{5'000};
constexpr int max_reads_per_wake = 8;  // then other connections get their turn
constexpr std::size_t max_close_reason_bytes = 123;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(WebSocketStart start)
      : stream_(std::move(start.stream)), decoder_(start.max_message_bytes), received_(std::move(start.received)) {}

  void start(WebSocket::Callbacks callbacks);
  void send(MessageType type, std::vector<std::uint8_t> payload);
  void when_drained(std::function<void()> callback);
  void pause(bool paused);
  void close(std::uint16_t code, std::string_view reason);
  void abort();
  void abandon();
  void schedule_flush();
  void ping();
  std::size_t queued_bytes() const { return queue_.bytes(); }
  const std::string& remote_address() const { return stream_->remote_address(); }

 private:
  // open -> closing (a close frame of either side was seen) -> over
  enum class State { open, closing, over };

  void append_frame(Opcode opcode, std::vector<std::uint8_t> payload);
  void append_close(std::uint16_t code, std::string_view reason);
  void flush();
  void posted_flush();
  void wait_writable();
  void wait_readable();
  void on_readable();
  /// Delivers what `input` holds. False when reading must stop (paused, over).
  bool decode(std::span<const std::uint8_t> input);
  void on_close_frame(const FrameDecoder::Close& close);
  void begin_closing();
  void report_end(const std::string& reason);
  void finish();
  void fail(const std::string& reason);
  /// Runs an entry of the loop. An exception (of an owner's callback, most likely) ends this connection only.
  template <class Entry>
  void enter(Entry entry) {
    guard("WebSocket", entry, [this] {
      decoding_ = false;
      fail("an internal error");
    });
  }
  void post(void (Connection::*entry)()) {
    asio::post(stream_->get_executor(),
               [self = shared_from_this(), entry] { self->enter([&] { ((*self).*entry)(); }); });
  }
  bool wants_input() const { return state_ == State::closing || (state_ == State::open && started_ && !paused_); }

  std::unique_ptr<Stream> stream_;
  FrameDecoder decoder_;
  SendQueue queue_;
  std::shared_ptr<const WebSocket::Callbacks> callbacks_;  // shared with the delivery that is running
  std::function<void()> drained_;
  std::string received_;                           // read but not yet decoded: before start(), while paused
  std::optional<std::vector<std::uint8_t>> pong_;  // only the latest ping is answered: a flood cannot grow the queue
  std::unique_ptr<Timer> close_timer_;             // made when closing starts: open sockets do not pay for it
  State state_ = State::open;
  bool started_ = false, paused_ = false;
  bool reading_ = false, decoding_ = false, writing_ = false, flush_posted_ = false;
  bool close_sent_ = false, close_received_ = false;
  // After a violation input is thrown away until the peer closes: closing with unread input would send RST, which can
  // overtake our close frame.
  bool discard_ = false;
};

void Connection::start(WebSocket::Callbacks callbacks) {
  if (state_ != State::open) return;
  callbacks_ = std::make_shared<const WebSocket::Callbacks>(std::move(callbacks));
  started_ = true;
  schedule_flush();
  post(&Connection::on_readable);
}

void Connection::send(MessageType type, std::vector<std::uint8_t> payload) {
  if (state_ != State::open) return;
  append_frame(type == MessageType::text ? Opcode::text : Opcode::binary, std::move(payload));
  schedule_flush();
}

void Connection::ping() {
  if (state_ != State::open) return;
  append_frame(Opcode::ping, {});
  schedule_flush();
}

void Connection::append_frame(Opcode opcode, std::vector<std::uint8_t> payload) {
  std::array<std::uint8_t, 4> key{};
  // Unpredictable to whoever chose the payload (RFC 6455 10.3). OpenSSL's generator stays in user space.
  if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1) system_random(key);
  apply_mask(payload, key);
  queue_.append(make_frame_header(opcode, payload.size(), key).view());
  queue_.append(std::move(payload));
}

void Connection::append_close(std::uint16_t code, std::string_view reason) {
  if (std::exchange(close_sent_, true)) return;
  std::vector<std::uint8_t> payload;
  if (code != close_code::no_status) {
    payload = {static_cast<std::uint8_t>(code >> 8), static_cast<std::uint8_t>(code & 0xff)};
    reason = reason.substr(0, max_close_reason_bytes);
    // The cut may have split a character.
    while (!reason.empty() && !valid_utf8({reinterpret_cast<const std::uint8_t*>(reason.data()), reason.size()})) {
      reason.remove_suffix(1);
    }
    payload.insert(payload.end(), reason.begin(), reason.end());
  }
  append_frame(Opcode::close, std::move(payload));
}

void Connection::schedule_flush() {
  if (writing_ || flush_posted_ || state_ == State::over) return;
  flush_posted_ = true;
  post(&Connection::posted_flush);
}

void Connection::posted_flush() {
  flush_posted_ = false;
  if (!writing_) flush();
}

void Connection::flush() {
  if (state_ == State::over) return;
  if (pong_) {
    std::vector<std::uint8_t> payload = std::move(*pong_);
    pong_.reset();
    if (!close_sent_) append_frame(Opcode::pong, std::move(payload));
  }
  switch (queue_.flush(*stream_)) {
    case SendQueue::Outcome::failed: return fail("write: " + stream_->failure());
    case SendQueue::Outcome::blocked: return wait_writable();
    case SendQueue::Outcome::sent: break;
  }
  if (discard_) return stream_->shutdown_send();
  if (close_sent_ && close_received_) return finish();
  if (drained_) std::exchange(drained_, nullptr)();
}

void Connection::wait_writable() {
  writing_ = true;
  stream_->wait(queue_.wait(), [self = shared_from_this()](boost::system::error_code error) {
    self->writing_ = false;
    if (self->state_ == State::over) return;
    self->enter([&] {
      if (error) return self->fail("write: " + error.message());
      self->flush();
    });
  });
}

void Connection::wait_readable() {
  if (reading_ || !wants_input()) return;
  reading_ = true;
  stream_->wait(Stream::Wait::read, [self = shared_from_this()](boost::system::error_code error) {
    self->reading_ = false;
    if (self->state_ == State::over) return;
    self->enter([&] {
      if (error) return self->fail("read: " + error.message());
      self->on_readable();
    });
  });
}

void Connection::on_readable() {
  if (decoding_ || reading_ || !wants_input()) return;
  if (!received_.empty()) {
    const std::string pending = std::exchange(received_, {});
    if (!decode({reinterpret_cast<const std::uint8_t*>(pending.data()), pending.size()})) return;
  }
  ReadBuffer buffer;
  for (int reads = 0; reads < max_reads_per_wake; ++reads) {
    const Stream::Progress progress = stream_->read(buffer.span());
    if (progress.error == asio::error::eof) return fail(close_received_ ? "closed" : "connection ended by peer");
    if (progress.error) return fail("read: " + stream_->failure());
    // Waiting for writability to read needs a renegotiation, which is off.
    if (progress.wait != Stream::Wait::none) return wait_readable();
    if (!decode(buffer.span().first(progress.bytes))) return;
    const bool kernel_empty = progress.bytes < ReadBuffer::size;
    if (stream_->secure() ? !stream_->read_ready() : kernel_empty) return wait_readable();
  }
  post(&Connection::on_readable);
}

bool Connection::decode(std::span<const std::uint8_t> input) {
  if (discard_) return true;
  decoding_ = true;  // a callback that un-pauses must not start a second decoding inside this one
  bool go_on = true;
  while (go_on) {
    if (!wants_input()) {
      received_.append(reinterpret_cast<const char*>(input.data()), input.size());
      go_on = false;
      break;
    }
    const FrameDecoder::Event event = decoder_.next(input);
    if (std::holds_alternative<FrameDecoder::NeedMore>(event)) break;
    if (const auto* message = std::get_if<FrameDecoder::Message>(&event)) {
      const auto callbacks = callbacks_;  // the callback may close(), which drops ours
      if (callbacks && callbacks->message) callbacks->message(message->type, message->payload);
    } else if (const auto* ping = std::get_if<FrameDecoder::Ping>(&event)) {
      pong_.emplace(ping->payload.begin(), ping->payload.end());
      schedule_flush();
    } else if (const auto* close = std::get_if<FrameDecoder::Close>(&event)) {
      on_close_frame(*close);
      go_on = false;
    } else if (const auto* violation = std::get_if<FrameDecoder::Violation>(&event)) {
      append_close(violation->code, violation->what);
      discard_ = true;
      const std::string reason = std::string("protocol error of peer: ") + violation->what;
      begin_closing();
      report_end(reason);
      break;
    }
  }
  decoding_ = false;
  return go_on && state_ != State::over;
}

void Connection::on_close_frame(const FrameDecoder::Close& close) {
  close_received_ = true;
  std::string reason = "closed by peer";
  if (close.code != close_code::no_status) reason += " " + std::to_string(close.code);
  if (!close.reason.empty()) reason += ": " + std::string(close.reason);
  append_close(close.code, "");
  begin_closing();
  report_end(reason);
}

void Connection::begin_closing() {
  if (state_ == State::over) return;
  state_ = State::closing;
  drained_ = nullptr;
  if (!close_timer_) {
    close_timer_ = std::make_unique<Timer>(new_alarm(stream_->get_executor()));
    close_timer_->after(close_timeout, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->abort();
    });
  }
  schedule_flush();
}

void Connection::when_drained(std::function<void()> callback) {
  if (state_ != State::open) return;
  if (queue_.empty()) return callback();
  drained_ = std::move(callback);
}

void Connection::pause(bool paused) {
  paused_ = paused;
  if (paused || !started_ || state_ != State::open) return;
  post(&Connection::on_readable);
}

void Connection::close(std::uint16_t code, std::string_view reason) {
  const auto dropped = std::exchange(callbacks_, nullptr);
  if (state_ != State::open) return;
  append_close(code, reason);
  begin_closing();
  // Reads on for the peer's close frame, whatever was paused or never started.
  post(&Connection::on_readable);
}

void Connection::report_end(const std::string& reason) {
  const auto last = std::exchange(callbacks_, nullptr);
  if (last && last->closed) last->closed(reason);
}

// Both close frames are out: an orderly TCP end.
void Connection::finish() {
  state_ = State::over;
  close_timer_.reset();
  stream_->shutdown_send();
  stream_->close();
}

void Connection::fail(const std::string& reason) {
  if (state_ == State::over) return;
  state_ = State::over;
  close_timer_.reset();
  drained_ = nullptr;
  queue_.clear();
  stream_->close();
  report_end(reason);
}

// The owner is gone without a word. A closing handshake that is already running may end in peace.
void Connection::abandon() {
  if (state_ == State::open) return abort();
  const auto dropped = std::exchange(callbacks_, nullptr);
}

void Connection::abort() {
  const auto dropped = std::exchange(callbacks_, nullptr);
  const auto drained = std::exchange(drained_, nullptr);
  if (state_ == State::over) return;
  state_ = State::over;
  if (close_timer_) close_timer_->cancel();
  queue_.clear();
  stream_->reset();
}

}  // namespace

std::shared_ptr<WebSocket> make_websocket(WebSocketStart start) {
  auto connection = std::make_shared<Connection>(std::move(start));
  return std::make_shared<WebSocketHandle<Connection>>(std::move(connection));
}

}  // namespace wharf::net
