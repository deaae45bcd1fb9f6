#include "net/websocket_client.h"

#include <optional>
#include <utility>

#include "net/dial.h"
#include "net/http_message_reader.h"
#include "net/loop_guard.h"
#include "net/read_buffer.h"
#include "net/send_queue.h"
#include "net/websocket_connection.h"
#include "net/websocket_handshake.h"

namespace wharf::net {
namespace {

constexpr std::size_t max_answer_header_bytes = 16u << 10;
constexpr std::size_t max_answer_body_bytes = 4u << 10;  // of a refusal; nobody reads it

}  // namespace

struct WebSocketClient::State {
  State(asio::io_context& l, const TlsTrust& trust)
      : loop(l), tls(make_client_context(trust.extra_ca_pem)), resolver(l) {}
  asio::io_context& loop;
  TlsContext tls;
  Resolver resolver;
};

namespace {

/// Dial, ask for the upgrade, check the answer.
class Opening : public std::enable_shared_from_this<Opening> {
 public:
  Opening(asio::io_context& loop, WebSocketRequest request, std::function<void(WebSocketResult)> done)
      : request_(std::move(request)),
        done_(std::move(done)),
        deadline_(new_alarm(loop.get_executor())),
        key_(make_websocket_key()) {}

  void run(asio::io_context& loop, Resolver& resolver, SSL_CTX* tls) {
    DialTarget target;
    target.host = request_.url.host;
    target.port = request_.url.port;
    target.secure = request_.url.secure();
    target.proxy = request_.proxy;
    target.deadline = std::chrono::steady_clock::now() + request_.timeout;
    deadline_.after(request_.timeout, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->fail("timed out waiting for the upgrade", 0);
    });
    dial_.emplace(loop, resolver, tls, std::move(target), [weak = weak_from_this()](DialResult result) {
      if (const auto self = weak.lock()) self->enter([&] { self->on_dialled(std::move(result)); });
    });
  }

  void cancel() {
    const auto dropped = std::exchange(done_, nullptr);
    deadline_.cancel();
    dial_.reset();
    stream_.reset();
  }

 private:
  /// Runs an entry of the loop. An exception ends this attempt only.
  template <class Entry>
  void enter(Entry entry) {
    guard("WebSocket attempt", entry, [this] { fail("an internal error", 0); });
  }

  void on_dialled(DialResult result) {
    if (!done_) return;
    if (!result) {
      ConnectFailure failure;
      failure.message = result.error().message;
      failure.proxy = result.error().kind == OutgoingFailure::Kind::proxy;
      failure.proxy_login = result.error().kind == OutgoingFailure::Kind::proxy_login;
      return finish(WebSocketResult(boost::system::in_place_error, std::move(failure)));
    }
    stream_ = std::move(*result);
    queue_.append(make_upgrade_request(request_.url, request_.headers, key_));
    send();
  }

  void send() {
    switch (queue_.flush(*stream_)) {
      case SendQueue::Outcome::failed: return fail("write: " + stream_->failure(), 0);
      case SendQueue::Outcome::blocked: return wait(queue_.wait(), &Opening::send);
      case SendQueue::Outcome::sent: break;
    }
    HttpReadLimits limits;
    limits.max_header_bytes = max_answer_header_bytes;
    limits.max_body_bytes = max_answer_body_bytes;
    reader_.emplace(limits, HttpResponseReader::Expect::body);
    receive();
  }

  void receive() {
    ReadBuffer buffer;
    for (;;) {
      const Stream::Progress progress = stream_->read(buffer.span());
      if (progress.wait != Stream::Wait::none) return wait(progress.wait, &Opening::receive);
      if (progress.error) {
        // A refusal whose body ends with the connection is a refusal all the same.
        if (reader_->end_of_input() == HttpResponseReader::Progress::done) return conclude({});
        return fail("the connection ended before the upgrade: " + stream_->failure(), 0);
      }
      std::string_view bytes(reinterpret_cast<const char*>(buffer.span().data()), progress.bytes);
      switch (reader_->feed(bytes)) {
        case HttpResponseReader::Progress::more: break;
        case HttpResponseReader::Progress::failed: return fail(reader_->error_text(), 0);
        case HttpResponseReader::Progress::done: return conclude(bytes);
      }
    }
  }

  void conclude(std::string_view behind) {
    const std::string problem = check_upgrade_response(reader_->status(), reader_->headers(), key_);
    if (!problem.empty()) return fail(problem, reader_->status() == 101 ? 0 : reader_->status());
    WebSocketStart start;
    start.stream = std::move(stream_);
    start.max_message_bytes = request_.max_message_bytes;
    start.received = std::string(behind);
    finish(WebSocketResult(boost::system::in_place_value, make_websocket(std::move(start))));
  }

  void wait(Stream::Wait what, void (Opening::*next)()) {
    stream_->wait(what, [weak = weak_from_this(), next](boost::system::error_code error) {
      const auto self = weak.lock();
      if (!self || !self->done_) return;
      if (error) return self->fail(error.message(), 0);
      self->enter([&] { ((*self).*next)(); });
    });
  }

  void fail(std::string message, unsigned status) {
    ConnectFailure failure;
    failure.message = std::move(message);
    failure.http_status = status;
    finish(WebSocketResult(boost::system::in_place_error, std::move(failure)));
  }

  void finish(WebSocketResult result) {
    if (!done_) return;
    const auto self = shared_from_this();  // the callback may destroy the Attempt
    const auto done = std::exchange(done_, nullptr);
    cancel();
    reader_.reset();
    request_ = WebSocketRequest();  // an Attempt may be kept as long as its socket
    guard("WebSocket opened", [&] { done(std::move(result)); });
  }

  WebSocketRequest request_;
  std::function<void(WebSocketResult)> done_;  // empty: over
  Timer deadline_;
  std::string key_;
  std::optional<Dial> dial_;
  std::unique_ptr<Stream> stream_;
  SendQueue queue_;
  std::optional<HttpResponseReader> reader_;
};

}  // namespace

WebSocketClient::WebSocketClient(asio::io_context& loop, TlsTrust trust)
    : state_(std::make_shared<State>(loop, trust)) {}
WebSocketClient::~WebSocketClient() = default;

std::unique_ptr<WebSocketClient::Attempt> WebSocketClient::connect(WebSocketRequest request,
                                                                   std::function<void(WebSocketResult)> done) {
  struct OpeningAttempt final : Attempt {
    OpeningAttempt(std::shared_ptr<State> c, std::shared_ptr<Opening> o)
        : client(std::move(c)), opening(std::move(o)) {}
    ~OpeningAttempt() override { opening->cancel(); }
    std::shared_ptr<State> client;  // shared with the client: context and resolver outlive each attempt
    std::shared_ptr<Opening> opening;
  };
  auto opening = std::make_shared<Opening>(state_->loop, std::move(request), std::move(done));
  opening->run(state_->loop, state_->resolver, state_->tls.get());
  return std::make_unique<OpeningAttempt>(state_, std::move(opening));
}

}  // namespace wharf::net
