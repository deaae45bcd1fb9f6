// Sessions, chats and messages over the API's sockets.
#include <fmt/format.h>

#include "storage/changes.h"
#include "storage/messages.h"
#include "tests/api/api_daemon.h"
#include "tests/net/loopback.h"

using namespace wharf;
using namespace wharf::api;
using test::Answer;
using test::check_documented;
using test::Daemon;
using test::Listener;
namespace json = boost::json;

TEST_CASE("sessions are created, listed, changed and removed as the first API generation shows it") {
  Daemon d;
  const Answer created =
      d.ask("POST", "/api/v1/sessions",
            R"({"sessionId":"my-bot","waitForQR":false,"config":{"multiDevice":true,"headless":true,"qrTimeout":120,
      "proxyServerCredentials":{"protocol":"http","address":"127.0.0.1:1","username":"u","password":"secret"}},"metadata":{"tenant":7}})");
  CHECK(created.status == 201);
  CHECK(created.json().at("success") == true);
  CHECK(created.json().at("message") == "Session created successfully");
  const json::object data = created.json().at("data").as_object();
  check_documented(data, schemas::session);
  CHECK(data.at("org") == "default");
  CHECK(data.at("sessionId") == "my-bot");
  CHECK(data.at("status") == "initializing");
  CHECK(std::string(data.at("createdAt").as_string()).ends_with("Z"));
  CHECK(data.at("metadata") == json::object({{"tenant", 7}}));
  CHECK(created.body.find("secret") == std::string::npos);

  CHECK(d.create("my-bot").status == 409);
  CHECK(d.create("my-bot").code() == "SESSION_ALREADY_EXISTS");
  CHECK(d.create("second").status == 201);

  const json::object list = d.ask("GET", "/api/v1/sessions").json();
  REQUIRE(list.at("data").as_array().size() == 2);
  CHECK(list.at("data").at(0).at("sessionId") == "my-bot");
  const json::object info = d.ask("GET", "/api/v1/sessions/my-bot").json().at("data").as_object();
  CHECK(info.at("config").at("qrTimeout") == 120);
  CHECK(info.at("config").at("multiDevice") == true);
  CHECK(info.at("me").is_null());
  CHECK(info.contains("lastActivity"));

  const Answer changed =
      d.ask("PATCH", "/api/v1/sessions/my-bot", R"({"config":{"qrTimeout":60},"metadata":{"tenant":8}})");
  CHECK(changed.status == 200);
  CHECK(changed.json().at("data").at("config").at("qrTimeout") == 60);
  CHECK(changed.json().at("data").at("config").at("headless") == true);
  CHECK(changed.json().at("data").at("metadata").at("tenant") == 8);

  const json::object status = d.ask("GET", "/api/v1/sessions/my-bot/status").json().at("data").as_object();
  check_documented(status, schemas::session_status);
  CHECK(status.contains("status"));
  CHECK(status.contains("connection"));
  CHECK(status.contains("lastActivity"));

  CHECK(d.ask("GET", "/api/v1/sessions/my-bot/qr").code() == "QR_NOT_AVAILABLE");
  CHECK(d.ask("GET", "/api/v1/sessions/my-bot/me").code() == "SESSION_NOT_READY");
  CHECK(d.ask("POST", "/api/v1/sessions/my-bot/stop").status == 200);
  CHECK(d.ask("POST", "/api/v1/sessions/my-bot/start").status == 200);

  const Answer removed = d.ask("DELETE", "/api/v1/sessions/my-bot");
  CHECK(removed.status == 200);
  CHECK(removed.json().at("message") == "Session removed successfully");
  const Answer gone = d.ask("GET", "/api/v1/sessions/my-bot");
  CHECK(gone.status == 404);
  CHECK(gone.code() == "SESSION_NOT_FOUND");
  CHECK(gone.json().at("error").at("message") == "Session with ID 'my-bot' not found");
}

