#pragma once
// What the API's tests put in place of the world: a clock they move, a client that keeps the answer, a WebSocket whose
// peer reads when told.

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/event_id.h"
#include "net/clock.h"
#include "net/http_server.h"
#include "net/websocket.h"

namespace wharf::test {

class FakeClock final : public net::Clock {
 public:
  std::int64_t unix_ms() const override { return now_ms; }
  net::SteadyTime steady() const override { return net::SteadyTime(std::chrono::milliseconds(now_ms)); }
  std::int64_t now_ms = 1'750'000'000'000;
};

/// The client's side of one request.
class FakeClient final : public net::Responder::Sink {
 public:
  void respond(net::HttpResponse response) override {
    REQUIRE_FALSE(answer);
    answer = std::move(response);
  }
  void upgrade(net::WebSocketUpgrade upgrade) override {
    upgraded = std::move(upgrade.accepted);
    upgrade_headers = std::move(upgrade.headers);
  }
  bool peer_gone() const override { return false; }

  std::optional<net::HttpResponse> answer;
  std::function<void(std::shared_ptr<net::WebSocket>)> upgraded;
  std::vector<std::pair<std::string, std::string>> upgrade_headers;

  boost::json::object json() const { return boost::json::parse(answer.value().body).as_object(); }
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : answer.value().headers)
      if (key == name) return value;
    return {};
  }
  std::string error_code() const { return std::string(json().at("error").at("code").as_string()); }
  boost::json::object details() const { return json().at("error").at("details").as_object(); }
};

inline net::HttpRequest request(std::string method, std::string target, std::string body = {}) {
  net::HttpRequest out;
  out.method = std::move(method);
  out.target = std::move(target);
  out.body = std::move(body);
  out.remote_address = "127.0.0.1:40000";
  if (!out.body.empty()) out.headers.emplace_back("content-type", "application/json");
  return out;
}

/// A subscriber's connection. Unread, it queues without bound, as a socket whose peer does not read.
class FakeSocket final : public net::WebSocket {
 public:
  void start(Callbacks given) override { callbacks = std::move(given); }
  void send(net::MessageType, std::vector<std::uint8_t> payload) override {
    if (close_code) return;
    if (!reading) queued += payload.size();
    received.emplace_back(payload.begin(), payload.end());
  }
  std::size_t queued_bytes() const override { return queued; }
  void when_drained(std::function<void()> callback) override {
    if (queued == 0) callback();
    else drained = std::move(callback);
  }
  void pause(bool) override {}
  void close(std::uint16_t code, std::string_view reason) override {
    close_code = code;
    close_reason = reason;
    callbacks = {};
  }
  void abort() override {
    close_code = 0;
    callbacks = {};
  }
  std::string remote_address() const override { return "127.0.0.1"; }

  std::vector<storage::EventId> ids() const {
    std::vector<storage::EventId> out;
    for (const std::string& text : received)
      out.push_back(api::parse_event_id(boost::json::parse(text).at("id").as_string()).value());
    return out;
  }

  Callbacks callbacks;
  bool reading = true;
  std::size_t queued = 0;
  std::function<void()> drained;
  std::vector<std::string> received;
  std::optional<std::uint16_t> close_code;
  std::string close_reason;
};

}  // namespace wharf::test
