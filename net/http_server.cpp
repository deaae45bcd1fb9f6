#include "net/http_server.h"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>
#include <vector>

#include "net/http_connection.h"
#include "net/loop_guard.h"

namespace wharf::net {
namespace {

constexpr std::chrono::milliseconds accept_retry{100};  // when descriptors are out
constexpr std::size_t max_refusals = 64;                // connections over the limit that still get their 503
constexpr int backlog = 4096;

using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

}  // namespace

std::string_view HttpRequest::header(std::string_view lower_case_name) const {
  return find_header(headers, lower_case_name);
}

bool HttpRequest::has_header(std::string_view lower_case_name) const {
  return std::any_of(headers.begin(), headers.end(),
                     [lower_case_name](const auto& header) { return header.first == lower_case_name; });
}

void Responder::send(HttpResponse response) {
  if (sink_) sink_->respond(std::move(response));
}

void Responder::accept_websocket(WebSocketUpgrade upgrade) {
  if (sink_) sink_->upgrade(std::move(upgrade));
}

struct HttpServer::State : std::enable_shared_from_this<HttpServer::State> {
  explicit State(asio::io_context& l) : loop(l), acceptor(l.get_executor()), retry(new_alarm(l.get_executor())) {}

  asio::io_context& loop;
  Acceptor acceptor;
  Timer retry;
  std::shared_ptr<HttpFront> front = std::make_shared<HttpFront>();
  std::function<void()> drained;

  std::string listen();
  void accept();
  void accept_later();
  void admit(TcpSocket socket);
  void report_drained();
};

HttpServer::HttpServer(asio::io_context& loop, HttpServerSettings settings, Handler handler)
    : state_(std::make_shared<State>(loop)) {
  state_->front->settings = std::move(settings);
  state_->front->handler = std::move(handler);
  state_->front->connection_ended = [weak = std::weak_ptr<State>(state_)] {
    if (const auto state = weak.lock()) state->report_drained();
  };
}

HttpServer::~HttpServer() {
  stop_accepting();
  state_->front->stopped = true;
  state_->front->connection_ended = nullptr;
  state_->drained = nullptr;
  const auto connections = std::exchange(state_->front->connections, {});
  for (const auto& [key, connection] : connections) connection->drop();
}

boost::system::result<std::uint16_t, std::string> HttpServer::start() {
  const HttpServerSettings& settings = state_->front->settings;
  using Result = boost::system::result<std::uint16_t, std::string>;
  if (!settings.certificate_pem.empty() || !settings.private_key_pem.empty()) {
    try {
      state_->front->tls = make_server_context(settings.certificate_pem, settings.private_key_pem);
    } catch (const std::exception& error) {
      return Result(boost::system::in_place_error, error.what());
    }
  }
  std::string problem = state_->listen();
  if (!problem.empty()) {
    stop_accepting();
    const bool v6 = settings.listen.host.find(':') != std::string::npos;
    const std::string host = v6 ? "[" + settings.listen.host + "]" : settings.listen.host;
    return Result(boost::system::in_place_error,
                  "bind " + host + ":" + std::to_string(settings.listen.port) + ": " + problem);
  }
  state_->accept();
  boost::system::error_code ignored;
  return state_->acceptor.local_endpoint(ignored).port();
}

std::string HttpServer::State::listen() {
  const HostPort& where = front->settings.listen;
  boost::system::error_code error;
  asio::ip::tcp::endpoint endpoint(asio::ip::make_address(where.host, error), where.port);
  if (error) {
    asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver(loop.get_executor());
    const auto found =
        resolver.resolve(where.host, std::to_string(where.port), asio::ip::resolver_base::passive, error);
    if (error) return error.message();
    endpoint = found.begin()->endpoint();
  }
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(backlog, error);
  return error ? error.message() : "";
}

// Out of descriptors or memory: the waiting client stays in the backlog, trying at once would spin.
void HttpServer::State::accept_later() {
  retry.after(accept_retry, [weak = weak_from_this()] {
    if (const auto again = weak.lock()) again->accept();
  });
}

void HttpServer::State::accept() {
  if (!acceptor.is_open()) return;
  acceptor.async_accept(loop.get_executor(),
                        [weak = weak_from_this()](boost::system::error_code error, TcpSocket socket) {
                          const auto state = weak.lock();
                          if (!state || !state->acceptor.is_open()) return;
                          if (!error) {
                            guard("accepted connection", [&] { state->admit(std::move(socket)); });
                            return state->accept();
                          }
                          state->accept_later();
                        });
}

void HttpServer::State::admit(TcpSocket socket) {
  const std::size_t open = front->connections.size() + front->websockets;
  const std::size_t limit = front->settings.max_connections;
  if (open >= limit + max_refusals) return;  // closes
  const auto admission = open < limit ? HttpConnection::Admission::serve : HttpConnection::Admission::refuse;
  auto connection = std::make_shared<HttpConnection>(front, std::make_unique<Stream>(std::move(socket)), admission);
  front->connections.emplace(connection.get(), connection);
  connection->run();
}

void HttpServer::State::report_drained() {
  if (!drained || !front->connections.empty()) return;
  asio::post(loop, [weak = weak_from_this()] {
    const auto state = weak.lock();
    if (state && state->drained && state->front->connections.empty()) std::exchange(state->drained, nullptr)();
  });
}

void HttpServer::stop_accepting() {
  boost::system::error_code ignored;
  state_->retry.cancel();
  state_->acceptor.close(ignored);
}

void HttpServer::drain(std::function<void()> done) {
  stop_accepting();
  const auto state = state_;
  state->front->draining = true;
  state->drained = std::move(done);
  std::vector<std::shared_ptr<HttpConnection>> idle;
  for (const auto& [key, connection] : state->front->connections) {
    if (connection->idle()) idle.push_back(connection);
  }
  for (const auto& connection : idle) connection->drop();
  state->report_drained();
}

std::size_t HttpServer::connections() const { return state_->front->connections.size(); }
std::size_t HttpServer::websockets() const { return state_->front->websockets; }

}  // namespace wharf::net
