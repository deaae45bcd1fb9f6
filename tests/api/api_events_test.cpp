// Webhooks, WebSockets and long-polls over the API's sockets.
#include <algorithm>
#include <boost/json/parse.hpp>

#include "events/event.h"
#include "storage/changes.h"
#include "tests/api/api_daemon.h"

using namespace wharf;
using namespace wharf::api;
using test::Answer;
using test::check_documented;
using test::Daemon;
using test::Listener;
namespace json = boost::json;

TEST_CASE("webhooks are registered, shown without their secrets, tried and removed") {
  Daemon d;
  d.create("a");
  const Answer added = d.ask("POST", "/api/v1/sessions/a/webhooks",
                             R"({"url":"http://127.0.0.1:1/webhook","events":["message","ack","group_join"],
      "headers":{"Authorization":"Bearer your-token"},"secret":"some-secret"})");
  CHECK(added.status == 201);
  const json::object webhook = added.json().at("data").as_object();
  CHECK(webhook.at("headers").at("Authorization") == "Bearer your-token");
  check_documented(webhook, schemas::webhook);
  CHECK(webhook.at("org") == "default");
  CHECK(webhook.at("signed") == true);
  CHECK(webhook.at("sessionId") == "a");
  CHECK(added.body.find("some-secret") == std::string::npos);
  const std::string path = "/api/v1/sessions/a/webhooks/" + std::string(webhook.at("id").as_string());

  CHECK(d.ask("GET", "/api/v1/sessions/a/webhooks").body.find("your-token") == std::string::npos);
  CHECK(d.ask("GET", path).json().at("data").at("url") == "http://127.0.0.1:1/webhook");
  CHECK(d.ask("GET", "/api/v1/webhooks").json().at("data").as_array().empty());
  const std::string organisation_path = "/api/v1/webhooks/" + std::string(webhook.at("id").as_string());
  CHECK(d.ask("GET", organisation_path).code() == "WEBHOOK_NOT_FOUND");

  const json::object outcome = d.ask("POST", path + "/test").json().at("data").as_object();
  check_documented(outcome, schemas::delivery_outcome);
  CHECK(outcome.at("delivered") == false);
  CHECK(outcome.contains("error"));
  CHECK(d.ask("GET", path + "/deliveries").status == 200);
  CHECK(d.ask("POST", path + "/deliveries/999999/redeliver").code() == "EVENT_NOT_FOUND");
  CHECK(d.ask("POST", path + "/deliveries/x/redeliver").code() == "VALIDATION_ERROR");

  CHECK(d.ask("DELETE", path).status == 200);
  CHECK(d.ask("DELETE", path).status == 404);
  CHECK(d.ask("POST", "/api/v1/webhooks", R"({"url":"http://127.0.0.1:1/all"})")
            .json()
            .at("data")
            .at("sessionId")
            .is_null());
}

