// Message objects as the clients of each dialect know them.
#include "api/dialect.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "events/event.h"

using namespace wharf;
using namespace wharf::api;
namespace json = boost::json;

namespace {

protocol::Jid jid(std::string_view text) { return protocol::Jid::parse(text).value(); }

storage::MessageRow received() {
  storage::MessageRow row;
  row.chat = jid("205227043110953@lid");
  row.author = jid("205227043110953@lid");
  row.id = "3EB0C431C26A1916E07A";
  row.push_name = "Alice";
  row.kind = "text";
  row.body = "Hello \"there\"!\n";
  row.quoted_id = "3EB0C431C26A1916E001";
  row.mentions = {jid("99999@s.whatsapp.net")};
  row.timestamp = 1719662400123;
  row.created_at = 1719662400456;
  row.ack = storage::AckLevel::delivered;
  return row;
}

const events::PersonIds alice{jid("6281234567890@s.whatsapp.net"), jid("205227043110953@lid")};

json::object rendered(const storage::MessageRow& row, Dialect dialect) {
  JsonWriter out;
  write_message(out, {row, alice, alice, row.created_at}, "my-session", dialect);
  return json::parse(out.view()).as_object();
}

storage::Event event(storage::NewEvent what) {
  storage::Event out;
  static_cast<storage::NewEvent&>(out) = std::move(what);
  out.id = 17;
  out.session_name = "my-session";
  return out;
}

/// As the log gives it back: the bytes alone.
storage::Event event(std::string name, std::string data) {
  return event(storage::NewEvent({1}, std::move(name), "", std::move(data), 1719662400456));
}

/// As it comes from a session.
storage::Event event(events::Event told) { return event(storage::NewEvent({1}, std::move(told), 1719662400456)); }

std::string text_of(const storage::Event& what, Dialect dialect) {
  const auto told = storage::value_of(what);
  return event_text(what, told ? told->get() : nullptr, dialect,
                    [](const std::string& qr) { return "image of " + qr; });
}

json::object rendered(const storage::Event& what, Dialect dialect) {
  return json::parse(text_of(what, dialect)).as_object();
}

}  // namespace

TEST_CASE("an openwa message has the fields of that dialect") {
  const json::object m = rendered(received(), Dialect::openwa);
  CHECK(m.at("id") == "true_6281234567890@c.us_3EB0C431C26A1916E07A");
  CHECK(m.at("body") == "Hello \"there\"!\n");
  CHECK(m.at("fromMe") == false);
  CHECK(m.at("timestamp") == 1719662400);
  CHECK(m.at("author") == "6281234567890@c.us");
  CHECK(m.at("from") == "6281234567890@c.us");
  CHECK(m.at("fromLid") == "205227043110953@lid");
  CHECK(m.at("type") == "chat");
  CHECK(m.at("quotedMessageId") == "true_6281234567890@c.us_3EB0C431C26A1916E001");
  CHECK(m.at("mentions") == json::array({"99999@c.us"}));
}

TEST_CASE("who is mentioned has both ids, in rows as in events, as far as they are known") {
  storage::MessageRow row = received();
  row.mentions = {jid("205227043110953@lid"), jid("99999@s.whatsapp.net"), jid("7@lid")};
  const std::vector<events::PersonIds> known = {alice};  // of the others nothing is
  for (const Dialect dialect : {Dialect::openwa, Dialect::gateway}) {
    JsonWriter out;
    write_message(out, {row, alice, alice, row.created_at, nullptr, known}, "my-session", dialect);
    const json::object listed = json::parse(out.view()).as_object();
    const bool openwa = dialect == Dialect::openwa;
    CHECK(listed.at("mentions") ==
          (openwa ? json::array{"6281234567890@c.us", "99999@c.us", "7@lid"}
                  : json::array{"6281234567890@s.whatsapp.net", "99999@s.whatsapp.net", "7@lid"}));
    CHECK(listed.at("mentionLids") == (openwa ? json::array{"205227043110953@lid", "99999@c.us", "7@lid"}
                                              : json::array{"205227043110953@lid", "99999@s.whatsapp.net", "7@lid"}));
    const auto told = rendered(event(events::Event(events::NewMessage{row, alice, alice, known})), dialect);
    CHECK(told.at("data").at("mentions") == listed.at("mentions"));
    CHECK(told.at("data").at("mentionLids") == listed.at("mentionLids"));
  }
  CHECK_FALSE(rendered(received(), Dialect::openwa).contains("mentionLids"));
}

