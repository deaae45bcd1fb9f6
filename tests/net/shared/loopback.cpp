#include "tests/net/loopback.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace wharf::test {

RawEnd::RawEnd(tcp::socket connected) : socket(std::move(connected)) {}
RawEnd::~RawEnd() = default;

std::shared_ptr<RawEnd> RawEnd::connect(asio::io_context& loop, std::uint16_t port) {
  tcp::socket socket(loop);
  socket.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port));
  auto end = std::make_shared<RawEnd>(std::move(socket));
  end->listen();
  return end;
}

void RawEnd::listen() {
  socket.async_read_some(asio::buffer(buffer),
                         [self = shared_from_this()](boost::system::error_code error, std::size_t size) {
                           if (error) {
                             self->closed = true;
                             self->hang_up();
                             if (const auto callback = self->on_closed) callback();
                             return;
                           }
                           self->heard.append(self->buffer.data(), size);
                           if (const auto callback = self->on_heard) callback();  // a copy: it may replace itself
                           self->listen();
                         });
}

void RawEnd::say(std::string text) {
  auto owned = std::make_shared<std::string>(std::move(text));
  asio::async_write(socket, asio::buffer(*owned),
                    [self = shared_from_this(), owned](boost::system::error_code, std::size_t) {});
}

void RawEnd::hang_up() {
  boost::system::error_code ignored;
  socket.shutdown(tcp::socket::shutdown_both, ignored);
  socket.close(ignored);
}

RawServer::RawServer(asio::io_context& loop, std::function<void(std::shared_ptr<RawEnd>)> on_accept)
    : acceptor_(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0)), on_accept_(std::move(on_accept)) {
  accept();
}

RawServer::~RawServer() {
  acceptor_.close();
  for (const auto& end : ends) {
    end->on_heard = nullptr;
    end->on_closed = nullptr;
    end->hang_up();
  }
}

std::uint16_t RawServer::port() const { return acceptor_.local_endpoint().port(); }

void RawServer::accept() {
  acceptor_.async_accept([this](boost::system::error_code error, tcp::socket socket) {
    if (error) return;
    ends.push_back(std::make_shared<RawEnd>(std::move(socket)));
    const auto end = ends.back();
    on_accept_(end);
    end->listen();
    accept();
  });
}

}  // namespace wharf::test
