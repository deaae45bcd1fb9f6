#pragma once
// Raw TCP ends that say exactly what a test wants said.

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/loop.h"

namespace wharf::test {

namespace asio = boost::asio;
using asio::ip::tcp;

/// One end of a TCP connection: collects what it hears.
class RawEnd : public std::enable_shared_from_this<RawEnd> {
 public:
  explicit RawEnd(tcp::socket connected) : socket(std::move(connected)) {}
  static std::shared_ptr<RawEnd> connect(asio::io_context& loop, std::uint16_t port) {
    tcp::socket socket(loop);
    socket.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port));
    auto end = std::make_shared<RawEnd>(std::move(socket));
    end->listen();
    return end;
  }
  void listen() {
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
  void say(std::string text) {
    auto owned = std::make_shared<std::string>(std::move(text));
    asio::async_write(socket, asio::buffer(*owned),
                      [self = shared_from_this(), owned](boost::system::error_code, std::size_t) {});
  }
  void hang_up() {
    boost::system::error_code ignored;
    socket.shutdown(tcp::socket::shutdown_both, ignored);
    socket.close(ignored);
  }

  tcp::socket socket;
  std::string heard;
  bool closed = false;
  std::function<void()> on_heard, on_closed;
  std::array<char, 65536> buffer{};
};

/// Accepts connections and hands each to `on_accept`; counts them.
class RawServer {
 public:
  RawServer(asio::io_context& loop, std::function<void(std::shared_ptr<RawEnd>)> on_accept)
      : acceptor_(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0)), on_accept_(std::move(on_accept)) {
    accept();
  }
  ~RawServer() {
    acceptor_.close();
    for (const auto& end : ends) {
      end->on_heard = nullptr;
      end->on_closed = nullptr;
      end->hang_up();
    }
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  std::vector<std::shared_ptr<RawEnd>> ends;

 private:
  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, tcp::socket socket) {
      if (error) return;
      ends.push_back(std::make_shared<RawEnd>(std::move(socket)));
      const auto end = ends.back();
      on_accept_(end);
      end->listen();
      accept();
    });
  }
  tcp::acceptor acceptor_;
  std::function<void(std::shared_ptr<RawEnd>)> on_accept_;
};

}  // namespace wharf::test
