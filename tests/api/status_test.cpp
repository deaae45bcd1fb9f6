// Status posts over the whole API: what is shown of stored ones, what a request must be like, what a session that is
// not connected answers. What WhatsApp does with them is tests/e2e.
#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include <ctime>

#include "protocol/messages/body.h"
#include "storage/changes.h"
#include "storage/member_receipts.h"
#include "storage/messages.h"
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

const std::string base = "/api/v1/sessions/a/status/posts";
const Jid self("100000000000001", "lid"), ben("100000000000002", "lid"), ben_pn("15550000002", "s.whatsapp.net");

constexpr storage::UnixMs hour = 3'600'000;

void put(Daemon& d, const std::string& id, bool own, storage::UnixMs age) {
  storage::MessageRow row;
  row.session = d.id_of("a");
  row.chat = protocol::status_jid();
  row.author = own ? self : ben;
  row.from_me = own;
  row.id = id;
  row.kind = "text";
  row.body = "of " + id;
  row.details = R"({"style":{"backgroundColor":"#1F7AEC"}})";
  row.ack = own ? storage::AckLevel::server : storage::AckLevel::delivered;
  row.timestamp = row.created_at = std::time(nullptr) * 1000LL - age;
  storage::Changes changes;
  changes.add(storage::PutLid{row.session, ben_pn, ben});
  changes.add(storage::InsertMessage{row, false, std::nullopt});
  if (own) changes.add(storage::PutStatusAudience{row.session, {id, storage::StatusSetting::allowlist, true, {ben}}});
  d.commit(std::move(changes));
}

void learn_lid_of_ben(Daemon& d) {
  storage::Changes changes;
  changes.add(storage::PutLid{d.id_of("a"), ben_pn, ben});
  d.commit(std::move(changes));
}

std::vector<std::string> ids(const json::value& list) {
  std::vector<std::string> out;
  for (const json::value& row : list.as_array()) out.emplace_back(row.at("waMessageId").as_string());
  return out;
}

}  // namespace

TEST_CASE("statuses of the last day are listed, newest first, and older ones when asked for") {
  Daemon d(linked());
  put(d, "3EB0AA", true, 30 * hour);
  put(d, "3EB0BB", false, 3 * hour);
  put(d, "3EB0CC", true, 2 * hour);
  put(d, "3EB0DD", false, hour);
  CHECK(ids(d.ask("GET", base, "", gateway).json().at("data")) ==
        std::vector<std::string>{"3EB0DD", "3EB0CC", "3EB0BB"});
  const json::object first = d.ask("GET", base + "?limit=2", "", gateway).json();
  CHECK(ids(first.at("data")) == std::vector<std::string>{"3EB0DD", "3EB0CC"});
  const std::string cursor(first.at("nextCursor").as_string());
  const json::object second = d.ask("GET", base + "?limit=2&cursor=" + cursor, "", gateway).json();
  CHECK(ids(second.at("data")) == std::vector<std::string>{"3EB0BB"});
  CHECK(second.at("nextCursor").is_null());
  CHECK(ids(d.ask("GET", base + "?all=true", "", gateway).json().at("data")).size() == 4);
  CHECK(d.ask("GET", base + "?cursor=x").status == 400);
  // They are of no chat.
  CHECK(d.ask("GET", "/api/v1/sessions/a/chats").json().at("data").as_array().empty());
}

