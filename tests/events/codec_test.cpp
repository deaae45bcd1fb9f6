// Events as bytes: what every release stored, what comes back of it, and what is refused.
#include "events/codec.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "events/event.h"
#include "tests/support/printing.h"

using namespace wharf;
using namespace wharf::events;
using protocol::Errc;

namespace Catch {
template <>
struct StringMaker<Event> {
  static std::string convert(const Event& event) { return to_text(event); }
};
}  // namespace Catch

namespace {

const Jid number("15550000001", "s.whatsapp.net"), lid("100000000000001", "lid");
const PersonIds anna{number, lid};
const Jid group("120363000000000001", "g.us");

Message text_of_anna() {
  Message message;
  message.chat = message.author = lid;
  message.id = "3EB0AA";
  message.push_name = "Anna";
  message.kind = "text";
  message.body = "hi \"you\"\n";
  message.quoted_id = "3EB000";
  message.mentions = {number, Jid("15550000002", "s.whatsapp.net")};
  message.ack = AckLevel::delivered;
  message.timestamp = 1719662400123;
  return message;
}

Message text_to_group() {
  Message message;
  message.chat = Jid("120363000000000001", "g.us");
  message.author = number;
  message.id = "3EB0BB";
  message.from_me = true;
  message.kind = "text";
  message.timestamp = 1719662400000;
  return message;
}

Message posted() {
  Message message;
  message.chat = protocol::status_jid();
  message.author = lid;
  message.id = "3EB0AA";
  message.push_name = "Anna";
  message.kind = "text";
  message.body = "open";
  message.ack = AckLevel::delivered;
  message.timestamp = 5;
  return message;
}

/// A row of the log and what it says. The strings are those that releases have written: they are on disks.
struct Row {
  const char* name;
  const char* data;
  Event says;
};

std::vector<Row> rows() {
  const Reason banned{"banned", "the number is banned", NextStep::appeal, 1719662400000};
  return {
      {"message",
       R"({"id":"3EB0AA","chat":"100000000000001@lid","chatPn":"15550000001@s.whatsapp.net","chatLid":"100000000000001@lid","isGroup":false,"fromMe":false,"author":"100000000000001@lid","authorPn":"15550000001@s.whatsapp.net","authorLid":"100000000000001@lid","pushName":"Anna","kind":"text","body":"hi \"you\"\n","quotedId":"3EB000","mentions":["15550000001@s.whatsapp.net","15550000002@s.whatsapp.net"],"timestamp":1719662400123,"ack":2,"metadata":{"customer":7}})",
       Event(NewMessage{text_of_anna(), anna, anna}, R"({"customer":7})")},
      {"message",
       R"({"id":"3EB0AA","chat":"100000000000001@lid","isGroup":false,"fromMe":false,"author":"100000000000001@lid","pushName":"Anna","kind":"text","body":"hi \"you\"\n","quotedId":"3EB000","mentions":["15550000001@s.whatsapp.net","15550000002@s.whatsapp.net"],"mentionIds":[{"pn":"15550000001@s.whatsapp.net","lid":"100000000000001@lid"},{}],"timestamp":1719662400123,"ack":2})",
       NewMessage{text_of_anna(), {}, {}, {anna, {}}}},
      {"message.sent",
       R"({"id":"3EB0BB","chat":"120363000000000001@g.us","isGroup":true,"fromMe":true,"author":"15550000001@s.whatsapp.net","authorPn":"15550000001@s.whatsapp.net","kind":"text","body":"","timestamp":1719662400000,"ack":0})",
       NewMessage{text_to_group(), {}, {number, {}}}},
      {"ack",
       R"({"id":"3EB0BB","chat":"100000000000001@lid","chatPn":"15550000001@s.whatsapp.net","chatLid":"100000000000001@lid","fromMe":true,"ack":3,"timestamp":1719662400123})",
       Ack{"3EB0BB", lid, anna, AckLevel::read, "", 1719662400123}},
      {"ack",
       R"({"id":"3EB0BB","chat":"15550000001@s.whatsapp.net","fromMe":true,"ack":-1,"error":"no such number","timestamp":5,"metadata":{"a":[1,{}]}})",
       Event(Ack{"3EB0BB", number, {}, AckLevel::error, "no such number", 5}, R"({"a":[1,{}]})")},
      {"qr", R"({"qr":"2@abc","expiresAt":1719662400000})", QrShown{{"2@abc", 1719662400000}}},
      {"authenticated", R"({"jid":"15550000001@s.whatsapp.net","lid":"100000000000001@lid"})",
       Authenticated{number, lid}},
      {"ready", R"({"jid":"15550000001@s.whatsapp.net","lid":"100000000000001@lid","pushName":"Anna"})",
       Ready{number, lid, "Anna"}},
      {"ready", R"({"jid":"15550000001@s.whatsapp.net"})", Ready{number, {}, ""}},
      {"session.status", R"({"status":"qr_ready","connection":"connected"})",
       StatusChanged{{Status::qr_ready, Connection::connected, {}}}},
      {"session.status",
       R"({"status":"failed","connection":"offline","reason":{"code":"banned","message":"the number is banned","nextStep":"appeal","until":1719662400000}})",
       StatusChanged{{Status::failed, Connection::offline, banned}}},
      {"disconnected",
       R"({"status":"initializing","connection":"connecting","reason":{"code":"network","message":"","nextStep":"retried"}})",
       Disconnected{{Status::initializing, Connection::connecting, Reason{"network", "", NextStep::retried, {}}}}},
      {"contact.updated",
       R"({"id":"100000000000001@lid","pn":"15550000001@s.whatsapp.net","lid":"100000000000001@lid","change":"blocked"})",
       ContactUpdated{lid, anna, ContactUpdated::Change::blocked, {}}},
      {"contact.updated",
       R"({"id":"15550000001@s.whatsapp.net","pn":"15550000001@s.whatsapp.net","change":"unblocked"})",
       ContactUpdated{number, {number, {}}, ContactUpdated::Change::unblocked, {}}},
      {"contact.updated",
       R"({"id":"15550000001@s.whatsapp.net","pn":"15550000001@s.whatsapp.net","change":"verifiedName","text":"Shop"})",
       ContactUpdated{number, {number, {}}, ContactUpdated::Change::verified_name, "Shop"}},
      {"contact.updated",
       R"({"id":"15550000001@s.whatsapp.net","pn":"15550000001@s.whatsapp.net","change":"identity"})",
       ContactUpdated{number, {number, {}}, ContactUpdated::Change::identity, {}}},
      {"contact.updated",
       R"({"id":"100000000000001@lid","pn":"15550000001@s.whatsapp.net","lid":"100000000000001@lid","change":"lid"})",
       ContactUpdated{lid, anna, ContactUpdated::Change::lid, {}}},
      {"contact.updated",
       R"({"id":"100000000000001@lid","pn":"15550000001@s.whatsapp.net","lid":"100000000000001@lid","change":"about","text":"away"})",
       ContactUpdated{lid, anna, ContactUpdated::Change::about, "away"}},
      {"contact.updated",
       R"({"id":"100000000000001@lid","pn":"15550000001@s.whatsapp.net","lid":"100000000000001@lid","change":"name","text":"Ann"})",
       ContactUpdated{lid, anna, ContactUpdated::Change::name, "Ann"}},
      {"contact.updated",
       R"({"id":"15550000001@s.whatsapp.net","pn":"15550000001@s.whatsapp.net","change":"pushName","text":"Ann","own":true})",
       ContactUpdated{number, {number, {}}, ContactUpdated::Change::push_name, "Ann", true}},
      {"presence",
       R"({"chat":"100000000000001@lid","chatPn":"15550000001@s.whatsapp.net","chatLid":"100000000000001@lid","user":"100000000000001@lid","userPn":"15550000001@s.whatsapp.net","userLid":"100000000000001@lid","state":"unavailable","lastSeen":4000,"lastSeenHidden":false,"timestamp":5})",
       PresenceChanged{lid, anna, lid, anna, "unavailable", 4'000, false, 5}},
      {"presence",
       R"({"chat":"15550000001@s.whatsapp.net","user":"15550000001@s.whatsapp.net","state":"unavailable","lastSeenHidden":true,"timestamp":0})",
       PresenceChanged{number, {}, number, {}, "unavailable", {}, true, 0}},
      {"call",
       R"({"id":"A1B2","chat":"100000000000001@lid","chatPn":"15550000001@s.whatsapp.net","chatLid":"100000000000001@lid","caller":"100000000000001@lid","callerPn":"15550000001@s.whatsapp.net","callerLid":"100000000000001@lid","fromMe":false,"isGroup":false,"video":true,"state":"missed","reason":"timeout","offline":true,"timestamp":5})",
       CallChanged{"A1B2", lid, anna, lid, anna, false, false, true, "missed", "timeout", true, 5}},
      {"call",
       R"({"id":"A1B2","chat":"120363000000000001@g.us","caller":"15550000001@s.whatsapp.net","fromMe":false,"isGroup":true,"video":false,"state":"ringing","offline":false,"timestamp":0})",
       CallChanged{"A1B2", group, {}, number, {}, false, true, false, "ringing", "", false, 0}},
      {"event.answer",
       R"({"id":"3EB0CC","target":"3EB0AA","targetFromMe":true,"chat":"15550000001@s.whatsapp.net","fromMe":false,"author":"15550000001@s.whatsapp.net","timestamp":5,"response":"going","extraGuests":2})",
       EventAnswered{{"3EB0CC", "3EB0AA", true, number, {}, false, number, {}, 5}, "going", 2}},
      {"message.edited",
       R"({"id":"3EB0CC","target":"3EB0AA","targetFromMe":true,"chat":"15550000001@s.whatsapp.net","fromMe":false,"author":"15550000001@s.whatsapp.net","timestamp":5,"body":"Walk","details":"{}"})",
       MessageEdited{{"3EB0CC", "3EB0AA", true, number, {}, false, number, {}, 5}, "Walk", "{}"}},
      {"message.pinned",
       R"({"id":"3EB0CC","target":"3EB0AA","targetFromMe":true,"chat":"15550000001@s.whatsapp.net","fromMe":false,"author":"15550000001@s.whatsapp.net","timestamp":5,"until":604800005})",
       MessagePinned{{"3EB0CC", "3EB0AA", true, number, {}, false, number, {}, 5}, 604'800'005}},
      {"message.starred",
       R"({"id":"3EB0AA","chat":"100000000000001@lid","chatPn":"15550000001@s.whatsapp.net","chatLid":"100000000000001@lid","fromMe":true,"starred":false,"timestamp":5})",
       MessageStarred{"3EB0AA", lid, anna, true, false, 5}},
      {"message.deleted", R"({"id":"3EB0AA","chat":"15550000001@s.whatsapp.net","fromMe":false,"timestamp":5})",
       MessageDeleted{"3EB0AA", number, {}, false, 5}},
      {"chat.updated",
       R"({"chat":"100000000000001@lid","chatPn":"15550000001@s.whatsapp.net","chatLid":"100000000000001@lid","expiresAfter":86400,"timestamp":5})",
       ChatUpdated{lid, anna, 86'400, 5}},
      {"chat.updated", R"({"chat":"15550000001@s.whatsapp.net","timestamp":0})", ChatUpdated{number, {}, {}, 0}},
      {"group_join",
       R"({"chat":"120363000000000001@g.us","by":"100000000000001@lid","byPn":"15550000001@s.whatsapp.net","byLid":"100000000000001@lid","timestamp":5,"how":"added","subject":"crew","own":true,"people":[{"jid":"100000000000001@lid","pn":"15550000001@s.whatsapp.net","lid":"100000000000001@lid","role":"admin"}]})",
       GroupJoined{{group, lid, anna, 5}, "added", "crew", true, {{lid, anna, "admin"}}}},
      {"group_leave",
       R"({"chat":"120363000000000001@g.us","timestamp":5,"how":"left","subject":"crew","own":false,"people":[]})",
       GroupLeft{{group, {}, {}, 5}, "left", "crew", false, {}}},
      {"group_update", R"({"chat":"120363000000000001@g.us","timestamp":5,"field":"announce","on":false,"people":[]})",
       GroupUpdated{{group, {}, {}, 5}, "announce", false, {}, "", {}}},
      {"group_update",
       R"({"chat":"120363000000000001@g.us","timestamp":5,"field":"ephemeral","number":86400,"people":[]})",
       GroupUpdated{{group, {}, {}, 5}, "ephemeral", {}, 86'400, "", {}}},
      {"group_update",
       R"({"chat":"120363000000000001@g.us","timestamp":5,"field":"subject","text":"crew","people":[]})",
       GroupUpdated{{group, {}, {}, 5}, "subject", {}, {}, "crew", {}}},
      {"group_join_request",
       R"({"chat":"120363000000000001@g.us","timestamp":5,"action":"created","method":"invite_link","people":[{"jid":"15550000001@s.whatsapp.net"}]})",
       GroupJoinRequested{{group, {}, {}, 5}, "created", "invite_link", {{number, {}, ""}}}},
      {"status.posted",
       R"({"id":"3EB0AA","chat":"status@broadcast","fromMe":false,"author":"100000000000001@lid","authorPn":"15550000001@s.whatsapp.net","authorLid":"100000000000001@lid","pushName":"Anna","kind":"text","body":"open","timestamp":5,"ack":2})",
       StatusPosted{posted(), anna}},
      {"status.deleted",
       R"({"id":"3EB0CC","target":"3EB0AA","targetFromMe":false,"chat":"status@broadcast","fromMe":false,"author":"15550000001@s.whatsapp.net","timestamp":5})",
       StatusDeleted{{"3EB0CC", "3EB0AA", false, protocol::status_jid(), {}, false, number, {}, 5}}},
      {"status.viewed",
       R"({"id":"3EB0AA","viewer":"100000000000001@lid","viewerPn":"15550000001@s.whatsapp.net","viewerLid":"100000000000001@lid","timestamp":5})",
       StatusViewed{"3EB0AA", lid, anna, 5}},
      {"channel_update",
       R"({"chat":"120363000000000009@newsletter","change":"counts","serverId":"101","views":7,"reactions":"[]","timestamp":5})",
       ChannelUpdated{Jid("120363000000000009", "newsletter"), "counts", "", "", "101", 7, "[]", 5}},
      {"channel_update",
       R"({"chat":"120363000000000009@newsletter","change":"posted","name":"News","messageId":"3EB0AA","serverId":"101","timestamp":5})",
       ChannelUpdated{Jid("120363000000000009", "newsletter"), "posted", "News", "3EB0AA", "101", {}, {}, 5}},
      {"future.kind", R"({"x":[1,"y"],"metadata":{"k":1}})",
       Event(Unknown{"future.kind", R"({"x":[1,"y"]})"}, R"({"k":1})")},
  };
}

}  // namespace

TEST_CASE("every kind is stored as releases have always stored it, and their rows say what they said") {
  for (const Row& row : rows()) {
    INFO(row.data);
    const auto decoded = decode(row.name, row.data);
    REQUIRE(decoded);
    CHECK(*decoded == row.says);
    CHECK(encode(row.says) == row.data);
    CHECK(name(row.says) == row.name);
  }
}

TEST_CASE("the request that caused an event is stored with it, before the metadata") {
  for (const Row& row : rows()) {
    INFO(row.data);
    CHECK(row.says.request_id.empty());
    Event caused = row.says;
    caused.request_id = "req-1";
    CHECK_FALSE(caused == row.says);
    const std::string stored = encode(caused);
    CHECK(decode(row.name, stored).value() == caused);
    const std::string_view before = row.data;
    const std::size_t at = before.find(R"("metadata":)");
    const std::string added = R"("requestId":"req-1")";
    if (at != std::string::npos)
      CHECK(stored == std::string(before.substr(0, at)) + added + "," + std::string(before.substr(at)));
    else CHECK(stored.ends_with(added + "}"));
  }
}

TEST_CASE("a request of another form costs the event its request, not the event") {
  const auto decoded = decode("future.kind", R"({"a":1,"requestId":7})");
  REQUIRE(decoded);
  CHECK(*decoded == Unknown{"future.kind", R"({"a":1})"});
}

TEST_CASE("events differ when any of what they say differs") {
  const auto all = rows();
  for (const Row& one : all)
    for (const Row& other : all) CHECK((one.says == other.says) == (&one == &other));
  Event read = Ack{"3EB0BB", lid, anna, AckLevel::read, "", 5},
        played = Ack{"3EB0BB", lid, anna, AckLevel::played, "", 5};
  CHECK_FALSE(read == played);
  CHECK_FALSE(read == Event(Ack{"3EB0BB", lid, anna, AckLevel::read, "", 5}, "{}"));
}

TEST_CASE("events keep their order with the chat or contact that they are about") {
  CHECK(lane(NewMessage{text_to_group(), {}, {}}) == "120363000000000001@g.us");
  CHECK(lane(Ack{"3EB0BB", lid, anna, AckLevel::read, "", 5}) == "100000000000001@lid");
  CHECK(lane(ContactUpdated{number, {}, {}, {}}) == "15550000001@s.whatsapp.net");
  CHECK(lane(Ready{number, lid, "Anna"}).empty());
  CHECK(lane(StatusChanged{}).empty());
}

TEST_CASE("what a release before stored of a linked device, with its device number, is still read") {
  const auto decoded = decode("ready", R"({"jid":"15550000001:3@s.whatsapp.net","lid":"100000000000001:3@lid"})");
  REQUIRE(decoded);
  CHECK(std::get<Ready>(decoded->fact).jid == Jid("15550000001", "s.whatsapp.net", 3));
}

TEST_CASE("an event without what it is about, or with a member of another form, is refused by that member") {
  const struct {
    const char *name, *data, *member;
  } damaged[] = {
      {"message", R"({})", "id"},
      {"message", R"({"id":5,"chat":[],"ack":"x"})", "id"},
      {"message", R"({"id":"A","chat":"1@lid","author":"1@lid","kind":"text"})", "body"},
      {"message", R"({"id":"A","chat":"1@lid","author":"1@lid","kind":"text","body":"","ack":9})", "ack"},
      {"message", R"({"id":"A","chat":"1@lid","author":"1@lid","kind":"text","body":"","mentions":[1]})", "mentions"},
      {"ack", R"({"id":"A","chat":"1@lid"})", "ack"},
      {"qr", R"({"expiresAt":1})", "qr"},
      {"ready", R"({"pushName":"Anna"})", "jid"},
      {"session.status", R"({"status":"asleep","connection":"offline"})", "status"},
      {"disconnected", R"({"status":"failed"})", "connection"},
      {"contact.updated", R"({"id":"1@lid","change":"shoe"})", "change"},
  };
  for (const auto& row : damaged) {
    INFO(row.name << " " << row.data);
    const auto decoded = decode(row.name, row.data);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error() == protocol::Error(Errc::malformed, std::string("event: member ") + row.member));
  }
  for (const char* data : {"", "{", "[]", "null", "\xff", R"({"id":"3EB0)"})
    for (const char* name : {"message", "ack", "future.kind"}) {
      INFO(name << " " << data);
      REQUIRE_FALSE(decode(name, data));
    }
}

TEST_CASE("a reason that cannot be read costs the event its reason, not the event") {
  const auto decoded =
      decode("session.status", R"({"status":"failed","connection":"offline","reason":{"message":"?"}})");
  REQUIRE(decoded);
  CHECK(*decoded == StatusChanged{{Status::failed, Connection::offline, {}}});
}

TEST_CASE("event data is JSON whatever text, name, id and mention hold") {
  Message row;
  row.chat = row.author = Jid("100000000000001", "lid");
  row.id = "3EB0\xff";
  row.kind = "text";
  row.body = "quote \" backslash \\ newline \n bell \x07 umlaut \xc3\xa4 cut \xc3";
  row.push_name = "\xed\xa0\x80";
  row.mentions = {Jid("12\xfe", "s.whatsapp.net")};
  PersonIds ids;
  ids.pn = Jid("15550000001", "s.whatsapp.net");
  boost::system::error_code failed;
  const auto event = boost::json::parse(encode(Event(NewMessage{row, ids, {}}, R"({"k":1})")), failed);
  REQUIRE_FALSE(failed);
  const std::string mark = "\xEF\xBF\xBD";
  CHECK(event.at("id").as_string() == "3EB0" + mark);
  CHECK(event.at("body").as_string() == "quote \" backslash \\ newline \n bell \x07 umlaut \xc3\xa4 cut " + mark);
  CHECK(event.at("chatPn").as_string() == "15550000001@s.whatsapp.net");
  CHECK(event.at("mentions").as_array().size() == 1);
  CHECK(event.at("metadata").at("k").as_int64() == 1);
}

TEST_CASE("broken UTF-8 that an early release stored is read with what is readable of it") {
  const auto decoded =
      decode("message",
             "{\"id\":\"3EB0\",\"chat\":\"1@lid\",\"author\":\"1@lid\",\"kind\":\"text\",\"body\":\"hi "
             "\xc3\",\"mentions\":[\"12\xfe@lid\"]}");
  REQUIRE(decoded);
  const Message& message = std::get<NewMessage>(decoded->fact).message;
  CHECK(message.body == "hi \xEF\xBF\xBD");
  REQUIRE(message.mentions.size() == 1);
  CHECK(message.mentions[0].to_string() == "12\xEF\xBF\xBD@lid");
}

TEST_CASE("a next step in the words of an earlier release does not make its reason unreadable") {
  const auto reason =
      decode_reason(R"({"code":"unlinked","message":"gone","nextStep":"POST /a/b shows a new QR code"})");
  REQUIRE(reason);
  CHECK(reason->code == "unlinked");
  CHECK(reason->next_step == NextStep::read_log_start);
}
