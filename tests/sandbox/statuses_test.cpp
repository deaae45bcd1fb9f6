// Status posts between phones, over the control API and on the wire: who is shown one, who may be given it, what
// becomes of it. Specification 05 section 10, 06 section 8.

#include <algorithm>

#include "protocol/account/status_audience.h"
#include "protocol/stanzas/messages.h"
#include "sandbox/phone/chats.h"
#include "tests/sandbox/control_world.h"
#include "tests/sandbox/disk.h"

namespace wharf::sandbox::test {

namespace {

const std::string anna = "/sandbox/v1/phones/15550000001", ben = "/sandbox/v1/phones/15550000002",
                  cleo = "/sandbox/v1/phones/15550000003";

struct Scene : Api {
  Scene() {
    two_phones();
    data("POST", "/sandbox/v1/phones", R"({"phone":"15550000003","name":"Cleo"})", 201);
  }
  std::string post(const std::string& phone, const std::string& body) {
    const auto id = data("POST", phone + "/statuses", body, 202).at("id").as_string();
    settle();
    return std::string(id);
  }
  json::array statuses(const std::string& phone) { return data("GET", phone + "/statuses").as_array(); }
};

}  // namespace

TEST_CASE("a phone's status is shown to its audience and to nobody else, in its colours") {
  Scene s;
  const auto id = s.post(anna, R"({"text":"open","backgroundColor":"#00AA00","textColor":"#FFFFFF","font":2,
                                   "audience":["+1 555 000 0002"]})");
  const auto at_ben = s.statuses(ben);
  REQUIRE(at_ben.size() == 1);
  CHECK(at_ben[0].at("id") == json::string(id));
  CHECK(at_ben[0].at("author") == "15550000001");
  CHECK(at_ben[0].at("text") == "open");
  CHECK(at_ben[0].at("backgroundColor") == "#00AA00");
  CHECK(at_ben[0].at("font") == 2);
  CHECK(s.statuses(cleo).empty());
  // It is no conversation.
  CHECK(s.data("GET", ben + "/messages").as_array().empty());
  CHECK(s.statuses(anna)[0].at("status") == "delivered");
}

TEST_CASE("who has seen a status its author knows, unless the reader keeps that to himself") {
  Scene s;
  const auto id = s.post(anna, R"({"text":"open","audience":["15550000002","15550000003"]})");
  const std::string view = "/statuses/" + id + "/view", author = R"({"author":"15550000001"})";
  CHECK(s.data("POST", ben + view, author).at("viewed") == 1);
  s.data("POST", cleo + "/privacy", R"({"readreceipts":"none"})");
  CHECK(s.data("POST", cleo + view, author).at("viewed") == 1);
  s.settle();
  const auto recipients = s.statuses(anna)[0].at("recipients");
  CHECK(recipients.at("15550000002") == "read");
  CHECK(recipients.at("15550000003") == "delivered");
  s.error(s.call("POST", ben + "/statuses/3AFFFF/view", author), 404);
}

TEST_CASE("a deleted status is gone where it was shown, and was told to nobody else") {
  Scene s;
  const auto id = s.post(anna, R"({"text":"open","audience":["15550000002"]})");
  s.post(anna, R"({"text":"for Cleo","audience":["15550000003"]})");
  s.data("DELETE", anna + "/statuses/" + id, "", 202);
  s.settle();
  CHECK(s.statuses(ben)[0].at("revoked") == true);
  REQUIRE(s.statuses(cleo).size() == 1);
  CHECK_FALSE(s.statuses(cleo)[0].as_object().contains("revoked"));
  s.error(s.call("DELETE", ben + "/statuses/" + id), 404);  // not its own
}

TEST_CASE("a phone that lost its sender keys reads a status by asking again") {
  Scene s;
  s.post(anna, R"({"text":"one","audience":["15550000002"]})");
  s.phones.find("15550000002")->forget_sender_keys();
  s.post(anna, R"({"text":"two","audience":["15550000002"]})");
  const auto at_ben = s.statuses(ben);
  REQUIRE(at_ben.size() == 2);
  CHECK(at_ben[1].at("text") == "two");
  CHECK(at_ben[1].at("status") == "received");
}

