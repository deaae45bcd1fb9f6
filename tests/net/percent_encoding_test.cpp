#include "net/percent_encoding.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace wharf::net;

TEST_CASE("percent-encoding is decoded, and what is broken is refused") {
  struct Row {
    std::string text;
    Plus plus;
    std::optional<std::string> decoded;
  };
  const std::vector<Row> table = {
      {"", Plus::literal, ""},
      {"plain", Plus::literal, "plain"},
      {"my%2Dbot", Plus::literal, "my-bot"},
      {"%c3%A9%25", Plus::literal, "é%"},
      {"+49 1", Plus::literal, "+49 1"},
      {"a+b%2B", Plus::space, "a b+"},
      {"%41%42", Plus::space, "AB"},
      {"%", Plus::literal, {}},
      {"%4", Plus::literal, {}},
      {"a%4", Plus::literal, {}},
      {"%zz", Plus::literal, {}},
      {"%4g", Plus::literal, {}},
      {"%g4", Plus::literal, {}},
      {"%%41", Plus::literal, {}},
      {"a%00b", Plus::literal, {}},
  };
  for (const Row& row : table) {
    INFO(row.text);
    CHECK(percent_decode(row.text, row.plus) == row.decoded);
  }
}
