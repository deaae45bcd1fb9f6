// An account that gets another number, and a number that gets another account. Specification 05 sections 4 (`modify`)
// and 6.2 (`contacts`), 02 section 9.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "sandbox/phone/groups/groups.h"
#include "tests/sandbox/control_world.h"
#include "tests/sandbox/disk.h"

namespace wharf::sandbox::test {

namespace {

const std::string phones_path = "/sandbox/v1/phones";
const std::string anna = phones_path + "/15550000001", ben = phones_path + "/15550000002";
const std::string cleo = phones_path + "/15550000003", moved = phones_path + "/15550000009";
constexpr const char* to_nine = R"({"number":"+1 555-000-0009"})";

/// Cleo has a chat with Anna, who has a companion; Ben shares a group with her alone; Dora has her in the address book.
struct Scene : Api {
  std::unique_ptr<Client> desk;  // of Anna
  std::string group;
  explicit Scene(bool with_lid = true) {
    Disk::watch(network);
    two_phones();
    const json::object made{{"phone", "15550000003"}, {"name", "Cleo"}, {"lid", with_lid}};
    data("POST", phones_path, json::serialize(made), 201);
    data("POST", phones_path, R"({"phone":"15550000004","name":"Dora"})", 201);
    data("POST", phones_path, R"({"phone":"15550000005","name":"Eve"})", 201);
    data("POST", cleo + "/messages", R"({"to":"15550000001","text":"before"})", 202);
    data("POST", phones_path + "/15550000004/contacts", R"({"phone":"15550000003","name":"Cleo S"})");
    if (!with_lid) data("POST", "/sandbox/v1/faults", R"({"groups_by_number":true})");
    const auto walks =
        data("POST", ben + "/groups", R"({"subject":"Walks","participants":["15550000001","15550000003"]})", 201);
    REQUIRE(walks.at("size") == 3);
    group = walks.at("id").as_string();
    desk = linked_client(*this, *phones.find("15550000001"));
    settle();
    desk->received.clear();
  }
  json::value move() { return data("POST", cleo + "/number", to_nine); }
  json::array seen_numbers(const std::string& phone) {
    json::array all;
    const auto rows = data("GET", phone + "/seen");
    for (const auto& row : rows.as_array())
      if (row.at("kind") == "number") all.push_back(row);
    return all;
  }
  /// The notifications of a type that Anna's companion got.
  std::vector<Node> told(std::string_view type) const {
    std::vector<Node> all;
    for (const auto& node : desk->received)
      if (node.is("notification") && node.attr("type") == type) all.push_back(node);
    return all;
  }
  /// What usync says of a number: its row.
  Node asked_for(const std::string& number) {
    Node query("query"), usync("usync"), list("list"), iq("iq"), user("user");
    query.add(Node("contact")).add(Node("lid"));
    user.add(Node("contact").text("+" + number));
    const std::string asked = id();
    iq.set("id", asked).set("to", protocol::server_jid()).set("type", "get").set("xmlns", "usync");
    usync.set("sid", "1").set("mode", "query").add(std::move(query)).add(list.add(std::move(user)));
    desk->send(iq.add(std::move(usync)));
    settle();
    for (const auto& node : desk->received)
      if (node.attr("id") == asked) return node.child("usync")->child("list")->children().at(0);
    FAIL("no answer");
    return Node("none");
  }
  /// "phone" and "lid" of each member of the group, as Ben asks for it.
  std::map<std::string, std::string> members() {
    std::map<std::string, std::string> all;
    const auto shown = data("GET", ben + "/groups/" + group);
    for (const auto& row : shown.at("participants").as_array()) {
      const auto& lid = row.at("lid");
      all.emplace(row.at("phone").as_string(), lid.is_null() ? std::string() : std::string(lid.as_string()));
    }
    return all;
  }
  std::vector<std::string> said_to(const std::string& phone, const std::string& query = {}) {
    std::vector<std::string> all;
    const auto rows = data("GET", phone + "/messages" + query);
    for (const auto& row : rows.as_array())
      if (!row.at("fromMe").as_bool()) all.emplace_back(row.at("text").as_string());
    return all;
  }
};

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("an account that changes its number keeps its LID, and who knows it is told once") {
  Scene s;
  const Account& account = *s.network.find_number("15550000003");
  const Jid before = account.pn_jid(), lid = account.lid_jid();
  const auto shown = s.move();
  CHECK(shown.at("phone") == "15550000009");
  CHECK(shown.at("oldNumber") == "15550000003");
  CHECK(shown.at("jid") == "15550000009@s.whatsapp.net");
  CHECK(shown.at("lid") == json::string(lid.to_string()));

  const auto contacts = s.told("contacts");
  REQUIRE(contacts.size() == 1);
  const auto* modify = contacts[0].child("modify");
  REQUIRE(modify != nullptr);
  CHECK(modify->jid("old") == before);
  CHECK(modify->jid("new") == account.pn_jid());
  CHECK(modify->jid("old_lid") == lid);
  CHECK(modify->jid("new_lid") == lid);

  const auto groups = s.told("w:gp2");
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].jid("participant") == lid);
  CHECK(groups[0].jid("participant_pn") == before);
  const auto* replaced = groups[0].child("modify");
  REQUIRE(replaced != nullptr);
  REQUIRE(replaced->children().size() == 1);
  CHECK(replaced->children()[0].jid("jid") == lid);
  CHECK(replaced->children()[0].jid("phone_number") == account.pn_jid());

