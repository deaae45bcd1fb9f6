#include "sessions/event_json.h"

#include <catch2/catch.hpp>

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;

TEST_CASE("event data is JSON whatever the text holds") {
  storage::MessageRow row;
  row.chat = Jid("100000000000001", "lid");
  row.author = row.chat;
  row.id = "3EB0";
  row.kind = "text";
  row.body = "quote \" backslash \\ newline \n tab \t bell \x07 umlaut \xc3\xa4";
  PersonIds ids;
  ids.pn = Jid("15550000001", "s.whatsapp.net");
  const std::string json = message_event_json(row, ids, PersonIds(), R"({"k":1})");
  REQUIRE(json.find(R"(quote \" backslash \\ newline \n tab \t bell \u0007 umlaut )") != std::string::npos);
  REQUIRE(json.find(R"("chatPn":"15550000001@s.whatsapp.net")") != std::string::npos);
  REQUIRE(json.find(R"("metadata":{"k":1})") != std::string::npos);
  REQUIRE(json.front() == '{');
  REQUIRE(json.back() == '}');
}

TEST_CASE("a linked account is named without its device") {
  const std::string json =
      linked_event_json(Jid("15550000001", "s.whatsapp.net", 3), Jid("100000000000001", "lid", 3), "Anna", "{}");
  CHECK(json.find(R"("jid":"15550000001@s.whatsapp.net")") != std::string::npos);
  CHECK(json.find(R"("lid":"100000000000001@lid")") != std::string::npos);
}
