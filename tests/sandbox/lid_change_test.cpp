// An account that gets its LID later, and one that gets another LID. Specification 02 section 9, 05 sections 4
// (`modify`) and 6.3 (`xwa2_notify_lid_change`), 03 section 4.8 (`refresh_lid`).

#include <algorithm>
#include <string>
#include <vector>

#include "protocol/notifications/notification.h"
#include "tests/sandbox/control_world.h"
#include "tests/sandbox/disk.h"

namespace wharf::sandbox::test {

namespace {

const std::string phones_path = "/sandbox/v1/phones";
const std::string anna = phones_path + "/15550000001", ben = phones_path + "/15550000002";
const std::string cleo = phones_path + "/15550000003";

/// Cleo has a chat with Anna, who has a companion.
struct Scene : Api {
  std::unique_ptr<Client> desk;  // of Anna
  explicit Scene(bool with_lid = true) {
    Disk::watch(network);
    two_phones();
    const json::object made{{"phone", "15550000003"}, {"name", "Cleo"}, {"lid", with_lid}};
    data("POST", phones_path, json::serialize(made), 201);
    data("POST", cleo + "/messages", R"({"to":"15550000001","text":"before"})", 202);
    desk = linked_client(*this, *phones.find("15550000001"));
    settle();
    desk->received.clear();
  }
  const Account& account() { return *network.find_number("15550000003"); }
  std::vector<Node> told(std::string_view type) const {
    std::vector<Node> all;
    for (const auto& node : desk->received)
      if (node.is("notification") && node.attr("type") == type) all.push_back(node);
    return all;
  }
  std::vector<std::string> said_to(const std::string& phone) {
    std::vector<std::string> all;
    const auto rows = data("GET", phone + "/messages");
    for (const auto& row : rows.as_array())
      if (!row.at("fromMe").as_bool()) all.emplace_back(row.at("text").as_string());
    return all;
  }
};

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("an account without a LID gets one, and is reached by its number and by the LID") {
  Scene s(false);
  const auto shown = s.data("POST", cleo + "/lid", R"({"lid":"123456789012345@lid"})");
  CHECK(shown.at("lid") == "123456789012345@lid");
  CHECK(shown.at("oldLid").is_null());
  CHECK(s.told("mex").empty());
  CHECK(s.network.find_account(Jid("123456789012345", protocol::server::lid)) == &s.account());
  CHECK(s.network.find_account(s.account().pn_jid()) == &s.account());
  s.data("POST", cleo + "/messages", R"({"to":"15550000001","text":"after"})", 202);
  const auto message = std::find_if(s.desk->received.begin(), s.desk->received.end(),
                                    [](const Node& node) { return node.is("message"); });
  REQUIRE(message != s.desk->received.end());
  CHECK(message->jid("from")->user_jid() == s.account().lid_jid());
  CHECK(message->jid("sender_pn") == s.account().pn_jid());
  s.data("POST", anna + "/messages", R"({"to":"15550000003","text":"answer"})", 202);
  CHECK(s.said_to(anna) == Strings{"before", "after"});
  CHECK(s.said_to(cleo) == Strings{"answer"});
}

TEST_CASE("who has a chat with an account is told once that it has another LID") {
  Scene s;
  const Jid before = s.account().lid_jid();
  const auto shown = s.data("POST", cleo + "/lid", "{}");
  const Jid now = s.account().lid_jid();
  CHECK(now != before);
  CHECK(shown.at("oldLid") == json::string(before.to_string()));
  CHECK(shown.at("lid") == json::string(now.to_string()));
  const auto told = s.told("mex");
  REQUIRE(told.size() == 1);
  const auto events = protocol::read_notification(told[0], {s.desk->pn(), s.desk->lid(), 1});
  REQUIRE(events.size() == 1);
  REQUIRE(std::holds_alternative<protocol::LidChanged>(events[0]));
  CHECK(std::get<protocol::LidChanged>(events[0]) == protocol::LidChanged{before, now});
  const auto seen = s.data("GET", ben + "/seen");
  for (const auto& row : seen.as_array()) CHECK(row.at("kind") != "lid");
  std::size_t rows = 0;
  const auto annas = s.data("GET", anna + "/seen");
  for (const auto& row : annas.as_array()) {
    if (row.at("kind") != "lid") continue;
    ++rows;
    CHECK(row.at("from") == "15550000003");
    CHECK(row.at("oldLid") == json::string(before.to_string()));
  }
  CHECK(rows == 1);
}

TEST_CASE("the LID of before still leads to the account, and nobody else gets it") {
  Scene s;
  const Jid before = s.account().lid_jid();
  s.data("POST", cleo + "/lid", "{}");
  CHECK(s.network.find_account(before) == &s.account());
  CHECK(s.error(s.call("POST", ben + "/lid", R"({"lid":")" + before.user + R"("})"), 409).at("code") == "CONFLICT");
  s.data("POST", cleo + "/lid", R"({"lid":")" + before.user + R"("})");
  CHECK(s.account().lid_jid() == before);
  CHECK(s.error(s.call("POST", cleo + "/lid", R"({"lid":")" + before.user + R"("})"), 422).at("code") == "REFUSED");
  CHECK(s.error(s.call("POST", cleo + "/lid", R"({"lid":"12"})"), 400).at("details").as_object().contains("lid"));
}

TEST_CASE("the connections of the companions end when their account gets another LID") {
  Scene s;
  s.data("POST", anna + "/lid", "{}");
  CHECK(s.desk->closed);
  CHECK(s.data("GET", anna).at("companions").as_array().size() == 1);
}

TEST_CASE("the LIDs of an account outlast the process") {
  Scene s;
  Disk disk;
  const Jid before = s.account().lid_jid();
  s.data("POST", cleo + "/lid", "{}");
  disk.commit(s.network, s.phones);
  Api later;
  REQUIRE(disk.load(later.network, later.phones));
  later.settle();
  const auto* found = later.network.find_number("15550000003");
  REQUIRE(found != nullptr);
  CHECK(found->lid_jid() == s.account().lid_jid());
  CHECK(later.network.find_account(before) == found);
}

TEST_CASE("a scenario gives an account its LID") {
  Scene s(false);
  const auto sink = s.start("POST", "/sandbox/v1/script", R"({"phones":{"cleo":"15550000003"},"steps":[
    {"who":"cleo","do":"lid","lid":"123456789012345"},
    {"who":"cleo","do":"messages","to":"15550000001","text":"hello"},
    {"do":"expect","who":"15550000001","from":"15550000003","text":"hello"}
  ]})");
  s.clock.advance(1'000);
  REQUIRE(sink->response);
  INFO(sink->response->body);
  CHECK(json::parse(sink->response->body).at("data").at("passed").as_bool());
  CHECK(s.account().lid == "123456789012345");
}

}  // namespace wharf::sandbox::test
