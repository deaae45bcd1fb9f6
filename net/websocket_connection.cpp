// What Beast does: the upgrade of both sides, framing, masks, fragments, UTF-8, pongs, both closing handshakes. What is
// ours: the queue and its count of bytes, pausing, the owner's callbacks, the time a closing may take, and that memory
// is given to a message as its bytes arrive and not as they are announced.

#include "net/websocket_connection.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <list>

#include "net/gathering_stream.h"
#include "net/http_message_reader.h"
#include "net/loop_guard.h"
#include "net/read_buffer.h"
#include "net/upgrade_answer.h"
#include "net/websocket_handle.h"
#include "net/websocket_handshake.h"
#include "net/websocket_rules.h"

namespace wharf::net {

namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

// What Beast asks of a stream that is not its own: how it is closed, and how it ends after the closing handshake. Input
// is not waited for here: after a violation of the peer we do, elsewhere there is nothing left to read.
void beast_close_socket(GatheringStream& stream) { stream.stream().close(); }

template <class Handler>
void async_teardown(beast::role_type, GatheringStream& stream, Handler&& handler) {
  stream.async_shutdown_send(std::forward<Handler>(handler));
}

namespace {

constexpr std::chrono::milliseconds close_timeout{5'000};
constexpr int max_reads_per_wake = 8;                // then other connections get their turn
constexpr std::size_t first_piece_bytes = 256;       // waits with every idle connection; most messages of clients fit
constexpr std::size_t growth_bytes = 256u << 10;     // then this much at a time, or as much as has come already
constexpr std::size_t masked_piece_bytes = 1024;     // Beast copies to mask, and keeps the copy's buffer per connection
constexpr std::size_t kept_buffer_bytes = 4u << 10;  // a larger one is given back behind its message

beast::string_view as_beast(std::string_view text) { return {text.data(), text.size()}; }

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::unique_ptr<Stream> stream, std::size_t max_message_bytes)
      : out_(std::make_shared<GatheringStream>(std::move(stream))), stream_(out_->stream()), socket_(*out_) {
    socket_.auto_fragment(false);
    socket_.read_message_max(max_message_bytes);
  }
  ~Connection() { give_socket_back(); }

  void accept(WebSocketAcceptance acceptance);
  void open(WebSocketOpening opening);
  /// Takes the opening back when it is still under way.
  void cancel_opening() {
    if (!std::exchange(opened_, nullptr)) return;
    asked_->stop();
    abort();
  }

  void start(WebSocket::Callbacks callbacks);
  void send(MessageType type, std::vector<std::uint8_t> payload);
  void ping();
  std::size_t queued_bytes() const;
  void when_drained(std::function<void()> callback);
  void pause(bool paused);
  void close(std::uint16_t code, std::string_view reason);
  void abort();
  void abandon();
  const std::string& remote_address() const { return stream_.remote_address(); }

 private:
  // open -> closing (the owner closed, or the peer broke the rules) -> over
  enum class State { open, closing, over };
  struct Outgoing {
    MessageType type = MessageType::binary;
    std::vector<std::uint8_t> payload;
  };

  void on_accepted(const error_code& error);
  void on_answered(const error_code& error);
  std::string refusal(const error_code& error) const;
  void watch_writes();
  void on_open();
  void write();
  void on_written(const error_code& error);
  void on_write_failed();
  void on_drained();
  void begin_close();
  void read();
  void on_read(const error_code& error);
  void deliver();
  void resume();
  void on_end(const error_code& error);
  void discard();
  void give_it_time();
  void on_close_timeout();
  std::string what_peer_said() const;
  std::string why(const error_code& error) const {
    return stream_.failure().empty() ? error.message() : stream_.failure();
  }
  void report_end(const std::string& reason);
  void finish();
  void fail(const std::string& reason);
  void give_socket_back() {
    if (const auto closed = std::exchange(socket_closed_, nullptr)) closed();
  }