TEST_CASE("the same URL registered twice is one webhook, and PATCH changes it") {
  Daemon d;
  d.create("a");
  const std::string base = "/api/v1/sessions/a/webhooks";
  const json::object first =
      d.ask("POST", base,
            R"({"url":"http://127.0.0.1:1/w","events":["message","history.progress"],"headers":{"A":"secret-value"}})")
          .json()
          .at("data")
          .as_object();
  CHECK(first.at("notYetFired") == json::array({"history.progress"}));
  const Answer again = d.ask("POST", base, R"({"url":"http://127.0.0.1:1/w"})");
  CHECK(again.status == 201);
  CHECK(again.json().at("data").at("id") == first.at("id"));
  CHECK(again.json().at("data").at("events") == json::array({"message", "history.progress"}));
  CHECK(again.body.find("secret-value") == std::string::npos);
  CHECK(d.ask("GET", base).json().at("data").as_array().size() == 1);
  // Whoever registers it with something else gets that, and the rest stays.
  const Answer signing =
      d.ask("POST", base, R"({"url":"http://127.0.0.1:1/w","secret":"a-new-secret","events":["*"]})");
  CHECK(signing.status == 201);
  CHECK(signing.json().at("data").at("id") == first.at("id"));
  CHECK(signing.json().at("data").at("signed") == true);
  CHECK(signing.json().at("data").at("events") == json::array({"*"}));
  CHECK(signing.json().at("data").at("headers").as_object().contains("A"));
  const Answer unsigned_again = d.ask("POST", base, R"({"url":"http://127.0.0.1:1/w","events":["message"]})");
  CHECK(unsigned_again.json().at("data").at("secrets") == 1);
  CHECK(d.ask("POST", base, R"({"url":"http://127.0.0.1:1/w","secret":"a-new-secret"})")
            .json()
            .at("data")
            .at("secrets") == 1);

  const std::string path = base + "/" + std::string(first.at("id").as_string());
  const auto patch = [&](const char* body) { return d.ask("PATCH", path, body); };
  Answer changed = patch(R"({"url":"http://127.0.0.1:1/x","events":["ack"]})");
  CHECK(changed.status == 200);
  check_documented(changed.json().at("data"), schemas::webhook);
  CHECK(changed.json().at("data").at("url") == "http://127.0.0.1:1/x");
  CHECK(changed.json().at("data").at("events") == json::array({"ack"}));
  CHECK(changed.json().at("data").at("headers").as_object().contains("A"));
  CHECK(patch(R"({"secret":null,"previousSecret":null})").json().at("data").at("signed") == false);
  CHECK(patch(R"({"secret":"first-secret"})").json().at("data").at("secrets") == 1);
  CHECK(patch(R"({"secret":"second-secret"})").json().at("data").at("secrets") == 2);
  CHECK(patch(R"({"secret":"second-secret"})").json().at("data").at("secrets") == 2);  // a repeat ends nothing
  CHECK(patch(R"({"previousSecret":null})").json().at("data").at("secrets") == 1);
  CHECK(patch(R"({"secret":null})").json().at("data").at("signed") == false);
  CHECK(patch(R"({"headers":null})").json().at("data").at("headers").as_object().empty());
  for (const char* nothing : {"{}", R"({"foo":1})", R"({"url":null})"})
    CHECK(patch(nothing).code() == "VALIDATION_ERROR");
  CHECK(patch(R"({"events":[]})").code() == "VALIDATION_ERROR");
  CHECK(patch(R"({"url":"ftp://x/"})").code() == "VALIDATION_ERROR");
  CHECK(patch(R"({"paused":true})").code() == "NOT_IMPLEMENTED");
  d.ask("POST", base, R"({"url":"http://127.0.0.1:1/other"})");
  CHECK(patch(R"({"url":"http://127.0.0.1:1/other"})").code() == "WEBHOOK_ALREADY_EXISTS");
  CHECK(d.ask("PATCH", base + "/wh_none", R"({"events":["*"]})").code() == "WEBHOOK_NOT_FOUND");
  CHECK(d.ask("PATCH", "/api/v1/webhooks/" + std::string(first.at("id").as_string()), R"({"events":["*"]})").code() ==
        "WEBHOOK_NOT_FOUND");
}

TEST_CASE("private webhook addresses are refused unless allowed") {
  Daemon d({.webhooks_allow_private = false});
  for (const char* url : {"http://127.0.0.1/x", "http://localhost/x", "http://[::1]/x", "https://10.0.0.1/",
                          "http://169.254.169.254/latest"}) {
    INFO(url);
    const Answer answer = d.ask("POST", "/api/v1/webhooks", std::string(R"({"url":")") + url + R"("})");
    CHECK(answer.status == 400);
    CHECK(answer.json().at("error").at("details").as_object().contains("url"));
  }
}

TEST_CASE("events reach WebSockets and long-polls in one shape, and since= replays them") {
  Daemon d;
  d.create("a");
  Listener live(d, "/ws/a");
  Listener all(d, "/api/v1/events/ws?events=session.status,disconnected");
  REQUIRE(live.accepted());
  d.ask("POST", "/api/v1/sessions/a/stop");
  d.until([&] { return !live.texts.empty() && !all.texts.empty(); });
  const json::object event = json::parse(live.texts.back()).as_object();
  check_documented(event, schemas::event);
  CHECK(event.at("sessionId") == "a");
  CHECK(event.at("data").is_object());

  const json::object log = d.ask("GET", "/api/v1/events?session=a&after=0").json();
  const auto& events = log.at("data").as_array();
  REQUIRE_FALSE(events.empty());
  CHECK(log.at("nextCursor") == events.back().at("id"));

  for (const char* spelling : {"since=0", "cursor=0"})
    CHECK(d.ask("GET", std::string("/api/v1/events?session=a&") + spelling).json().at("data") == log.at("data"));
  Listener replayed(d, "/ws/a?after=0");
  d.until([&] { return replayed.texts.size() >= events.size(); });
  for (std::size_t i = 0; i < events.size(); ++i) CHECK(json::parse(replayed.texts[i]) == events[i]);
  CHECK(replayed.texts.back() == live.texts.back());  // the same bytes

  d.ask("DELETE", "/api/v1/sessions/a");
  d.until([&] { return !live.closed.empty(); });
}

TEST_CASE("an event goes by one id in the log, at its webhook and in a redelivery, and it is text") {
  Daemon d;
  d.create("a");
  const json::object hook = d.ask("POST", "/api/v1/webhooks", R"({"url":"http://127.0.0.1:1/w"})").json();
  const std::string deliveries =
      "/api/v1/webhooks/" + std::string(hook.at("data").at("id").as_string()) + "/deliveries";
  d.ask("POST", "/api/v1/sessions/a/stop");
  json::array waiting;
  d.until([&] {
    waiting = d.ask("GET", deliveries).json().at("data").as_array();
    return !waiting.empty();
  });
  check_documented(waiting.at(0), schemas::delivery);
  const std::string id(waiting.at(0).at("eventId").as_string());
  const json::object log = d.ask("GET", "/api/v1/events?after=0").json();
  const auto& events = log.at("data").as_array();
  const auto same = [&](const json::value& event) { return event.at("id") == json::value(id); };
  CHECK(std::count_if(events.begin(), events.end(), same) == 1);
  CHECK(log.at("nextCursor").is_string());
  const Answer again = d.ask("POST", deliveries + "/" + id + "/redeliver");
  CHECK(again.status == 202);
  CHECK(again.json().at("data").at("eventId") == json::value(id));
}

TEST_CASE("the request that caused an event is shown on the WebSocket and in the log") {
  Daemon d;
  d.create("a");
  Listener live(d, "/ws/a?events=ready");
  storage::Changes changes;
  events::Event told = events::Ready{protocol::Jid("1", "s.whatsapp.net"), {}, {}};
  told.request_id = "req-1";
  changes.emit(storage::NewEvent(d.id_of("a"), std::move(told), 5));
  d.commit(std::move(changes));
  d.until([&] { return !live.texts.empty(); });
  const json::value shown = json::parse(live.texts.back());
  check_documented(shown, schemas::event);
  CHECK(shown.at("requestId") == "req-1");
  const json::object log = d.ask("GET", "/api/v1/events?events=ready").json();
  CHECK(log.at("data").as_array().back() == shown);
}

TEST_CASE("everything that comes of the creation of a session names its request") {
  Daemon d;
  REQUIRE(d.ask("POST", "/api/v1/sessions", R"({"sessionId":"a"})", {{"X-Request-Id", "creates-a"}}).status == 201);
  const json::object log = d.ask("GET", "/api/v1/events").json();
  REQUIRE_FALSE(log.at("data").as_array().empty());
  for (const json::value& event : log.at("data").as_array()) CHECK(event.at("requestId") == "creates-a");
}

TEST_CASE("server-sent events are refused by name where only JSON is to be had") {
  Daemon d;
  CHECK(d.ask("GET", "/api/v1/events", {}, {{"Accept", "text/event-stream"}}).status == 406);
  CHECK(d.ask("GET", "/api/v1/events", {}, {{"Accept", "text/event-stream, application/json"}}).status == 200);
  CHECK(d.ask("GET", "/api/v1/events", {}, {{"Accept", "*/*"}}).status == 200);
}
