// Calls between accounts, as a user of the control API makes them and as a companion hears and answers them.

#include "protocol/calls/call.h"

#include "tests/sandbox/control_world.h"

namespace wharf::sandbox::test {

namespace {

using protocol::CallEnded;
using protocol::CallOffered;

const std::string anna = "/sandbox/v1/phones/15550000001", ben = "/sandbox/v1/phones/15550000002";

/// Ben calls Anna, who has a companion.
struct Scene : Api {
  std::unique_ptr<Client> desk;
  Scene() {
    two_phones();
    desk = linked_client(*this, *phones.find("15550000001"));
    desk->received.clear();
  }
  std::string ring(const std::string& body = R"({"to":"+1 555-000-0001"})") {
    const auto call = data("POST", ben + "/calls", body, 201);
    CHECK(call.at("state") == "ringing");
    CHECK(call.at("outgoing") == true);
    CHECK(call.at("with") == "15550000001");
    return std::string(call.at("id").as_string());
  }
  /// What the phone knows of its only call.
  std::string state(const std::string& phone) {
    const auto calls = data("GET", phone + "/calls");
    REQUIRE(calls.as_array().size() == 1);
    return std::string(calls.at(0).at("state").as_string());
  }
  /// Of the calls at the companion what each is, oldest first.
  std::vector<Node> stanzas() const {
    std::vector<Node> out;
    for (const Node& node : desk->received)
      if (node.is("call")) out.push_back(node);
    return out;
  }
  std::vector<protocol::CallEvent> heard() const {
    std::vector<protocol::CallEvent> out;
    for (const Node& node : stanzas()) {
      const auto event = protocol::read_call(node, static_cast<std::uint64_t>(clock.unix_ms() / 1'000));
      REQUIRE(event);
      out.push_back(*event);
    }
    return out;
  }
  CallOffered offered() const { return std::get<CallOffered>(heard().at(0)); }
  std::string ended() const { return std::get<CallEnded>(heard().back()).reason; }
  const Node* answer_to(const std::string& id) const {
    for (const Node& node : desk->received)
      if (node.is("ack") && node.attr("id") == id) return &node;
    return nullptr;
  }
  void answer_all() {
    for (const Node& node : stanzas()) desk->send(*protocol::call_answer(node, desk->pn(), desk->lid()));
    settle();
  }
  void log_in_again() {
    desk->received.clear();
    protocol::ParsedClientPayload login;
    login.username = std::stoull(desk->key.phone);
    login.device = desk->key.device;
    REQUIRE(network.login(desk->keys.noise.pub, login, *desk));
    desk->send(Node("ib").add(Node("offline_batch").set("count", std::uint64_t{100})));
    settle();
  }
};

}  // namespace

TEST_CASE("a call rings at every device of the account, until the caller gives up") {
  Scene s;
  const std::string id = s.ring(R"({"to":"15550000001","video":true})");
  const CallOffered offer = s.offered();
  CHECK(offer.call.call_id == id);
  CHECK(offer.video);
  CHECK_FALSE(offer.is_group);
  CHECK_FALSE(offer.call.offline);
  CHECK(offer.call.creator == s.network.find_account("15550000002")->lid_jid());
  CHECK(offer.call.creator_pn == s.network.find_account("15550000002")->pn_jid());
  CHECK(s.stanzas()[0].attr("notify") == "Ben");
  CHECK(s.state(anna) == "ringing");
  CHECK(s.data("POST", ben + "/calls/" + id + "/cancel", "{}").at("state") == "ended");
  CHECK(s.ended().empty());
  CHECK(s.state(anna) == "missed");
  CHECK(s.state(ben) == "ended");
  const auto before = s.network.queue_length(s.desk->key);
  s.answer_all();  // the offer by a receipt, the end by an ack
  CHECK(s.network.queue_length(s.desk->key) + 2 == before);
}

TEST_CASE("a companion rejects a call: the server says so to the caller, and to the others of the account") {
  Scene s;
  s.ring();
  s.desk->send(protocol::call_reject("r-1", s.offered().call, s.desk->lid().user_jid()));
  s.settle();
  const Node* ack = s.answer_to("r-1");
  REQUIRE(ack != nullptr);
  CHECK(ack->attr("class") == "call");
  CHECK(ack->attr("type") == "reject");
  CHECK(s.state(ben) == "rejected");
  CHECK(s.state(anna) == "rejectedElsewhere");
  CHECK(s.heard().size() == 1);  // nothing more to who rejected it
  s.clock.advance(60'000);
  CHECK(s.heard().size() == 1);
}

TEST_CASE("the phone answers: its companion and the caller hear it, and the call is over") {
  Scene s;
  const std::string id = s.ring();
  SECTION("accepts") {
    CHECK(s.data("POST", anna + "/calls/" + id + "/accept", "{}").at("state") == "accepted");
    CHECK(s.ended() == "accepted_elsewhere");
    CHECK(s.state(ben) == "accepted");
    CHECK(s.state(anna) == "accepted");
  }
  SECTION("rejects") {
    CHECK(s.data("POST", anna + "/calls/" + id + "/reject", "{}").at("state") == "rejected");
    CHECK(s.ended() == "rejected_elsewhere");
    CHECK(s.state(ben) == "rejected");
  }
  s.error(s.call("POST", ben + "/calls/" + id + "/cancel", "{}"), 404);
  CHECK(s.heard().size() == 2);
}

TEST_CASE("what nobody answers ends after 45 seconds") {
  Scene s;
  s.ring();
  s.clock.advance(44'999);
  CHECK(s.state(anna) == "ringing");
  s.clock.advance(1);
  s.settle();
  CHECK(s.ended() == "timeout");
  CHECK(s.state(anna) == "missed");
  CHECK(s.state(ben) == "unanswered");
}

TEST_CASE("a device that was away gets the call and its end, marked as late") {
  Scene s;
  s.network.detach(s.desk->key, *s.desk);
  const std::string id = s.ring();
  s.data("POST", ben + "/calls/" + id + "/cancel", "{}");
  CHECK(s.stanzas().empty());
  s.log_in_again();
  const auto heard = s.heard();
  REQUIRE(heard.size() == 2);
  CHECK(std::get<CallOffered>(heard[0]).call.offline);
  CHECK(std::get<CallEnded>(heard[1]).call.offline);
  bool counted = false;
  for (const Node& node : s.desk->received)
    if (const Node* preview = node.child("offline_preview")) counted = preview->number("call") == 2u;
  CHECK(counted);
  s.answer_all();
  s.network.detach(s.desk->key, *s.desk);
  s.log_in_again();
  CHECK(s.stanzas().empty());
}

TEST_CASE("who is blocked calls in vain, and hears nothing of it") {
  Scene s;
  s.data("POST", anna + "/block", R"({"phone":"15550000002","on":true})");
  s.ring();
  CHECK(s.stanzas().empty());
  CHECK(s.data("GET", anna + "/calls").as_array().empty());
  CHECK(s.state(ben) == "ringing");
}

TEST_CASE("a stranger cannot end or answer a call of others") {
  Scene s;
  s.data("POST", "/sandbox/v1/phones", R"({"phone":"15550000003","name":"Cleo"})", 201);
  const auto cleo = linked_client(s, *s.phones.find("15550000003"));
  s.ring();
  const CallOffered offer = s.offered();
  for (const char* tag : {"terminate", "reject", "accept"}) {
    Node call("call");
    call.set("id", std::string("x-") + tag).set("to", s.desk->lid().user_jid());
    call.add(Node(tag).set("call-id", offer.call.call_id).set("call-creator", offer.call.creator));
    cleo->send(call);
  }
  s.settle();
  CHECK(s.heard().size() == 1);
  CHECK(s.state(ben) == "ringing");
  CHECK(s.state(anna) == "ringing");
}

TEST_CASE("calls that cannot be are refused with the reason") {
  Scene s;
  CHECK(s.error(s.call("POST", ben + "/calls", R"({"to":"15559999999"})"), 404).at("code") == "NOT_FOUND");
  CHECK(s.error(s.call("POST", ben + "/calls", R"({"to":"15550000002"})"), 422).at("code") == "REFUSED");
  CHECK(s.error(s.call("POST", ben + "/calls", R"({"to":"1-2@g.us"})"), 404).at("code") == "NOT_FOUND");
  CHECK(s.error(s.call("POST", ben + "/calls", R"({"to":"15550000002@c.us"})"), 422).at("code") == "REFUSED");
  CHECK(s.error(s.call("POST", ben + "/calls", R"({"video":true})"), 400).at("details").as_object().contains("to"));
  const std::string id = s.ring();
  s.error(s.call("POST", ben + "/calls/" + id + "/accept", "{}"), 404);   // its own
  s.error(s.call("POST", anna + "/calls/" + id + "/cancel", "{}"), 404);  // not its own
  s.error(s.call("POST", anna + "/calls/none/reject", "{}"), 404);
  s.data("POST", anna + "/power", R"({"on":false})");
  s.error(s.call("POST", anna + "/calls/" + id + "/accept", "{}"), 503);
  CHECK(s.data("POST", ben + "/call", R"({"to":"15550000001"})", 201).at("state") == "ringing");  // the older name
}

}  // namespace wharf::sandbox::test
