#include "net/dial.h"

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <utility>

#include "net/loop_guard.h"
#include "net/proxy_handshake.h"
#include "net/send_queue.h"

namespace wharf::net {
namespace {

using Kind = OutgoingFailure::Kind;

constexpr std::chrono::milliseconds min_connect_time{250};
constexpr std::size_t proxy_read_bytes = 2048;

}  // namespace

struct Dial::State : std::enable_shared_from_this<Dial::State> {
  State(asio::io_context& l, Resolver& r, SSL_CTX* t, DialTarget where, std::function<void(DialResult)> callback)
      : loop(l),
        resolver(r),
        tls(t),
        target(std::move(where)),
        done(std::move(callback)),
        deadline(new_alarm(l.get_executor())),
        attempt(new_alarm(l.get_executor())) {}

  asio::io_context& loop;
  Resolver& resolver;
  SSL_CTX* tls;
  DialTarget target;
  std::function<void(DialResult)> done;  // empty: finished or cancelled
  Timer deadline;                        // of the whole dial
  Timer attempt;                         // of one address
  const char* step = "resolving";
  Addresses addresses;
  std::size_t next_address = 0;
  std::string connect_error;
  std::unique_ptr<TcpSocket> socket;  // connecting
  std::unique_ptr<Stream> stream;     // connected
  std::unique_ptr<ProxyHandshake> proxy;
  SendQueue queue;

  const std::string& peer_host() const { return target.proxy ? target.proxy->host : target.host; }
  std::uint16_t peer_port() const { return target.proxy ? target.proxy->port : target.port; }
  bool over() const { return !done; }

  /// Runs an entry of the loop. An exception ends this dial only.
  template <class Entry>
  void enter(Entry entry) {
    guard("dial", entry, [this] { fail(Kind::connect, "an internal error"); });
  }

  void run() {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(target.deadline - std::chrono::steady_clock::now());
    deadline.after(std::max(left, std::chrono::milliseconds(0)), [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self) self->fail(Kind::timeout, std::string("timed out while ") + self->step);
    });
    if (target.proxy) {
      proxy = make_proxy_handshake(*target.proxy, target.host, target.port);
      if (!proxy) return post_failure("unknown proxy protocol \"" + target.proxy->protocol + "\"");
    }
    resolver.resolve(peer_host(), [weak = weak_from_this()](const Resolved& resolved) {
      if (const auto self = weak.lock(); self && !self->over()) self->enter([&] { self->on_resolved(resolved); });
    });
  }

  void post_failure(std::string message) {
    attempt.after(std::chrono::milliseconds(0), [weak = weak_from_this(), message = std::move(message)] {
      if (const auto self = weak.lock()) self->fail(Kind::bad_address, message);
    });
  }

  void on_resolved(const Resolved& resolved) {
    if (!resolved) return fail(Kind::resolve, "resolving " + peer_host() + ": " + resolved.error());
    addresses = *resolved;
    if (target.globally_routable_only) {
      std::erase_if(addresses, [](const asio::ip::address& address) { return !globally_routable(address); });
      if (addresses.empty()) return fail(Kind::bad_address, peer_host() + " is not a public address");
    }
    connect_next();
  }

  void connect_next() {
    if (next_address >= addresses.size()) return fail(Kind::connect, connect_error);
    step = "connecting";
    const asio::ip::tcp::endpoint endpoint(addresses[next_address++], peer_port());
    connect_error = "connecting to " + to_text(endpoint) + ": ";
    socket = std::make_unique<TcpSocket>(loop.get_executor());
    // A silent address must leave time for the ones behind it.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(target.deadline - std::chrono::steady_clock::now());
    const auto share = std::max(left / static_cast<long>(addresses.size() - next_address + 1), min_connect_time);
    attempt.after(share, [weak = weak_from_this()] {
      if (const auto self = weak.lock(); self && !self->over())
        self->enter([&] { self->on_connect_failed("no answer"); });
    });
    socket->async_connect(endpoint, [weak = weak_from_this(), at = next_address,
                                     protocol = endpoint.protocol()](boost::system::error_code error) {
      const auto self = weak.lock();
      if (!self || self->over() || at != self->next_address || !self->socket) return;
      self->enter([&] {
        if (error) return self->on_connect_failed(error.message());
        self->take_connection(protocol);
      });
    });
  }

