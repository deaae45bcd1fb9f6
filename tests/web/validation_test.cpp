#include "web/validation.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <map>

using namespace wharf::web;

namespace {

std::optional<FormatProblem> check_even(std::string_view text) {
  if (text == "never") return FormatProblem{"is not built", true};
  if (text.size() % 2 == 0) return std::nullopt;
  return FormatProblem{"must be even", false};
}
constexpr Format even{check_even, {}, {}};
constexpr Field inner_fields[] = {{.name = "count", .type = Type::integer, .required = true, .min = 1, .max = 9}};
constexpr Schema inner{"Inner", inner_fields};
constexpr Field fields[] = {
    {.name = "text", .required = true, .min = 1, .max = 4},
    {.name = "choice", .one_of = "a|bc"},
    {.name = "flag", .type = Type::boolean},
    {.name = "count", .type = Type::integer, .max = 10},
    {.name = "font", .type = Type::integer, .one_of = "0|1|6"},
    {.name = "inner", .type = Type::object, .object = &inner},
    {.name = "free", .type = Type::object, .max = 20},
    {.name = "list", .type = Type::texts, .max = 2, .format = &even},
    {.name = "headers", .type = Type::text_map, .max = 2},
    {.name = "even", .format = &even},
    {.name = "device", .type = Type::any},
    {.name = "later", .later = true},
    {.name = "clearable", .nullable = true},
};
constexpr Schema schema{"Outer", fields};
constexpr Field query_fields[] = {
    {.name = "limit", .type = Type::integer, .min = 1, .max = 10, .clamped = true},
    {.name = "after", .type = Type::integer, .min = 0, .max = 10},
    {.name = "name", .max = 3},
    {.name = "flag", .type = Type::boolean},
};
constexpr Schema query_schema{"", query_fields};

std::vector<FieldProblem> problems_of(std::string_view body, Unknown unknown = Unknown::ignored) {
  std::vector<FieldProblem> out;
  validate(boost::json::parse(body).as_object(), schema, unknown, out);
  return out;
}

}  // namespace

TEST_CASE("each kind of field is checked, and the problem names it") {
  struct Row {
    std::string body, field, what;  // field "": no problem
  };
  const std::vector<Row> rows = {
      {R"({"text":"x"})", "", ""},
      {R"({})", "text", "is required"},
      {R"({"text":null})", "text", "is required"},
      {R"({"text":5})", "text", "must be a string"},
      {R"({"text":""})", "text", "must be 1 to 4 characters"},
      {R"({"text":"éééé"})", "", ""},
      {R"({"text":"ééééé"})", "text", "must be 1 to 4 characters"},
      {R"({"text":"x","choice":"bc"})", "", ""},
      {R"({"text":"x","choice":"b"})", "choice", "must be one of: a, bc"},
      {R"({"text":"x","flag":1})", "flag", "must be true or false"},
      {R"({"text":"x","count":10.0})", "", ""},
      {R"({"text":"x","count":11})", "count", "must be an integer, 0 to 10"},
      {R"({"text":"x","count":-1})", "count", "must be an integer, 0 to 10"},
      {R"({"text":"x","font":2})", "font", "must be one of: 0, 1, 6"},
      {R"({"text":"x","font":"6"})", "font", "must be one of: 0, 1, 6"},
      {R"({"text":"x","count":1.5})", "count", "must be an integer, 0 to 10"},
      {R"({"text":"x","count":1e300})", "count", "must be an integer, 0 to 10"},
      {R"({"text":"x","count":18446744073709551615})", "count", "must be an integer, 0 to 10"},
      {R"({"text":"x","inner":5})", "inner", "must be an object"},
      {R"({"text":"x","inner":{}})", "inner.count", "is required"},
      {R"({"text":"x","free":{"any":[1,2]}})", "", ""},
      {R"({"text":"x","free":{"any":"0123456789012"}})", "free", "must be at most 20 bytes of JSON"},
      {R"({"text":"x","list":"ab"})", "list", "must be an array of strings"},
      {R"({"text":"x","list":["ab","ab","ab"]})", "list", "must have 0 to 2 items"},
      {R"({"text":"x","list":["ab",7]})", "list[1]", "must be a string"},
      {R"({"text":"x","list":["a"]})", "list[0]", "must be even"},
      {R"({"text":"x","headers":{"Webhook-Id":"x"}})", "headers.Webhook-Id",
       "must not be a header that every delivery has already"},
      {R"({"text":"x","headers":{"Host":"x"}})", "headers.Host", "must not be a header that frames the request"},
      {R"({"text":"x","headers":{"a b":"x"}})", "headers.a b", "must be a header name"},
      {R"({"text":"x","headers":{"X-A":1}})", "headers.X-A", "must be a string"},
      {R"({"text":"x","even":"abc"})", "even", "must be even"},
      {R"({"text":"x","device":[1]})", "", ""},
      {R"({"text":"x","clearable":null})", "", ""},
      {R"({"text":"x","colour":1})", "", ""},
  };
  for (const Row& row : rows) {
    INFO(row.body);
    const auto problems = problems_of(row.body);
    REQUIRE(problems.size() == (row.field.empty() ? 0 : 1));
    if (row.field.empty()) continue;
    CHECK(problems[0].field == row.field);
    CHECK(problems[0].what == row.what);
    CHECK_FALSE(problems[0].later);
  }
}

