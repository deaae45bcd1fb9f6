#include "net/http_connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/write.hpp>
#include <cctype>
#include <ctime>
#include <exception>
#include <utility>

#include "net/read_buffer.h"
#include "net/websocket_connection.h"
#include "net/websocket_handshake.h"

namespace wharf::net {
namespace {

namespace http = boost::beast::http;

constexpr std::chrono::milliseconds linger_timeout{2'000};
constexpr std::size_t max_discarded_bytes = 16u << 20;
constexpr int max_reads_per_wake = 2;                   // of 64 KiB of a body; then everybody else gets a turn
constexpr std::size_t max_pipelined_bytes = 64u << 10;  // kept while a request is handled
constexpr std::size_t body_step_bytes = 256u << 10;     // each such step of a body earns a new body_timeout
constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";

class RequestSink final : public Responder::Sink {
 public:
  RequestSink(std::shared_ptr<HttpConnection> connection, std::uint64_t request, std::shared_ptr<HttpFront> front)
      : connection_(std::move(connection)), front_(std::move(front)), request_(request) {}
  ~RequestSink() override {
    if (!connection_->answered(request_)) {
      connection_->respond(request_, front_->render_error(500, "the request was not answered"));
    }
  }
  void respond(HttpResponse response) override { connection_->respond(request_, std::move(response)); }
  void upgrade(WebSocketUpgrade upgrade) override { connection_->upgrade(request_, std::move(upgrade)); }
  bool peer_gone() const override { return connection_->peer_gone(request_); }

 private:
  std::shared_ptr<HttpConnection> connection_;  // shared with the server and with pending waits
  std::shared_ptr<HttpFront> front_;
  std::uint64_t request_;
};

// RFC 9112 3.2.2: servers accept the absolute form too.
std::string origin_form(std::string target) {
  for (const std::string_view scheme : {std::string_view("http://"), std::string_view("https://")}) {
    if (!target.starts_with(scheme)) continue;
    const std::size_t path = target.find_first_of("/?", scheme.size());
    if (path == std::string::npos) return "/";
    return target[path] == '?' ? "/" + target.substr(path) : target.substr(path);
  }
  return target;
}

boost::beast::string_view as_beast(std::string_view text) { return {text.data(), text.size()}; }

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool framing_field(std::string_view name) {
  return same_name(name, "content-length") || same_name(name, "transfer-encoding") || same_name(name, "connection");
}

/// False for statuses that cannot have one (1xx, 204, 304).
bool status_has_body(unsigned status) { return status >= 200 && status != 204 && status != 304; }

// RFC 9110 6.6.1 asks origin servers for a Date; one formatted text serves a whole second.
std::string_view http_date() {
  thread_local std::time_t at = 0;
  thread_local std::array<char, 40> text{};
  thread_local std::size_t size = 0;
  const std::time_t now = std::time(nullptr);
  if (now != at) {
    at = now;
    std::tm parts{};
    gmtime_r(&now, &parts);
    size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  }
  return {text.data(), size};
}

}  // namespace

HttpResponse HttpFront::render_error(unsigned status, std::string_view message) const {
  if (settings.render_error) return settings.render_error(status, message);
  return HttpResponse(status, "text/plain; charset=utf-8", std::string(message) + "\n");
}

/// An answer on its way. The serializer refers to the message, the message's body to the bytes.
struct HttpConnection::Answer {
  std::string bytes;                  // of the body, the piece that is being sent
  BodySource more;                    // set: asked for the next piece
  std::optional<std::uint64_t> left;  // bytes that `more` still owes
  std::string held;                   // the piece that would make the answer whole, until its source has said so
  bool header_only = false;
  http::response<http::buffer_body> message;
  http::response_serializer<http::buffer_body> serializer{message};

