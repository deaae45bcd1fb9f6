// Groups over the whole API: what is shown of stored ones, what a request must be like, what a session that is not
// connected answers. What WhatsApp does with it is tests/e2e.
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "api/group_json.h"
#include "protocol/groups/metadata.h"
#include "storage/changes.h"
#include "storage/groups.h"
#include "storage/member_receipts.h"
#include "storage/messages.h"
#include "tests/api/api_daemon.h"

using namespace wharf;
using namespace wharf::api;
using protocol::Jid;
using test::Answer;
using test::check_documented;
using test::Daemon;

namespace json = boost::json;
namespace groups = protocol::groups;

namespace {

const Jid ben("100000000000002", "lid"), ben_pn("15550000002", "s.whatsapp.net"), carl("100000000000003", "lid");

groups::GroupMetadata crew(int number = 1) {
  groups::GroupMetadata out;
  out.group = Jid("12036300000000000" + std::to_string(number), "g.us");
  out.subject = "crew " + std::to_string(number);
  out.addressing_mode = groups::AddressingMode::lid;
  out.description = {"d1", "what it is for", ben, ben_pn, {}, 1'700'000'000};
  out.creation = 1'700'000'000;
  out.creator = ben;
  out.creator_pn = ben_pn;
  out.announcement = true;
  out.member_add = groups::Allowed::all_members;
  out.ephemeral.seconds = 86'400;
  out.members = {groups::person(ben, ben_pn), groups::person(carl)};
  out.members[0].role = groups::Role::superadmin;
  out.size = 2;
  return out;
}

void put(Daemon& d, const groups::GroupMetadata& group, bool member = true) {
  storage::GroupRow row;
  row.group = group.group;
  row.subject = group.subject;
  row.metadata = protocol::encode_node(groups::group_node(group));
  row.member = member;
  storage::Changes changes;
  changes.add(storage::PutGroup{d.id_of("a"), row});
  d.commit(std::move(changes));
}

const std::string base = "/api/v1/sessions/a/groups";

}  // namespace

TEST_CASE("a stored group is shown with both ids of its people, in both dialects") {
  Daemon d;
  d.create("a");
  put(d, crew());
  const json::object shown = d.ask("GET", base + "/120363000000000001@g.us").json().at("data").as_object();
  check_documented(shown, schemas::group);
  CHECK(shown.at("name") == "crew 1");
  CHECK(shown.at("description") == "what it is for");
  CHECK(shown.at("owner") == "15550000002@c.us");
  CHECK(shown.at("createdAt") == "2023-11-14T22:13:20Z");
  CHECK(shown.at("announce") == true);
  CHECK(shown.at("memberAddMode") == "all");
  CHECK(shown.at("disappearing") == 86'400);
  CHECK(shown.at("isMember") == true);
  const json::array people = shown.at("participants").as_array();
  REQUIRE(people.size() == 2);
  CHECK(people[0] ==
        json::parse(R"({"id":"15550000002@c.us","lid":"100000000000002@lid","role":"superadmin","isAdmin":true})"));
  CHECK(people[1] ==
        json::parse(R"({"id":"100000000000003@lid","lid":"100000000000003@lid","role":"member","isAdmin":false})"));
  const Answer gateway =
      d.ask("GET", base + "/120363000000000001@g.us", "", {{"Accept", "application/json; profile=gateway"}});
  CHECK(gateway.json().at("data").at("participants").at(0).at("id") == "15550000002@s.whatsapp.net");
}

TEST_CASE("groups are listed in pages, without those that the account has left") {
  Daemon d;
  d.create("a");
  for (int number = 1; number <= 3; ++number) put(d, crew(number), number != 2);
  const json::object first = d.ask("GET", base + "?limit=1").json();
  REQUIRE(first.at("data").as_array().size() == 1);
  CHECK(first.at("data").at(0).at("name") == "crew 1");
  const json::object second =
      d.ask("GET", base + "?limit=5&cursor=" + std::string(first.at("nextCursor").as_string())).json();
  REQUIRE(second.at("data").as_array().size() == 1);
  CHECK(second.at("data").at(0).at("name") == "crew 3");
  CHECK(second.at("nextCursor").is_null());
  CHECK(d.ask("GET", base + "?cursor=x").status == 400);
}

TEST_CASE("a group that is not known is 404, and what is no group 400") {
  Daemon d;
  d.create("a");
  CHECK(d.ask("GET", base + "/120363000000000009@g.us").code() == "GROUP_NOT_FOUND");
  for (const char* id : {"15550000002", "100000000000002@lid", "x@g.us"}) {
    const Answer answer = d.ask("GET", base + "/" + id);
    INFO(id);
    CHECK(answer.status == 400);
    CHECK(answer.json().at("error").at("details").as_object().contains("groupId"));
  }
}

TEST_CASE("each wrong field of a group request is named") {
  Daemon d;
  d.create("a");
  const std::string group = base + "/120363000000000001@g.us";
  struct Row {
    const char* method;
    std::string path;
    const char* body;
    const char* field;
  };
  for (const Row& row : {
           Row{"POST", base, R"({"name":"","participants":[]})", "name"},
           Row{"POST", base, R"({"name":" \t ","participants":[]})", "name"},
           Row{"PATCH", group, R"({"name":"  "})", "name"},
           Row{"POST", base, R"({"participants":[]})", "name"},
           Row{"POST", base, R"({"name":"x"})", "participants"},
           Row{"POST", base, R"({"name":"x","participants":["nobody"]})", "participants[0]"},
           Row{"POST", base, R"({"name":"x","participants":["15550000002","1-2@g.us"]})", "participants[1]"},
           Row{"POST", base, R"({"name":"x","participants":[],"disappearing":5})", "disappearing"},
           Row{"POST", base, R"({"name":"x","participants":[],"memberAddMode":"nobody"})", "memberAddMode"},
           Row{"POST", base, R"({"name":"x","participants":[],"communityId":"15550000002"})", "communityId"},
           Row{"POST", base, R"({"name":"x","participants":[],"isCommunity":true,"communityId":"1-2@g.us"})",
               "communityId"},
           Row{"POST", group + "/participants", R"({"participants":[]})", "participants"},
           Row{"DELETE", group + "/participants", R"({})", "participants"},
           Row{"POST", group + "/promote", R"({"participants":["1-2@g.us"]})", "participants[0]"},
           Row{"PATCH", group, R"({"announce":"yes"})", "announce"},
           Row{"PATCH", group, R"({"disappearing":5})", "disappearing"},
           Row{"POST", base + "/join", R"({"link":"https://example.org/ABCDEFGHIJKLMNOPQRSTUV"})", "link"},
           Row{"POST", group + "/requests", R"({})", "approve"},
           Row{"POST", group + "/requests", R"({"approve":["15550000002"],"reject":["15550000002@c.us"]})", "reject"},
           Row{"POST", group + "/groups", R"({"groups":["15550000002"]})", "groups[0]"},
       }) {
    INFO(row.method << " " << row.path << " " << row.body);
    const Answer answer = d.ask(row.method, row.path, row.body);
    CHECK(answer.status == 400);
    CHECK(answer.json().at("error").at("details").as_object().contains(row.field));
  }
}

TEST_CASE("what asks WhatsApp needs a connected session") {
  Daemon d;
  d.create("a");
  const std::string group = base + "/120363000000000001@g.us";
  CHECK(d.ask("POST", base, R"({"name":"x","participants":["15550000002"]})").code() == "SESSION_NOT_READY");
  for (const char* path : {"/invite", "/requests", "/groups"}) CHECK(d.ask("GET", group + path).status == 409);
  CHECK(d.ask("GET", group + "?refresh=true").status == 409);
  CHECK(d.ask("POST", group + "/leave").status == 409);
  CHECK(d.ask("PATCH", group, R"({"name":"y"})").status == 409);
  CHECK(d.ask("PATCH", group, R"({})").status == 400);
  CHECK(d.ask("PATCH", group, R"({"announce":null})").status == 400);
  // It is nothing that the field could help.
  CHECK(d.ask("PATCH", group, R"({"name":"y"})").json().at("error").at("details").as_object().empty());
}

TEST_CASE("a request that makes a group may be named, as one that sends") {
  Daemon d;
  d.create("a");
  const char* body = R"({"name":"x","participants":["15550000002"]})";
  for (const std::string& key : {std::string(), std::string(256, 'k')}) {
    const Answer answer = d.ask("POST", base, body, {{"Idempotency-Key", key}});
    CHECK(answer.status == 400);
    CHECK(answer.json().at("error").at("details").as_object().contains("Idempotency-Key"));
  }
  // What never left is not remembered: it is no other request that comes second.
  CHECK(d.ask("POST", base, body, {{"Idempotency-Key", "k"}}).code() == "SESSION_NOT_READY");
  CHECK(d.ask("POST", base, R"({"name":"y","participants":[]})", {{"Idempotency-Key", "k"}}).code() ==
        "SESSION_NOT_READY");
  sessions::GroupAnswer again;
  again.made = crew().group;
  again.replayed = true;
  CHECK(json::parse(created_group_json(again, Dialect::openwa)) ==
        json::parse(R"({"gid":"120363000000000001@g.us","participants":[],"replayed":true})"));
}

TEST_CASE("an own message to a group shows how far it is with each member, and the counts") {
  Daemon d;
  d.create("a");
  const auto session = d.id_of("a");
  storage::MessageRow row;
  row.session = session;
  row.chat = crew().group;
  row.author = Jid("15550000001", "s.whatsapp.net");
  row.from_me = true;
  row.id = "3EB0AA";
  row.kind = "text";
  row.body = "hello";
  row.ack = storage::AckLevel::server;
  storage::Changes changes;
  changes.add(storage::InsertMessage{row, false, std::nullopt});
  d.commit(std::move(changes));
  const std::int64_t number = storage::find_message(d.rows(), session, row.chat, "3EB0AA")->row;
  storage::Changes said;
  said.add(storage::OpenReach{number, 2});
  said.add(storage::NoteMember{number, ben, storage::AckLevel::delivered, 1'700'000'001'000});
  said.add(storage::NoteMember{number, ben, storage::AckLevel::read, 1'700'000'002'000});
  d.commit(std::move(said));
  const json::object shown = d.ask("GET", "/api/v1/sessions/a/messages/3EB0AA").json().at("data").as_object();
  CHECK(
      shown.at("recipients") ==
      json::parse(
          R"([{"id":"100000000000002@lid","lid":"100000000000002@lid","ack":3,"status":"read","deliveredAt":1700000001,"readAt":1700000002}])"));
  CHECK(shown.at("recipientCounts") == json::parse(R"({"members":2,"delivered":1,"read":1,"played":0})"));
}

TEST_CASE("what became of each person is told with WhatsApp's code, its name and the invitation") {
  sessions::MemberOutcome one;
  one.who = {ben, {ben_pn, ben}, "member"};
  one.result = "invite_required";
  one.code = 403;
  one.invite = groups::AddRequest{"CODE", 1'700'000'000};
  CHECK(
      json::parse(members_json({one}, Dialect::openwa)) ==
      json::parse(
          R"({"participants":[{"id":"15550000002@c.us","lid":"100000000000002@lid","status":403,"result":"invite_required","reason":"this person lets nobody add him: POST …/send-group-invite sends the invitation","inviteCode":"CODE","inviteExpiresAt":"2023-11-14T22:13:20Z"}]})"));
}

TEST_CASE("whoever asks for nothing cannot be let in, and the answer says so") {
  sessions::MemberOutcome one;
  one.who = {ben, {ben_pn, ben}, "member"};
  one.result = "failed";
  one.code = 404;
  const auto reason = [&] {
    const json::value row = json::parse(members_json({one}, Dialect::openwa)).at("participants").at(0);
    const auto* said = row.as_object().if_contains("reason");
    return said ? std::string(said->as_string()) : std::string();
  };
  CHECK(reason().starts_with("this person asks for nothing"));
  one.code = 500;
  CHECK(reason() == "WhatsApp gives this code and no reason");
  one.result = "approved";
  one.code = 200;
  CHECK(reason().empty());
}

TEST_CASE("of a group that the account has left nobody knows how many are in it") {
  Daemon d;
  d.create("a");
  groups::GroupMetadata left = crew();
  left.members.clear();
  put(d, left, false);
  const json::object shown = d.ask("GET", base + "/120363000000000001@g.us").json().at("data").as_object();
  check_documented(shown, schemas::group);
  CHECK_FALSE(shown.contains("size"));
  CHECK(shown.at("isMember") == false);
}

TEST_CASE("an addition that an admin has to approve has not failed") {
  sessions::MemberOutcome one;
  one.who = {ben, {ben_pn, ben}, "member"};
  one.result = "failed";
  one.code = 202;
  CHECK(json::parse(members_json({one}, Dialect::openwa)).at("participants").at(0).at("result") == "proposed");
}