TEST_CASE("what is not built is told from what is wrong, and a format that was not met is named") {
  const auto later = problems_of(R"({"text":"x","later":1,"even":"never"})");
  REQUIRE(later.size() == 2);
  CHECK(later[0].later);
  CHECK(later[1].later);
  CHECK(problems_of(R"({"text":"x","even":"abc"})")[0].format == &even);
  CHECK(problems_of(R"({"text":"x","flag":1})")[0].format == nullptr);
}

TEST_CASE("unknown fields are refused only when that is asked for, at every depth") {
  const auto problems = problems_of(R"({"text":"x","colour":1,"inner":{"count":1,"size":2}})", Unknown::refused);
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].field == "inner.size");
  CHECK(problems[1].field == "colour");
}

TEST_CASE("no more problems are looked for than are told") {
  std::string body = R"({"text":"x")";
  for (int i = 0; i < 10'000; ++i) body += ",\"unknown" + std::to_string(i) + "\":1";
  CHECK(problems_of(body + "}", Unknown::refused).size() == most_problems);
}

TEST_CASE("an object names a field when one has a value, or null where that means something") {
  const auto names = [](std::string_view body) { return names_a_field(boost::json::parse(body).as_object(), schema); };
  CHECK(names(R"({"flag":false})"));
  CHECK(names(R"({"clearable":null})"));
  CHECK_FALSE(names(R"({"flag":null})"));
  CHECK_FALSE(names(R"({"colour":1})"));
  CHECK_FALSE(names("{}"));
}

TEST_CASE("a query is checked, and clamped where its schema says so") {
  struct Row {
    std::string text;
    std::vector<std::string> fields;
  };
  const std::vector<Row> rows = {
      {"", {}},
      {"limit=5&after=3&name=abc&flag=1", {}},
      {"limit=500", {}},
      {"limit=many", {"limit"}},
      {"after=11", {"after"}},
      {"after=", {}},
      {"name=abcd&flag=yes", {"name", "flag"}},
      {"strict=maybe", {"strict"}},
      {"strict=true&colour=1", {"colour"}},
      {"colour=1", {}},
      {"name=a&name=b&colour=1&colour=2", {"name"}},
      {"name=a&name=a&name=a", {"name"}},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    auto query = Query::parse(row.text);
    REQUIRE(query);
    std::vector<FieldProblem> problems;
    validate(*query, query_schema, unknown_of(*query), problems);
    std::vector<std::string> named;
    for (const FieldProblem& problem : problems) named.push_back(problem.field);
    CHECK(named == row.fields);
    if (row.text == "limit=500") CHECK(query->integer("limit", 0) == 10);
  }
}

TEST_CASE("a query is decoded, the last of a name wins, and what is broken or too much is refused") {
  const auto query = Query::parse("a=1&b=x+y%2B&&empty&a=2&c=");
  REQUIRE(query);
  CHECK(query->integer("a", 0) == 2);
  CHECK(query->text("b") == "x y+");
  CHECK(query->has("empty"));
  CHECK(query->text("missing", "fallback") == "fallback");
  CHECK(query->pairs().size() == 4);
  CHECK(query->repeats("a"));
  CHECK_FALSE(query->repeats("b"));
  for (const char* broken : {"a=%", "%4=1", "a=%zz", "a=%00"}) CHECK_FALSE(Query::parse(broken));
  std::string many;
  for (int i = 0; i < 65; ++i) many += "a" + std::to_string(i) + "=1&";
  CHECK_FALSE(Query::parse(many));
}

TEST_CASE("null members say the same as absent ones to whoever reads the fields, but where null means something") {
  auto body =
      boost::json::parse(
          R"({"text":"x","flag":null,"count":null,"inner":{"count":1,"more":null},"clearable":null,"colour":null})")
          .as_object();
  drop_nulls(body, schema);
  CHECK(body == boost::json::parse(R"({"text":"x","inner":{"count":1,"more":null},"clearable":null,"colour":null})"));
  auto within = boost::json::parse(R"({"inner":{"count":null}})").as_object();
  drop_nulls(within, schema);
  CHECK(within == boost::json::parse(R"({"inner":{}})"));
}