TEST_CASE("every session route answers 404 for an unknown session") {
  Daemon d;
  for (const char* path : {"/status", "/qr", "/qr/image", "/me", "/chats", "/chats/1234567890@c.us/messages",
                           "/webhooks", "/messages/ABC"}) {
    INFO(path);
    const Answer answer = d.ask("GET", std::string("/api/v1/sessions/nobody") + path, {},
                                {{"Accept", "application/json; profile=gateway"}});
    CHECK(answer.status == 404);
    CHECK(answer.code() == "not_found");
  }
  CHECK(d.ask("POST", "/api/v1/sessions/nobody/send-text", R"({"chatId":"1234567890@c.us","content":"x"})").code() ==
        "SESSION_NOT_FOUND");
  CHECK(d.ask("POST", "/api/v1/sessions/nobody/webhooks", R"({"url":"https://x.example/"})").code() ==
        "SESSION_NOT_FOUND");
  CHECK(d.ask("DELETE", "/api/v1/sessions/nobody").code() == "SESSION_NOT_FOUND");
  CHECK(d.ask("GET", "/api/v1/events?session=nobody").code() == "SESSION_NOT_FOUND");
  CHECK(Listener(d, "/ws/nobody").refused == 404);
}

TEST_CASE("the gateway dialect's presence tells a bad request and an unknown session before that it is missing") {
  Daemon d;
  d.create("a");
  const std::vector<std::pair<std::string, std::string>> gateway = {{"Accept", "application/json; profile=gateway"}};
  CHECK(d.ask("PUT", "/api/v1/sessions/a/chats/1234567890@c.us/presence", R"({"state":"singing"})", gateway).code() ==
        "validation_error");
  CHECK(d.ask("PUT", "/api/v1/sessions/nobody/chats/1234567890@c.us/presence", R"({"state":"composing"})", gateway)
            .code() == "not_found");
  CHECK(d.ask("PUT", "/api/v1/sessions/a/chats/nowhere/presence", R"({"state":"composing"})").code() ==
        "INVALID_CHAT_ID");
  const Answer answer =
      d.ask("PUT", "/api/v1/sessions/a/chats/1234567890@c.us/presence", R"({"state":"composing"})", gateway);
  CHECK(answer.status == 501);
  CHECK(answer.code() == "not_implemented");
}

TEST_CASE("a session that was never linked does not accept messages") {
  Daemon d;
  d.create("a");
  const Answer answer =
      d.ask("POST", "/api/v1/sessions/a/send-text", R"({"chatId":"1234567890@c.us","content":"Hello, World!"})");
  CHECK(answer.status == 409);
  CHECK(answer.code() == "SESSION_NOT_READY");
}

TEST_CASE("the number of sessions is bounded") {
  Daemon d({.max_sessions = 2});
  CHECK(d.create("a").status == 201);
  CHECK(d.create("b").status == 201);
  CHECK(d.create("c").code() == "MAX_SESSIONS_REACHED");
}

TEST_CASE("chats and messages are paged in both dialects") {
  Daemon d;
  d.create("a");
  for (int i = 1; i <= 25; ++i) d.insert(d.id_of("a"), i);

  const json::object chats = d.ask("GET", "/api/v1/sessions/a/chats").json();
  REQUIRE(chats.at("data").as_array().size() == 1);
  const json::object chat = chats.at("data").at(0).as_object();
  check_documented(chat, schemas::chat);
  CHECK(chat.at("id") == "1234567890@c.us");
  CHECK(chat.at("name") == "John Doe");
  CHECK(chat.at("isGroup") == false);
  CHECK(chat.at("unreadCount") == 25);
  CHECK(chat.at("lastMessage").at("body") == "body 25");
  CHECK(chats.at("nextCursor").is_null());

  const std::string messages = "/api/v1/sessions/a/chats/1234567890%40c.us/messages";
  json::object page = d.ask("GET", messages + "?limit=10").json();
  REQUIRE(page.at("data").as_array().size() == 10);
  check_documented(page.at("data").at(0), schemas::message);
  CHECK(page.at("data").at(0).at("body") == "body 25");
  CHECK(page.at("data").at(0).at("id") == "true_1234567890@c.us_MSG25");
  page = d.ask("GET", messages + "?limit=10&cursor=" + std::string(page.at("nextCursor").as_string())).json();
  CHECK(page.at("data").at(0).at("body") == "body 15");
  page = d.ask("GET", messages + "?limit=10&cursor=" + std::string(page.at("nextCursor").as_string())).json();
  CHECK(page.at("data").as_array().size() == 5);
  CHECK(page.at("nextCursor").is_null());

  for (const char* before : {"true_1234567890@c.us_MSG6", "MSG6"}) {
    const json::object older = d.ask("GET", messages + "?before=" + before).json();
    REQUIRE(older.at("data").as_array().size() == 5);
    CHECK(older.at("data").at(0).at("body") == "body 5");
  }
  CHECK(d.ask("GET", messages + "?before=NOSUCH").code() == "MESSAGE_NOT_FOUND");
  for (const char* cursor : {"x", "m", "m0", "m-1", "m01", "m1x", "1"})
    CHECK(d.ask("GET", messages + "?cursor=" + cursor).json().at("error").at("details").as_object().contains("cursor"));
  CHECK(d.ask("GET", messages).json().at("data").as_array().size() == 25);
  CHECK(d.ask("GET", messages + "?limit=0").json().at("data").as_array().size() == 25);

  const std::vector<std::pair<std::string, std::string>> gateway = {{"Accept", "application/json; profile=gateway"}};
  const json::object theirs =
      d.ask("GET", "/api/v1/sessions/a/chats/+1%20234-567%20890/messages?limit=1", {}, gateway).json();
  check_documented(theirs.at("data").at(0), schemas::message);
  CHECK(theirs.at("data").at(0).at("id") == "MSG25");
  CHECK(theirs.at("data").at(0).at("chatJid") == "1234567890@s.whatsapp.net");
  CHECK(theirs.at("data").at(0).at("timestamp") == 1642694623000);
  CHECK(d.ask("GET", "/api/v1/sessions/a/messages/true_1234567890@c.us_MSG7").json().at("data").at("body") == "body 7");

  CHECK(d.ask("GET", "/api/v1/sessions/a/chats/555555555/messages", {}, gateway).code() == "not_found");
  CHECK(d.ask("GET", "/api/v1/sessions/a/chats/bad/messages").code() == "INVALID_CHAT_ID");
  CHECK(d.ask("DELETE", "/api/v1/sessions/a/chats/1234567890@c.us").status == 204);
  CHECK(d.ask("DELETE", "/api/v1/sessions/a/chats/1234567890@c.us").status == 404);
  CHECK(d.ask("GET", "/api/v1/sessions/a/chats").json().at("data").as_array().empty());
}

TEST_CASE("the list of many sessions comes whole and in order, in slices that no client sees") {
  Daemon d;
  CHECK(d.ask("GET", "/api/v1/sessions").body == R"({"success":true,"data":[]})");
  constexpr std::size_t sessions = 230;
  for (std::size_t i = 0; i < sessions; ++i) {
    REQUIRE(d.create(fmt::format("s{}", i)).status == 201);
    if (i + 1 != 100 && i + 1 != sessions) continue;
    const Answer answer = d.ask("GET", "/api/v1/sessions");
    CHECK(answer.header("transfer-encoding") == "chunked");
    const json::array all = answer.json().at("data").as_array();
    REQUIRE(all.size() == i + 1);
    for (std::size_t k = 0; k <= i; ++k) REQUIRE(all[k].at("sessionId").as_string() == fmt::format("s{}", k));
    check_documented(all.at(i), schemas::session);
  }
}

TEST_CASE("without a limit the chats come all, in slices that no client sees") {
  Daemon d;
  d.create("a");
  CHECK(d.ask("GET", "/api/v1/sessions/a/chats").body == R"({"success":true,"data":[],"nextCursor":null})");
  storage::Changes changes;
  constexpr int chats = 730;
  for (int i = 0; i < chats; ++i) {
    storage::MessageRow row;
    row.session = d.id_of("a");
    row.chat = row.author = protocol::Jid(std::to_string(1'000'000'000 + i), "s.whatsapp.net");
    row.id = "M" + std::to_string(i);
    row.kind = "text";
    row.body = "body " + std::to_string(i);
    row.timestamp = 1'642'694'598'000 + i * 1000;
    changes.add(storage::InsertMessage{std::move(row), true, std::nullopt});
  }
  d.commit(std::move(changes));

  for (const char* path : {"/api/v1/sessions/a/chats", "/api/v1/sessions/a/chats?limit=0"}) {
    const Answer answer = d.ask("GET", path);
    CHECK(answer.header("transfer-encoding") == "chunked");
    CHECK_FALSE((answer.header("X-Request-Id").empty() && answer.header("x-request-id").empty()));
    const json::object all = answer.json();
    CHECK(all.at("nextCursor").is_null());
    REQUIRE(all.at("data").as_array().size() == chats);
    for (int i = 0; i < chats; ++i) {
      const json::object& chat = all.at("data").as_array()[static_cast<std::size_t>(i)].as_object();
      REQUIRE(chat.at("id").as_string() == std::to_string(1'000'000'000 + chats - 1 - i) + "@c.us");
    }
    check_documented(all.at("data").at(700), schemas::chat);
  }
  const json::object page = d.ask("GET", "/api/v1/sessions/a/chats?limit=50").json();
  CHECK(page.at("data").as_array().size() == 50);
  const std::string next(page.at("nextCursor").as_string());
  CHECK(d.ask("GET", "/api/v1/sessions/a/chats?cursor=" + next).json().at("data").as_array().size() == 50);
  for (const char* bogus : {"bogus", "1", "1.", ".1", "m1", "01.1", "1.01", "1.-0", "1.1x"}) {
    INFO(bogus);
    const Answer answer = d.ask("GET", std::string("/api/v1/sessions/a/chats?cursor=") + bogus);
    CHECK(answer.status == 400);
    CHECK(answer.json().at("error").at("details").as_object().contains("cursor"));
  }
  CHECK(
      d.ask("GET", "/api/v1/sessions/a/chats?limit=x").json().at("error").at("details").as_object().contains("limit"));
}

TEST_CASE("an address where no proxy listens is told as such, not as the network's failure") {
  Daemon d;
  const std::string closed = [&] {
    test::RawServer gone(d.loop(), [](std::shared_ptr<test::RawEnd>) {});
    return fmt::format("127.0.0.1:{}", gone.port());
  }();
  const std::string body = fmt::format(
      R"({{"sessionId":"p","config":{{"proxyServerCredentials":{{"protocol":"http","address":"{}"}}}}}})", closed);
  REQUIRE(d.ask("POST", "/api/v1/sessions", body).status == 201);
  d.until([&] { return d.has_reason("p"); });
  const json::value shown = d.ask("GET", "/api/v1/sessions/p").json();
  CHECK(shown.at("data").at("reason").at("code") == "proxy_unreachable");
  // A QR that is not there says why in fields, not in one text.
  const json::value qr = d.ask("GET", "/api/v1/sessions/p/qr").json();
  CHECK(qr.at("error").at("details").at("reason") == "proxy_unreachable");
  CHECK(qr.at("error").at("details").at("nextStep").as_string().find("PATCH") != std::string::npos);
}

TEST_CASE(
    "a proxy that refuses the login is the reason that a session shows, while it tries and after its QR time-out") {
  Daemon d;
  const auto refuses_http = [](std::shared_ptr<test::RawEnd> end) {
    end->on_heard = [end = end.get()] {
      if (end->heard.find("\r\n\r\n") == std::string::npos) return;
      end->say("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    };
  };
  const auto refuses_socks = [](std::shared_ptr<test::RawEnd> end) {
    end->on_heard = [end = end.get()] {
      const bool greeting = end->heard.front() == 5;
      end->heard.clear();
      end->say(greeting ? std::string("\x05\x02") : std::string("\x01\x01"));  // a login, please; not this one
    };
  };
  test::RawServer http(d.loop(), refuses_http), socks(d.loop(), refuses_socks);
  struct Row {
    const char* protocol;
    std::uint16_t port;
  };
  for (const Row& row : {Row{"http", http.port()}, Row{"socks5", socks.port()}}) {
    INFO(row.protocol);
    const std::string name = fmt::format("by-{}", row.protocol);
    const std::string path = "/api/v1/sessions/" + name;
    const auto shown = [&] { return d.ask("GET", path).json().at("data").as_object(); };
    const std::string proxy = fmt::format(
        R"({{"protocol":"{}","address":"127.0.0.1:{}","username":"u","password":"wrong"}})", row.protocol, row.port);
    const std::string body =
        fmt::format(R"({{"sessionId":"{}","config":{{"qrTimeout":1,"proxyServerCredentials":{}}}}})", name, proxy);
    REQUIRE(d.ask("POST", "/api/v1/sessions", body).status == 201);
    d.until([&] { return d.has_reason(name); });
    const json::object trying = shown();
    REQUIRE(trying.at("reason").at("code") == "proxy_refused");
    CHECK(std::string(trying.at("reason").at("nextStep").as_string()).find("proxyServerCredentials") !=
          std::string::npos);
    d.until([&] { return d.has_failed(name); });
    const json::object failed = shown();
    CHECK(failed.at("status") == "failed");
    CHECK(failed.at("reason").at("code") == "proxy_refused");
    CHECK(std::string(failed.at("reason").at("message").as_string()).find("timeout") == std::string::npos);
    CHECK(failed.at("reason").at("nextStep").as_string().find("/start") != std::string::npos);
    const Answer code = d.ask("POST", path + "/pairing-code", R"({"phone":"15550000009"})");
    CHECK(code.status == 409);
    const std::string ended(code.json().at("error").at("message").as_string());
    CHECK(ended.starts_with("the session has ended: "));
    CHECK(ended.ends_with("; POST " + path + "/start first"));
    const json::object details = code.json().at("error").at("details").as_object();
    CHECK(details.at("reason") == "proxy_refused");
    CHECK(details.at("nextStep") == failed.at("reason").at("nextStep"));
  }
}