  /// Runs an entry of the loop. An exception (of an owner's callback, most likely) ends this connection only.
  template <class Entry>
  void enter(Entry entry) {
    guard("WebSocket", entry, [this] { fail("an internal error"); });
  }
  /// A completion of Beast: it keeps the connection, and is over when that is over.
  template <class Entry>
  auto completion(bool Connection::*pending, Entry entry) {
    (*this).*pending = true;
    return [self = shared_from_this(), pending, entry](const error_code& error, std::size_t bytes = 0) {
      (*self).*pending = false;
      if (self->state_ != State::over) self->enter([&] { entry(*self, error, bytes); });
    };
  }

  std::shared_ptr<GatheringStream> out_;  // shared with its own pending writes
  Stream& stream_;                        // below it
  websocket::stream<GatheringStream&, false> socket_;
  std::function<void(std::shared_ptr<WebSocket>)> accepted_;  // of the server's side
  std::function<void(WebSocketResult)> opened_;               // of the client's
  std::shared_ptr<UpgradeAnswer> asked_;                      // shared with its pending wait
  std::unique_ptr<websocket::response_type> answer_;          // what Beast had of it
  std::shared_ptr<const WebSocket::Callbacks> callbacks_;     // shared with the delivery that is running
  std::function<void()> drained_;
  std::function<void()> socket_closed_;  // empty: told
  std::unique_ptr<Timer> patience_;      // of the 101 and of closing: open sockets do not pay for it
  std::list<Outgoing> queue_;            // the front is being taken; a list: an empty one costs nothing
  std::size_t queued_ = 0;               // payload bytes of the queue
  std::uint64_t taken_before_ = 0;       // bytes the stream had taken when the front began
  beast::flat_buffer message_;           // as far as it has come
  websocket::close_reason close_reason_;
  State state_ = State::open;
  bool upgrading_ = false, reading_ = false, writing_ = false, pinging_ = false,
       closing_ = false;  // pending operations
  bool started_ = false, paused_ = false;
  bool giving_ = false;       // write() is running
  bool held_ = false;         // a message came while paused: it is in message_, whole
  bool peer_closed_ = false;  // its close frame has come, ours is on its way
  bool broken_ = false;       // the peer broke the rules: its input is thrown away until it closes
};

// ---- the upgrade

void Connection::accept(WebSocketAcceptance acceptance) {
  accepted_ = std::move(acceptance.accepted);
  socket_closed_ = std::move(acceptance.socket_closed);
  socket_.set_option(websocket::stream_base::decorator([&acceptance](websocket::response_type& answer) {
    answer.set(http::field::server, "wharf");  // Beast would name itself and its version
    for (const auto& [name, value] : acceptance.headers) {
      if (valid_header(name, value) && !handshake_field(name)) answer.insert(as_beast(name), as_beast(value));
    }
  }));
  http::request<http::empty_body> request(http::verb::get, "/", 11);
  request.set(http::field::host, "checked");
  request.set(http::field::connection, "Upgrade");
  request.set(http::field::upgrade, "websocket");
  request.set(http::field::sec_websocket_version, "13");
  request.set(http::field::sec_websocket_key, as_beast(acceptance.key));
  watch_writes();
  give_it_time();
  socket_.async_accept(request, completion(&Connection::upgrading_, [](auto& self, const error_code& error,
                                                                       std::size_t) { self.on_accepted(error); }));
  socket_.set_option(websocket::stream_base::decorator([](websocket::response_type&) {}));  // the answer is made
}

void Connection::open(WebSocketOpening opening) {
  opened_ = std::move(opening.opened);
  answer_ = std::make_unique<websocket::response_type>();
  socket_.write_buffer_bytes(masked_piece_bytes);
  socket_.set_option(websocket::stream_base::decorator([&opening](websocket::request_type& request) {
    request.erase(http::field::user_agent);  // Beast would name itself and its version
    for (const auto& [name, value] : opening.headers) {
      if (valid_header(name, value) && !handshake_field(name)) request.insert(as_beast(name), as_beast(value));
    }
  }));
  asked_ = std::make_shared<UpgradeAnswer>(stream_);
  out_->before_reading([asked = asked_](auto go_on) { asked->read(std::move(go_on)); });
  const std::string host = opening.url.authority();
  socket_.async_handshake(*answer_, as_beast(host), as_beast(opening.url.target),
                          completion(&Connection::upgrading_, [](auto& self, const error_code& error, std::size_t) {
                            self.on_answered(error);
                          }));
  socket_.set_option(websocket::stream_base::decorator([](websocket::request_type&) {}));  // the request is made
}

void Connection::watch_writes() {
  out_->drained = [weak = weak_from_this()] {
    if (const auto self = weak.lock(); self && self->state_ == State::open) self->enter([&] { self->on_drained(); });
  };
  out_->failed = [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->enter([&] { self->on_write_failed(); });
  };
}

void Connection::on_accepted(const error_code& error) {
  if (error) return fail("the upgrade: " + why(error));
  patience_.reset();
  on_open();
  const auto accepted = std::exchange(accepted_, nullptr);
  accepted(std::make_shared<WebSocketHandle<Connection>>(shared_from_this()));
}

void Connection::on_answered(const error_code& error) {
  const auto opened = std::exchange(opened_, nullptr);
  const auto answer = std::move(answer_);
  const auto asked = std::move(asked_);
  ConnectFailure failure;
  failure.http_status = asked->http_status();
  if (!asked->failure().empty()) failure.message = asked->failure();
  else if (error) failure.message = refusal(error);
  // We offered none; using one nobody agreed to would change the framing.
  else if (answer->count(http::field::sec_websocket_extensions) != 0)
    failure.message = "the server chose an extension that was not offered";
  if (!failure.message.empty()) {
    finish();
    return opened(WebSocketResult(boost::system::in_place_error, std::move(failure)));
  }
  watch_writes();
  on_open();
  opened(WebSocketResult(boost::system::in_place_value,
                         std::make_shared<WebSocketHandle<Connection>>(shared_from_this())));
}

std::string Connection::refusal(const error_code& error) const {
  if (error.category() == make_error_code(websocket::error::closed).category())
    return "the server's 101 answer is not for a WebSocket: " + error.message();
  return "the upgrade: " + why(error);
}

void Connection::on_open() {
  socket_.control_callback([this](websocket::frame_type type, beast::string_view) {
    if (type != websocket::frame_type::close) return;
    const std::uint16_t code = socket_.reason().code;
    if (code != websocket::close_code::none && !valid_close_code(code))  // Beast would give it back
      return enter([&] {
        stream_.reset();
        fail("protocol error of peer: invalid close code " + std::to_string(code));
      });
    peer_closed_ = true;
    give_it_time();  // a peer that does not read would hold our close frame back for ever
  });
}

// ---- to the peer

void Connection::send(MessageType type, std::vector<std::uint8_t> payload) {
  if (state_ != State::open) return;
  queued_ += payload.size();
  queue_.push_back({type, std::move(payload)});
  write();
}

std::size_t Connection::queued_bytes() const {
  if (state_ == State::over) return 0;
  const std::uint64_t taken = writing_ ? out_->taken_bytes() - taken_before_ : 0;  // its header is among it
  const std::size_t front = queue_.empty() ? 0 : queue_.front().payload.size();
  return queued_ - static_cast<std::size_t>(std::min<std::uint64_t>(taken, front)) + out_->queued_bytes();
}

// Hands message after message to Beast, as many as are taken; what is left waits for the kernel.
void Connection::write() {
  if (std::exchange(giving_, true)) return;
  while (!writing_ && !queue_.empty() && state_ != State::over) {
    taken_before_ = out_->taken_bytes();
    socket_.binary(queue_.front().type == MessageType::binary);
    socket_.async_write(asio::buffer(queue_.front().payload),
                        completion(&Connection::writing_,
                                   [](auto& self, const error_code& error, std::size_t) { self.on_written(error); }));
    out_->complete_taken();
  }
  giving_ = false;
}

void Connection::on_written(const error_code& error) {
  if (broken_) return;
  if (error == asio::error::operation_aborted && reading_) return;  // the read knows why
  if (error) return fail("write: " + why(error));
  queued_ -= queue_.front().payload.size();
  queue_.pop_front();
  if (!queue_.empty()) return write();
  if (state_ == State::closing) begin_close();
}

void Connection::on_write_failed() {
  if (peer_closed_) return fail(what_peer_said());
  fail("write: " + stream_.failure());
}

void Connection::on_drained() {
  if (drained_ && queue_.empty()) std::exchange(drained_, nullptr)();
}

void Connection::when_drained(std::function<void()> callback) {
  if (state_ != State::open) return;
  if (queued_bytes() == 0) return callback();
  drained_ = std::move(callback);
}

void Connection::ping() {
  if (state_ != State::open || pinging_) return;
  // An error is told to the read or the write that meets it.
  socket_.async_ping({}, completion(&Connection::pinging_, [](auto&, const error_code&, std::size_t) {}));
}

// ---- from the peer

void Connection::start(WebSocket::Callbacks callbacks) {
  if (state_ != State::open) return;
  callbacks_ = std::make_shared<const WebSocket::Callbacks>(std::move(callbacks));
  started_ = true;
  read();
}

void Connection::read() {
  const bool wanted = state_ == State::open ? started_ && !paused_ && !held_ : !broken_ && !closing_;
  if (reading_ || !wanted || state_ == State::over) return;
  const std::size_t next =
      std::clamp<std::size_t>(socket_.read_size_hint(first_piece_bytes), 1, std::max(growth_bytes, message_.size()));
  socket_.async_read_some(message_.prepare(next),
                          completion(&Connection::reading_, [](auto& self, const error_code& error, std::size_t bytes) {
                            self.message_.commit(bytes);
                            self.on_read(error);
                          }));
}

void Connection::on_read(const error_code& error) {
  if (error) return on_end(error);
  if (socket_.is_message_done() && state_ == State::open) {
    held_ = paused_;
    if (!held_) deliver();
  } else if (state_ != State::open) {
    message_.consume(message_.size());
  }
  read();
}

void Connection::deliver() {
  const auto callbacks = callbacks_;  // the callback may close(), which drops ours
  const auto type = socket_.got_binary() ? MessageType::binary : MessageType::text;
  const auto bytes = message_.cdata();
  if (callbacks && callbacks->message)
    callbacks->message(type, {static_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  message_.consume(message_.size());
  if (message_.capacity() > kept_buffer_bytes) message_ = beast::flat_buffer();
}

void Connection::pause(bool paused) {
  paused_ = paused;
  if (paused || !started_ || state_ != State::open) return;
  asio::post(stream_.get_executor(), [self = shared_from_this()] { self->enter([&] { self->resume(); }); });
}

void Connection::resume() {
  if (state_ != State::open || paused_) return;
  if (std::exchange(held_, false)) deliver();
  read();
}

// ---- the end

void Connection::on_end(const error_code& error) {
  // The closing that is running hears of it too.
  if (state_ == State::closing && closing_) return;
  if (state_ == State::closing) return finish();
  if (error == websocket::error::closed) {
    finish();
    return report_end(what_peer_said());
  }
  if (peer_closed_) return fail(what_peer_said());
  if (error.category() == make_error_code(websocket::error::closed).category()) {
    // Beast has sent a close frame. Closing with unread input would send RST, which can overtake it.
    broken_ = true;
    state_ = State::closing;
    drained_ = nullptr;
    give_it_time();
    report_end("protocol error of peer: " + error.message());
    if (state_ != State::over) discard();
    return;
  }
  if (error == asio::error::eof) return fail("connection ended by peer");
  fail("read: " + why(error));
}

void Connection::discard() {
  ReadBuffer buffer;
  Stream::Progress progress;
  for (int reads = 0; reads < max_reads_per_wake && progress.wait == Stream::Wait::none; ++reads) {
    progress = stream_.read(buffer.span());
    if (progress.error) return finish();
  }
  stream_.wait(Stream::Wait::read, [self = shared_from_this()](const error_code&) {
    if (self->state_ != State::over) self->enter([&] { self->discard(); });
  });
}

std::string Connection::what_peer_said() const {
  const websocket::close_reason& said = socket_.reason();
  std::string text = "closed by peer";
  if (said.code != websocket::close_code::none) text += " " + std::to_string(said.code);
  if (!said.reason.empty()) text += ": " + std::string(said.reason.data(), said.reason.size());
  return text;
}

void Connection::close(std::uint16_t code, std::string_view reason) {
  const auto dropped = std::exchange(callbacks_, nullptr);
  const auto drained = std::exchange(drained_, nullptr);
  if (state_ != State::open) return;
  state_ = State::closing;
  held_ = false;
  reason = reason.substr(0, websocket::reason_string::static_capacity);
  // The cut may have split a character.
  while (!reason.empty() && !valid_utf8({reinterpret_cast<const std::uint8_t*>(reason.data()), reason.size()})) {
    reason.remove_suffix(1);
  }
  close_reason_ = websocket::close_reason(static_cast<websocket::close_code>(code), as_beast(reason));
  give_it_time();
  // Reads on, whatever was paused or never started: a peer that is stuck in sending does not read.
  read();
  if (queue_.empty()) begin_close();
}

void Connection::begin_close() {
  if (peer_closed_ || closing_) return;  // a read is about to end this
  socket_.async_close(close_reason_, completion(&Connection::closing_,
                                                [](auto& self, const error_code&, std::size_t) { self.finish(); }));
}

void Connection::give_it_time() {
  if (patience_) return;
  patience_ = std::make_unique<Timer>(new_alarm(stream_.get_executor()));
  patience_->after(close_timeout, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_close_timeout();
  });
}

void Connection::on_close_timeout() {
  if (state_ != State::open) return abort();
  stream_.reset();
  fail(peer_closed_ ? what_peer_said() : "the upgrade: timed out");
}

void Connection::report_end(const std::string& reason) {
  const auto last = std::exchange(callbacks_, nullptr);
  if (last && last->closed) last->closed(reason);
}

// Both close frames are out, or the peer has gone in the middle: an orderly TCP end.
void Connection::finish() {
  if (state_ == State::over) return;
  state_ = State::over;
  patience_.reset();
  drained_ = nullptr;
  stream_.close();
  give_socket_back();
}

void Connection::fail(const std::string& reason) {
  if (state_ == State::over) return;
  finish();
  report_end(reason);
}

// The owner is gone without a word. A closing that is already running may end in peace.
void Connection::abandon() {
  if (state_ == State::open && !peer_closed_) return abort();
  const auto dropped = std::exchange(callbacks_, nullptr);
}

void Connection::abort() {
  const auto dropped = std::exchange(callbacks_, nullptr);
  const auto drained = std::exchange(drained_, nullptr);
  if (state_ == State::over) return;
  stream_.reset();
  finish();
}

}  // namespace

void accept_websocket(WebSocketAcceptance acceptance) {
  const auto connection = std::make_shared<Connection>(std::move(acceptance.stream), acceptance.max_message_bytes);
  connection->accept(std::move(acceptance));
}

std::function<void()> open_websocket(WebSocketOpening opening) {
  const auto connection = std::make_shared<Connection>(std::move(opening.stream), opening.max_message_bytes);
  connection->open(std::move(opening));
  return [weak = std::weak_ptr(connection)] {
    if (const auto alive = weak.lock()) alive->cancel_opening();
  };
}

}  // namespace wharf::net