TEST_CASE("a status is shown with both ids of its author, whom it is for and who has seen it") {
  Daemon d(linked());
  put(d, "3EB0BB", false, hour);
  put(d, "3EB0CC", true, hour);
  const json::value received = d.ask("GET", base + "/3EB0BB").json().at("data");
  check_documented(received, schemas::status_post);
  CHECK(received.at("id") == "true_status@broadcast_3EB0BB");
  CHECK(received.at("chatId") == "status@broadcast");
  CHECK(received.at("author") == "15550000002@c.us");
  CHECK(received.at("authorLid") == "100000000000002@lid");
  CHECK(received.at("style").at("backgroundColor") == "#1F7AEC");
  CHECK(received.at("viewed") == false);
  // Until when it may wait is said by who posts it (`expiresAt`); this is another time.
  CHECK(received.as_object().contains("shownUntil"));
  CHECK_FALSE(received.as_object().contains("expiresAt"));

  const std::int64_t row = storage::find_message(d.rows(), d.id_of("a"), protocol::status_jid(), "3EB0CC")->row;
  storage::Changes said;
  said.add(storage::OpenReach{row, 1});
  said.add(storage::NoteMember{row, ben, storage::AckLevel::delivered, 1'700'000'001'000});
  d.commit(std::move(said));
  CHECK(d.ask("GET", base + "/3EB0CC/viewers").json().at("data").as_array().empty());  // it got there, no more
  storage::Changes seen;
  seen.add(storage::NoteMember{row, ben, storage::AckLevel::read, 1'700'000'002'000});
  d.commit(std::move(seen));
  const json::value own = d.ask("GET", base + "/true_status@broadcast_3EB0CC").json().at("data");
  check_documented(own, schemas::status_post);
  CHECK(own.at("viewers") == 1);
  CHECK(own.at("audience") == json::parse(R"({"setting":"only","settled":true,"size":1})"));
  const json::value viewers = d.ask("GET", base + "/3EB0CC/viewers").json().at("data");
  CHECK(viewers == json::parse(R"([{"id":"15550000002@c.us","lid":"100000000000002@lid","viewedAt":1700000002}])"));
  check_documented(viewers.at(0), schemas::status_viewer);
  CHECK(d.ask("GET", base + "/3EB0CC/viewers", "", gateway).json().at("data").at(0).at("viewedAt") ==
        1'700'000'002'000);
  CHECK(d.ask("GET", base + "/3EB0BB/viewers").status == 400);
  CHECK(d.ask("GET", base + "/3EB0FF").code() == "MESSAGE_NOT_FOUND");
  CHECK(d.ask("GET", base + "/true_15550000002@c.us_3EB0BB").status == 400);
}

TEST_CASE("a status is accepted without a connection, and waits with its audience") {
  Daemon d(linked());
  const Answer posted = d.ask("POST", base, R"({"type":"text","content":"open","audience":["+1 555 000 0002"]})");
  REQUIRE(posted.status == 200);
  const json::object data = posted.json().at("data").as_object();
  check_documented(data, schemas::sent_message);
  CHECK(data.at("status") == "pending");
  CHECK(data.at("chatId") == "status@broadcast");
  const std::string id(data.at("id").as_string());
  const json::value shown = d.ask("GET", base + "/" + id).json().at("data");
  CHECK(shown.at("audience") == json::parse(R"({"setting":"only","settled":true,"size":1})"));
  CHECK(shown.at("style").at("backgroundColor") == "#1F7AEC");
  const Answer asked = d.ask("POST", base, R"({"type":"text","content":"open"})");
  const std::string other(asked.json().at("data").at("id").as_string());
  CHECK(d.ask("GET", base + "/" + other).json().at("data").at("audience").at("settled") == false);
  CHECK(d.ask("GET", "/api/v1/sessions/a/queue").json().at("data").as_array().size() == 2);
}

TEST_CASE("the same post under one Idempotency-Key is one post, and another audience is another request") {
  Daemon d(linked());
  const test::Headers key = {{"Idempotency-Key", "k"}};
  const std::string body = R"({"type":"text","content":"open","audience":["15550000002"]})";
  const Answer first = d.ask("POST", base, body, key), again = d.ask("POST", base, body, key);
  CHECK(first.json().at("data").at("id") == again.json().at("data").at("id"));
  CHECK(again.json().at("data").at("replayed") == true);
  CHECK(d.ask("POST", base, R"({"type":"text","content":"open","audience":["15550000003"]})", key).status == 409);
  // Who gets it has no order.
  const test::Headers two = {{"Idempotency-Key", "two"}};
  const auto of_two = [&](const char* people) {
    return d.ask("POST", base, std::string(R"({"type":"text","content":"both","audience":)") + people + "}", two);
  };
  const Answer both = of_two(R"(["15550000002","15550000003"])"), turned = of_two(R"(["15550000003","15550000002"])");
  REQUIRE(turned.status < 300);
  CHECK(both.json().at("data").at("id") == turned.json().at("data").at("id"));
}

