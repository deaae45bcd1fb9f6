#include "web/route_table.h"

#include <catch2/catch.hpp>

using namespace wharf::web;

namespace {

RouteTable table() {
  RouteTable out;
  out.add("GET", "/things", 0);
  out.add("POST", "/things", 1);
  out.add("GET", "/things/{thing}", 2);
  out.add("GET", "/things/special", 3);
  out.add("DELETE", "/things/{thing}/parts/{part}", 4);
  out.add("GET", "/things/special/list", 5);
  out.add("GET", "/things/special/{kind}/list", 6);
  return out;
}

}  // namespace

TEST_CASE("method and path lead to a route") {
  struct Row {
    std::string method, path;
    bool path_known;
    std::optional<std::size_t> route;
    std::string allow;
  };
  const std::vector<Row> rows = {
      {"GET", "/things", true, 0, "GET, POST"},
      {"POST", "/things", true, 1, "GET, POST"},
      {"HEAD", "/things", true, 0, "GET, POST"},
      {"GET", "/things/", true, 0, "GET, POST"},
      {"PUT", "/things", true, {}, "GET, POST"},
      {"GET", "/things/a", true, 2, "GET"},
      {"GET", "/things/special", true, 3, "GET"},  // a literal wins
      {"GET", "/things/special/list", true, 5, "GET"},
      {"DELETE", "/things/special/parts/1", true, 4, "DELETE"},  // and is left again when it leads nowhere
      {"GET", "", false, {}, ""},
      {"GET", "/", false, {}, ""},
      {"GET", "/nothing", false, {}, ""},
      {"GET", "//things", false, {}, ""},
      {"GET", "/things//parts/1", false, {}, ""},
      {"GET", "/things/a/parts", false, {}, ""},
      {"GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", false, {}, ""},
  };
  const RouteTable routes = table();
  for (const Row& row : rows) {
    INFO(row.method << " " << row.path);
    const auto match = routes.match(row.method, row.path);
    CHECK(match.path_known == row.path_known);
    CHECK(match.route == row.route);
    CHECK(match.allow == row.allow);
  }
}

TEST_CASE("parameters are decoded, in order") {
  const RouteTable routes = table();
  const auto match = routes.match("DELETE", "/things/my%2Dthing/parts/+1%40x");
  REQUIRE(match.params.size() == 2);
  CHECK(match.params[0] == std::pair<std::string_view, std::string>("thing", "my-thing"));
  CHECK(match.params[1] == std::pair<std::string_view, std::string>("part", "+1@x"));
  CHECK(match.decodable);
  // What was tried behind a literal and led nowhere leaves nothing behind.
  const auto back = routes.match("DELETE", "/things/special/parts/1");
  REQUIRE(back.params.size() == 2);
  CHECK(back.params[0].second == "special");
  CHECK(back.params[1].second == "1");
  for (const char* path : {"/things/%", "/things/%zz", "/things/a%00"}) {
    INFO(path);
    const auto broken = routes.match("GET", path);
    CHECK(broken.route == std::size_t{2});
    CHECK_FALSE(broken.decodable);
    CHECK(broken.params.front().second.empty());
  }
}
