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
    CHECK(read.error().media_type == row.media_type);
    CHECK(read.error().explanation.message.find(row.message) != std::string::npos);
    CHECK(read.error().explanation.details.empty() == row.media_type);
  }
  CHECK(read_json_object(json, "null", NullBody::empty)->empty());
  CHECK_FALSE(read_json_object(json, "[]", NullBody::empty).has_value());
}