TEST_CASE("each wrong field of a status post is named") {
  Daemon d(linked());
  struct Row {
    const char *body, *field;
  };
  for (const Row& row : {
           Row{R"({"content":"x"})", "type"},
           Row{R"({"type":"sticker","content":"x"})", "type"},
           Row{R"({"type":"text"})", "content"},
           Row{R"({"type":"text","content":"  "})", "content"},
           Row{R"({"type":"text","content":"x","backgroundColor":"green"})", "backgroundColor"},
           Row{R"({"type":"text","content":"x","font":3})", "font"},
           Row{R"({"type":"text","content":"x","caption":"y"})", "caption"},
           Row{R"({"type":"text","content":"x","audience":[]})", "audience"},
           Row{R"({"type":"text","content":"x","audience":["120363000000000001@g.us"]})", "audience[0]"},
           Row{R"({"type":"text","content":"x","audience":["15550000002","1@newsletter"]})", "audience[1]"},
           Row{R"({"type":"image","content":"x","url":"https://files.example/a.png"})", "content"},
           Row{R"({"type":"voice","caption":"x","url":"https://files.example/a.ogg"})", "caption"},
       }) {
    INFO(row.body);
    const Answer answer = d.ask("POST", base, row.body);
    CHECK(answer.status == 400);
    CHECK(answer.json().at("error").at("details").as_object().contains(row.field));
  }
}

TEST_CASE("what a post cannot have is told in whole sentences, all of it at once") {
  Daemon d(linked());
  const auto details_of = [&](const std::string& path, const char* body) {
    const Answer answer = d.ask("POST", path, body);
    CHECK(answer.status == 400);
    return answer.json().at("error").at("details").as_object();
  };
  CHECK(details_of(base, R"({"type":"text","content":"x","caption":"y"})").at("caption") ==
        "is not taken by a status post of type text");
  const json::object post =
      details_of(base, R"({"type":"text","content":"x","chatId":"15550000002","mentionAll":true})");
  CHECK(post.at("chatId") == "is not taken by a status post");
  CHECK(post.at("mentionAll") == "is not taken by a status post");
  CHECK(details_of(base, R"({"type":"text","content":"x","sendAt":"2030-01-01T00:00:00Z"})").at("sendAt") ==
        "is not taken by a status post");
  const json::object many = details_of(
      "/api/v1/sessions/a/broadcasts",
      R"({"recipients":["15550000002"],"content":"x","mentions":["15550000003"],"quotedMessageId":"3EB0AA"})");
  CHECK(many.at("mentions") == "is not taken by a broadcast: one text to many");
  CHECK(many.contains("quotedMessageId"));
}

TEST_CASE("an audience and a broadcast name each person once, and all places are told at once") {
  Daemon d(linked());
  learn_lid_of_ben(d);
  const auto refused = [&](const std::string& path, const std::string& body) {
    const Answer answer = d.ask("POST", path, body);
    INFO(body);
    CHECK(answer.status == 400);
    std::string places;
    const json::value said = answer.json();
    for (const auto& detail : said.at("error").at("details").as_object()) places += std::string(detail.key()) + " ";
    return places;
  };
  CHECK(refused(base,
                R"({"type":"text","content":"x","audience":["15550000002","100000000000002@lid","+15550000002"]})") ==
        "audience[1] audience[2] ");
  const std::string own(d.ask("GET", "/api/v1/sessions/a/me").json().at("data").at("id").as_string());
  CHECK(refused(base, R"({"type":"text","content":"x","audience":["15550000003",")" + own + R"("]})") ==
        "audience[1] ");
  CHECK(refused("/api/v1/sessions/a/broadcasts",
                R"({"content":"x","recipients":["15550000002","15550000003","100000000000002@lid","15550000003"]})") ==
        "recipients[2] recipients[3] ");
  CHECK(d.ask("GET", base).json().at("data").as_array().empty());
}

TEST_CASE("colours and fonts have one rule each, and both are told at once") {
  Daemon d(linked());
  const Answer answer = d.ask(
      "POST", base, R"({"type":"text","content":"x","backgroundColor":"#12345","textColor":"#GGGGGG","font":11})");
  CHECK(answer.status == 400);
  const json::object details = answer.json().at("error").at("details").as_object();
  CHECK(details.at("backgroundColor") == "must be a colour: #RRGGBB");
  CHECK(details.at("textColor") == "must be a colour: #RRGGBB");
  CHECK(details.at("font") == "must be one of: 0, 1, 2, 6, 7, 8, 9, 10");
  for (std::uint32_t font = 0; font < 12; ++font) {
    INFO(font);
    std::vector<FieldProblem> problems;
    validate(json::object{{"type", "text"}, {"font", static_cast<std::int64_t>(font)}}, schemas::post_status,
             Unknown::refused, problems);
    CHECK(problems.empty() == protocol::is_status_font(font));
  }
}

TEST_CASE("a status, a list and a channel in the place of a person or a chat are refused with the way out") {
  Daemon d(linked());
  const std::string session = "/api/v1/sessions/a";
  struct Row {
    const char* method;
    std::string path;
    const char *body, *field, *names;
  };
  for (const Row& row : {
           Row{"POST", session + "/send-text", R"({"chatId":"status@broadcast","content":"x"})", "chatId",
               "/status/posts"},
           Row{"POST", session + "/send-text", R"({"chatId":"1700000000@broadcast","content":"x"})", "chatId",
               "/broadcasts"},
           Row{"POST", session + "/forward", R"({"chatId":"status@broadcast","messageId":"3EB0AA"})", "chatId",
               "/status/posts"},
           Row{"GET", session + "/chats/status@broadcast/messages", "", "chatId", "/status/posts"},
           Row{"POST", session + "/chats/status@broadcast/read", "", "chatId", "/status/posts"},
           Row{"PUT", session + "/chats/1700000000@broadcast/disappearing", R"({"seconds":0})", "chatId",
               "/broadcasts"},
           Row{"GET", session + "/messages?q=x&chatId=status@broadcast", "", "chatId", "/status/posts"},
           Row{"GET", session + "/contacts/120363000000000009@newsletter", "", "contactId", "/channels/"},
           Row{"POST", session + "/send-text",
               R"({"chatId":"15550000002","content":"x","mentions":["120363000000000009@newsletter"]})", "mentions[0]",
               "/channels/"},
           Row{"POST", session + "/broadcasts", R"({"recipients":["120363000000000009@newsletter"],"content":"x"})",
               "recipients[0]", "/channels/"},
           Row{"POST", session + "/groups", R"({"name":"x","participants":["120363000000000009@newsletter"]})",
               "participants[0]", "/channels/"},
           Row{"POST", base, R"({"type":"text","content":"x","audience":["120363000000000001@g.us"]})", "audience[0]",
               "/groups/"},
       }) {
    INFO(row.method << " " << row.path << " " << row.body);
    const Answer answer = d.ask(row.method, row.path, row.body);
    REQUIRE(answer.status == 400);
    const json::object details = answer.json().at("error").at("details").as_object();
    REQUIRE(details.contains(row.field));
    CHECK(std::string_view(details.at(row.field).as_string()).find(row.names) != std::string_view::npos);
  }
}

TEST_CASE("what cannot be done with a status says so") {
  Daemon d(linked());
  put(d, "3EB0BB", false, hour);
  put(d, "3EB0CC", true, hour);
  CHECK(d.ask("DELETE", base + "/3EB0BB").status == 400);  // of somebody else
  CHECK(d.ask("DELETE", base + "/3EB0FF").code() == "MESSAGE_NOT_FOUND");
  CHECK(d.ask("DELETE", base + "/3EB0CC").status == 200);
  CHECK(d.ask("POST", base + "/3EB0FF/view").code() == "MESSAGE_NOT_FOUND");
  const Answer own = d.ask("POST", base + "/3EB0CC/view");
  CHECK(own.code() == "VALIDATION_ERROR");
  CHECK(std::string_view(own.json().at("error").at("message").as_string()).find("of this account") !=
        std::string_view::npos);
  CHECK(d.ask("POST", base + "/3EB0BB/view").status == 204);
  CHECK(d.ask("GET", base + "/3EB0BB").json().at("data").at("viewed") == true);
  CHECK(d.ask("POST", "/api/v1/sessions/a/messages/3EB0BB/react", R"({"emoji":"👍"})").status == 501);
}

TEST_CASE("a status that waits is withdrawn by its deletion, and who waits for that waits for nothing") {
  Daemon d(linked());
  const Answer posted = d.ask("POST", base, R"({"type":"text","content":"open","audience":["15550000002"]})");
  REQUIRE(posted.status == 200);
  const std::string id(posted.json().at("data").at("id").as_string());
  const Answer deleted = d.ask("DELETE", base + "/" + id + "?waitFor=server&timeout=60000");
  REQUIRE(deleted.status == 200);
  const json::value answer = deleted.json().at("data");
  check_documented(answer, schemas::sent_message);
  CHECK(answer.at("deleted") == true);
  CHECK(answer.at("targetMessageId").as_string().ends_with(id));
  const json::value shown = d.ask("GET", base + "/" + id).json().at("data");
  CHECK(shown.at("status") == "error");
  CHECK(shown.as_object().contains("revokedAt"));
  CHECK(d.ask("DELETE", base + "/" + id).status == 400);  // it is deleted
}

TEST_CASE("a broadcast is a message of each chat, with an outcome for each") {
  Daemon d(linked());
  const std::string path = "/api/v1/sessions/a/broadcasts";
  const test::Headers key = {{"Idempotency-Key", "k"}};
  const std::string body = R"({"recipients":["15550000002@c.us","+1 555 000 0003"],"content":"We open at eight"})";
  const Answer first = d.ask("POST", path, body, key);
  REQUIRE(first.status == 200);
  const json::object data = first.json().at("data").as_object();
  check_documented(data, schemas::broadcast_outcome);
  CHECK(data.at("accepted") == 2);
  CHECK(data.at("results").at(0).at("chatId") == "15550000002@c.us");
  CHECK(data.at("results").at(1).at("chatId") == "15550000003@c.us");
  CHECK(data.at("results").at(0).at("id") != data.at("results").at(1).at("id"));
  CHECK(d.ask("GET", "/api/v1/sessions/a/chats").json().at("data").as_array().size() == 2);
  const json::value again = d.ask("POST", path, body, key).json().at("data");
  CHECK(again.at("results").at(1).at("id") == data.at("results").at(1).at("id"));
  CHECK(again.at("results").at(1).at("replayed") == true);
  // Of each what the answer to a send says of it.
  const std::string id(data.at("results").at(0).at("id").as_string());
  CHECK(data.at("results").at(0).at("messageId") == json::string("true_15550000002@c.us_" + id));
  CHECK(data.at("results").at(0).at("status") == "pending");
  CHECK(data.at("results").at(0).at("ack") == 0);
  test::Headers bare = gateway;
  bare.push_back(key.front());
  const json::value same = d.ask("POST", path, body, bare).json().at("data");
  check_documented(same, schemas::broadcast_outcome);
  CHECK(same.at("results").at(0).at("messageId") == data.at("results").at(0).at("id"));
  CHECK(same.at("results").at(0).at("chatId") == "15550000002@s.whatsapp.net");
  struct Row {
    const char *body, *field;
  };
  for (const Row& row :
       {Row{R"({"content":"x"})", "recipients"}, Row{R"({"recipients":[],"content":"x"})", "recipients"},
        Row{R"({"recipients":["120363000000000001@g.us"],"content":"x"})", "recipients[0]"},
        Row{R"({"recipients":["15550000002","15550000002@c.us"],"content":"x"})", "recipients[1]"},
        Row{R"({"recipients":["120363000000000009@newsletter"],"content":"x"})", "recipients[0]"},
        Row{R"({"recipients":["15550000002"],"content":"x","sendAt":"2030-01-01T00:00:00Z"})", "sendAt"},
        Row{R"({"recipients":["15550000002"],"content":"x","type":"image"})", "type"},
        Row{R"({"recipients":["15550000002"],"content":"x","mediaMessageId":"3EB0AA"})", "mediaMessageId"},
        Row{R"({"recipients":["15550000002"],"content":" "})", "content"}}) {
    INFO(row.body);
    const Answer answer = d.ask("POST", path, row.body);
    CHECK(answer.status == 400);
    CHECK(answer.json().at("error").at("details").as_object().contains(row.field));
  }
}

TEST_CASE("a key that stands for a broadcast stands for no other request, and the other way round") {
  Daemon d(linked());
  const std::string session = "/api/v1/sessions/a", path = session + "/broadcasts";
  const test::Headers key = {{"Idempotency-Key", "k"}}, used = {{"Idempotency-Key", "used"}};
  const auto broadcast = [&](const char* person, const char* text, const test::Headers& headers) {
    return d.ask("POST", path, std::string(R"({"recipients":[")") + person + R"("],"content":")" + text + R"("})",
                 headers);
  };
  REQUIRE(broadcast("15550000002", "We open at eight", key).status == 200);
  // Another text, to the same person or to others: as a whole, and nobody gets it.
  CHECK(broadcast("15550000002", "We do not", key).code() == "IDEMPOTENCY_KEY_REUSED");
  CHECK(broadcast("15550000003", "We do not", key).code() == "IDEMPOTENCY_KEY_REUSED");
  CHECK(broadcast("15550000003", "We do not", key).status == 409);
  const std::string text = R"({"chatId":"15550000004","content":"We open at eight"})";
  CHECK(d.ask("POST", session + "/send-text", text, key).code() == "IDEMPOTENCY_KEY_REUSED");
  REQUIRE(d.ask("POST", session + "/send-text", text, used).status == 200);
  CHECK(broadcast("15550000002", "We open at eight", used).code() == "IDEMPOTENCY_KEY_REUSED");
  CHECK(d.ask("GET", session + "/queue").json().at("data").as_array().size() == 2);
  // The same one goes on where it stood.
  CHECK(broadcast("15550000002", "We open at eight", key).json().at("data").at("results").at(0).at("replayed") == true);
}

namespace {

/// What became of the only recipient.
json::value broadcast_to(Daemon& d, const std::string& recipient) {
  const test::Headers key = {{"Idempotency-Key", "k"}};
  const std::string body = R"({"recipients":[")" + recipient + R"("],"content":"We open at eight"})";
  const Answer answer = d.ask("POST", "/api/v1/sessions/a/broadcasts", body, key);
  REQUIRE(answer.status == 200);
  return answer.json().at("data").at("results").at(0);
}

}  // namespace

TEST_CASE("nobody is in a broadcast twice, by number and by LID") {
  Daemon d(linked());
  learn_lid_of_ben(d);
  const Answer answer = d.ask("POST", "/api/v1/sessions/a/broadcasts",
                              R"({"recipients":["15550000002@c.us","100000000000002@lid"],"content":"x"})");
  CHECK(answer.status == 400);
  CHECK(answer.json().at("error").at("details").as_object().contains("recipients[1]"));
  CHECK(d.ask("GET", "/api/v1/sessions/a/chats").json().at("data").as_array().empty());
}

TEST_CASE("a request that names its people by their other ids is the same request, and other people are not") {
  const auto session_path = std::string("/api/v1/sessions/a");
  struct Row {
    const char* route;
    const char *first, *again, *other;
  };
  for (const Row& row : {
           Row{"/send-text", R"("content":"x","chatId":"15550000002")",
               R"("content":"x","chatId":"100000000000002@lid")", R"("content":"x","chatId":"15550000003")"},
           Row{"/send-text", R"("content":"x","chatId":"100000000000002@lid")",
               R"("content":"x","chatId":"15550000002")", R"("content":"x","chatId":"100000000000003@lid")"},
           Row{"/send-text", R"("content":"x","chatId":"15550000004","mentions":["15550000002"])",
               R"("content":"x","chatId":"15550000004","mentions":["100000000000002@lid"])",
               R"("content":"x","chatId":"15550000004","mentions":["15550000003"])"},
           Row{"/status/posts", R"("content":"x","type":"text","audience":["15550000002"])",
               R"("content":"x","type":"text","audience":["100000000000002@lid"])",
               R"("content":"x","type":"text","audience":["15550000003"])"},
       }) {
    for (const bool learnt_between : {false, true}) {
      INFO(row.route << " " << row.first << (learnt_between ? ", learnt between" : ""));
      Daemon d(linked());
      if (!learnt_between) learn_lid_of_ben(d);
      const auto send = [&](const std::string& fields) {
        return d.ask("POST", session_path + row.route, "{" + fields + R"(,"messageId":"3EB0SAME0001"})");
      };
      REQUIRE(send(row.first).status == 200);
      if (learnt_between) learn_lid_of_ben(d);
      for (const char* fields : {row.first, row.again}) CHECK(send(fields).json().at("data").at("replayed") == true);
      CHECK(send(row.other).code() == "MESSAGE_ID_REUSED");
    }
  }
}

TEST_CASE("a broadcast that is repeated under its key sends nothing again, however its people are spelled") {
  const std::string number = "15550000002@c.us", lid = "100000000000002@lid";
  const auto repeated = [](Daemon& d, const std::string& first_spelling, const std::string& spelling,
                           bool learnt_between) {
    const json::value first = broadcast_to(d, first_spelling);
    REQUIRE_FALSE(first.as_object().contains("replayed"));
    if (learnt_between) learn_lid_of_ben(d);
    const json::value again = broadcast_to(d, spelling);
    CHECK(again.as_object().contains("replayed"));
    CHECK(again.at("id") == first.at("id"));
  };
  Daemon d(linked());
  SECTION("by number, then by LID") {
    learn_lid_of_ben(d);
    repeated(d, number, lid, false);
  }
  SECTION("by LID, then by number") {
    learn_lid_of_ben(d);
    repeated(d, lid, number, false);
  }
  SECTION("by number, then by the LID that was learnt since") { repeated(d, number, lid, true); }
  SECTION("by LID, then by the number that was learnt since") { repeated(d, lid, number, true); }
}
