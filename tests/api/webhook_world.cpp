#include "tests/api/webhook_world.h"

#include <utility>

#include "net/http_client.h"
#include "storage/webhooks.h"
#include "tests/api/must.h"

namespace wharf::test {

FakeTime::FakeTime(net::asio::io_context& loop) : loop_(loop) {}
FakeTime::~FakeTime() = default;

std::int64_t FakeTime::unix_ms() const { return now_ms; }

net::SteadyTime FakeTime::steady() const { return net::SteadyTime(std::chrono::milliseconds(now_ms)); }

void FakeTime::post(std::function<void()> run) { loop_.post(std::move(run)); }

std::shared_ptr<net::Alarm> FakeTime::new_alarm() { return loop_.new_alarm(); }

// --- BackEnd

namespace {

net::HttpServerSettings on_loopback() {
  net::HttpServerSettings out;
  out.listen = {"127.0.0.1", 0};
  return out;
}

}  // namespace

BackEnd::BackEnd(net::asio::io_context& loop)
    : server(loop, on_loopback(), [this](net::HttpRequest request, net::Responder responder) {
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

BackEnd::~BackEnd() = default;

std::string BackEnd::url(std::string path) const { return "http://127.0.0.1:" + std::to_string(port) + path; }

std::vector<std::string> BackEnd::ids(const std::string& path) const {
  std::vector<std::string> out;
  for (const Received& r : received)
    if (r.target == path) out.push_back(r.event_id);
  return out;
}

// --- WebhookWorld

WebhookWorld::WebhookWorld() {
  disk.add_session(1, "one");
  disk.add_session(2, "two");
  settings.allow_private = true;
  settings.first_retry = 1ms;
  restart();
}

WebhookWorld::~WebhookWorld() { disk.store->on_events({}); }

void WebhookWorld::restart(const std::function<void()>& meanwhile) {
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

std::string WebhookWorld::add(std::string path, std::vector<std::string> events, std::optional<std::int64_t> session,
                              storage::OrgId org) {
  storage::WebhookRow row;
  row.id = "wh_" + path.substr(1);
  row.org = org;
  if (session) row.session = storage::SessionId{*session};
  row.url = back_end.url(path);
  row.events = std::move(events);
  dispatcher->add(row, [](protocol::Result<storage::WebhookRow> added) { REQUIRE(added.has_value()); });
  return row.id;
}

void WebhookWorld::until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  loop.restart();
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) FAIL("the loop never got there");
    loop.run_one_for(50ms);
  }
}

void WebhookWorld::until_received(std::size_t count) {
  until([&] { return back_end.received.size() >= count; });
}

storage::WebhookRow WebhookWorld::stored(const std::string& id) {
  for (auto& row : storage::load_webhooks(disk.store->reader()))
    if (row.id == id) return row;
  FAIL("no such webhook row");
  return {};
}

std::vector<storage::DeliveryRow> WebhookWorld::rows(const std::string& id) {
  return storage::load_deliveries(disk.store->reader(), id, 1000);
}

}  // namespace wharf::test
