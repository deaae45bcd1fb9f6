#include "web/envelope.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

using namespace wharf::web;

TEST_CASE("a success carries data and what stands beside it") {
  CHECK(render_success("", {}).body == R"({"success":true})");
  CHECK(render_success("[1]", {}).body == R"({"success":true,"data":[1]})");
  Beside beside;
  beside.status = 201;
  beside.message = "made \"it\"";
  beside.next_cursor = "null";
  const auto response = render_success("{}", beside);
  CHECK(response.status == 201);
  CHECK(response.content_type == "application/json");
  CHECK(response.body == R"({"success":true,"message":"made \"it\"","data":{},"nextCursor":null})");
}

TEST_CASE("an error carries code, message and details, and is valid JSON whatever they hold") {
  CHECK(render_error(404, "NOT_FOUND", {"nothing", {}}).body ==
        R"({"success":false,"error":{"code":"NOT_FOUND","message":"nothing","details":{}}})");
  const auto response = render_error(400, "VALIDATION_ERROR", {"broken \xff\"\n", {{"a\xc3", "x"}, {"b", "y"}}});
  CHECK(response.status == 400);
  const auto error = boost::json::parse(response.body).at("error");
  CHECK(error.at("message").as_string() == "broken \xEF\xBF\xBD\"\n");
  CHECK(error.at("details").at("a\xEF\xBF\xBD").as_string() == "x");
  CHECK(error.at("details").at("b").as_string() == "y");
}

TEST_CASE("problems are explained by the first of them and by bounded details") {
  std::vector<FieldProblem> problems = {{"name", "is required"}};
  CHECK(explain(problems).message == "name is required");
  problems.push_back({std::string(500, 'x'), "is not a known field"});
  CHECK(explain(problems).message == "name is required (and 1 more; see details)");
  CHECK(explain(problems).details.back().first.size() < 100);
  while (problems.size() < 200) problems.push_back({"f" + std::to_string(problems.size()), "w"});
  CHECK(explain(problems).details.size() == 50);
  problems.resize(most_problems);
  CHECK(explain(problems).message == "name is required (and at least 49 more; see details)");
}

TEST_CASE("a field with several problems is one detail that says them all") {
  const auto explained =
      explain({{"by", "is no number"}, {"id", "is required"}, {"by", "needs status"}, {"by", "is no number"}});
  REQUIRE(explained.details.size() == 2);
  CHECK(explained.details[0] == std::pair<std::string, std::string>("by", "is no number; needs status"));
  CHECK(explained.details[1].second == "is required");
}
