#include "sessions/config_json.h"

#include <catch2/catch.hpp>

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;

TEST_CASE("a stored config keeps its values, and missing ones their defaults") {
  const auto config = parse_config(R"({"qrTimeout":120,"multiDevice":false,"proxyServerCredentials":
    {"protocol":"socks5","address":"socks5://10.0.0.1:1080","username":"u","password":"p"}})");
  REQUIRE(config.qr_timeout == 120s);
  REQUIRE(config.auth_timeout == 60s);
  REQUIRE_FALSE(config.multi_device);
  REQUIRE(config.proxy.has_value());
  REQUIRE(config.proxy->host == "10.0.0.1");
  REQUIRE(config.proxy->port == 1080);
  REQUIRE_FALSE(parse_config("not json").proxy.has_value());
}

TEST_CASE("calls ring on unless the config rejects them") {
  CHECK(parse_config("{}").calls == CallPolicy());
  CHECK(parse_config(R"({"calls":{"reject":true,"rejectText":"later"}})").calls == CallPolicy{true, "later"});
  CHECK(parse_config(R"({"calls":{"reject":"yes"}})").calls == CallPolicy());
  CHECK(parse_config(R"({"calls":true})").calls == CallPolicy());
}

TEST_CASE("statuses are told only where the config says so") {
  CHECK_FALSE(parse_config("{}").statuses);
  CHECK(parse_config(R"({"statuses":true})").statuses);
  CHECK_FALSE(parse_config(R"({"statuses":"yes"})").statuses);
}

TEST_CASE("members of another type and times out of range do not make a config unusable") {
  const auto config = parse_config(R"({"qrTimeout":"soon","authTimeout":0,"multiDevice":1,
    "proxyServerCredentials":{"protocol":"http","address":"no port"}})");
  CHECK(config.qr_timeout == SessionConfig().qr_timeout);
  CHECK(config.auth_timeout == 1s);
  CHECK(config.multi_device);
  CHECK_FALSE(config.proxy.has_value());
  CHECK(parse_config(R"({"qrTimeout":1e9})").qr_timeout == 24h);
  CHECK_FALSE(parse_config(R"({"proxyServerCredentials":"http://10.0.0.1:1"})").proxy.has_value());
}
