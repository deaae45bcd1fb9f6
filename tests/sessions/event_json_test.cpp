#include "sessions/event_json.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;

TEST_CASE("event data is JSON whatever text, name, id and mention hold") {
  storage::MessageRow row;
  row.chat = row.author = Jid("100000000000001", "lid");
  row.id = "3EB0\xff";
  row.kind = "text";
  row.body = "quote \" backslash \\ newline \n bell \x07 umlaut \xc3\xa4 cut \xc3";
  row.push_name = "\xed\xa0\x80";
  row.mentions = {Jid("12\xfe", "s.whatsapp.net")};
  PersonIds ids;
  ids.pn = Jid("15550000001", "s.whatsapp.net");
  boost::system::error_code failed;
  const auto event = boost::json::parse(message_event_json(row, ids, PersonIds(), R"({"k":1})"), failed);
  REQUIRE_FALSE(failed);
  const std::string mark = "\xEF\xBF\xBD";
  CHECK(event.at("id").as_string() == "3EB0" + mark);
  CHECK(event.at("body").as_string() == "quote \" backslash \\ newline \n bell \x07 umlaut \xc3\xa4 cut " + mark);
  CHECK(event.at("chatPn").as_string() == "15550000001@s.whatsapp.net");
  CHECK(event.at("mentions").as_array().size() == 1);
  CHECK(event.at("metadata").at("k").as_int64() == 1);
}

TEST_CASE("a linked account is named without its device") {
  const std::string json =
      linked_event_json(Jid("15550000001", "s.whatsapp.net", 3), Jid("100000000000001", "lid", 3), "Anna", "{}");
  CHECK(json.find(R"("jid":"15550000001@s.whatsapp.net")") != std::string::npos);
  CHECK(json.find(R"("lid":"100000000000001@lid")") != std::string::npos);
}
