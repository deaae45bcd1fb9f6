// People and the own profile over the whole API: what is shown of stored contacts, what a request must be like, what a
// session that is not connected answers. What WhatsApp does with it is tests/e2e.
#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <map>

#include "protocol/appstate/actions.h"
#include "protocol/channels/metadata.h"
#include "protocol/mex/json.h"
#include "storage/app_state.h"
#include "storage/changes.h"
#include "storage/channels.h"
#include "storage/contacts.h"
#include "storage/messages.h"
#include "storage/peers.h"
#include "tests/api/api_daemon.h"

using namespace wharf;
using namespace wharf::api;
using protocol::Jid;
using test::Answer;
using test::check_documented;
using test::Daemon;
using test::gateway;
using test::linked;

namespace json = boost::json;

namespace {

const std::string base = "/api/v1/sessions/a";

Jid lid(int number) { return Jid(fmt::format("{}", 100'000'000'000'000 + number), "lid"); }
Jid number(int number) { return Jid(fmt::format("{}", 15'550'000'000 + number), "s.whatsapp.net"); }

/// Contacts by LID, each with its number.
void put_contacts(Daemon& d, int first, int last) {
  storage::Changes changes;
  for (int i = first; i <= last; ++i) {
    storage::ContactRow row;
    row.user = lid(i);
    row.push_name = fmt::format("person {}", i);
    row.registered = storage::Registered::yes;
    changes.add(storage::PutLid{d.id_of("a"), number(i), lid(i)});
    changes.add(storage::PutContact{d.id_of("a"), row});
  }
  d.commit(std::move(changes));
}

std::vector<std::string> ids(const json::value& list) {
  std::vector<std::string> out;
  for (const json::value& row : list.as_array()) {
    check_documented(row, schemas::contact);
    out.emplace_back(row.at("id").as_string());
  }
  return out;
}

}  // namespace

TEST_CASE("contacts are listed whole without a limit, and in pages with one") {
  Daemon d;
  d.create("a");
  CHECK(d.ask("GET", base + "/contacts").json() == json::parse(R"({"success":true,"data":[],"nextCursor":null})"));
  constexpr int count = 250;  // several slices
  put_contacts(d, 2, count + 1);
  const json::object all = d.ask("GET", base + "/contacts").json();
  const std::vector<std::string> everybody = ids(all.at("data"));
  CHECK(everybody.size() == count);
  CHECK(everybody.front() == "15550000002@c.us");
  CHECK(all.at("nextCursor").is_null());
  CHECK(
      all.at("data").at(0) ==
      json::parse(
          R"({"id":"15550000002@c.us","lid":"100000000000002@lid","number":"15550000002","name":"person 2","pushname":"person 2","isMyContact":false,"isWAContact":true})"));

  std::vector<std::string> paged;
  std::string cursor;
  for (int pages = 0; pages < 4; ++pages) {
    const json::object page =
        d.ask("GET", base + "/contacts?limit=100" + (cursor.empty() ? "" : "&cursor=" + cursor)).json();
    const auto some = ids(page.at("data"));
    paged.insert(paged.end(), some.begin(), some.end());
    if (page.at("nextCursor").is_null()) break;
    cursor = page.at("nextCursor").as_string();
  }
  CHECK(paged == everybody);
  CHECK(d.ask("GET", base + "/contacts?limit=1", "", gateway).json().at("data").at(0).at("id") ==
        "15550000002@s.whatsapp.net");
  for (const char* wrong : {"x", "c", "c0", "c-1", "c01", "g1", "c1x"}) {
    INFO(wrong);
    const Answer answer = d.ask("GET", base + "/contacts?cursor=" + wrong);
    CHECK(answer.status == 400);
    CHECK(answer.json().at("error").at("details").as_object().contains("cursor"));
  }
  CHECK(d.ask("GET", base + "/contacts?limit=1001").status == 400);
}

TEST_CASE("my contacts are those whom the records of the address book have, by either id") {
  Daemon d;
  d.create("a");
  put_contacts(d, 2, 5);
  const std::string book(protocol::critical_unblock_low);
  storage::Changes changes;
  const auto have = [&](std::uint8_t mac, const char* action, const Jid& who) {
    changes.add(storage::PutAppStateRecord{
        d.id_of("a"), book, {{mac}, {1}, {1}, protocol::index_of({action, who.to_string()})}});
  };
  have(1, "contact", number(2));
  have(2, "lid_contact", lid(3));
  have(3, "contact", number(9));  // the number that person 4 had before
  storage::ContactRow moved;
  moved.user = lid(4);
  moved.name = "Dora";
  moved.registered = storage::Registered::yes;
  changes.add(storage::PutContact{d.id_of("a"), moved});
  changes.add(storage::PutAppState{d.id_of("a"), {book, 3, {}, 3, false, false}});
  d.commit(std::move(changes));
  const auto mine = [&] {
    std::vector<bool> out;
    const json::object contacts = d.ask("GET", base + "/contacts").json();
    for (const json::value& row : contacts.at("data").as_array()) out.push_back(row.at("isMyContact").as_bool());
    return out;
  };
  CHECK(mine() == std::vector<bool>{true, true, false, false});
  // What was changed here comes back with the next patch: until then the name says.
  storage::Changes behind;
  behind.add(storage::PutAppState{d.id_of("a"), {book, 3, {}, 4, false, false}});
  d.commit(std::move(behind));
  CHECK(mine() == std::vector<bool>{false, false, true, false});
}

TEST_CASE("the account is no contact of its own, and a number that nobody has is none") {
  Daemon d(linked());
  put_contacts(d, 1, 3);
  storage::ContactRow nobody;
  nobody.user = number(9);
  nobody.registered = storage::Registered::no;
  storage::Changes changes;
  changes.add(storage::PutContact{d.id_of("a"), nobody});
  d.commit(std::move(changes));
  const std::vector<std::string> others = {"15550000002@c.us", "15550000003@c.us"};
  CHECK(ids(d.ask("GET", base + "/contacts").json().at("data")) == others);
  CHECK(ids(d.ask("GET", base + "/contacts?limit=10").json().at("data")) == others);
  // Nor is somebody of whom nothing is known but that their presence is watched.
  storage::Changes watching;
  storage::ContactRow watched;
  watched.user = lid(8);
  watched.watched = true;
  watching.add(storage::PutContact{d.id_of("a"), watched});
  d.commit(std::move(watching));
  CHECK(ids(d.ask("GET", base + "/contacts").json().at("data")) == others);
  CHECK(ids(d.ask("GET", base + "/contacts?limit=10").json().at("data")) == others);
  // A page of nobody else is empty, and goes on.
  const json::object first = d.ask("GET", base + "/contacts?limit=1").json();
  CHECK(first.at("data").as_array().empty());
  CHECK(first.at("nextCursor").is_string());
}

TEST_CASE("each wrong field of a request about people is named") {
  Daemon d;
  d.create("a");
  const std::string ben = base + "/contacts/15550000002";
  struct Row {
    const char* method;
    std::string path;
    const char* body;
    const char* field;
  };
  for (const Row& row : {
           Row{"POST", base + "/contacts/check", R"({})", "numbers"},
           Row{"POST", base + "/contacts/check", R"({"numbers":[]})", "numbers"},
           Row{"POST", base + "/contacts/check", R"({"numbers":[15550000002]})", "numbers[0]"},
           Row{"POST", base + "/contacts/check", R"({"numbers":["15550000002"],"refresh":"yes"})", "refresh"},
           Row{"GET", base + "/contacts/1-2@g.us", "", "contactId"},
           Row{"GET", base + "/contacts/nobody", "", "contactId"},
           Row{"GET", base + "/contacts/1@newsletter/picture", "", "contactId"},
           Row{"GET", base + "/contacts/1-2@g.us/about", "", "contactId"},
           Row{"GET", base + "/contacts/1-2@g.us/business", "", "contactId"},
           Row{"GET", base + "/contacts/1-2@g.us/catalog", "", "contactId"},
           Row{"GET", base + "/contacts/1-2@g.us/presence", "", "contactId"},
           Row{"POST", base + "/contacts/1-2@g.us/presence", "", "contactId"},
           Row{"DELETE", base + "/contacts/1-2@g.us/presence", "", "contactId"},
           Row{"POST", base + "/contacts/1-2@g.us/block", "", "contactId"},
           Row{"POST", base + "/contacts/status@broadcast/unblock", "", "contactId"},
           Row{"GET", ben + "/picture?preview=maybe", "", "preview"},
           Row{"GET", ben + "/catalog?limit=0", "", "limit"},
           Row{"GET", ben + "/catalog?limit=101", "", "limit"},
           Row{"PATCH", base + "/privacy", R"({"lastSeen":"matchLastSeen"})", "lastSeen"},
           Row{"PATCH", base + "/privacy", R"({"online":"none"})", "online"},
           Row{"PATCH", base + "/privacy", R"({"profilePicture":"contact_blacklist"})", "profilePicture"},
           Row{"PATCH", base + "/privacy", R"({"readReceipts":true})", "readReceipts"},
           Row{"GET", base + "/privacy/excluded", "", "setting"},
           Row{"GET", base + "/privacy/excluded?setting=online", "", "setting"},
           Row{"PATCH", base + "/privacy/excluded", R"({"add":["15550000002"]})", "setting"},
           Row{"PATCH", base + "/privacy/excluded", R"({"setting":"lastSeen"})", "add"},
           Row{"PATCH", base + "/privacy/excluded", R"({"setting":"lastSeen","add":["1-2@g.us"]})", "add[0]"},
           Row{"PATCH", base + "/privacy/excluded",
               R"({"setting":"lastSeen","add":["15550000002"],"remove":["15550000002@c.us"]})", "remove"},
           Row{"PUT", base + "/me/about", R"({})", "about"},
           Row{"PUT", base + "/me/about", R"({"about":"a\u0000b"})", "about"},
           Row{"PUT", base + "/me/name", R"({})", "name"},
           Row{"PUT", base + "/me/name", R"({"name":""})", "name"},
           Row{"PUT", base + "/me/name", R"({"name":"  "})", "name"},
           Row{"PUT", base + "/me/name", R"({"name":"a\nb"})", "name"},
           Row{"PUT", ben, R"({})", "fullName"},
           Row{"PUT", ben, R"({"name":"Ben"})", "name"},
           Row{"PUT", ben, R"({"fullName":"a\nb"})", "fullName"},
           Row{"PUT", ben, R"({"fullName":"Ben","firstName":" "})", "firstName"},
           Row{"PUT", ben, R"({"fullName":"Ben","saveOnPhone":1})", "saveOnPhone"},
           Row{"PUT", base + "/contacts/1-2@g.us", R"({"fullName":"Ben"})", "contactId"},
           Row{"DELETE", base + "/contacts/1-2@g.us", "", "contactId"},
           Row{"PUT", base + "/me/disappearing", R"({})", "seconds"},
           Row{"PUT", base + "/me/disappearing", R"({"seconds":60})", "seconds"},
           Row{"PUT", base + "/me/disappearing", R"({"seconds":-1})", "seconds"},
           Row{"PUT", base + "/presence", R"({})", "presence"},
           Row{"PUT", base + "/presence", R"({"presence":"composing"})", "presence"},
           Row{"PUT", base + "/chats/15550000002/presence", R"({})", "state"},
           Row{"PUT", base + "/chats/15550000002/presence", R"({"state":"available"})", "state"},
           Row{"PUT", base + "/chats/1@newsletter/presence", R"({"state":"composing"})", "chatId"},
           Row{"PUT", base + "/chats/status@broadcast/presence", R"({"state":"composing"})", "chatId"},
           Row{"PATCH", base, R"({"config":{"presence":"away"}})", "config.presence"},
       }) {
    INFO(row.method << " " << row.path << " " << row.body);
    const Answer answer = d.ask(row.method, row.path, row.body);
    CHECK(answer.status == 400);
    CHECK(answer.json().at("error").at("details").as_object().contains(row.field));
  }
  const Answer privacy = d.ask("PATCH", base + "/privacy", R"({"online":"none"})");
  CHECK(privacy.json().at("error").at("details").at("online") == "must be one of: all, matchLastSeen");
  CHECK(d.ask("PATCH", base + "/privacy", R"({})").status == 400);
  CHECK(d.ask("PATCH", base + "/privacy", R"({"online":null})").status == 400);
  const std::string long_about(139, 'x');
  CHECK(d.ask("PUT", base + "/me/about", R"({"about":")" + long_about + R"("})").status == 409);
  CHECK(d.ask("PUT", base + "/me/about", R"({"about":")" + long_about + R"(x"})").status == 400);
  std::string numbers = R"({"numbers":["15550000002")";
  for (int i = 1; i < 1'000; ++i) numbers += R"(,"15550000002")";
  CHECK(d.ask("POST", base + "/contacts/check", numbers + "]}").status == 409);
  CHECK(d.ask("POST", base + "/contacts/check", numbers + R"(,"15550000002"]})").status == 400);
}

TEST_CASE("what names nobody has one code, in a path as in a body") {
  Daemon d;
  d.create("a");
  struct Row {
    const char* method;
    std::string path;
    const char* body;
  };
  for (const Row& row : {Row{"GET", base + "/contacts/nobody", ""}, Row{"GET", base + "/contacts/1-2@g.us/about", ""},
                         Row{"GET", base + "/chats/nobody/messages", ""}, Row{"GET", base + "/groups/15550000002", ""},
                         Row{"POST", base + "/groups", R"({"name":"x","participants":["1-2@g.us"]})"}}) {
    INFO(row.method << " " << row.path);
    CHECK(d.ask(row.method, row.path, row.body).code() == "INVALID_CHAT_ID");
    CHECK(d.ask(row.method, row.path, row.body, gateway).code() == "validation_error");
  }
}

TEST_CASE("a picture has nothing that messages have") {
  Daemon d(linked());
  for (const char* field : {"caption", "chatId", "viewOnce", "quotedMessageId", "duration"}) {
    INFO(field);
    const Answer answer =
        d.ask("PUT", base + "/me/picture", fmt::format(R"({{"url":"http://127.0.0.1:1/x.png","{}":"1"}})", field));
    CHECK(answer.status == 400);
    CHECK(answer.json().at("error").at("details").as_object().contains(field));
  }
}

TEST_CASE("what is asked of WhatsApp about people needs a connected session") {
  Daemon d;
  d.create("a");
  struct Row {
    const char* method;
    std::string path;
    const char* body;
  };
  for (const Row& row : {
           Row{"POST", "/contacts/check", R"({"numbers":["+1 555 000 0002"]})"},
           Row{"GET", "/contacts/15550000002/picture", ""},
           Row{"GET", "/contacts/15550000002/business", ""},
           Row{"GET", "/contacts/15550000002/catalog?limit=100&cursor=x", ""},
           Row{"POST", "/contacts/15550000002@c.us/block", ""},
           Row{"POST", "/contacts/100000000000002@lid/unblock", ""},
           Row{"GET", "/blocked", ""},
           Row{"GET", "/privacy", ""},
           Row{"PATCH", "/privacy", R"({"online":"all","lastSeen":null})"},
           Row{"GET", "/privacy/excluded?setting=about", ""},
           Row{"PATCH", "/privacy/excluded", R"({"setting":"pix","remove":["15550000002"]})"},
           Row{"GET", "/me/picture", ""},
           Row{"PUT", "/me/picture", R"({"url":"http://127.0.0.1:1/x.png"})"},
           Row{"DELETE", "/me/picture", ""},
           Row{"PUT", "/me/about", R"({"about":""})"},
           Row{"PUT", "/me/disappearing", R"({"seconds":604800})"},
           Row{"PUT", "/me/name", R"({"name":"Harbour"})"},
           Row{"PUT", "/contacts/15550000002", R"({"firstName":"Ben","saveOnPhone":true})"},
           Row{"DELETE", "/contacts/100000000000002@lid", ""},
           Row{"PUT", "/presence", R"({"presence":"available"})"},
       }) {
    INFO(row.method << " " << row.path << " " << row.body);
    const Answer answer = d.ask(row.method, base + row.path, row.body);
    CHECK(answer.status == 409);
    CHECK(answer.code() == "SESSION_NOT_READY");
    const Answer nowhere = d.ask(row.method, "/api/v1/sessions/nowhere" + row.path, row.body);
    CHECK(nowhere.status == 404);
    CHECK(nowhere.code() == "SESSION_NOT_FOUND");
  }
  // Of somebody of whom nothing is known either.
  CHECK(d.ask("GET", base + "/contacts/15550000002").code() == "SESSION_NOT_READY");
  CHECK(d.ask("GET", base + "/contacts/15550000002/about").code() == "SESSION_NOT_READY");
}

TEST_CASE("a chat state without a connected client is 501 in both dialects, once the request is sound") {
  Daemon d;
  d.create("a");
  for (const char* chat : {"15550000002", "15550000002@c.us", "100000000000002@lid", "120363000000000001@g.us"}) {
    for (const char* state : {"composing", "recording", "paused"}) {
      const std::string path = base + "/chats/" + chat + "/presence", body = fmt::format(R"({{"state":"{}"}})", state);
      INFO(path << " " << body);
      const Answer answer = d.ask("PUT", path, body);
      CHECK(answer.status == 501);
      CHECK(answer.code() == "NOT_IMPLEMENTED");
      CHECK(d.ask("PUT", path, body, gateway).code() == "not_implemented");
    }
  }
  const std::string body = R"({"state":"composing"})";
  CHECK(d.ask("PUT", "/api/v1/sessions/nowhere/chats/15550000002/presence", body, gateway).status == 404);
  CHECK(d.ask("PUT", base + "/chats/15550000002/presence", R"({"state":"x"})", gateway).code() == "validation_error");
}

TEST_CASE("the own account cannot be blocked, by either of its names") {
  Daemon d(linked());
  for (const char* own : {"15550000001", "15550000001@s.whatsapp.net", "100000000000001@lid"}) {
    for (const char* what : {"block", "unblock"}) {
      INFO(own << " " << what);
      const Answer answer = d.ask("POST", fmt::format("{}/contacts/{}/{}", base, own, what));
      CHECK(answer.status == 400);
      CHECK(answer.json().at("error").at("details").as_object().contains("contactId"));
    }
  }
  CHECK(d.ask("POST", base + "/contacts/15550000002/block").status == 409);
}

TEST_CASE("the own account is not watched, by either of its names, and whoever was is watched no more") {
  Daemon d(linked());
  for (const char* own : {"15550000001", "100000000000001@lid"}) {
    INFO(own);
    const Answer answer = d.ask("POST", fmt::format("{}/contacts/{}/presence", base, own));
    CHECK(answer.status == 400);
    CHECK(answer.json().at("error").at("details").as_object().contains("contactId"));
    CHECK(d.ask("DELETE", fmt::format("{}/contacts/{}/presence", base, own)).status == 204);
  }
}

TEST_CASE("what is known of a presence is told without a connection, and nothing is watched unasked") {
  Daemon d(linked());
  put_contacts(d, 2, 2);
  const Answer answer = d.ask("GET", base + "/contacts/15550000002/presence");
  CHECK(answer.status == 200);
  check_documented(answer.json().at("data"), schemas::contact_presence);
  CHECK(
      answer.json().at("data") ==
      json::parse(
          R"({"id":"15550000002@c.us","lid":"100000000000002@lid","number":"15550000002","state":"unknown","lastSeenHidden":false,"watched":false})"));
}

TEST_CASE("a contact that is known is shown without a connection, and said to be as it was") {
  Daemon d(linked());
  put_contacts(d, 2, 2);
  const Answer answer = d.ask("GET", base + "/contacts/15550000002");
  CHECK(answer.status == 200);
  const json::object contact = answer.json().at("data").as_object();
  check_documented(contact, schemas::contact_details);
  CHECK(contact.at("fresh") == false);
  CHECK(contact.at("pushname") == "person 2");
  CHECK(contact.at("lid") == "100000000000002@lid");
  CHECK_FALSE(contact.contains("profilePicThumbObj"));
  CHECK(d.ask("GET", base + "/contacts/100000000000002@lid").json().at("data") == contact);
  CHECK(
      d.ask("GET", base + "/contacts/15550000002/about", "", gateway).json().at("data") ==
      json::parse(
          R"({"id":"15550000002@s.whatsapp.net","lid":"100000000000002@lid","number":"15550000002","about":"","fresh":false})"));
}

TEST_CASE("a chat is called as its contact, and a channel as it calls itself") {
  Daemon d;
  d.create("a");
  put_contacts(d, 2, 4);
  storage::Changes changes;
  const auto write = [&](const Jid& chat, const std::string& pushname) {
    storage::MessageRow row;
    row.session = d.id_of("a");
    row.chat = row.author = chat;
    row.id = "M" + chat.user;
    row.kind = "text";
    row.push_name = pushname;
    row.timestamp = 1'642'694'598'000;
    changes.add(storage::InsertMessage{std::move(row), true, std::nullopt});
  };
  const Jid news("120363000000000009", "newsletter");
  for (const Jid& chat : {lid(2), lid(3), lid(4), number(5)}) write(chat, chat == lid(2) ? "as of old" : "");
  write(news, "Old news");
  storage::ContactRow saved;
  saved.user = lid(2);
  saved.name = "Ben B";
  saved.push_name = "Benny";
  changes.add(storage::PutContact{d.id_of("a"), saved});
  storage::ContactRow verified;
  verified.user = lid(3);
  verified.verified_name = "Dora GmbH";
  changes.add(storage::PutContact{d.id_of("a"), verified});
  protocol::ChannelMetadata metadata;
  metadata.id = news;
  metadata.name = "News 2";
  changes.add(
      storage::PutChannel{d.id_of("a"), {news, protocol::write_json(protocol::channel_metadata_json(metadata)), 1}});
  d.commit(std::move(changes));
  for (const char* query : {"", "?limit=10"}) {
    std::map<std::string, std::string> names;
    const json::value page = d.ask("GET", base + "/chats" + query).json();
    for (const json::value& chat : page.at("data").as_array())
      names[std::string(chat.at("id").as_string())] = std::string(chat.at("name").as_string());
    CHECK(names == std::map<std::string, std::string>{{"15550000002@c.us", "Ben B"},
                                                      {"15550000003@c.us", "Dora GmbH"},
                                                      {"15550000004@c.us", "person 4"},
                                                      {"15550000005@c.us", "15550000005"},
                                                      {"120363000000000009@newsletter", "News 2"}});
  }
}

TEST_CASE("how a session shows itself is part of its configuration") {
  Daemon d;
  const auto shown = [&](const char* name) {
    return d.ask("GET", std::string("/api/v1/sessions/") + name).json().at("data").at("config").as_object();
  };
  CHECK(d.ask("POST", "/api/v1/sessions", R"({"sessionId":"a","config":{"presence":"unavailable"}})").status == 201);
  CHECK(shown("a").at("presence") == "unavailable");
  CHECK(d.ask("PATCH", base, R"({"config":{"presence":"available"}})").status == 200);
  CHECK(shown("a").at("presence") == "available");
  CHECK(d.ask("PATCH", base, R"({"config":{"qrTimeout":60}})").status == 200);
  CHECK(shown("a").at("presence") == "available");
  CHECK(d.ask("PATCH", base, R"({"config":{"presence":"unavailable"}})").status == 200);
  CHECK(d.ask("PATCH", base, R"({"config":{"presence":null}})").status == 200);  // as it began
  CHECK_FALSE(shown("a").contains("presence"));
  CHECK(shown("a").at("qrTimeout") == 60);
  d.create("b");
  CHECK_FALSE(shown("b").contains("presence"));
  const Answer wrong = d.ask("POST", "/api/v1/sessions", R"({"sessionId":"c","config":{"presence":"away"}})");
  CHECK(wrong.status == 400);
  CHECK(wrong.json().at("error").at("details").at("config.presence") == "must be one of: available, unavailable");
}

TEST_CASE("what can be no number is invalid in its row, and costs the others nothing") {
  Daemon d;
  d.create("a");
  const Answer answer =
      d.ask("POST", base + "/contacts/check", R"({"numbers":["nobody","123456","015550000002","1234567890123456"]})");
  REQUIRE(answer.status == 200);  // though the session is not linked: there is nothing to ask
  const json::array rows = answer.json().at("data").as_array();
  REQUIRE(rows.size() == 4);
  CHECK(rows[1].at("number") == "123456");
  for (const json::value& row : rows) {
    CHECK(row.at("exists") == false);
    CHECK(row.at("status") == "invalid");
  }
  // One that can be asked for is.
  CHECK(d.ask("POST", base + "/contacts/check", R"({"numbers":["nobody","+1 (555) 000.0002"]})").status == 409);
  // Nothing can be asked of a LID whose number is not known; one that is known is a number.
  const Answer unknown = d.ask("POST", base + "/contacts/check", R"({"numbers":["7@lid"]})");
  REQUIRE(unknown.status == 200);
  CHECK(unknown.json().at("data").at(0).at("exists").is_null());
  CHECK(unknown.json().at("data").at(0).at("status") == "unanswered");
  put_contacts(d, 2, 2);
  CHECK(d.ask("POST", base + "/contacts/check", R"({"numbers":["100000000000002@lid"]})").status == 409);
  const Answer chats =
      d.ask("POST", base + "/contacts/check", R"({"numbers":["15550000002","1-2@g.us","5@newsletter"]})");
  CHECK(chats.status == 400);
  const json::object details = chats.json().at("error").at("details").as_object();
  CHECK(details.size() == 2);
  CHECK(details.contains("numbers[1]"));
  CHECK(details.contains("numbers[2]"));
}
