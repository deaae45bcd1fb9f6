#include "api/chat_id.h"

#include <catch2/catch.hpp>

using namespace wharf;
using namespace wharf::api;

TEST_CASE("every spelling of a chat id of the contract names the same person") {
  for (const char* text :
       {"1234567890@c.us", "1234567890@s.whatsapp.net", "1234567890", "+1234567890", "+1 234 567-890",
        "+1 (234) 567.890", "1234567890:7@s.whatsapp.net", "1234567890:7@c.us", "+1 234 567-890@c.us"}) {
    INFO(text);
    const auto jid = parse_chat_id(text);
    REQUIRE(jid);
    CHECK(jid->to_string() == "1234567890@s.whatsapp.net");
  }
  CHECK(parse_chat_id("205227043110953@lid").value().to_string() == "205227043110953@lid");
  CHECK(parse_chat_id("120363021234567890@newsletter").value().is_channel());
  CHECK(parse_chat_id("120363021234567890@g.us").value().to_string() == "120363021234567890@g.us");
  CHECK(parse_chat_id("1234567890-1642694598@g.us").value().to_string() == "1234567890-1642694598@g.us");
}

TEST_CASE("what is no chat id is refused") {
  for (const char* text :
       {"", "@c.us", "c.us", "hello", "hello@c.us", "1234", "1234567890123456", "12345abc", "1234567890@",
        "1234567890@example.com", "++1234567890", "1234567890@g.us@c.us", "12a@g.us", "1-2-3@g.us",
        "1234567890.1@s.whatsapp.net", "-5@g.us", "status@broadcast", "a@lid", "a@newsletter"}) {
    INFO(text);
    CHECK_FALSE(parse_chat_id(text));
  }
}

TEST_CASE("every id that is shown can be asked for, also one that no person has") {
  // The announcements of WhatsApp come from 0; a document of the API has a participant 0987654321@c.us.
  for (const char* text : {"0@s.whatsapp.net", "0@c.us", "1@c.us", "0987654321@c.us", "0000000@c.us"}) {
    INFO(text);
    CHECK(parse_chat_id(text));
  }
}

TEST_CASE("a message id is found in both spellings") {
  CHECK(parse_message_id("3EB0C431C26A1916E07A") == "3EB0C431C26A1916E07A");
  CHECK(parse_message_id("true_1234567890@c.us_ABC123") == "ABC123");
  CHECK(parse_message_id("false_1234567890@c.us_ABC123") == "ABC123");
  CHECK(parse_message_id("false_1203630212@g.us_ABC123_1234567890@c.us") == "ABC123");
  for (const char* text : {"", "true_", "true_1@c.us", "true_1@c.us_", "true__ABC123", "true_garbage_ABC123",
                           "false_1@elsewhere_ABC123", "a b", "x'; --", "a/b"}) {
    INFO(text);
    CHECK_FALSE(parse_message_id(text));
  }
}

TEST_CASE("a session is named by anything of the alphabet that a path can carry") {
  for (const char* text : {"a", "my-session", "A.b_c", "...", ".a"}) CHECK(is_session_name(text));
  for (const char* text : {"", ".", "..", "a b", "a/b"}) CHECK_FALSE(is_session_name(text));
}

TEST_CASE("ids are written as each document shows them") {
  CHECK(jid_text("1@lid", "1234567890@s.whatsapp.net", Dialect::openwa) == "1234567890@c.us");
  CHECK(jid_text("1@lid", "1234567890@s.whatsapp.net", Dialect::gateway) == "1234567890@s.whatsapp.net");
  CHECK(jid_text("1@lid", "", Dialect::openwa) == "1@lid");
  CHECK(jid_text("5@g.us", "", Dialect::openwa) == "5@g.us");
  CHECK(message_id_text("1234567890@c.us", "ABC", Dialect::openwa) == "true_1234567890@c.us_ABC");
  CHECK(message_id_text("1234567890@s.whatsapp.net", "ABC", Dialect::gateway) == "ABC");
}
