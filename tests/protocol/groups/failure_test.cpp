#include "protocol/groups/failure.h"

#include <catch2/catch.hpp>
#include <map>

#include "tests/protocol/groups/meaning.h"

using namespace wharf::protocol;
using namespace wharf::protocol::groups;

namespace {

Node error(unsigned code, const char* text = "x") {
  return Node("iq").set("type", "error").add(Node("error").set("code", code).set("text", text).set("backoff", "30"));
}

std::string named(Operation operation, unsigned code) {
  const auto result = succeeded(operation, error(code));
  REQUIRE_FALSE(result);
  REQUIRE(result.error().code == code);
  return std::string(name(result.error().failure));
}

}  // namespace

TEST_CASE("errors of a whole operation have the name that they have there") {
  using Names = std::map<unsigned, std::string>;
  const std::map<Operation, Names> tables = {
      {Operation::metadata, {{403, "not_in_group"}, {404, "group_not_found"}, {429, "rate_limited"}}},
      {Operation::change,
       {{401, "not_admin"},
        {403, "not_in_group"},
        {404, "group_not_found"},
        {405, "not_allowed"},
        {419, "limit_reached"},
        {429, "rate_limited"}}},
      {Operation::create, {{406, "not_acceptable"}, {419, "limit_reached"}, {401, "not_authorised"}}},
      {Operation::description, {{409, "stale_description"}, {401, "not_admin"}}},
      {Operation::picture, {{406, "bad_image"}, {404, "not_found"}}},
      {Operation::invite_code, {{401, "not_admin"}, {403, "not_in_group"}, {404, "group_not_found"}}},
      {Operation::preview,
       {{400, "bad_request"},
        {401, "not_authorised"},
        {404, "group_not_found"},
        {406, "link_invalid"},
        {410, "link_revoked"},
        {416, "parent_suspended"},
        {423, "locked"},
        {436, "growth_locked"}}},
      {Operation::join,
       {{304, "already_member"},
        {400, "bad_request"},
        {403, "forbidden"},
        {404, "group_not_found"},
        {405, "removed_by_admin"},
        {406, "link_invalid"},
        {409, "already_member_or_conflict"},
        {410, "link_revoked"},
        {412, "community_full"},
        {419, "group_full"},
        {423, "locked"}}},
      {Operation::list,
       {{304, "not_modified"},
        {408, "timed_out"},
        {421, "stale_addressing"},
        {500, "server_error"},
        {503, "unavailable"},
        {530, "partial_error"},
        {499, "failed"},
        {0, "failed"}}},
  };
  for (const auto& [operation, names] : tables) {
    for (const auto& [code, wanted] : names) {
      INFO(static_cast<int>(operation) << " " << code);
      REQUIRE(named(operation, code) == wanted);
    }
  }
}

TEST_CASE("a failure keeps code, text and backoff, and says whether to try again") {
  const GroupFailure limited = succeeded(Operation::list, error(429, "rate-overlimit")).error();
  REQUIRE(limited.backoff_seconds == 30);
  REQUIRE(limited.retryable());
  REQUIRE(limited.error() == Error(Errc::rate_limited, "rate_limited 429 rate-overlimit"));
  for (const unsigned code : {408u, 500u, 503u}) REQUIRE(succeeded(Operation::list, error(code)).error().retryable());
  for (const unsigned code : {401u, 403u, 404u, 409u, 530u}) {
    REQUIRE_FALSE(succeeded(Operation::list, error(code)).error().retryable());
  }
  REQUIRE(succeeded(Operation::join, error(406)).error().error().code == Errc::refused);
  REQUIRE_FALSE(succeeded(Operation::join, Node("iq").set("type", "error")));
}

TEST_CASE("what is no result is no success") {
  REQUIRE(succeeded(Operation::list, Node("iq").set("type", "result")));
  for (const Node& answer : {Node("iq"), Node("iq").set("type", "set"), Node("message").set("type", "result")}) {
    const auto result = succeeded(Operation::list, answer);
    REQUIRE_FALSE(result);
    REQUIRE(result.error().failure == Failure::bad_response);
    REQUIRE(result.error().error().code == Errc::malformed);
  }
  REQUIRE_THROWS_AS(succeeded(Operation::list, error(403)).value(), std::logic_error);
}
