#include "web/json_body.h"

#include <catch2/catch.hpp>

using namespace wharf::web;

TEST_CASE("a body is a JSON object, or refused with what is wrong") {
  struct Row {
    std::string type, body;
    bool media_type;
    std::string message;  // part of it; "": it is read
  };
  const std::string json = "application/json";
  const std::vector<Row> rows = {
      {json, "{}", false, ""},
      {"Application/JSON; charset=utf-8", R"({"a":1})", false, ""},
      {"application/vnd.api+json", "{}", false, ""},
      {"", "", false, ""},  // the fields say what is missing
      {"", "{}", true, "needs Content-Type"},
      {"text/plain", "{}", true, "text/plain"},
      {json, "[]", false, "not a JSON object"},
      {json, "null", false, "not a JSON object"},
      {json, "{} x", false, "at line 1, column 4"},
      {json, "{\n  \"a\": oops}", false, "at line 2, column 8"},
      {json, "{\"a\":\"\xc3\x28\"}", false, "not valid JSON"},
      {json, "{\"a\":" + std::string(10'000, '['), false, "not valid JSON"},
  };
  for (const Row& row : rows) {
    INFO(row.type << " " << row.body.substr(0, 40));
    const auto read = read_json_object(row.type, row.body);
    REQUIRE(read.has_value() == row.message.empty());
    if (read) continue;
    CHECK(read.error().kind == (row.media_type ? BodyProblem::Kind::media_type : BodyProblem::Kind::malformed));
    CHECK(read.error().explanation.message.find(row.message) != std::string::npos);
    CHECK(read.error().explanation.details.empty() == row.media_type);
  }
  CHECK(read_json_object(json, "null", NullBody::empty)->empty());
  CHECK_FALSE(read_json_object(json, "[]", NullBody::empty).has_value());
}

TEST_CASE("a JSON body has a limit of its own: it is parsed in one piece") {
  const auto of_size = [](std::size_t size) { return R"({"a":")" + std::string(size - 8, 'x') + R"("})"; };
  REQUIRE(of_size(100).size() == 100);
  CHECK(read_json_object("application/json", of_size(max_json_bytes)).has_value());
  const auto refused = read_json_object("application/json", of_size(max_json_bytes + 1));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == BodyProblem::Kind::too_large);
  CHECK(refused.error().explanation.message.find("524288 bytes") != std::string::npos);
}
