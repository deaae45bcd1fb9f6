#include "events/json_writer.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

using namespace wharf;
using wharf::events::JsonWriter;

TEST_CASE("what the writer writes is valid JSON and UTF-8, whatever it is given") {
  struct Row {
    std::string given, read;
  };
  const std::string mark = "\xEF\xBF\xBD";
  const Row rows[] = {
      {"plain", "plain"},
      {"caf\xc3\xa9 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xf0\x9f\x98\x80"},
      {"a\"b\\c\n\r\t\x01", "a\"b\\c\n\r\t\x01"},
      {"\xff", mark},
      {"a\xc3", "a" + mark},    // cut in a character
      {"\xc3\"", mark + "\""},  // the quote is not swallowed
      {"\xe2\x82z", mark + "z"},
      {"\xed\xa0\x80", mark + mark + mark},  // a surrogate
      {"\xc0\xaf\xf5", mark + mark + mark},  // overlong, too high
      {"x\x80\xe2\x82\xacy", "x" + mark + "\xe2\x82\xacy"},
      {std::string("\0", 1), std::string("\0", 1)},
  };
  for (const Row& row : rows) {
    INFO(row.given);
    JsonWriter out;
    out.begin_object().text("t", row.given).text(row.given, "key").end_object();
    boost::system::error_code failed;
    const auto value = boost::json::parse(out.view(), failed);
    REQUIRE_FALSE(failed);
    CHECK(value.at("t").as_string() == row.read);
    CHECK(value.as_object().contains(row.read));
  }
}
