#pragma once
// The control API in front of phones on a virtual clock.

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>

#include "sandbox/control_api.h"
#include "tests/sandbox/phone_world.h"

namespace wharf::sandbox::test {

namespace json = boost::json;

/// Keeps the one answer of a request.
struct Answered final : net::Responder::Sink {
  std::optional<net::HttpResponse> response;
  void respond(net::HttpResponse r) override {
    REQUIRE_FALSE(response.has_value());
    response = std::move(r);
  }
  void upgrade(net::WebSocketUpgrade) override {}
  bool peer_gone() const override { return false; }
};

struct Api : PhoneWorld {
  SandboxAddresses addresses{"ws://a", "wss://b", "00ff", "PEM", "https://c", ""};
  ControlApi control{network, phones, addresses, [](std::function<void()> effect) { effect(); }};

  std::shared_ptr<Answered> start(std::string method, std::string target, std::string body = "",
                                  std::string type = "application/json") {
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    if (!type.empty()) request.headers.emplace_back("content-type", std::move(type));
    auto sink = std::make_shared<Answered>();
    control.handle(std::move(request), net::Responder(sink));
    return sink;
  }
  net::HttpResponse call(std::string method, std::string target, std::string body = "",
                         std::string type = "application/json") {
    const auto sink = start(std::move(method), std::move(target), std::move(body), std::move(type));
    settle();
    REQUIRE(sink->response.has_value());
    return *sink->response;
  }
  /// The data of a successful answer.
  json::value data(std::string method, std::string target, std::string body = "", unsigned status = 200) {
    const auto response = call(std::move(method), std::move(target), std::move(body));
    INFO(response.body);
    REQUIRE(response.status == status);
    REQUIRE(response.content_type == "application/json");
    const json::value document = json::parse(response.body);
    REQUIRE(document.at("success").as_bool());
    return document.at("data");
  }
  /// The error of a failed answer.
  json::object error(const net::HttpResponse& response, unsigned status) {
    INFO(response.body);
    REQUIRE(response.status == status);
    const json::value document = json::parse(response.body);
    REQUIRE_FALSE(document.at("success").as_bool());
    REQUIRE(document.at("error").at("details").is_object());
    REQUIRE_FALSE(document.at("error").at("message").as_string().empty());
    return document.at("error").as_object();
  }
  void two_phones() {
    data("POST", "/sandbox/v1/phones", R"({"phone":"+1 555-000-0001","name":"Anna"})", 201);
    data("POST", "/sandbox/v1/phones", R"({"phone":"15550000002","name":"Ben"})", 201);
  }
};

}  // namespace wharf::sandbox::test
