#pragma once
// The handle of an open WebSocket that its owner holds. The connection behind it lives as long as its own pending
// operations; the end of the handle without close() or abort() abandons it. Internal to net/.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/websocket.h"

namespace wharf::net {

template <class Connection>
class WebSocketHandle final : public WebSocket {
 public:
  explicit WebSocketHandle(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
  ~WebSocketHandle() override {
    if (!closed_) keep()->abandon();
  }
  // Each call holds the connection: a callback may destroy this handle.
  void start(Callbacks callbacks) override { keep()->start(std::move(callbacks)); }
  void send(MessageType type, std::vector<std::uint8_t> payload) override { keep()->send(type, std::move(payload)); }
  void ping() override { keep()->ping(); }
  std::size_t queued_bytes() const override { return connection_->queued_bytes(); }
  void when_drained(std::function<void()> callback) override { keep()->when_drained(std::move(callback)); }
  void pause(bool paused) override { keep()->pause(paused); }
  void close(std::uint16_t code, std::string_view reason) override {
    closed_ = true;
    keep()->close(code, reason);
  }
  void abort() override {
    closed_ = true;
    keep()->abort();
  }
  std::string remote_address() const override { return connection_->remote_address(); }

 private:
  std::shared_ptr<Connection> keep() const { return connection_; }
  std::shared_ptr<Connection> connection_;  // shared with its own pending operations
  bool closed_ = false;
};

}  // namespace wharf::net