  void show(bool last) {
    auto& body = message.body();
    body.data = bytes.empty() ? nullptr : bytes.data();  // an empty piece is none: as a chunk it would be the last
    body.size = bytes.size();
    body.more = !last;
  }
  /// Whether `piece` agrees with what was announced.
  bool fits(const BodyPiece& piece) {
    if (!left) return true;
    if (piece.bytes.size() > *left) return false;
    *left -= piece.bytes.size();
    return piece.end != BodyPiece::End::last || *left == 0;
  }
  bool sent() { return header_only ? serializer.is_header_done() : serializer.is_done(); }
};

HttpConnection::HttpConnection(std::shared_ptr<HttpFront> front, std::unique_ptr<Stream> stream, Admission admission)
    : front_(std::move(front)),
      stream_(std::move(stream)),
      reader_(HttpReadLimits{front_->settings.max_header_bytes, front_->settings.max_body_bytes,
                             front_->settings.max_streamed_bytes}),
      deadline_(new_alarm(stream_->get_executor())),
      admission_(admission) {}

HttpConnection::~HttpConnection() = default;

void HttpConnection::run() {
  enter([this] {
    if (!front_->tls) return begin_request();
    Tls tls = make_server_tls(front_->tls.get());
    if (!tls) return drop();
    stream_->start_tls(std::move(tls));
    set_deadline(front_->settings.header_timeout);
    handshake();
  });
}

void HttpConnection::handshake() {
  const Stream::Progress progress = stream_->handshake();
  if (progress.error) return drop();
  if (progress.wait == Stream::Wait::none) return begin_request();
  stream_->wait(progress.wait, [self = shared_from_this()](boost::system::error_code error) {
    if (self->state_ == State::over) return;
    if (error) return self->drop();
    self->enter([&] { self->handshake(); });
  });
}

void HttpConnection::begin_request() {
  if (admission_ == Admission::refuse) return fail(503, "too many connections");
  if (front_->draining && !first_) return drop();
  state_ = State::idle;
  set_deadline(first_ ? front_->settings.header_timeout : front_->settings.idle_timeout);
  if (reader_.buffered() == 0 && !stream_->read_ready()) return wait_readable();
  // Posted, not called: a row of pipelined requests must not become a deep stack.
  asio::post(stream_->get_executor(), [self = shared_from_this(), request = request_] {
    if (self->state_ != State::idle || self->request_ != request) return;
    self->enter([&] {
      // TLS may have taken the request from the kernel together with the end of the handshake.
      if (self->reader_.buffered() == 0) return self->on_readable();
      self->advance();
    });
  });
}

void HttpConnection::wait_readable() {
  if (reading_) return;
  reading_ = true;
  stream_->wait(Stream::Wait::read, [self = shared_from_this()](boost::system::error_code error) {
    self->reading_ = false;
    if (self->state_ == State::over) return;
    if (error) return self->drop();
    self->enter([&] { self->on_readable(); });
  });
}

void HttpConnection::on_readable() {
  if (state_ == State::lingering) return discard();
  if (taking_) return;  // a wait of before the request: the receiver goes on when it is ready
  for (int reads = 0; reads < max_reads_per_wake; ++reads) {
    const std::span<std::uint8_t> room = reader_.room();
    const Stream::Progress progress = stream_->read(room);
    reader_.commit(progress.bytes);
    if (progress.wait != Stream::Wait::none) return wait_readable();
    if (reads_request()) {
      if (progress.error) return drop();
      body_progress_ += progress.bytes;
      if (!writing_) advance();
      // The 100 is on its way, or the answer, or the receiver is busy: what comes behind it reads on.
      if (!reads_request() || writing_ || taking_) return;
    } else {
      // The request is being answered: notice a peer that leaves, and keep what it pipelines.
      peer_gone_ = peer_gone_ || progress.error;
      if (peer_gone_ || reader_.buffered() >= max_pipelined_bytes) return;
    }
    if (!stream_->read_ready() && progress.bytes < room.size()) return wait_readable();
  }
  read_on();
}

void HttpConnection::read_on() {
  if (!stream_->read_ready()) return wait_readable();
  // What TLS has taken already wakes nobody.
  asio::post(stream_->get_executor(), [self = shared_from_this()] {
    if (self->state_ != State::over) self->enter([&] { self->on_readable(); });
  });
}

void HttpConnection::advance() {
  if (taking_) return;
  for (;;) {
    const auto progress = reader_.next();
    if (progress != HttpRequestReader::Progress::failed && !hand_over()) return;
    if (!count_body()) return fail(503, "too many large request bodies are under way; try again later");
    switch (progress) {
      case HttpRequestReader::Progress::need_input:
        if (state_ == State::idle && reader_.started()) {
          state_ = State::header;
          set_deadline(front_->settings.header_timeout);
        }
        if (state_ == State::body && body_progress_ >= body_step()) begin_step(front_->settings.body_timeout);
        // Not left to the timer: bytes that come all the time, each to a receiver, stop it again and again.
        else if (state_ == State::body && std::chrono::steady_clock::now() >= step_due_) return on_deadline();
        return wait_readable();
      case HttpRequestReader::Progress::header_done:
        if (!on_header()) return;
        if (reader_.expects_continue() && reader_.buffered() == 0) return send_continue();
        break;
      case HttpRequestReader::Progress::done: return dispatch();
      case HttpRequestReader::Progress::failed: return fail(reader_.error_status(), reader_.error_text());
    }
  }
}

bool HttpConnection::count_body() {
  constexpr std::size_t uncounted = 64u << 10;
  const std::size_t held = state_ == State::body ? reader_.body().size() : 0;
  const std::size_t counted = held - std::min(held, uncounted);
  front_->body_bytes += counted;
  front_->body_bytes -= std::exchange(counted_, counted);
  return counted == 0 || front_->body_bytes <= front_->settings.max_unfinished_body_bytes;
}

void HttpConnection::uncount_body() { front_->body_bytes -= std::exchange(counted_, 0); }

HttpRequest HttpConnection::take_head() {
  HttpRequest request;
  request.method = reader_.method();
  request.target = origin_form(reader_.target());
  request.headers = std::move(reader_.headers());
  request.remote_address = stream_->remote_address();
  request.websocket_upgrade = is_upgrade_request(request.method, !http_1_0_, request.headers);
  return request;
}

bool HttpConnection::on_header() {
  state_ = State::body;
  begin_step(front_->settings.body_timeout);
  keep_alive_ = reader_.keep_alive();
  http_1_0_ = !reader_.http_1_1();
  head_ = reader_.method() == "HEAD";
  if (!front_->settings.receive_body || front_->stopped) return true;
  head_of_body_ = take_head();
  receiver_ = front_->settings.receive_body(head_of_body_);
  const std::size_t most = receiver_ ? front_->settings.max_streamed_bytes : front_->settings.max_body_bytes;
  if (reader_.allow_body(most)) return !cut_short();
  fail(reader_.error_status(), reader_.error_text());
  return false;
}

bool HttpConnection::hand_over() {
  if (!receiver_ || reader_.body().empty()) return true;
  taking_ = handing_over_ = true;
  deadline_.cancel();  // the time a receiver takes is its own business
  step_left_ = step_due_ - std::chrono::steady_clock::now();
  const auto self = shared_from_this();
  const auto receiver = receiver_;  // this may end inside the call
  receiver->take(std::exchange(reader_.body(), {}), [weak = weak_from_this(), request = request_] {
    if (const auto alive = weak.lock()) alive->enter([&] { alive->on_taken(request); });
  });
  handing_over_ = false;
  return !taking_ && state_ == State::body;
}

void HttpConnection::on_taken(std::uint64_t request) {
  if (!taking_ || state_ != State::body || request != request_) return;
  taking_ = false;
  if (receiver_ && receiver_->gives_up()) {
    stream_->reset();
    return drop();
  }
  if (cut_short()) return;
  if (body_progress_ >= body_step()) begin_step(front_->settings.body_timeout);
  else continue_step(step_left_);
  if (!handing_over_) resume();
}

void HttpConnection::resume() {
  advance();
  // The wait for the socket that this began does not end for what TLS has taken from the kernel already.
  if (reads_request() && !writing_ && !taking_ && stream_->read_ready()) read_on();
}

bool HttpConnection::cut_short() {
  if (!receiver_ || !receiver_->enough()) return false;
  keep_alive_ = false;  // what is left of the body stands before the next request
  dispatch();
  return true;
}

std::size_t HttpConnection::body_step() const {
  return receiver_ ? front_->settings.min_streamed_bytes_per_interval : body_step_bytes;
}

void HttpConnection::begin_step(std::chrono::milliseconds length) {
  body_progress_ = 0;
  continue_step(length);
}

void HttpConnection::continue_step(std::chrono::steady_clock::duration left) {
  step_due_ = std::chrono::steady_clock::now() + left;
  set_deadline(std::max(std::chrono::milliseconds(0), std::chrono::ceil<std::chrono::milliseconds>(left)));
}

void HttpConnection::send_continue() {
  writing_ = true;
  asio::async_write(*stream_, asio::buffer(go_on),
                    [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                      self->writing_ = false;
                      if (self->state_ == State::over) return;
                      if (error) return self->drop();
                      self->enter([&] { self->resume(); });
                    });
}

void HttpConnection::dispatch() {
  HttpRequest request = front_->settings.receive_body ? std::exchange(head_of_body_, {}) : take_head();
  request.body = std::move(reader_.body());
  uncount_body();
  request.received = std::move(receiver_);
  websocket_key_ = request.websocket_upgrade ? std::string(request.header("sec-websocket-key")) : "";
  deadline_.cancel();  // the time a handler takes is its own business
  state_ = State::handling;
  first_ = false;
  const std::uint64_t number = ++request_;
  if (front_->stopped) return drop();

  const auto self = shared_from_this();
  guard(
      "HTTP request",
      [&] { front_->handler(std::move(request), Responder(std::make_shared<RequestSink>(self, number, front_))); },
      [&] { respond(number, front_->render_error(500, "internal error")); });
  // Notices a peer that leaves while the handler works.
  if (!answered(number) && !peer_gone_ && reader_.buffered() < max_pipelined_bytes) wait_readable();
}

bool HttpConnection::peer_gone(std::uint64_t request) const {
  return peer_gone_ || state_ == State::over || request != request_;
}

void HttpConnection::respond(std::uint64_t request, HttpResponse response) {
  if (answered(request)) return;
  // Called from anybody's turn, a session's too: what goes wrong here is not theirs.
  const auto self = shared_from_this();
  enter([&] { write(std::move(response)); });
}

void HttpConnection::fail(unsigned status, std::string_view message) {
  if (state_ == State::over) return;
  receiver_.reset();
  uncount_body();
  HttpResponse response = front_->render_error(status, message);
  response.close = true;
  // head_ is of an earlier request when this one never got that far.
  if (state_ != State::body) head_ = false;
  write(std::move(response));
}

void HttpConnection::write(HttpResponse response) {
  if (response.status == 0) {
    stream_->reset();
    return drop();
  }
  if (response.status < 200 || response.status > 999) response = front_->render_error(500, "invalid status");
  const bool has_body = status_has_body(response.status);
  if (response.more_bytes == 0) response.more = nullptr;
  const bool streamed = has_body && response.more;
  const bool measured = !streamed || response.more_bytes;
  if (!measured && http_1_0_) response.close = true;  // its end is the end of the connection
  keep_alive_ = keep_alive_ && !response.close && !front_->draining && !front_->stopped && !peer_gone_;

  auto answer = std::make_unique<Answer>();
  auto& message = answer->message;
  message.version(11);
  message.result(response.status);
  message.set(http::field::date, as_beast(http_date()));
  if (!response.content_type.empty() && valid_header("x", response.content_type))
    message.set(http::field::content_type, as_beast(response.content_type));
  for (const auto& [name, value] : response.headers) {
    if (valid_header(name, value) && !framing_field(name)) message.insert(as_beast(name), as_beast(value));
  }
  if (!measured && !http_1_0_) message.set(http::field::transfer_encoding, "chunked");
  if (has_body && measured) message.content_length(response.body.size() + (streamed ? *response.more_bytes : 0));
  if (!keep_alive_) message.set(http::field::connection, "close");
  else if (http_1_0_) message.set(http::field::connection, "keep-alive");
  if (response.status == 426) message.insert(http::field::connection, "Upgrade");

  answer->header_only = !has_body || head_;
  if (!answer->header_only) {
    answer->bytes = std::move(response.body);
    if (streamed) {
      answer->more = std::move(response.more);
      answer->left = response.more_bytes;
    }
  }
  answer->show(!answer->more);
  // Without a first piece the header does not wait for one.
  answer->serializer.split(answer->header_only || answer->bytes.empty());
  answer_ = std::move(answer);
  state_ = State::writing;
  set_deadline(front_->settings.body_timeout);
  send();
}

void HttpConnection::send() {
  writing_ = true;
  http::async_write_some(*stream_, answer_->serializer,
                         [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                           self->writing_ = false;
                           if (self->state_ != State::writing) return;
                           self->enter([&] { self->on_sent(error); });
                         });
}

void HttpConnection::on_sent(const boost::system::error_code& error) {
  if (error == http::error::need_buffer) return next_piece();
  if (error) return drop();
  if (answer_->sent()) return response_sent();
  // There was room: the client is reading. One that stops for body_timeout is dropped.
  set_deadline(front_->settings.body_timeout);
  send();
}

void HttpConnection::next_piece() {
  deadline_.cancel();                       // the time that making it takes is the handler's own business
  const BodySource source = answer_->more;  // dropped while it runs, it must outlive itself
  source([weak = weak_from_this(), number = request_](BodyPiece piece) {
    if (const auto self = weak.lock()) self->enter([&] { self->take_piece(number, std::move(piece)); });
  });
}

void HttpConnection::take_piece(std::uint64_t request, BodyPiece piece) {
  if (state_ != State::writing || request != request_ || writing_ || !answer_->more) return;
  if (piece.end == BodyPiece::End::broken || !answer_->fits(piece)) {
    stream_->reset();
    return drop();
  }
  const bool last = piece.end == BodyPiece::End::last;
  if (last) answer_->more = nullptr;
  // The client would take the answer for whole: that is for its source to say first.
  else if (answer_->left == 0 && answer_->held.empty()) answer_->held = std::exchange(piece.bytes, {});
  answer_->bytes = last && !answer_->held.empty() ? std::move(answer_->held) : std::move(piece.bytes);
  answer_->show(last);
  set_deadline(front_->settings.body_timeout);
  send();
}

void HttpConnection::response_sent() {
  answer_.reset();
  if (!keep_alive_) return linger();
  reader_.restart();
  begin_request();
}

// Closing while the client still sends would answer it with RST, which can destroy the response on its way.
void HttpConnection::linger() {
  state_ = State::lingering;
  stream_->shutdown_send();
  if (peer_gone_) return drop();
  set_deadline(linger_timeout);
  wait_readable();
}

void HttpConnection::discard() {
  ReadBuffer buffer;
  Stream::Progress progress;
  for (int reads = 0; reads < max_reads_per_wake && progress.wait == Stream::Wait::none; ++reads) {
    progress = stream_->read(buffer.span());
    discarded_ += progress.bytes;
    if (progress.error || discarded_ > max_discarded_bytes) return drop();
  }
  read_on();
}

void HttpConnection::upgrade(std::uint64_t request, WebSocketUpgrade upgrade) {
  if (answered(request)) return;
  if (websocket_key_.empty()) {
    HttpResponse response = front_->render_error(426, "this address speaks WebSocket (version 13) only");
    response.headers.emplace_back("Upgrade", "websocket");
    response.headers.emplace_back("Sec-WebSocket-Version", "13");
    return write(std::move(response));
  }
  if (peer_gone_) return drop();
  const std::size_t limit = front_->settings.max_websockets;
  if (limit != 0 && front_->websockets >= limit) {
    HttpResponse response = front_->render_error(503, "too many WebSockets are open");
    response.close = true;
    return write(std::move(response));
  }
  const auto self = shared_from_this();
  state_ = State::over;
  deadline_.cancel();
  stream_->cancel_waits();
  stream_->unread(reader_.take_buffered());
  WebSocketAcceptance acceptance;
  acceptance.stream = std::move(stream_);
  acceptance.key = std::move(websocket_key_);
  acceptance.headers = std::move(upgrade.headers);
  acceptance.max_message_bytes = upgrade.max_message_bytes;
  acceptance.accepted = std::move(upgrade.accepted);
  ++front_->websockets;
  acceptance.socket_closed = [front = front_] { --front->websockets; };
  accept_websocket(std::move(acceptance));
  front_->connections.erase(this);
  if (front_->connection_ended) front_->connection_ended();
}

void HttpConnection::set_deadline(std::chrono::milliseconds after) {
  deadline_.after(after, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->enter([&] { self->on_deadline(); });
  });
}

void HttpConnection::on_deadline() {
  switch (state_) {
    case State::header: return fail(408, "the request header took too long");
    case State::body:
      if (!writing_) return fail(408, "the request body took too long");
      break;  // it did not even take the 100
    case State::writing: break;
    default: return drop();
  }
  stream_->reset();  // a client that does not read
  drop();
}

void HttpConnection::drop() {
  if (state_ == State::over) return;
  const auto self = shared_from_this();
  state_ = State::over;
  deadline_.cancel();
  receiver_.reset();
  uncount_body();
  if (answer_) answer_->more = nullptr;  // the rest belongs to a write that may be pending
  stream_->close();
  front_->connections.erase(this);
  if (front_->connection_ended) front_->connection_ended();
}

}  // namespace wharf::net
