#include "protocol/account/profile.h"

#include <catch2/catch.hpp>

#include "protocol/account/trusted_tokens.h"
#include "protocol/stanzas/iq_reading.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

Node error(const char* code) {
  return Node("iq").set("type", "error").set("id", "1").add(Node("error").set("code", code).set("text", "no"));
}

}  // namespace

TEST_CASE("an about text of up to 139 characters is set") {
  const Node iq = set_about_iq("1", "At work");
  REQUIRE(iq.attr("xmlns") == "status");
  REQUIRE(iq.attr("type") == "set");
  REQUIRE(read_about_change(decode_node(encode_node(iq)).value()) == "At work");
  REQUIRE(read_about_change(set_about_iq("1", "")) == "");
  std::string characters;
  for (int i = 0; i < 139; ++i) characters += "\u00e9";
  REQUIRE(acceptable_about(characters));
  REQUIRE_FALSE(acceptable_about(characters + "x"));
  REQUIRE_FALSE(acceptable_about("\xff"));
  REQUIRE_FALSE(acceptable_about(std::string_view("a\0b", 3)));
  REQUIRE_FALSE(read_about_change(set_about_iq("1", characters + "x")));
  REQUIRE_FALSE(read_about_change(set_about_iq("1", "x").set("type", "get")));
}

TEST_CASE("a text status is set with an emoji and an end") {
  for (const OwnTextStatus& status :
       {OwnTextStatus{"hello", "\U0001F44D", 3600}, OwnTextStatus{"", "", std::nullopt}}) {
    const MexRequest request = text_status_request(status);
    REQUIRE(MexDocuments().id(request.operation).has_value());
    REQUIRE(read_text_status_request(request) == status);
  }
  REQUIRE_FALSE(read_text_status_request(text_status_request({std::string(140, 'x'), "", std::nullopt})));
  REQUIRE_FALSE(read_text_status_request({"UpdateTextStatus", Json::object()}));
  MexRequest other = text_status_request({"x", "", std::nullopt});
  other.operation = "Other";
  REQUIRE_FALSE(read_text_status_request(other));
}

TEST_CASE("the default timer is one of four") {
  for (const std::uint32_t seconds : default_timers) {
    const Node iq = set_default_timer_iq("1", seconds);
    REQUIRE(iq.attr("xmlns") == "disappearing_mode");
    REQUIRE(read_default_timer_change(decode_node(encode_node(iq)).value()) == seconds);
  }
  REQUIRE_FALSE(read_default_timer_change(set_default_timer_iq("1", 5)));
  REQUIRE_FALSE(read_default_timer_change(iq_set("1", "disappearing_mode")));
}

TEST_CASE("answers are judged by their code") {
  const auto code = [](const char* text) { return result_only(error(text), "about").error().code; };
  REQUIRE(code("429") == Errc::rate_limited);
  REQUIRE(code("404") == Errc::not_found);
  REQUIRE(code("409") == Errc::conflict);
  REQUIRE(code("408") == Errc::timed_out);
  REQUIRE(code("503") == Errc::network);
  REQUIRE(code("401") == Errc::refused);
  REQUIRE(code("x") == Errc::refused);
  REQUIRE(result_only(error("401"), "about").error().detail == "about: 401 no");
  REQUIRE(result_only(Node("iq").set("type", "get"), "about").error().code == Errc::malformed);
  REQUIRE(result_only(Node("iq").set("type", "result"), "about").has_value());
  REQUIRE(result_child(Node("iq").set("type", "result"), "x", "about").error().detail == "about: answer without x");
}

TEST_CASE("tokens last for four weeks by the calendar of buckets and are given anew each week") {
  constexpr std::uint64_t week = token_bucket_seconds, now = 3000 * week + 5;
  REQUIRE(token_valid(now, now));
  REQUIRE(token_valid(2997 * week, now));
  REQUIRE_FALSE(token_valid(2997 * week - 1, now));
  REQUIRE_FALSE(token_due(now, now));
  REQUIRE_FALSE(token_due(3000 * week, now));
  REQUIRE(token_due(3000 * week - 1, now));
  const TokenIssue issue{Jid("900000000000002", server::lid), now};
  const Node iq = issue_token_iq("1", issue);
  REQUIRE(read_token_issues(decode_node(encode_node(iq)).value()) == std::vector{issue});
  REQUIRE_FALSE(read_token_issues(iq_set("1", "privacy")));
  Node odd("tokens");
  odd.add(Node("token").set("jid", issue.contact).set("t", "5")).add(Node("token").set("type", "trusted_contact"));
  REQUIRE(read_token_issues(iq_set("1", "privacy").add(odd))->empty());
}
