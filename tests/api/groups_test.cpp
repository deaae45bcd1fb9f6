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

TEST_CASE("who is no person and what is no group is told by a rule of its own, all places at once") {
  Daemon d;
  d.create("a");
  struct Row {
    std::string path;
    const char *body, *details;
  };
  constexpr const char* person =
      "must be the id of a person: a phone number with country code, …@c.us, …@s.whatsapp.net or …@lid";
  for (const Row& row : {
           Row{base, R"({"name":"x","participants":["1@g.us","5@newsletter","abc"]})",
               "participants[0] participants[1] participants[2] "},
           Row{base, R"({"name":"x","participants":["abc"],"communityId":"nope"})", "participants[0] communityId "},
           Row{base + "/1-2@g.us/requests", R"({"approve":["abc"],"reject":["abc","1@g.us"]})",
               "approve[0] reject[0] reject[1] "},
           Row{base + "/1-2@g.us/groups", R"({"groups":["abc","15550000002"]})", "groups[0] groups[1] "},
           Row{"/api/v1/sessions/a/broadcasts", R"({"content":"x","recipients":["abc","1@g.us"]})",
               "recipients[0] recipients[1] "},
           Row{"/api/v1/sessions/a/status/posts", R"({"type":"text","content":"x","audience":["abc","1@g.us"]})",
               "audience[0] audience[1] "},
       }) {
    INFO(row.path << " " << row.body);
    const Answer answer = d.ask("POST", row.path, row.body);
    CHECK(answer.code() == "INVALID_CHAT_ID");
    std::string places;
    const json::value said = answer.json();
    for (const auto& detail : said.at("error").at("details").as_object()) places += std::string(detail.key()) + " ";
    CHECK(places == row.details);
  }
  const json::object told = d.ask("POST", base, R"({"name":"x","participants":["abc"],"communityId":"nope"})")
                                .json()
                                .at("error")
                                .at("details")
                                .as_object();
  CHECK(told.at("participants[0]") == person);
  CHECK(told.at("communityId") == "must be the id of a group: …@g.us");
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
           Row{"PATCH", group, R"({"name":"two\nlines"})", "name"},
           Row{"POST", base, R"({"name":"a\u0000b","participants":[]})", "name"},
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

TEST_CASE("what a group request says and has no place for is named, with where it belongs") {
  Daemon d;
  d.create("a");
  const std::string group = base + "/120363000000000001@g.us";
  struct Row {
    const char* method;
    std::string path;
    const char* body;
    const char* field;
  };
  for (
      const Row& row : {
          Row{"POST", base, R"({"name":"x","participants":[],"picture":"abc"})", "picture"},
          Row{"POST", base, R"({"name":"x","participants":[],"waitFor":"server"})", "waitFor"},
          Row{"POST", base, R"({"name":"x","participants":[],"messageId":"3EB0AAAAAAAA"})", "messageId"},
          Row{"PATCH", group, R"({"name":"x","picture":"abc"})", "picture"},
          Row{"PATCH", group, R"({"subject":"x"})", "subject"},
          Row{"POST", "/api/v1/sessions/a/broadcasts?waitFor=delivered",
              R"({"recipients":["15550000002"],"content":"x"})", "waitFor"},
          Row{"PATCH", "/api/v1/sessions/a", R"({"config":{"calls":{"reject":true,"text":"x"}}})", "config.calls.text"},
          Row{"POST", "/api/v1/sessions/a/send-group-invite",
              R"({"chatId":"15550000002","groupId":"1-2@g.us","code":"CODE","groupName":"x","inviteExpiresAt":"soon"})",
              "inviteExpiresAt"},
          Row{"POST", "/api/v1/sessions/a/send-group-invite",
              R"({"chatId":"15550000002","groupId":"1-2@g.us","code":"CODE","groupName":"x","inviteExpiresAt":true})",
              "inviteExpiresAt"},
      }) {
    INFO(row.method << " " << row.path << " " << row.body);
    const Answer answer = d.ask(row.method, row.path, row.body);
    CHECK(answer.status == 400);
    CHECK(answer.json().at("error").at("details").as_object().contains(row.field));
  }
  // null says nothing, here as everywhere.
  CHECK(d.ask("POST", base, R"({"name":"x","participants":[],"picture":null})").code() == "SESSION_NOT_READY");
  const Answer nothing = d.ask("PATCH", group, R"({"colour":"red"})");
  CHECK(nothing.status == 400);
  const std::string why(nothing.json().at("error").at("details").at("body").as_string());
  CHECK(why.find("name, description, announce") != std::string::npos);
  CHECK(why.find("not known here: colour") != std::string::npos);
}

TEST_CASE("an invitation is passed on with the time as the answer to an addition has it, or in seconds") {
  Daemon d(test::linked());
  const auto send = [&](const std::string& end) {
    return d.ask(
        "POST", "/api/v1/sessions/a/send-group-invite",
        R"({"chatId":"15550000002","groupId":"120363000000000001@g.us","code":"p6GImVjW7t3_Cuz9","groupName":"x","messageId":"3EB0INVITE01","inviteExpiresAt":)" +
            end + "}");
  };
  REQUIRE(send(R"("2023-11-14T22:13:20Z")").status == 200);
  // The same time is the same request.
  CHECK(send("1700000000").json().at("data").at("replayed") == true);
  CHECK(send("1700000001").status == 409);
  const json::object kept = d.ask("GET", "/api/v1/sessions/a/messages/3EB0INVITE01").json().at("data").as_object();
  CHECK(kept.at("groupInvite").at("expiresAt") == 1'700'000'000);
}

TEST_CASE("what is no invitation that came in cannot be accepted, and the answer says why") {
  Daemon d(test::linked());
  int number = 0;
  const auto accept = [&](std::string kind, bool from_me, std::string invite) {
    storage::MessageRow row;
    row.session = d.id_of("a");
    row.chat = row.author = ben;
    row.from_me = from_me;
    row.id = "3EB0AA" + std::to_string(++number);
    row.kind = std::move(kind);
    row.details = std::move(invite);
    storage::Changes changes;
    changes.add(storage::InsertMessage{row, false, std::nullopt});
    d.commit(std::move(changes));
    return d.ask("POST", "/api/v1/sessions/a/messages/" + row.id + "/accept-invitation");
  };
  const std::string good =
      R"({"groupInvite":{"groupId":"120363000000000001@g.us","code":"p6GImVjW7t3_Cuz9","expiresAt":1800000000}})";
  const auto bad = [&](const Answer& answer) {
    CHECK(answer.status == 400);
    CHECK(answer.json().at("error").at("details").as_object().contains("messageId"));
  };
  bad(accept("text", false, ""));
  bad(accept("group_invite", true, good));
  for (const char* invite :
       {"", "{}", R"({"groupInvite":7})",
        R"({"groupInvite":{"groupId":"15550000002@s.whatsapp.net","code":"p6GImVjW7t3_Cuz9","expiresAt":1800000000}})",
        R"({"groupInvite":{"groupId":"1-2@g.us","code":"../../etc","expiresAt":1800000000}})",
        R"({"groupInvite":{"groupId":"1-2@g.us","code":"p6GImVjW7t3_Cuz9"}})",
        R"({"groupInvite":{"groupId":"1-2@g.us","code":"p6GImVjW7t3_Cuz9","expiresAt":5000000000}})"}) {
    INFO(invite);
    bad(accept("group_invite", false, invite));
  }
  CHECK(accept("group_invite", false, good).code() == "SESSION_NOT_READY");  // it is one; WhatsApp cannot be asked
  CHECK(d.ask("POST", "/api/v1/sessions/a/messages/3EB0FFFFFF/accept-invitation").code() == "MESSAGE_NOT_FOUND");
}

TEST_CASE("of a group that is no community its groups are not asked for") {
  Daemon d;
  d.create("a");
  put(d, crew());
  const std::string id = "120363000000000001@g.us", groups_of = base + "/" + id + "/groups";
  const char* linked = R"({"groups":["120363000000000002@g.us"]})";
  const auto is_refused = [](const Answer& answer, const char* field) {
    return answer.status == 400 && answer.json().at("error").at("details").as_object().contains(field);
  };
  CHECK(is_refused(d.ask("GET", groups_of), "groupId"));
  CHECK(is_refused(d.ask("POST", groups_of, linked), "groupId"));
  CHECK(is_refused(d.ask("DELETE", groups_of, linked), "groupId"));
  CHECK(is_refused(d.ask("POST", base, R"({"name":"x","participants":[],"communityId":")" + id + R"("})"),
                   "communityId"));
  groups::GroupMetadata community = crew(2);
  community.community.emplace();
  put(d, community);
  // Of these it is not known, or known otherwise: WhatsApp would be asked.
  for (const char* other : {"120363000000000002@g.us", "120363000000000003@g.us"})
    CHECK(d.ask("GET", base + "/" + other + "/groups").code() == "SESSION_NOT_READY");
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
  // It is nothing that the field could help, but another request.
  CHECK(d.ask("PATCH", group, R"({"name":"y"})").json().at("error").at("details").as_object().contains("nextStep"));
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
  one.result = "not_acceptable";
  one.code = 406;
  CHECK(reason().starts_with("WhatsApp does not take this person into this group"));
  one.result = "approved";
  one.code = 200;
  CHECK(reason().empty());
}

TEST_CASE("a group that cannot be unlinked from its community says why") {
  namespace groups = protocol::groups;
  const Jid group("120363000000000002", "g.us");
  const auto row = [&](std::optional<unsigned> code, bool links) {
    const std::vector<groups::GroupOutcome> outcomes{{group, code}};
    return json::parse(linked_groups_json(outcomes, links)).at("groups").at(0).as_object();
  };
  CHECK(row(200, false) == json::parse(R"({"id":"120363000000000002@g.us","status":200,"result":"unlinked"})"));
  CHECK(row(200, true).at("result") == "linked");
  const auto kept = row(405, false);
  CHECK(kept.at("result") == "failed");
  CHECK(kept.at("reason").as_string().find("isCommunityAnnounce") != json::string::npos);
  CHECK(row(405, true).at("reason") == "WhatsApp gives this code and no reason");
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
