#include "protocol/mex/json.h"

#include <catch2/catch.hpp>

#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

Result<Json> parse(std::string_view text, const JsonLimits& limits = {}) { return parse_json(as_bytes(text), limits); }
Errc refusal(std::string_view text) {
  const auto parsed = parse(text);
  return parsed ? Errc::none : parsed.error().code;
}
std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

}  // namespace

TEST_CASE("members are read by name, and the wrong kind reads as nothing") {
  const Json json = parse(R"({"a":{"b":"text"},"list":[1,"2",true],"null":null})").value();
  REQUIRE(json["a"]["b"].text() == "text");
  REQUIRE(json["a"]["b"]["deeper"].is_null());
  REQUIRE(json["list"].items().size() == 3);
  REQUIRE(json["list"].items()[2].boolean() == true);
  REQUIRE(json["list"].members().empty());
  REQUIRE(json["a"].items().empty());
  REQUIRE_FALSE(json["a"].text());
  REQUIRE_FALSE(json["a"]["b"].number());
  REQUIRE_FALSE(json["list"].items()[0].boolean());
  REQUIRE(json["null"].is_null());
  REQUIRE(json.has("null"));
  REQUIRE_FALSE(json.has("absent"));
}

TEST_CASE("a number may come as a text, and nothing but a whole number from 0 on is one") {
  const auto number = [](std::string_view text) { return parse(text).value().number(); };
  REQUIRE(number("17") == 17);
  REQUIRE(number("\"17\"") == 17);
  REQUIRE(number("9223372036854775807") == INT64_MAX);
  REQUIRE(number("\"9223372036854775807\"") == INT64_MAX);
  for (const char* bad :
       {"-1", "1.5", "1e2", "9223372036854775808", "\"9223372036854775808\"", "18446744073709551616",
        "\"18446744073709551616\"", "\"\"", "\" 1\"", "\"1x\"", "\"-1\"", "true", "null", "[]", "{}"}) {
    CAPTURE(bad);
    REQUIRE_FALSE(number(bad));
  }
}

TEST_CASE("what is built is written and read again") {
  Json json = Json::object().set("text", "a\"\n\u00e9").set("n", 5u).set("yes", true).set("none", Json());
  json.set("list", Json::array().push(Json::object()).push("x"));
  json.set("n", std::uint64_t{UINT64_MAX});  // again: replaced
  json.set_if("absent", std::optional<std::uint64_t>()).set_if("present", std::optional<std::uint32_t>(3));
  const std::string text = write_json(json);
  REQUIRE(parse(text).value() == json);
  REQUIRE(text.find("absent") == std::string::npos);
  REQUIRE(json.members().size() == 6);
  REQUIRE(write_json(Json::object()) == "{}");
  REQUIRE(write_json(Json::array()) == "[]");
  REQUIRE(write_json(Json()) == "null");
}

TEST_CASE("of a name that is there twice the last counts") {
  REQUIRE(parse(R"({"a":1,"a":2})").value()["a"].number() == 2);
}

TEST_CASE("text that is no JSON, no UTF-8, too long or nested too deep is refused") {
  for (const char* bad : {"", "{", "{\"a\":", "nul", "[1,]", "{}x", "\"\xff\"", "\"\xc3\"", "\"\\ud800\"", "\x00"}) {
    CAPTURE(bad);
    REQUIRE(refusal(bad) == Errc::malformed);
  }
  REQUIRE(refusal(nested(16)) == Errc::none);
  REQUIRE(refusal(nested(17)) == Errc::too_large);
  REQUIRE(refusal(nested(30'000)) == Errc::too_large);
  const auto of_bytes = [](std::size_t bytes) { return "\"" + std::string(bytes - 2, 'x') + "\""; };
  REQUIRE(refusal(of_bytes(64 * 1024)) == Errc::none);
  REQUIRE(refusal(of_bytes(64 * 1024 + 1)) == Errc::too_large);
  REQUIRE(parse(of_bytes(1024 * 1024), mex_limits).has_value());
}