TEST_CASE("a gateway message has the fields of that dialect") {
  const json::object m = rendered(received(), Dialect::gateway);
  CHECK(m.at("id") == "3EB0C431C26A1916E07A");
  CHECK(m.at("waMessageId") == "3EB0C431C26A1916E07A");
  CHECK(m.at("ackLevel") == 2);
  CHECK(m.at("status") == "delivered");
  CHECK(m.at("chatJid") == "6281234567890@s.whatsapp.net");
  CHECK(m.at("senderJid") == "6281234567890@s.whatsapp.net");
  CHECK(m.at("senderLid") == "205227043110953@lid");
  CHECK(m.at("senderName") == "Alice");
  CHECK(m.at("createdAt") == 1719662400456);
  CHECK(m.at("timestamp") == 1719662400123);
  CHECK(m.at("direction") == "in");
  CHECK(m.at("deleted") == false);
  CHECK(m.at("edited") == false);
  CHECK(m.at("hasMedia") == false);
  CHECK(m.at("fromMe") == false);
  CHECK(m.at("sessionId") == "my-session");
  CHECK(m.at("type") == "text");
  CHECK(m.at("quotedMessageId") == "3EB0C431C26A1916E001");
}

TEST_CASE("a file says where it is read, in both dialects, in lists as in events") {
  storage::MessageRow row = received();
  row.kind = "document";
  row.details = R"({"media":{"mimetype":"a/b","size":7},"isForwarded":true})";
  const std::string path = "/api/v1/sessions/my-session/messages/3EB0C431C26A1916E07A/media";
  const json::value whole = json::parse(R"({"url":")" + path + R"(","mimetype":"a/b","size":7})");
  for (const Dialect dialect : {Dialect::openwa, Dialect::gateway}) {
    CHECK(rendered(row, dialect).at("media") == whole);
    CHECK(rendered(row, dialect).at("isForwarded") == true);
    const auto told = event(events::Event(events::NewMessage{row, alice, alice}));
    CHECK(rendered(told, dialect).at("data").at("media") == whole);
  }
  SECTION("an id that stands in no path") { row.id = "a/../b"; }
  SECTION("deleted for everyone") { row.revoked_at = 1; }
  SECTION("not a file") { row.kind = "text"; }
  CHECK_FALSE(rendered(row, Dialect::openwa).at("media").as_object().contains("url"));
}

TEST_CASE("a message event is the same object as in the list") {
  const storage::MessageRow row = received();
  const storage::Event told = event(events::Event(events::NewMessage{row, alice, alice}, R"({"customer":7})"));
  for (const Dialect dialect : {Dialect::openwa, Dialect::gateway}) {
    const json::object out = rendered(told, dialect);
    CHECK(out.at("event") == "message");
    CHECK(out.at("sessionId") == "my-session");
    CHECK(out.at("id") == "17");
    CHECK(out.at("timestamp") == "2024-06-29T12:00:00.456Z");
    CHECK(out.at("metadata") == json::object({{"customer", 7}}));
    CHECK(out.at("data") == json::value(rendered(row, dialect)));
  }
}

TEST_CASE("an event names the request that caused it, and one that none caused has no such member") {
  events::Event told(events::NewMessage{received(), alice, alice});
  for (const Dialect dialect : {Dialect::openwa, Dialect::gateway}) {
    CHECK_FALSE(rendered(event(told), dialect).contains("requestId"));
    events::Event caused = told;
    caused.request_id = "trace-1:a.b_c";
    const json::object out = rendered(event(caused), dialect);
    CHECK(out.at("requestId") == "trace-1:a.b_c");
    CHECK(out.at("data") == rendered(event(told), dialect).at("data"));
  }
}

TEST_CASE("acks, QR codes, links and states are rendered from their values") {
  const json::object ack =
      rendered(event(events::Ack{"ABC", alice.lid.value(), alice, storage::AckLevel::read, "", 1719662400123}),
               Dialect::openwa)
          .at("data")
          .as_object();
  CHECK(ack.at("id") == "true_6281234567890@c.us_ABC");
  CHECK(ack.at("ack") == 3);
  CHECK(ack.at("status") == "read");
  CHECK(ack.at("chatId") == "6281234567890@c.us");
  CHECK(ack.at("timestamp") == 1719662400);

  const json::object qr =
      rendered(event(events::QrShown{{"2@abc", 1719662400000}}), Dialect::openwa).at("data").as_object();
  CHECK(qr.at("qr") == "2@abc");
  CHECK(qr.at("qrCode") == "image of 2@abc");
  CHECK(qr.at("expiresAt") == "2024-06-29T12:00:00Z");

  const json::object ready =
      rendered(event(events::Ready{jid("6281234567890:3@s.whatsapp.net"), {}, "Bob"}), Dialect::openwa)
          .at("data")
          .as_object();
  CHECK(ready.at("id") == "6281234567890@c.us");
  CHECK(ready.at("pushname") == "Bob");

  const events::Reason reason{"banned", "the number is banned", events::NextStep::wait_start, 1719662400000};
  const json::object status =
      rendered(event(events::StatusChanged{{events::Status::failed, events::Connection::offline, reason}}),
               Dialect::openwa)
          .at("data")
          .as_object();
  CHECK(status.at("status") == "failed");
  CHECK(status.at("connection") == "offline");
  CHECK(status.at("reason").at("until") == "2024-06-29T12:00:00Z");
  const std::string next_step(status.at("reason").at("nextStep").as_string());
  CHECK(next_step.starts_with("wait until the ban ends, then POST /api/v1/sessions/"));
}

