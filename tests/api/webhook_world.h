#pragma once
// Webhooks delivered to a real HTTP server on loopback, from a real event log.

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/webhook_dispatcher.h"
#include "net/http_server.h"
#include "net/scheduler.h"
#include "protocol/crypto/random.h"
#include "tests/api/temporary_store.h"

namespace wharf::test {

using namespace std::chrono_literals;

/// A loop whose wall clock stands still until the test moves it; its timers run in real time.
class FakeTime final : public net::Scheduler {
 public:
  explicit FakeTime(net::asio::io_context& loop);
  ~FakeTime() override;
  std::int64_t unix_ms() const override;
  net::SteadyTime steady() const override;
  void post(std::function<void()> run) override;
  std::shared_ptr<net::Alarm> new_alarm() override;
  std::int64_t now_ms = 1'750'000'000'000;

 private:
  net::LoopScheduler loop_;
};

struct Received {
  std::string target, body, event_id;
  net::HttpRequest request;
};

// The user's back end: answers by a script per path, then 200.
struct BackEnd {
  explicit BackEnd(net::asio::io_context& loop);
  ~BackEnd();
  std::string url(std::string path) const;
  std::vector<std::string> ids(const std::string& path) const;

  std::vector<Received> received;
  std::map<std::string, std::deque<net::HttpResponse>> answers;
  std::set<std::string> hold;
  std::vector<net::Responder> held;
  net::HttpServer server;
  std::uint16_t port = 0;
};

struct WebhookWorld {
  WebhookWorld();
  ~WebhookWorld();

  // A new process on the same files; requests under way are lost with the old one.
  void restart(const std::function<void()>& meanwhile = [] {});

  std::string add(std::string path, std::vector<std::string> events = {"*"}, std::optional<std::int64_t> session = 1,
                  storage::OrgId org = storage::default_org);

  // Runs the loop until the condition holds. The deadline is for a broken build, not a measurement.
  void until(const std::function<bool()>& condition);
  void until_received(std::size_t count);
  storage::WebhookRow stored(const std::string& id);
  std::vector<storage::DeliveryRow> rows(const std::string& id);

  net::asio::io_context loop;
  FakeTime clock{loop};
  protocol::SeededRandom random{3};
  TemporaryStore disk;
  api::QrImages images;
  api::WebhookSettings settings;
  BackEnd back_end{loop};
  std::unique_ptr<net::OutgoingHttp> http;
  std::unique_ptr<api::EventTexts> texts;
  std::unique_ptr<api::WebhookDispatcher> dispatcher;
};

}  // namespace wharf::test
