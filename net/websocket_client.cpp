#include "net/websocket_client.h"

#include <optional>
#include <utility>

#include "net/dial.h"
#include "net/loop_guard.h"
#include "net/websocket_connection.h"

namespace wharf::net {

struct WebSocketClient::State {
  State(asio::io_context& l, const TlsTrust& trust)
      : loop(l), tls(make_client_context(trust.extra_ca_pem)), resolver(l) {}
  asio::io_context& loop;
  TlsContext tls;
  Resolver resolver;
};

namespace {

/// Dial, then ask for the upgrade.
class Opening : public std::enable_shared_from_this<Opening> {
 public:
  Opening(asio::io_context& loop, WebSocketRequest request, std::function<void(WebSocketResult)> done)
      : request_(std::move(request)), done_(std::move(done)), deadline_(new_alarm(loop.get_executor())) {}

  void run(asio::io_context& loop, Resolver& resolver, SSL_CTX* tls) {
    DialTarget target;
    target.host = request_.url.host;
    target.port = request_.url.port;
    target.secure = request_.url.secure();
    target.proxy = request_.proxy;
    target.deadline = std::chrono::steady_clock::now() + request_.timeout;
    deadline_.after(request_.timeout, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->fail("timed out waiting for the upgrade");
    });
    dial_.emplace(loop, resolver, tls, std::move(target), [weak = weak_from_this()](DialResult result) {
      if (const auto self = weak.lock()) self->enter([&] { self->on_dialled(std::move(result)); });
    });
  }

  void cancel() {
    const auto dropped = std::exchange(done_, nullptr);
    deadline_.cancel();
    dial_.reset();
    if (const auto take_back = std::exchange(cancel_opening_, nullptr)) take_back();
  }

 private:
  /// Runs an entry of the loop. An exception ends this attempt only.
  template <class Entry>
  void enter(Entry entry) {
    guard("WebSocket attempt", entry, [this] { fail("an internal error"); });
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
    WebSocketOpening opening;
    opening.stream = std::move(*result);
    opening.url = request_.url;
    opening.headers = request_.headers;
    opening.max_message_bytes = request_.max_message_bytes;
    opening.opened = [weak = weak_from_this()](WebSocketResult opened) {
      if (const auto self = weak.lock()) self->finish(std::move(opened));
    };
    cancel_opening_ = open_websocket(std::move(opening));
  }

  void fail(std::string message) {
    ConnectFailure failure;
    failure.message = std::move(message);
    finish(WebSocketResult(boost::system::in_place_error, std::move(failure)));
  }

  void finish(WebSocketResult result) {
    if (!done_) return;
    const auto self = shared_from_this();  // the callback may destroy the Attempt
    const auto done = std::exchange(done_, nullptr);
    cancel();
    request_ = WebSocketRequest();  // an Attempt may be kept as long as its socket
    guard("WebSocket opened", [&] { done(std::move(result)); });
  }

  WebSocketRequest request_;
  std::function<void(WebSocketResult)> done_;  // empty: over
  Timer deadline_;
  std::optional<Dial> dial_;
  std::function<void()> cancel_opening_;
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