  // A chat, a group and an address book make somebody who is told; nothing of them, nobody.
  for (const auto* number : {"15550000001", "15550000002", "15550000004"}) {
    INFO(number);
    const auto rows = s.seen_numbers(phones_path + "/" + number);
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].at("from") == "15550000009");
    CHECK(rows[0].at("oldNumber") == "15550000003");
  }
  CHECK(s.seen_numbers(phones_path + "/15550000005").empty());
  CHECK(s.seen_numbers(moved).empty());
  CHECK(s.data("GET", phones_path + "/15550000004").at("contacts") == json::parse(R"({"15550000009":"Cleo S"})"));
}

TEST_CASE("usync and groups speak of the new number, and the old one is nobody's") {
  Scene s;
  const auto lid = s.network.find_number("15550000003")->lid_jid();
  s.move();
  const Node now = s.asked_for("15550000009"), before = s.asked_for("15550000003");
  CHECK(now.child("contact")->attr("type") == "in");
  CHECK(now.child("lid")->jid("val") == lid);
  CHECK(before.child("contact")->attr("type") == "out");
  CHECK(before.child("lid") == nullptr);
  const auto members = s.members();
  CHECK(members.at("15550000009") == lid.to_string());
  CHECK_FALSE(members.contains("15550000003"));

  s.error(s.call("GET", cleo), 404);
  s.error(s.call("POST", anna + "/messages", R"({"to":"15550000003","text":"lost"})"), 404);
  s.data("POST", anna + "/messages", R"({"to":"15550000009","text":"found"})", 202);
  s.data("POST", ben + "/messages", R"({"to":")" + s.group + R"(","text":"to all"})", 202);
  CHECK(s.said_to(moved) == Strings{"found", "to all"});
  s.data("POST", moved + "/messages", R"({"to":"15550000001","text":"after"})", 202);
  // One chat, before and after, by the number of now.
  CHECK(s.said_to(anna, "?chat=15550000009") == Strings{"before", "after"});
  CHECK(s.said_to(anna, "?chat=15550000003").empty());
  CHECK(s.data("GET", anna + "/messages?chat=15550000009").at(0).at("author") == "15550000009");
  s.data("POST", anna + "/read", R"({"chat":"15550000009"})");
  CHECK(s.data("GET", moved + "/messages").as_array().back().at("status") == "read");
}

TEST_CASE("what is no number, taken, or the own one is refused, and nobody is told") {
  Scene s;
  const auto refused = [&](const std::string& number, unsigned status) {
    INFO(number);
    return s.error(s.call("POST", cleo + "/number", R"({"number":")" + number + R"("})"), status);
  };
  CHECK(refused("15550000001", 409).at("code") == "CONFLICT");
  CHECK(refused("+1 555 000 0003", 422).at("code") == "REFUSED");
  for (const auto* bad : {"12", "1234567890123456", "number"})
    CHECK(refused(bad, 400).at("details").as_object().contains("number"));
  CHECK(s.error(s.call("POST", cleo + "/number", "{}"), 400).at("details").as_object().contains("number"));
  s.error(s.call("POST", moved + "/number", R"({"number":"15550000008"})"), 404);
  CHECK(s.told("contacts").empty());
  CHECK(s.told("w:gp2").empty());
  CHECK(s.data("GET", cleo).at("phone") == "15550000003");
}

