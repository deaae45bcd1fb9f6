#include "sessions/json_writer.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "sessions/event_json.h"

using namespace wharf;
using wharf::sessions::JsonWriter;

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

TEST_CASE("an event of a message with broken text, name, id and mention is valid JSON") {
  storage::MessageRow row;
  row.id = "3EB0\xff";
  row.chat = row.author = protocol::Jid("1234567890", "s.whatsapp.net");
  row.kind = "text";
  row.body = "hi \xc3";
  row.push_name = "\xed\xa0\x80";
  row.mentions = {protocol::Jid("12\xfe", "s.whatsapp.net")};
  const std::string text = sessions::message_event_json(row, {}, {}, R"({"tenant":7})");
  boost::system::error_code failed;
  const auto value = boost::json::parse(text, failed);
  REQUIRE_FALSE(failed);
  CHECK(value.at("id").as_string() == "3EB0\xEF\xBF\xBD");
  CHECK(value.at("body").as_string() == "hi \xEF\xBF\xBD");
  CHECK(value.at("mentions").as_array().size() == 1);
  CHECK(value.at("metadata").at("tenant").as_int64() == 7);
}
