#include "net/proxy_handshake.h"

#include <boost/asio/ip/address.hpp>
#include <utility>

#include "net/base64.h"
#include "net/http_message_reader.h"

namespace wharf::net {
namespace {

class HttpConnect final : public ProxyHandshake {
 public:
  HttpConnect(const Proxy& proxy, const std::string& host, std::uint16_t port)
      : reader_(HttpReadLimits{}, HttpResponseReader::Expect::no_body) {
    const std::string authority =
        (host.find(':') != std::string::npos ? "[" + host + "]" : host) + ":" + std::to_string(port);
    to_send_ = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
    if (!proxy.username.empty() || !proxy.password.empty()) {
      to_send_ += "Proxy-Authorization: " + basic_authorization(proxy.username, proxy.password) + "\r\n";
    }
    to_send_ += "\r\n";
  }

  Progress feed(std::string_view received) override {
    switch (reader_.feed(received)) {
      case HttpResponseReader::Progress::more: return Progress::more;
      case HttpResponseReader::Progress::failed: return fail(reader_.error_text());
      case HttpResponseReader::Progress::done: break;
    }
    if (reader_.status() == 407) return refuse_login("user name or password refused (HTTP 407)");
    if (reader_.status() / 100 != 2) return fail("CONNECT refused (HTTP " + std::to_string(reader_.status()) + ")");
    // In what we tunnel the client speaks first.
    if (!received.empty()) return fail("unexpected bytes behind the answer to CONNECT");
    return Progress::done;
  }

 private:
  HttpResponseReader reader_;
};

class Socks5 final : public ProxyHandshake {
 public:
  Socks5(const Proxy& proxy, std::string host, std::uint16_t port)
      : username_(proxy.username), password_(proxy.password), host_(std::move(host)), port_(port) {
    const bool with_password = !username_.empty() || !password_.empty();
    to_send_ = with_password ? std::string("\x05\x02\x00\x02", 4) : std::string("\x05\x01\x00", 3);
  }

  Progress feed(std::string_view received) override {
    received_.append(received);
    switch (step_) {
      case Step::method: return on_method();
      case Step::password: return on_password();
      case Step::reply: return on_reply();
    }
    return Progress::more;
  }

 private:
  enum class Step { method, password, reply };
  static constexpr std::size_t max_field = 255;

  unsigned byte(std::size_t at) const { return static_cast<unsigned char>(received_[at]); }
  Progress drop_exactly(std::size_t count) {
    if (received_.size() != count) return fail("unexpected bytes from the SOCKS server");
    received_.clear();
    return Progress::more;
  }

  Progress on_method() {
    if (received_.size() < 2) return Progress::more;
    const unsigned method = byte(1);
    if (byte(0) != 5) return fail("not a SOCKS5 server");
    if (drop_exactly(2) == Progress::failed) return Progress::failed;
    if (method == 0x00) return request();
    if (method != 0x02 || (username_.empty() && password_.empty()))
      return refuse_login("the SOCKS server wants another kind of login");
    if (username_.size() > max_field || password_.size() > max_field)
      return refuse_login("user name or password is longer than 255 bytes");
    to_send_ = "\x01";
    append_field(username_);
    append_field(password_);
    step_ = Step::password;
    return Progress::more;
  }

  Progress on_password() {
    if (received_.size() < 2) return Progress::more;
    if (byte(1) != 0) return refuse_login("user name or password refused");
    if (drop_exactly(2) == Progress::failed) return Progress::failed;
    return request();
  }

  Progress request() {
    to_send_ = std::string("\x05\x01\x00", 3);
    boost::system::error_code not_literal;
    const auto address = boost::asio::ip::make_address(host_, not_literal);
    if (not_literal) {
      if (host_.size() > max_field) return fail("the host name is too long for SOCKS");
      to_send_ += '\x03';
      append_field(host_);
    } else if (address.is_v4()) {
      to_send_ += '\x01';
      for (const auto b : address.to_v4().to_bytes()) to_send_ += static_cast<char>(b);
    } else {
      to_send_ += '\x04';
      for (const auto b : address.to_v6().to_bytes()) to_send_ += static_cast<char>(b);
    }
    to_send_ += static_cast<char>(port_ >> 8);
    to_send_ += static_cast<char>(port_ & 0xff);
    step_ = Step::reply;
    return Progress::more;
  }

  Progress on_reply() {
    static constexpr const char* reasons[] = {"",
                                              "general failure",
                                              "not allowed by its rules",
                                              "network unreachable",
                                              "host unreachable",
                                              "connection refused",
                                              "time to live expired",
                                              "command not supported",
                                              "address type not supported"};
    if (received_.size() >= 2 && byte(0) != 5) return fail("not a SOCKS5 server");
    if (received_.size() >= 2 && byte(1) != 0) {
      const unsigned code = byte(1);
      return fail(std::string("SOCKS connect failed: ") +
                  (code < std::size(reasons) ? reasons[code] : "unknown reason"));
    }
    if (received_.size() < 5) return Progress::more;
    std::size_t address_bytes = 0;
    switch (byte(3)) {
      case 1: address_bytes = 4; break;
      case 3: address_bytes = 1 + byte(4); break;
      case 4: address_bytes = 16; break;
      default: return fail("malformed SOCKS reply");
    }
    const std::size_t size = 4 + address_bytes + 2;
    if (received_.size() < size) return Progress::more;
    return drop_exactly(size) == Progress::failed ? Progress::failed : Progress::done;
  }

  void append_field(const std::string& text) {
    to_send_ += static_cast<char>(text.size());
    to_send_ += text;
  }

  std::string username_, password_, host_;
  std::uint16_t port_;
  Step step_ = Step::method;
  std::string received_;
};

}  // namespace

std::unique_ptr<ProxyHandshake> make_proxy_handshake(const Proxy& proxy, const std::string& host, std::uint16_t port) {
  if (proxy.protocol == "http" || proxy.protocol == "https") return std::make_unique<HttpConnect>(proxy, host, port);
  if (proxy.protocol == "socks5" || proxy.protocol == "socks5h") return std::make_unique<Socks5>(proxy, host, port);
  return nullptr;
}

}  // namespace wharf::net