TEST_CASE("the companions of an account that changes its number are removed, and link again under the new one") {
  Scene s;
  auto own = linked_client(s, *s.phones.find("15550000003"));
  s.settle();
  s.move();
  CHECK(own->closed);
  CHECK(s.data("GET", moved).at("companions").as_array().empty());
  auto again = linked_client(s, *s.phones.find_number("15550000009"));
  CHECK(again->pn().user == "15550000009");
  CHECK(again->lid().user == s.network.find_number("15550000009")->lid);
  s.data("POST", anna + "/messages", R"({"to":"15550000009","text":"to both"})", 202);
  const auto read = again->read_messages();
  CHECK(std::any_of(read.begin(), read.end(), [](const auto& message) { return message.text == "to both"; }));
}

TEST_CASE("a number that was left behind gets another owner with another LID") {
  Scene s;
  const auto old_lid = s.network.find_number("15550000003")->lid_jid();
  s.move();
  const auto made = s.data("POST", phones_path, R"({"phone":"15550000003","name":"Fay"})", 201);
  CHECK(made.at("phone") == "15550000003");
  const auto fay = s.network.find_number("15550000003")->lid_jid();
  CHECK(made.at("lid") == json::string(fay.to_string()));
  CHECK(fay != old_lid);
  CHECK(s.asked_for("15550000003").child("lid")->jid("val") == fay);
  CHECK(s.asked_for("15550000009").child("lid")->jid("val") == old_lid);
  s.error(s.call("POST", moved + "/number", R"({"number":"15550000003"})"), 409);

  s.data("POST", anna + "/messages", R"({"to":"15550000003","text":"to Fay"})", 202);
  s.data("POST", anna + "/messages", R"({"to":"15550000009","text":"to Cleo"})", 202);
  CHECK(s.said_to(cleo) == Strings{"to Fay"});
  CHECK(s.said_to(moved) == Strings{"to Cleo"});
  s.data("POST", cleo + "/messages", R"({"to":"15550000001","text":"from Fay"})", 202);
  CHECK(s.said_to(anna, "?chat=15550000003") == Strings{"from Fay"});
  CHECK(s.said_to(anna, "?chat=15550000009") == Strings{"before"});
  s.data("POST", ben + "/groups/" + s.group + "/participants", R"({"action":"add","participants":["15550000003"]})");
  const auto members = s.members();
  CHECK(members.at("15550000003") == fay.to_string());
  CHECK(members.at("15550000009") == old_lid.to_string());
  s.data("POST", cleo + "/auto-reply", R"({"contains":"","text":"Fay here"})");
  s.data("POST", anna + "/messages", R"({"to":"15550000003","text":"who is there?"})", 202);
  CHECK(s.said_to(anna, "?chat=15550000003") == Strings{"from Fay", "Fay here"});
}

TEST_CASE("numbers, their owners and their chats outlast the process") {
  Scene s;
  Disk disk;
  disk.commit(s.network, s.phones);
  const auto lid = s.network.find_number("15550000003")->lid_jid();
  s.move();
  s.data("POST", phones_path, R"({"phone":"15550000003","name":"Fay"})", 201);
  const auto fay = s.network.find_number("15550000003")->lid_jid();
  s.data("POST", cleo + "/messages", R"({"to":"15550000001","text":"from Fay"})", 202);
  disk.commit(s.network, s.phones);
  for (const auto& [key, value] : disk.rows) {  // nothing of the change went unnoticed
    INFO("row " << static_cast<int>(key.kind) << " of " << key.owner);
    REQUIRE(Disk::row(s.network, s.phones, key) == value);
  }

  Api later;
  REQUIRE(disk.load(later.network, later.phones));
  later.settle();
  REQUIRE(later.network.find_number("15550000009") != nullptr);
  CHECK(later.network.find_number("15550000009")->lid_jid() == lid);
  CHECK(later.network.find_number("15550000003")->lid_jid() == fay);
  CHECK(later.data("GET", anna + "/messages?chat=15550000003").as_array().size() == 1);
  later.data("POST", anna + "/messages", R"({"to":"15550000009","text":"to Cleo"})", 202);
  later.data("POST", anna + "/messages", R"({"to":"15550000003","text":"to Fay"})", 202);
  later.data("POST", anna + "/messages", R"({"to":")" + s.group + R"(","text":"to all"})", 202);
  CHECK(later.data("GET", moved + "/messages").as_array().back().at("text") == "to all");
  CHECK(later.data("GET", cleo + "/messages").as_array().back().at("text") == "to Fay");
  CHECK(later.network.stats().retries_relayed == 0);
  CHECK(later.network.stats().reused_message_keys == 0);
}

