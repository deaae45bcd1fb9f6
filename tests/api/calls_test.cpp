// Calls over the whole API: who is refused, and how, and what the config of a session says of them. What becomes of a
// call that rings is tests/sessions and tests/e2e.
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "tests/api/api_daemon.h"

using namespace wharf;
using namespace wharf::api;
using test::Answer;
using test::Daemon;
using test::DaemonSettings;
using test::gateway;

namespace json = boost::json;

namespace {

const std::string base = "/api/v1/sessions/a";

}  // namespace

TEST_CASE("a call of a session that is not connected cannot be rejected") {
  DaemonSettings settings;
  settings.linked = "a";
  Daemon d(settings);
  const Answer answer = d.ask("POST", base + "/calls/C1/reject");
  CHECK(answer.status == 409);
  CHECK(answer.code() == "SESSION_NOT_READY");
  CHECK(std::string(answer.json().at("error").at("details").at("nextStep").as_string())
            .find("/api/v1/sessions/a/start") != std::string::npos);
  CHECK(d.ask("POST", base + "/calls/C1/reject", "", gateway).code() == "session_not_ready");
  const Answer nowhere = d.ask("POST", "/api/v1/sessions/nowhere/calls/C1/reject");
  CHECK(nowhere.status == 404);
  CHECK(nowhere.code() == "SESSION_NOT_FOUND");
  CHECK(d.ask("GET", base + "/calls/C1/reject").status == 405);
}

TEST_CASE("what becomes of calls is in the config of a session, and is shown and changed there") {
  Daemon d;
  d.create("a");
  const Answer set = d.ask("PATCH", base, R"({"config":{"calls":{"reject":true,"rejectText":"Please write."}}})");
  CHECK(set.status == 200);
  const auto calls = [](const Answer& answer) { return answer.json().at("data").at("config").at("calls"); };
  CHECK(calls(set) == json::parse(R"({"reject":true,"rejectText":"Please write."})"));
  d.ask("PATCH", base, R"({"config":{"qrTimeout":60}})");
  CHECK(calls(d.ask("GET", base)) == json::parse(R"({"reject":true,"rejectText":"Please write."})"));
  CHECK(calls(d.ask("PATCH", base, R"({"config":{"calls":{"reject":false}}})")) == json::parse(R"({"reject":false})"));

  const auto refused = [&](const std::string& policy, const char* field) {
    INFO(policy);
    const Answer answer = d.ask("PATCH", base, R"({"config":{"calls":)" + policy + "}}");
    CHECK(answer.status == 400);
    CHECK(answer.json().at("error").at("details").as_object().contains(field));
  };
  refused(R"({"rejectText":"x"})", "config.calls.reject");
  refused(R"({"reject":"yes"})", "config.calls.reject");
  refused(R"({"reject":true,"rejectText":7})", "config.calls.rejectText");
  refused(R"({"reject":true,"rejectText":")" + std::string(4097, 'a') + R"("})", "config.calls.rejectText");
  refused("true", "config.calls");
  CHECK(calls(d.ask("GET", base)) == json::parse(R"({"reject":false})"));
}

TEST_CASE("null sets a field of the config back to its default, whatever it holds, and null for all of it all") {
  Daemon d;
  d.create("a");
  const std::string given =
      R"({"multiDevice":true,"headless":false,"qrTimeout":60,"authTimeout":90,"proxyServerCredentials":{"protocol":"http","address":"127.0.0.1:1"},"autoDownload":{"types":["image"],"maxBytes":5},"statuses":true,"presence":"unavailable","calls":{"reject":true,"rejectText":"x"}})";
  const json::object all = json::parse(given).as_object();
  for (const Field& field : schemas::session_config.fields) CHECK(all.contains(field.name));
  const auto config = [](const Answer& answer) {
    REQUIRE(answer.status == 200);
    return answer.json().at("data").at("config").as_object();
  };
  json::object left = all;
  CHECK(config(d.ask("PATCH", base, R"({"config":)" + given + "}")) == all);
  for (const auto& field : all) {
    INFO(field.key());
    left.erase(field.key());
    CHECK(config(d.ask("PATCH", base, R"({"config":{")" + std::string(field.key()) + R"(":null}})")) == left);
  }
  CHECK(config(d.ask("GET", base)).empty());
  // Of an object that is replaced whole its members are what is given.
  CHECK(config(d.ask("PATCH", base, R"({"config":{"calls":{"reject":true,"rejectText":null}}})")) ==
        json::parse(R"({"calls":{"reject":true}})").as_object());
  CHECK(config(d.ask("PATCH", base, R"({"config":)" + given + "}")) == all);
  CHECK(config(d.ask("PATCH", base, R"({"config":null})")).empty());
  const Answer made =
      d.ask("POST", "/api/v1/sessions", R"({"sessionId":"b","config":{"calls":null,"qrTimeout":null}})");
  REQUIRE(made.status == 201);
  CHECK(made.json().at("data").at("config").as_object().empty());
}