  void take_connection(const asio::ip::tcp& protocol) {
    attempt.cancel();
    // Waiting for the connection has registered the descriptor for writability, and Asio never takes that back: each
    // later wait would wake up once for nothing. A fresh registration knows only of input.
    TcpSocket connected(loop.get_executor());
    boost::system::error_code error;
    connected.assign(protocol, socket->release(error), error);
    if (error) return on_connect_failed(error.message());
    stream = std::make_unique<Stream>(std::move(connected));
    socket.reset();
    on_connected();
  }

  void on_connect_failed(const std::string& why) {
    connect_error += why;
    socket.reset();
    connect_next();
  }

  void on_connected() {
    if (!proxy) return target.secure ? start_tls(target.host) : succeed();
    if (target.proxy->protocol == "https") return start_tls(target.proxy->host);
    negotiate();
  }

  // ---- the tunnel

  void negotiate() {
    step = "negotiating with the proxy";
    queue.append(proxy->take_to_send());
    switch (queue.flush(*stream)) {
      case SendQueue::Outcome::failed: return fail(Kind::connect, "proxy: " + stream->failure());
      case SendQueue::Outcome::blocked: return wait(queue.wait(), &State::negotiate);
      case SendQueue::Outcome::sent: return hear_proxy();
    }
  }

  void hear_proxy() {
    std::array<std::uint8_t, proxy_read_bytes> bytes;
    for (;;) {
      const Stream::Progress progress = stream->read(bytes);
      if (progress.wait != Stream::Wait::none) return wait(progress.wait, &State::hear_proxy);
      if (progress.error) return fail(Kind::connect, "proxy: " + stream->failure());
      const std::string_view text(reinterpret_cast<const char*>(bytes.data()), progress.bytes);
      switch (proxy->feed(text)) {
        case ProxyHandshake::Progress::failed:
          return fail(proxy->login_refused() ? Kind::proxy_login : Kind::connect, proxy->failure());
        case ProxyHandshake::Progress::done: proxy.reset(); return target.secure ? start_tls(target.host) : succeed();
        case ProxyHandshake::Progress::more: break;
      }
      std::string answer = proxy->take_to_send();
      if (answer.empty()) continue;
      queue.append(std::move(answer));
      return negotiate();
    }
  }

  // ---- TLS, to the target or to an https proxy

  void start_tls(const std::string& name) {
    step = "in the TLS handshake";
    Tls layer = make_client_tls(tls, name);
    if (!layer) return fail(Kind::tls, "TLS: " + take_tls_error());
    stream->start_tls(std::move(layer));
    handshake();
  }

  void handshake() {
    const Stream::Progress progress = stream->handshake();
    if (progress.error) return fail(Kind::tls, "TLS: " + stream->failure());
    if (progress.wait != Stream::Wait::none) return wait(progress.wait, &State::handshake);
    if (proxy) return negotiate();
    succeed();
  }

  void wait(Stream::Wait what, void (State::*next)()) {
    stream->wait(what, [weak = weak_from_this(), next](boost::system::error_code error) {
      const auto self = weak.lock();
      if (!self || self->over()) return;
      if (error) return self->fail(Kind::connect, error.message());
      self->enter([&] { ((*self).*next)(); });
    });
  }

  // ---- the end

  void finish(DialResult result) {
    if (over()) return;
    const auto self = shared_from_this();  // the callback may destroy the Dial
    deadline.cancel();
    attempt.cancel();
    socket.reset();
    const auto callback = std::exchange(done, nullptr);
    callback(std::move(result));
  }
  void succeed() { finish(DialResult(boost::system::in_place_value, std::move(stream))); }
  void fail(Kind kind, std::string message) {
    stream.reset();
    OutgoingFailure failure;
    // `proxy` stands until it has let us through: whatever ends a dial before is its doing.
    failure.kind = proxy && kind != Kind::proxy_login ? Kind::proxy : kind;
    failure.message = std::move(message);
    finish(DialResult(boost::system::in_place_error, std::move(failure)));
  }
};

Dial::Dial(asio::io_context& loop, Resolver& resolver, SSL_CTX* tls, DialTarget target,
           std::function<void(DialResult)> done)
    : state_(std::make_shared<State>(loop, resolver, tls, std::move(target), std::move(done))) {
  state_->run();
}

Dial::~Dial() {
  const auto dropped = std::exchange(state_->done, nullptr);
  state_->deadline.cancel();
  state_->attempt.cancel();
  state_->socket.reset();
  state_->stream.reset();
}

}  // namespace wharf::net
