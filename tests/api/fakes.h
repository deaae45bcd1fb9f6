#pragma once
// What the API's tests put in place of the world: a clock they move, a client that keeps the answer, a WebSocket whose
// peer reads when told, a store in a temporary file that commits inline.

#include <unistd.h>

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <optional>

#include "api/event_id.h"
#include "api/router.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "net/websocket.h"
#include "storage/sessions.h"
#include "storage/store.h"
#include "tests/storage/injection.h"

namespace wharf::test {

/// The value of a result that must have one.
template <class R>
auto must(R result) {
  REQUIRE(result.has_value());
  return std::move(*result);
}

class FakeClock final : public net::Clock {
 public:
  std::int64_t unix_ms() const override { return now_ms; }
  net::SteadyTime steady() const override { return net::SteadyTime(std::chrono::milliseconds(now_ms)); }
  std::int64_t now_ms = 1'750'000'000'000;
};

/// A loop whose wall clock stands still until the test moves it; its timers run in real time.
class FakeTime final : public net::Scheduler {
 public:
  explicit FakeTime(net::asio::io_context& loop) : loop_(loop) {}
  std::int64_t unix_ms() const override { return now_ms; }
  net::SteadyTime steady() const override { return net::SteadyTime(std::chrono::milliseconds(now_ms)); }
  void post(std::function<void()> run) override { loop_.post(std::move(run)); }
  std::shared_ptr<net::Alarm> new_alarm() override { return loop_.new_alarm(); }
  std::int64_t now_ms = 1'750'000'000'000;

 private:
  net::LoopScheduler loop_;
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

/// A store in a temporary directory; commits run inline.
class TemporaryStore {
 public:
  TemporaryStore() {
    std::string pattern = (std::filesystem::temp_directory_path() / "wharf-api-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
    open();
  }
  ~TemporaryStore() {
    store.reset();
    std::filesystem::remove_all(directory_);
  }
  TemporaryStore(const TemporaryStore&) = delete;
  TemporaryStore& operator=(const TemporaryStore&) = delete;

  /// Closes and opens again, as a restarted daemon does.
  void open() {
    store.reset();
    storage::Store::Settings settings;
    settings.path = directory_ + "/wharf.db";
    settings.synchronous = storage::Synchronous::off;
    settings.before_change = [this](storage::Database& db, const storage::Change& change) -> protocol::Result<bool> {
      if (refuses && refuses(change)) return protocol::Error(protocol::Errc::storage_full, "the disk is full");
      return test::run_injected(db, change);
    };
    store = must(storage::Store::open(std::move(settings)));
  }
  void add_session(std::int64_t id, std::string name, storage::OrgId org = storage::default_org) {
    storage::SessionRow row;
    row.id = {id};
    row.org = org;
    row.name = std::move(name);
    row.status = "ready";
    row.config = "{}";
    storage::Changes changes;
    changes.add(storage::InsertSession{std::move(row)});
    store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  }
  void emit(std::int64_t session, std::string lane, std::string id) {
    storage::Changes changes;
    changes.emit(
        {{session},
         "message",
         std::move(lane),
         R"({"id":")" + id +
             R"(","chat":"1@s.whatsapp.net","author":"1@s.whatsapp.net","kind":"text","body":"hi","fromMe":false,"isGroup":false,"timestamp":1750000000000,"ack":0})",
         1'750'000'000'000});
    store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  }

  std::unique_ptr<storage::Store> store;
  std::function<bool(const storage::Change&)> refuses;  // a change that fails its turn

 private:
  std::string directory_;
};

}  // namespace wharf::test
