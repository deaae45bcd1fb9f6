#include "protocol/account/limits.h"

#include <catch2/catch.hpp>

#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

constexpr std::uint64_t now = 1'770'000'000;
const MexDocuments documents;

Node wire(const Node& node) { return decode_node(encode_node(node)).value(); }
Node error(const char* code) {
  return Node("iq").set("type", "error").set("id", "1").add(Node("error").set("code", code));
}

}  // namespace

TEST_CASE("restriction and quota are asked for and told") {
  const Node request = mex_iq("1", documents, restriction_query()).value();
  REQUIRE(documents.operation(read_mex_query(request)->document) == "FetchReachoutTimelock");
  const AccountRestricted locked{true, "WEB_COMPANION_ONLY", now + 500};
  REQUIRE(read_restriction_answer(wire(restriction_answer(request, locked)), now).value() == locked);
  REQUIRE(read_restriction_answer(restriction_answer(request, {}), now).value() == AccountRestricted{});
  REQUIRE(read_restriction_answer(mex_answer(request, Json::object()), now).error().code == Errc::malformed);
  REQUIRE(read_restriction_answer(error("429"), now).error().code == Errc::rate_limited);

  const Node quota_request = mex_iq("1", documents, quota_query()).value();
  REQUIRE(read_mex_query(quota_request)->variables["input"]["type"].text() == "INDIVIDUAL_NEW_CHAT_THREAD");
  const NewChatQuota quota{"FIRST_WARNING", 80, 100, 1, 2};
  REQUIRE(read_quota_answer(wire(quota_answer(quota_request, quota))).value() == quota);
  REQUIRE(read_quota_answer(mex_answer(request, Json::object())).error().code == Errc::malformed);
}

TEST_CASE("a restriction is told by what decides, and its end is a time or a minute from now") {
  const auto read = [](std::string_view text) { return read_restriction(parse_json(as_bytes(text)).value(), now); };
  REQUIRE(read(R"({"is_active":true})") == AccountRestricted{true, "", now + 60});
  REQUIRE(read(R"({"is_active":true,"time_enforcement_ends":"0"})")->until == 0);
  for (const char* bad : {"-1", "null", "{}", "\"soon\"", "1.5", "9223372036854775808"})
    REQUIRE(read(R"({"is_active":true,"time_enforcement_ends":)" + std::string(bad) + "}")->until == now + 60);
  // One that has ended says no more than that, whatever else stands there.
  REQUIRE(read(R"({"is_active":false,"enforcement_type":"X","time_enforcement_ends":"5"})") == AccountRestricted{});
  for (const char* none : {"{}", "[]", "null", R"({"is_active":1})", R"({"is_active":"true"})"})
    REQUIRE_FALSE(read(none));
  const std::string wide = R"({"is_active":true,"enforcement_type":")" + std::string(500, 'x') + "\"}";
  REQUIRE(read(wide)->enforcement.size() == 128);
}

TEST_CASE("a quota is told by its status, with the numbers that are there") {
  const auto read = [](std::string_view text) { return read_quota(parse_json(as_bytes(text)).value()); };
  REQUIRE(read(R"({"capping_status":"CAPPED"})") == NewChatQuota{"CAPPED", {}, {}, {}, {}});
  REQUIRE(read(R"({"capping_status":"NONE","used_quota":"7","total_quota":-1,"cycle_end_timestamp":[]})") ==
          NewChatQuota{"NONE", 7, {}, {}, {}});
  REQUIRE(read(R"({"capping_status":")" + std::string(500, 'x') + "\"}")->status.size() == 64);
  REQUIRE(read(R"({"capping_status":"a\u0000\nb"})")->status == "a\xEF\xBF\xBD b");
  for (const char* none : {"{}", R"({"capping_status":""})", R"({"capping_status":5})", R"({"used_quota":5})"})
    REQUIRE_FALSE(read(none));
}