TEST_CASE("whom an account has chosen its companions are told, also after a restart") {
  Scene s;
  auto desk = linked_client(s, *s.phones.find("15550000001"));
  const auto told = [&] {
    desk->received.clear();
    desk->send(protocol::status_audience_iq("q1"));
    s.settle();
    const auto answer = std::find_if(desk->received.begin(), desk->received.end(),
                                     [](const Node& node) { return node.attr("id") == "q1"; });
    REQUIRE(answer != desk->received.end());
    return protocol::read_status_audience(*answer).value();
  };
  using Kind = protocol::StatusAudience::Kind;
  CHECK(told() == protocol::StatusAudience{});
  const auto set = s.data("POST", anna + "/status-audience", R"({"kind":"except","phones":["15550000003"]})");
  CHECK(set.at("phones") == json::array{"15550000003"});
  const Jid excluded = s.network.find_account(std::string_view("15550000003"))->lid_jid();
  CHECK(told() == protocol::StatusAudience{Kind::except, {excluded}});
  const RowKey key{RowKind::status_audience, "15550000001", {}};
  const auto row = s.network.row(key);
  REQUIRE(row);
  s.data("POST", anna + "/status-audience", R"({"kind":"contacts"})");
  CHECK(told() == protocol::StatusAudience{});
  REQUIRE(s.network.restore(key, *row));  // as at the next start
  CHECK(told() == protocol::StatusAudience{Kind::except, {excluded}});
  CHECK_FALSE(s.network.restore(key, protocol::encode_node(Node("status"))));
  CHECK(s.error(s.call("POST", anna + "/status-audience", R"({"kind":"only","phones":["15559999999"]})"), 404)
            .at("code") == "NOT_FOUND");
  const auto refused =
      s.error(s.call("POST", anna + "/status-audience", R"({"kind":"contacts","phones":["15550000003"]})"), 400);
  CHECK(refused.at("details").as_object().contains("phones"));
}

TEST_CASE("each wrong field of a status is named") {
  Scene s;
  struct Row {
    const char *body, *field;
  };
  for (const Row& row : {Row{R"({"text":"x"})", "audience"}, Row{R"({"audience":["15550000002"]})", "text"},
                         Row{R"({"text":"x","audience":["nobody"]})", "audience[0]"},
                         Row{R"({"text":"x","audience":[],"backgroundColor":"green"})", "backgroundColor"},
                         Row{R"({"text":"x","audience":[],"font":11})", "font"},
                         Row{R"({"text":"x","audience":[],"font":3})", "font"}}) {
    INFO(row.body);
    CHECK(s.error(s.call("POST", anna + "/statuses", row.body), 400).at("details").as_object().contains(row.field));
  }
  s.error(s.call("POST", anna + "/statuses", R"({"text":"x","audience":["15559999999"]})"), 404);
}

TEST_CASE("the server refuses a status that says what none may say") {
  Scene s;
  auto desk = linked_client(s, *s.phones.find("15550000001"));
  const Jid to = s.network.find_account(std::string_view("15550000002"))->lid_jid();
  const auto code_of = [&](Node message) {
    desk->received.clear();
    desk->send(message);
    s.settle();
    const auto ack = std::find_if(desk->received.begin(), desk->received.end(), [&](const Node& node) {
      return node.is("ack") && node.attr("id") == message.attr("id");
    });
    REQUIRE(ack != desk->received.end());
    return ack->attr("error");
  };
  int number = 0;
  const auto status = [&] {
    Node message("message");
    message.set("id", "3EB0S" + std::to_string(++number)).set("to", protocol::status_jid()).set("type", "text");
    message.add(Node("participants").add(Node("to").set("jid", to)));
    return message.add(Node("enc").set("v", "2").set("type", "skmsg").bytes(Bytes{1, 2, 3}));
  };
  CHECK(code_of(status()) == "");
  CHECK(code_of(status().set("addressing_mode", "lid")) == "479");
  CHECK(code_of(status().set("phash", "2:AAAAAAAA")) == "479");
  CHECK(code_of(status().set("edit", "7").add(Node("meta").set("status_setting", "contacts"))) == "479");
  // A resend to somebody whom it was not posted to.
  Node resend("message");
  resend.set("id", "3EB0S1").set("to", protocol::status_jid()).set("type", "text");
  resend.set("participant", s.network.find_account(std::string_view("15550000003"))->lid_jid());
  resend.add(Node("enc").set("v", "2").set("type", "msg").set("count", "1").bytes(Bytes{1}));
  CHECK(code_of(resend) == "403");
}

}  // namespace wharf::sandbox::test
