#pragma once
// Webhooks delivered to a real HTTP server on loopback, from a real event log.

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/webhook_dispatcher.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "protocol/crypto/random.h"
#include "tests/api/fakes.h"

namespace wharf::test {

using namespace std::chrono_literals;

struct Received {
  std::string target, body, event_id;
  net::HttpRequest request;
};

// The user's back end: answers by a script per path, then 200.
struct BackEnd {
  explicit BackEnd(net::asio::io_context& loop)
      : server(loop, settings(), [this](net::HttpRequest request, net::Responder responder) {
          received.push_back({request.target, request.body, std::string(request.header("x-wharf-event-id")), request});
          auto& script = answers[request.target];
          if (hold.count(request.target) != 0) {
            held.push_back(responder);
            return;
          }
          net::HttpResponse response(200, "text/plain", "ok");
          if (!script.empty()) {
            response = script.front();
            script.pop_front();
          }
          responder.send(response);
        }) {
    port = must(server.start());
  }
  static net::HttpServerSettings settings() {
    net::HttpServerSettings out;
    out.listen = {"127.0.0.1", 0};
    return out;
  }
  std::string url(std::string path) const { return "http://127.0.0.1:" + std::to_string(port) + path; }
  std::vector<std::string> ids(const std::string& path) const {
    std::vector<std::string> out;
    for (const Received& r : received)
      if (r.target == path) out.push_back(r.event_id);
    return out;
  }

  std::vector<Received> received;
  std::map<std::string, std::deque<net::HttpResponse>> answers;
  std::set<std::string> hold;
  std::vector<net::Responder> held;
  net::HttpServer server;
  std::uint16_t port = 0;
};

struct WebhookWorld {
  WebhookWorld() {
    disk.add_session(1, "one");
    disk.add_session(2, "two");
    settings.allow_private = true;
    settings.first_retry = 1ms;
    restart();
  }
  ~WebhookWorld() { disk.store->on_events({}); }

  // A new process on the same files; requests under way are lost with the old one.
  void restart(const std::function<void()>& meanwhile = [] {}) {
    dispatcher.reset();
    http.reset();
    disk.store->on_events({});
    disk.open();
    meanwhile();
    http = std::make_unique<net::HttpClient>(loop, net::TlsTrust());
    texts = std::make_unique<api::EventTexts>(images);
    dispatcher = std::make_unique<api::WebhookDispatcher>(
        api::WebhookDispatcher::Ports{clock, random, *disk.store, *http}, *texts, api::Dialect::openwa, settings);
    dispatcher->start();
    disk.store->on_events([this](const std::vector<storage::Event>& events) { dispatcher->on_events(events); });
  }

  std::string add(std::string path, std::vector<std::string> events = {"*"}, std::optional<std::int64_t> session = 1,
                  storage::OrgId org = storage::default_org) {
    storage::WebhookRow row;
    row.id = "wh_" + path.substr(1);
    row.org = org;
    if (session) row.session = storage::SessionId{*session};
    row.url = back_end.url(path);
    row.events = std::move(events);
    dispatcher->add(row, [](protocol::Result<storage::WebhookRow> added) { REQUIRE(added.has_value()); });
    return row.id;
  }

  // Runs the loop until the condition holds. The deadline is for a broken build, not a measurement.
  template <class Condition>
  void until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    loop.restart();
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) FAIL("the loop never got there");
      loop.run_one_for(50ms);
    }
  }
  void until_received(std::size_t count) {
    until([&] { return back_end.received.size() >= count; });
  }
  storage::WebhookRow stored(const std::string& id) {
    for (auto& row : storage::load_webhooks(disk.store->reader()))
      if (row.id == id) return row;
    FAIL("no such webhook row");
    return {};
  }
  std::vector<storage::DeliveryRow> rows(const std::string& id) {
    return storage::load_deliveries(disk.store->reader(), id, 1000);
  }

  net::asio::io_context loop;
  FakeTime clock{loop};
  protocol::SeededRandom random{3};
  TemporaryStore disk;
  api::QrImages images;
  api::WebhookSettings settings;
  BackEnd back_end{loop};
  std::unique_ptr<net::HttpClient> http;
  std::unique_ptr<api::EventTexts> texts;
  std::unique_ptr<api::WebhookDispatcher> dispatcher;
};

}  // namespace wharf::test
