#pragma once
// Raw TCP ends that say exactly what a test wants said.

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
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
  explicit RawEnd(tcp::socket connected);
  ~RawEnd();
  static std::shared_ptr<RawEnd> connect(asio::io_context& loop, std::uint16_t port);
  void listen();
  void say(std::string text);
  void hang_up();

  tcp::socket socket;
  std::string heard;
  bool closed = false;
  std::function<void()> on_heard, on_closed;
  std::array<char, 65536> buffer{};
};

/// Accepts connections and hands each to `on_accept`; counts them.
class RawServer {
 public:
  RawServer(asio::io_context& loop, std::function<void(std::shared_ptr<RawEnd>)> on_accept);
  ~RawServer();
  std::uint16_t port() const;
  std::vector<std::shared_ptr<RawEnd>> ends;

 private:
  void accept();
  tcp::acceptor acceptor_;
  std::function<void(std::shared_ptr<RawEnd>)> on_accept_;
};

}  // namespace wharf::test
