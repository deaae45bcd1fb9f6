#include "sandbox/scenario_values.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace wharf::sandbox::test {

namespace json = boost::json;

namespace {

Filling filling() {
  Filling out;
  out.find = [](std::string_view reference) -> FoundValue {
    if (reference == "five") return {json::value(5), {}};
    if (reference == "said.id") return {json::value("3EB0"), {}};
    if (reference == "list") return {json::parse("[1,2]"), {}};
    if (reference == "soon") return {};
    return {{}, "names nothing"};
  };
  return out;
}

}  // namespace

TEST_CASE("references in texts") {
  struct Row {
    std::string given, made;  // JSON
  };
  const std::vector<Row> rows = {
      {R"("plain")", R"("plain")"},
      {R"("")", R"("")"},
      {R"("$five")", "5"},
      {R"("$list")", "[1,2]"},
      {R"("$said.id")", R"("3EB0")"},
      {R"("${said.id}")", R"("3EB0")"},
      {R"("a $said.id. b")", R"("a 3EB0. b")"},
      {R"("${five}s and $five")", R"("5s and 5")"},
      {R"("$$five")", R"("$five")"},
      {R"("$$$five")", R"("$5")"},
      {R"("$5, 5$ and $")", R"("$5, 5$ and $")"},
      {R"({"$five":["$five",{"a":"$$"}],"b":null,"c":1.5})", R"({"$five":[5,{"a":"$"}],"b":null,"c":1.5})"},
      {R"("$soon")", R"("$soon")"},
      {R"("x $soon $$")", R"("x $soon $$")"},  // whole, for who fills it later
  };
  for (const Row& row : rows) {
    INFO(row.given);
    Filling way = filling();
    CHECK(fill(json::parse(row.given), "text", way) == json::parse(row.made));
    CHECK(way.problems.empty());
    CHECK(way.later.contains("text") == (row.given.find("soon") != std::string::npos));
  }
}

TEST_CASE("what is no reference is named by its path") {
  for (const std::string text : {"$nothing", "${five", "${}", "${five.}", "x$five-y", "see $list", "$five.id"}) {
    INFO(text);
    Filling way = filling();
    (void)fill(json::object{{"a", json::array{"fine", text}}}, "", way);
    REQUIRE(way.problems.size() == 1);
    CHECK(way.problems[0].field == "a[1]");
  }
}

TEST_CASE("what references make is bounded") {
  Filling way = filling();
  way.left = 10;
  CHECK(fill(json::parse(R"(["${said.id}${said.id}"])"), "", way) == json::parse(R"(["3EB03EB0"])"));
  (void)fill(json::parse(R"(["123"])"), "", way);
  REQUIRE(way.problems.size() == 1);
  CHECK(way.problems[0].what.find("too long") != std::string::npos);
}

TEST_CASE("members are found by their path") {
  const auto value = json::parse(R"({"a":[{"b":1}],"c":null})");
  CHECK(member_at(value, "") == &value);
  REQUIRE(member_at(value, "a.0.b") != nullptr);
  CHECK(*member_at(value, "a.0.b") == 1);
  CHECK(member_at(value, "c") != nullptr);
  for (const std::string path : {"d", "a.1", "a.-1", "a.0x", "a.b", "c.d", "a.0.b.c"}) {
    INFO(path);
    CHECK(member_at(value, path) == nullptr);
  }
}

}  // namespace wharf::sandbox::test