TEST_CASE("an event looks the same fresh from its session and read back from the log") {
  storage::MessageRow to_group = received();
  to_group.chat = jid("120363000000000001@g.us");
  to_group.from_me = true;
  to_group.body = "cut \xc3";
  const events::Reason reason{"banned", "the number is banned", events::NextStep::wait_start, 1719662400000};
  const events::SessionState state{events::Status::failed, events::Connection::offline, reason};
  const events::Event all[] = {
      events::Event(events::NewMessage{received(), alice, alice}, R"({"customer":7})"),
      events::NewMessage{to_group, {}, alice},
      events::Ack{"ABC", *alice.lid, alice, events::AckLevel::error, "why", 1719662400123},
      events::QrShown{{"2@abc", 1719662400000}},
      events::Authenticated{*alice.pn, alice.lid},
      events::Ready{*alice.pn, {}, "Bob"},
      events::StatusChanged{state},
      events::Disconnected{state},
      events::ContactUpdated{*alice.lid, alice, events::ContactUpdated::Change::lid, {}},
      events::ContactUpdated{*alice.lid, alice, events::ContactUpdated::Change::about, "away"},
      events::ContactUpdated{*alice.lid, alice, events::ContactUpdated::Change::name, "Alice"},
      events::PresenceChanged{*alice.lid, alice, *alice.lid, alice, "unavailable", 1719662400000, false, 1719662400123},
      events::CallChanged{"A1B2", *alice.lid, alice, *alice.lid, alice, false, false, true, "missed", "timeout", true,
                          1719662400123},
      events::ChannelUpdated{jid("120363000000000009@newsletter"), "counts", "News", "", "101", 7,
                             R"([{"emoji":"👍","count":2}])", 1719662400123},
  };
  for (const events::Event& told : all)
    for (const Dialect dialect : {Dialect::openwa, Dialect::gateway}) {
      const storage::Event fresh = event(told);
      storage::Event read = fresh;
      read.value.reset();
      CHECK(text_of(fresh, dialect) == text_of(read, dialect));
      CHECK(rendered(fresh, dialect).at("data").as_object().size() >= 2);
    }
}

TEST_CASE("a call is told in both dialects with both ids of who calls") {
  const events::CallChanged call{"A1B2", *alice.lid, alice,    *alice.lid, alice, false,
                                 false,  true,       "missed", "timeout",  true,  1719662400123};
  CHECK(
      rendered(event(call), Dialect::openwa).at("data") ==
      json::parse(
          R"({"id":"A1B2","chatId":"6281234567890@c.us","chatLid":"205227043110953@lid","from":"6281234567890@c.us","fromLid":"205227043110953@lid","fromMe":false,"isGroup":false,"isVideo":true,"state":"missed","reason":"timeout","offline":true,"timestamp":1719662400})"));
  CHECK(
      rendered(event(call), Dialect::gateway).at("data") ==
      json::parse(
          R"({"id":"A1B2","chatJid":"6281234567890@s.whatsapp.net","chatLid":"205227043110953@lid","senderJid":"6281234567890@s.whatsapp.net","senderLid":"205227043110953@lid","fromMe":false,"isGroup":false,"isVideo":true,"state":"missed","reason":"timeout","offline":true,"timestamp":1719662400123})"));
}

TEST_CASE("an event with broken data is still an event") {
  for (const char* data : {"", "{", "[]", "null", R"({"id":5,"chat":[],"ack":"x"})"})
    for (const char* name : {"message", "ack", "qr", "ready", "session.status", "contact.updated", "future.kind"})
      for (const Dialect dialect : {Dialect::openwa, Dialect::gateway}) {
        INFO(name << " " << data);
        CHECK(rendered(event(name, data), dialect).at("data").is_object());
      }
}

TEST_CASE("an event whose row cannot be read says so instead of looking like an empty message") {
  storage::Event event;
  event.session = {1};
  event.session_name = "my-bot";
  event.name = "message";
  event.id = 7;
  for (const char* data : {"", "{\"id\":\"3EB0", "[]", "\xff", "{}", R"({"id":5,"chat":[],"ack":"x"})"}) {
    INFO(data);
    event.data = data;
    const json::object shown = rendered(event, Dialect::openwa);
    CHECK(shown.at("id") == "7");
    CHECK(shown.at("data") == json::value({{"unreadable", true}}));
  }
}

TEST_CASE("an event that an older version stored with broken UTF-8 is shown with what is readable") {
  storage::Event event;
  event.session = {1};
  event.session_name = "my-bot";
  event.name = "message";
  event.data =
      "{\"id\":\"3EB0\",\"chat\":\"1@s.whatsapp.net\",\"author\":\"1@s.whatsapp.net\",\"kind\":\"text\",\"body\":\"hi "
      "\xc3\",\"mentions\":[\"12\xfe@lid\"]}";
  const json::object shown = rendered(event, Dialect::openwa);
  CHECK(shown.at("data").at("body") == "hi \xEF\xBF\xBD");
  CHECK(shown.at("data").at("id") == "true_1@c.us_3EB0");
}
