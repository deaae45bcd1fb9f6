#include "net/http_connection.h"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "net/http_message_writer.h"
#include "net/read_buffer.h"
#include "net/websocket_connection.h"
#include "net/websocket_handshake.h"

namespace wharf::net {
namespace {

constexpr std::chrono::milliseconds linger_timeout{2'000};
constexpr std::size_t max_discarded_bytes = 16u << 20;
constexpr std::size_t max_pipelined_bytes = 64u << 10;  // kept while a request is handled
constexpr std::size_t body_step_bytes = 256u << 10;     // each such step of a body earns a new body_timeout
constexpr std::size_t gathered_body_bytes = SendQueue::chunk_bytes;

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

}  // namespace

HttpResponse HttpFront::render_error(unsigned status, std::string_view message) const {
  if (settings.render_error) return settings.render_error(status, message);
  return HttpResponse(status, "text/plain; charset=utf-8", std::string(message) + "\n");
}

HttpConnection::HttpConnection(std::shared_ptr<HttpFront> front, std::unique_ptr<Stream> stream, Admission admission)
    : front_(std::move(front)), stream_(std::move(stream)), deadline_(stream_->executor()), admission_(admission) {}

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
  reader_.emplace(HttpReadLimits{front_->settings.max_header_bytes, front_->settings.max_body_bytes});
  state_ = State::idle;
  set_deadline(first_ ? front_->settings.header_timeout : front_->settings.idle_timeout);
  if (input_.empty() && !stream_->read_ready()) return wait_readable();
  // Posted, not called: a row of pipelined requests must not become a deep stack.
  asio::post(stream_->executor(), [self = shared_from_this(), request = request_] {
    if (self->state_ != State::idle || self->request_ != request) return;
    self->enter([&] {
      // TLS may have taken the request from the kernel together with the end of the handshake.
      if (self->input_.empty()) return self->on_readable();
      const std::string pending = std::exchange(self->input_, {});
      self->parse(pending);
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
  ReadBuffer buffer;
  for (;;) {
    const Stream::Progress progress = stream_->read(buffer.span());
    if (progress.wait != Stream::Wait::none) return wait_readable();
    const std::string_view bytes(reinterpret_cast<const char*>(buffer.span().data()), progress.bytes);
    switch (state_) {
      case State::idle:
      case State::header:
      case State::body:
        if (progress.error) return drop();
        if (input_.empty()) parse(bytes);
        else input_.append(bytes);  // the posted parse of earlier bytes comes first
        break;
      case State::handling:
      case State::writing:
        // The request is being answered: notice a peer that leaves, and keep what it pipelines.
        if (progress.error) {
          peer_gone_ = true;
          return;
        }
        input_.append(bytes);
        break;
      case State::lingering:
        discarded_ += bytes.size();
        if (progress.error || discarded_ > max_discarded_bytes) return drop();
        break;
      case State::handshake:
      case State::over: return;
    }
    if (state_ == State::over) return;
    if (input_.size() >= max_pipelined_bytes) return;  // read on when these are served
    if (!stream_->read_ready()) return wait_readable();
  }
}

void HttpConnection::parse(std::string_view input) {
  for (;;) {
    const std::size_t before = input.size();
    const HttpRequestReader::Progress progress = reader_->feed(input);
    switch (progress) {
      case HttpRequestReader::Progress::header:
        if (state_ == State::idle && reader_->started()) {
          state_ = State::header;
          set_deadline(front_->settings.header_timeout);
        }
        return wait_readable();
      case HttpRequestReader::Progress::header_done:
        on_header();
        if (reader_->expects_continue() && input.empty()) {
          queue_.append(std::string_view("HTTP/1.1 100 Continue\r\n\r\n"));
          flush();
          if (state_ == State::over) return;
        }
        break;
      case HttpRequestReader::Progress::body:
        body_progress_ += before - input.size();
        if (body_progress_ >= body_step_bytes) {
          body_progress_ = 0;
          set_deadline(front_->settings.body_timeout);
        }
        return wait_readable();
      case HttpRequestReader::Progress::done: input_.assign(input); return dispatch();
      case HttpRequestReader::Progress::failed: return fail(reader_->error_status(), reader_->error_text());
    }
  }
}

void HttpConnection::on_header() {
  state_ = State::body;
  body_progress_ = 0;
  set_deadline(front_->settings.body_timeout);
  keep_alive_ = reader_->keep_alive();
  http_1_0_ = !reader_->http_1_1();
  head_ = reader_->method() == "HEAD";
}

void HttpConnection::dispatch() {
  HttpRequest request;
  request.method = reader_->method();
  request.target = origin_form(reader_->target());
  request.headers = reader_->headers();
  request.body = reader_->take_body();
  request.remote_address = stream_->remote_address();
  request.websocket_upgrade = is_upgrade_request(request.method, !http_1_0_, request.headers);
  websocket_key_ = request.websocket_upgrade ? std::string(request.header("sec-websocket-key")) : "";
  reader_.reset();
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
  if (!answered(number) && !peer_gone_ && input_.size() < max_pipelined_bytes) wait_readable();
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
  HttpResponse response = front_->render_error(status, message);
  response.close = true;
  // head_ is of an earlier request when this one never got that far.
  if (state_ != State::body) head_ = false;
  write(std::move(response));
}

void HttpConnection::write(HttpResponse response) {
  if (response.status < 200 || response.status > 999) response = front_->render_error(500, "invalid status");
  const bool has_body = status_has_body(response.status);
  const bool streamed = has_body && response.more;
  if (streamed && http_1_0_) response.close = true;  // its end is the end of the connection
  keep_alive_ = keep_alive_ && !response.close && !front_->draining && !front_->stopped && !peer_gone_;
  ResponseFraming framing;
  framing.close = !keep_alive_;
  framing.http_1_0 = http_1_0_;
  framing.head = head_;
  framing.streamed = streamed;
  std::string header = make_response_header(response, framing);
  if (!has_body || head_) response.body.clear();
  source_ = streamed && !head_ ? std::move(response.more) : BodySource();
  if (source_ && !http_1_0_) response.body = make_chunk(response.body, false);
  if (response.body.size() <= gathered_body_bytes) header += std::exchange(response.body, {});
  queue_.append(std::move(header));
  queue_.append(std::move(response.body));
  state_ = State::writing;
  set_deadline(front_->settings.body_timeout);
  if (!writing_) flush();
}

void HttpConnection::flush() {
  switch (queue_.flush(*stream_)) {
    case SendQueue::Outcome::failed: return drop();
    case SendQueue::Outcome::blocked: return wait_writable();
    case SendQueue::Outcome::sent:
      if (state_ == State::writing) response_sent();
      return;
  }
}

void HttpConnection::wait_writable() {
  writing_ = true;
  stream_->wait(queue_.wait(), [self = shared_from_this()](boost::system::error_code error) {
    self->writing_ = false;
    if (self->state_ == State::over) return;
    if (error) return self->drop();
    // Room again: the client is reading. One that stops for body_timeout is dropped.
    if (self->state_ == State::writing) self->set_deadline(self->front_->settings.body_timeout);
    self->enter([&] { self->flush(); });
  });
}

void HttpConnection::next_piece() {
  deadline_.cancel();                 // the time that making it takes is the handler's own business
  const BodySource source = source_;  // dropped while it runs, it must outlive itself
  source([weak = weak_from_this(), number = request_](BodyPiece piece) {
    if (const auto self = weak.lock()) self->enter([&] { self->take_piece(number, std::move(piece)); });
  });
}

void HttpConnection::take_piece(std::uint64_t request, BodyPiece piece) {
  if (state_ != State::writing || request != request_ || !source_) return;
  if (piece.end == BodyPiece::End::broken) {
    stream_->reset();
    return drop();
  }
  const bool last = piece.end == BodyPiece::End::last;
  if (last) source_ = nullptr;
  queue_.append(http_1_0_ ? std::move(piece.bytes) : make_chunk(piece.bytes, last));
  set_deadline(front_->settings.body_timeout);
  if (!writing_) flush();
}

void HttpConnection::response_sent() {
  if (source_) return next_piece();
  if (keep_alive_) return begin_request();
  linger();
}

// Closing while the client still sends would answer it with RST, which can destroy the response on its way.
void HttpConnection::linger() {
  state_ = State::lingering;
  stream_->shutdown_send();
  if (peer_gone_) return drop();
  set_deadline(linger_timeout);
  wait_readable();
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
  const Executor executor = stream_->executor();
  WebSocketStart start;
  start.stream = std::move(stream_);
  start.role = WebSocketRole::server;
  start.max_message_bytes = upgrade.max_message_bytes;
  start.received = std::move(input_);
  start.to_send = make_upgrade_response(websocket_key_, upgrade.headers);
  ++front_->websockets;
  start.socket_closed = [front = front_] { --front->websockets; };
  asio::post(executor, [accepted = std::move(upgrade.accepted), socket = make_websocket(std::move(start))]() mutable {
    guard("accepted WebSocket", [&] { accepted(std::move(socket)); });
  });
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
    case State::body: return fail(408, "the request body took too long");
    case State::writing:
      stream_->reset();  // a client that does not read
      return drop();
    default: return drop();
  }
}

void HttpConnection::drop() {
  if (state_ == State::over) return;
  const auto self = shared_from_this();
  state_ = State::over;
  deadline_.cancel();
  source_ = nullptr;
  queue_.clear();
  stream_->close();
  front_->connections.erase(this);
  if (front_->connection_ended) front_->connection_ended();
}

}  // namespace wharf::net