TEST_CASE("an account without a LID is told to move by its numbers alone, in its groups as well") {
  Scene s(false);
  const Account& account = *s.network.find_number("15550000003");
  const Jid before = account.pn_jid();
  s.move();
  const auto contacts = s.told("contacts");
  REQUIRE(contacts.size() == 1);
  CHECK(contacts[0].child("modify")->jid("old") == before);
  CHECK_FALSE(contacts[0].child("modify")->has("old_lid"));
  CHECK_FALSE(contacts[0].child("modify")->has("new_lid"));
  const auto groups = s.told("w:gp2");
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].jid("participant") == before);
  REQUIRE(groups[0].child("modify")->children().size() == 1);
  CHECK(groups[0].child("modify")->children()[0].jid("jid") == account.pn_jid());
  // Ben's phone read that: whom it knows to be in the group gets what it says there.
  REQUIRE(s.phones.find("15550000002")->group(s.group) != nullptr);
  CHECK(s.phones.find("15550000002")->group(s.group)->members.size() == 3);
  s.data("POST", ben + "/messages", R"({"to":")" + s.group + R"(","text":"to all"})", 202);
  s.data("POST", anna + "/messages", R"({"to":"15550000009","text":"found"})", 202);
  CHECK(s.said_to(moved) == Strings{"to all", "found"});
}

TEST_CASE("who does not see the number of a member is told of the change without it") {
  Scene s;
  s.data("POST", "/sandbox/v1/faults", R"({"hide_group_numbers":true})");
  s.data("POST", ben + "/groups/" + s.group + "/participants", R"({"action":"add","participants":["15550000005"]})");
  auto eve = linked_client(s, *s.phones.find("15550000005"));
  s.settle();
  eve->received.clear();
  s.move();
  const auto told = std::find_if(eve->received.begin(), eve->received.end(),
                                 [](const Node& node) { return node.attr("type") == "w:gp2"; });
  REQUIRE(told != eve->received.end());
  CHECK_FALSE(told->has("participant_pn"));
  REQUIRE(told->child("modify") != nullptr);
  CHECK_FALSE(told->child("modify")->children().at(0).has("phone_number"));
  CHECK(s.seen_numbers(phones_path + "/15550000005").empty());
  CHECK(s.seen_numbers(anna).size() == 1);  // who has a chat with her
  CHECK(s.seen_numbers(ben).size() == 1);   // an admin
}

TEST_CASE("whoever was away hears of the number when it is back") {
  Scene s;
  s.data("POST", ben + "/power", R"({"on":false})");
  s.move();
  s.data("POST", ben + "/power", R"({"on":true})");
  REQUIRE(s.seen_numbers(ben).size() == 1);
  CHECK(s.seen_numbers(ben)[0].at("from") == "15550000009");
}

TEST_CASE("a scenario changes a number, and expects under the new one what comes to a phone") {
  Scene s;
  const auto sink = s.start("POST", "/sandbox/v1/script", R"({"phones":{"cleo":"15550000003"},"steps":[
    {"who":"cleo","do":"number","number":"15550000009","as":"now"},
    {"who":"15550000001","do":"messages","to":"$now.phone","text":"hello","as":"sent"},
    {"do":"expect","who":"15550000009","from":"15550000001","text":"hello"},
    {"do":"expect","who":"15550000001","id":"$sent.id","status":"delivered","by":"$now.phone"}
  ]})");
  s.clock.advance(1'000);
  REQUIRE(sink->response);
  INFO(sink->response->body);
  CHECK(json::parse(sink->response->body).at("data").at("passed").as_bool());
}

TEST_CASE("a phone that a scenario waits for may change its number meanwhile") {
  Scene s;
  const auto sink = s.start("POST", "/sandbox/v1/script", R"({"steps":[
    {"do":"expect","who":"15550000003","text":"hello","within":60000}]})");
  s.clock.advance(10);
  s.move();
  s.data("POST", anna + "/messages", R"({"to":"15550000009","text":"hello"})", 202);
  s.clock.advance(1'000);
  REQUIRE(sink->response);
  INFO(sink->response->body);
  CHECK(json::parse(sink->response->body).at("data").at("passed").as_bool());
}

}  // namespace wharf::sandbox::test
