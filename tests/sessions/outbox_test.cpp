// The outbox of a real Session: what is accepted, what leaves and when, and what an answer, a silence or a deletion
// does to it.
#include "sessions/outbox.h"

#include <map>

#include "events/event.h"
#include "tests/sessions/sending.h"
#include "tests/storage/counts.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Node;
using namespace std::chrono_literals;

using Fixture = wharf::test::SessionFixture;
using test::ack;
using test::ben;
using test::list_devices;
using test::messages;
using test::own_lid;

namespace {

std::size_t opened_links(const std::vector<Effect>& effects) {
  return static_cast<std::size_t>(std::count_if(
      effects.begin(), effects.end(), [](const Effect& effect) { return std::holds_alternative<OpenLink>(effect); }));
}

}  // namespace

TEST_CASE("two refused texts of different chats are each sent again at their own time") {
  Fixture f;
  const Jid carl("15550000003", "s.whatsapp.net");
  f.befriend(ben);
  f.befriend(carl);
  f.go_online();
  SendMessage first = Fixture::text("to ben"), second = Fixture::text("to carl");
  second.chat = carl;
  const std::string first_id = (*f.send(first))->id, second_id = (*f.send(second))->id;
  f.stanza(ack(first_id, 503));  // again in 750 ms
  f.steady += 500ms;
  f.stanza(ack(second_id, 503));  // again in 750 ms: later than the first
  f.steady += 250ms;
  const auto again = messages(f.turn({}));
  REQUIRE(again.size() == 1);
  REQUIRE(again[0].attr("id") == first_id);
  f.steady += 500ms;
  const auto later = messages(f.turn({}));
  REQUIRE(later.size() == 1);
  REQUIRE(later[0].attr("id") == second_id);
}

TEST_CASE("a lane whose keys could not be had is tried again at its own time, whatever other lanes wait for") {
  Fixture f;
  list_devices(f, own_lid, {3});
  f.go_online();
  const auto ask = [&](const char* number) {
    SendMessage text = Fixture::text("hello");
    text.chat = Jid(number, "s.whatsapp.net");
    REQUIRE(f.send(text)->has_value());
    const auto asked = Fixture::sent(f.last);
    REQUIRE(asked.size() == 1);
    return asked[0].attr("id");
  };
  const auto refuse = [&](const std::string& id) {
    f.stanza(Node("iq").set("id", id).set("type", "error").add(Node("error").set("code", "503").set("text", "later")));
  };
  const auto queries = [](const std::vector<Effect>& effects) {
    auto nodes = Fixture::sent(effects);
    std::erase_if(nodes, [](const Node& node) { return node.attr("xmlns") != "usync"; });
    return nodes.size();
  };
  refuse(ask("15550000002"));  // again in 1 s
  f.steady += 900ms;
  refuse(ask("15550000003"));  // again in 1 s from here: a later time must not replace the earlier one
  f.steady += 100ms;
  REQUIRE(queries(f.turn({})) == 1);
  f.steady += 900ms;
  REQUIRE(queries(f.turn({})) == 1);
}

TEST_CASE("deleting a chat cancels what waits in it, frees the chat, and the same key is not sent again") {
  Fixture f;
  SendMessage request = Fixture::text("never sent");
  request.idempotency_key = "key-1";
  request.request_hash = "h1";
  const auto first = f.send(request);  // offline: it waits
  REQUIRE((first && first->has_value()));
  std::optional<Outcome<>> removed;
  f.tell(RemoveChat{ben}, [&](Outcome<> done) { removed = std::move(done); });
  REQUIRE((removed && removed->has_value()));
  REQUIRE(f.session->view().queued == 0);
  REQUIRE(storage::count_outbox(f.store->reader(), f.row.id) == 0);
  REQUIRE_FALSE(storage::find_chat(f.store->reader(), f.row.id, ben));
  const auto names = f.event_names();
  REQUIRE(std::count(names.begin(), names.end(), "ack") == 1);  // its error tells that it was cancelled
  f.befriend(ben);
  f.go_online();
  REQUIRE_FALSE(f.session->next_deadline() < f.steady + 1s);  // nobody polls for the row that is gone
  const auto again = f.send(request);
  REQUIRE((again && again->has_value()));
  REQUIRE((*again)->id == (*first)->id);
  REQUIRE((*again)->replayed);
  REQUIRE(messages(f.last).empty());
  REQUIRE(f.send(Fixture::text("the chat is not blocked"))->has_value());
  REQUIRE(messages(f.last).size() == 1);
}

TEST_CASE("texts of one turn behind a waiting one are sealed in order without a second look") {
  Fixture f;
  f.befriend(ben);
  REQUIRE(f.send(Fixture::text("waits"))->has_value());
  f.go_online();
  f.settings.max_in_flight = 1;
  std::vector<Input> inputs;
  for (const char* body : {"a", "b"}) inputs.push_back(Fixture::asked(Fixture::text(body), {}));
  f.turn(std::move(inputs));
  REQUIRE(f.session->view().queued == 3);
  // Room comes in the turn that also accepts one more.
  f.settings.max_in_flight = 256;
  const auto effects = f.tell(Fixture::text("c"));
  REQUIRE(messages(effects).size() == 3);
  REQUIRE_FALSE(f.session->next_deadline() < f.steady + 1s);
}

TEST_CASE(
    "a connection that swallows a message is given up and the same stanza sent again; after four it is an error") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  const auto answer = f.send(Fixture::text("hello"));
  const auto bytes = protocol::encode_node(messages(f.last).at(0));
  for (std::uint32_t connection = 1; connection <= Outbox::max_unanswered; ++connection) {
    INFO("connection " << connection);
    // The server answers pings all the while: only the ack is missing.
    for (auto waited = 0s; waited < Outbox::ack_patience; waited += 15s) {
      f.stanza(Node("presence"));
      f.steady += 15s;
    }
    REQUIRE(opened_links(f.turn({})) == 1);
    if (connection == 2) f.reopen();  // the count is a row
    const auto again = f.go_online();
    if (connection == Outbox::max_unanswered) break;
    auto resent = again;
    std::erase_if(resent, [](const Node& node) { return !node.is("message"); });
    REQUIRE(resent.size() == 1);
    REQUIRE(protocol::encode_node(resent[0]) == bytes);
  }
  REQUIRE(f.session->view().queued == 0);
  const auto row = storage::find_message_by_id(f.store->reader(), f.row.id, (*answer)->id, true);
  REQUIRE(row->ack == storage::AckLevel::error);
}

TEST_CASE("lost acks do not stall a session: its window is free again after the connection was given up") {
  Fixture f;
  f.settings.max_in_flight = 4;
  f.befriend(ben);
  f.go_online();
  std::vector<std::string> ids;
  ids.reserve(6);
  for (int i = 0; i < 6; ++i) ids.push_back((*f.send(Fixture::text("n" + std::to_string(i))))->id);
  REQUIRE(f.session->view().queued == 6);
  f.steady += Outbox::ack_patience;
  REQUIRE(opened_links(f.turn({})) == 1);
  f.go_online();
  for (const std::string& id : ids) f.stanza(ack(id));
  REQUIRE(f.session->view().queued == 0);
}

TEST_CASE("an ack is matched by its id, whatever class it names that is not of another stanza") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  for (const char* named : {"message", "msg"}) {
    const std::string id = (*f.send(Fixture::text("hello")))->id;
    Node node = ack(id);
    f.stanza(node.set("class", named));
    INFO(named);
    REQUIRE(f.session->view().queued == 0);
  }
  const std::string id = (*f.send(Fixture::text("hello")))->id;
  Node bare("ack");
  f.stanza(bare.set("id", id));
  REQUIRE(f.session->view().queued == 0);
}

TEST_CASE("the ack of a receipt does not end a text of ours that has the id of the message it was for") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  const std::string id = (*f.send(Fixture::text("hello")))->id;
  for (const char* other : {"receipt", "notification", "call"}) {
    Node node = ack(id);
    f.stanza(node.set("class", other));
    INFO(other);
    CHECK(f.session->view().queued == 1);
  }
  f.stanza(ack(id));
  CHECK(f.session->view().queued == 0);
}

TEST_CASE("the class of an ack cannot forge a field of the log") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  const std::string id = (*f.send(Fixture::text("hello")))->id;
  Node node = ack(id);
  f.stanza(node.set("class", "x\" session=other"));
  REQUIRE(f.session->view().queued == 0);
  REQUIRE(f.logged.size() == 1);
  REQUIRE(f.logged[0] == "ack_class message=" + id + " class=\"x\\\" session=other\"");
}

namespace {

std::string send_as(Fixture& f, const char* request, const char* body) {
  std::string id;
  Asked<SendMessage> asked{Fixture::text(body), [&](Outcome<SentMessage> sent) { id = sent->id; }};
  std::vector<Input> inputs;
  inputs.push_back(CommandArrived{std::move(asked), request});
  f.last = f.turn(std::move(inputs));
  return id;
}

/// Message id -> the request that its failure names.
std::map<std::string, std::string> failures(Fixture& f) {
  std::map<std::string, std::string> requests;
  for (const storage::Event& row : storage::read_events(f.store->reader(), {})) {
    const auto event = storage::value_of(row).value();
    const auto* told = std::get_if<events::Ack>(&event->fact);
    if (told != nullptr && told->level == storage::AckLevel::error) requests[told->id] = event->request_id;
  }
  return requests;
}

}  // namespace

TEST_CASE("texts that wait for the same keys name their own request when they fail") {
  Fixture f;
  list_devices(f, own_lid, {3});
  f.go_online();
  const std::string first = send_as(f, "req-1", "one");
  const auto asked = Fixture::sent(f.last);
  REQUIRE(asked.size() == 1);
  const std::string second = send_as(f, "req-2", "two");
  // The list of ben's devices has nobody in it: he is not on WhatsApp.
  f.stanza(Node("iq")
               .set("id", asked[0].attr("id"))
               .set("type", "result")
               .add(Node("usync").add(Node("result")).add(Node("list"))));
  REQUIRE(f.session->view().queued == 0);
  CHECK(failures(f) == std::map<std::string, std::string>{{first, "req-1"}, {second, "req-2"}});
  CHECK(f.session->context().cause.empty());
}

TEST_CASE("a text that fails in a later turn, or in the command of another request, names its own request") {
  Fixture f;
  f.befriend(ben);
  const auto told = [&](const std::string& id) { return failures(f).at(id); };
  SECTION("refused by the server") {
    f.go_online();
    const std::string id = send_as(f, "req-1", "refused");
    f.stanza(ack(id, 463));
    CHECK(told(id) == "req-1");
  }
  SECTION("sealed behind another one") {
    const std::string id = send_as(f, "req-1", "deleted meanwhile");
    f.settings.max_in_flight = 0;
    f.go_online();
    storage::Changes changes;
    changes.add(storage::RemoveChat{f.row.id, ben});
    f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
    f.settings.max_in_flight = 256;
    send_as(f, "req-2", "goes out");
    REQUIRE(messages(f.last).size() == 1);
    CHECK(told(id) == "req-1");
  }
  SECTION("after a restart nobody knows it any more") {
    const std::string id = send_as(f, "req-1", "refused");
    f.reopen();
    f.go_online();
    f.stanza(ack(id, 463));
    CHECK(told(id).empty());
  }
}

TEST_CASE("a text that a command cancels names that command, one that nobody does its own") {
  Fixture f;
  const std::string id = send_as(f, "req-1", "never sent");
  SECTION("its chat is deleted") {
    std::vector<Input> inputs;
    inputs.push_back(CommandArrived{Asked<RemoveChat>{{ben}, {}}, "req-2"});
    f.turn(std::move(inputs));
    CHECK(failures(f).at(id) == "req-2");
  }
  SECTION("the phone unlinks the session") {
    f.go_online();
    f.stanza(Node("failure").set("reason", "401"));
    CHECK(failures(f).at(id) == "req-1");
  }
}

TEST_CASE("an own edit counts where its ack is faster than that of its message, though the clock is a day behind") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  f.now_ms -= std::chrono::milliseconds(24h).count();
  const std::string id = (*f.send(Fixture::text("frist")))->id;
  SendMessage edit = Fixture::text("");
  edit.content = EditText{id, "first", {}};
  const std::string edit_id = (*f.send(edit))->id;
  f.stanza(ack(edit_id));
  f.stanza(ack(id));
  const auto row = storage::find_message_by_id(f.store->reader(), f.row.id, id, true);
  REQUIRE(row);
  CHECK(row->body == "first");
  CHECK(row->timestamp == 1'700'000'001'000);
}

TEST_CASE("an own edit names the request that asked for it, though it counts with its ack") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  const std::string id = send_as(f, "req-1", "frist");
  f.stanza(ack(id));
  for (const auto& [request, text] : {std::pair{"req-2", "first"}, std::pair{"req-3", "second"}}) {
    SendMessage edit = Fixture::text("");
    edit.content = EditText{id, text, {}};
    std::string edit_id;
    Asked<SendMessage> asked{std::move(edit), [&](Outcome<SentMessage> sent) { edit_id = sent->id; }};
    f.turn_of(CommandArrived{std::move(asked), request});
    f.now_ms += 1'000;
    f.stanza(ack(edit_id));
  }
  std::vector<std::string> requests;
  for (const storage::Event& row : storage::read_events(f.store->reader(), {}))
    if (row.name == "message.edited") requests.push_back(storage::value_of(row).value()->request_id);
  CHECK(requests == std::vector<std::string>{"req-2", "req-3"});
  CHECK(f.session->context().cause.empty());
}

TEST_CASE("an own edit or revoke that was given up counts once a receipt proves that it was sent") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  const std::string id = (*f.send(Fixture::text("frist")))->id;
  f.stanza(ack(id));
  const bool revoke = GENERATE(false, true);
  SendMessage change = Fixture::text("");
  if (revoke) change.content = RevokeSent{id};
  else change.content = EditText{id, "first", {}};
  const std::string change_id = (*f.send(change))->id;
  f.stanza(ack(change_id, 479));
  const auto row = [&] { return *storage::find_message_by_id(f.store->reader(), f.row.id, id, true); };
  const auto change_row = [&] { return *storage::find_message_by_id(f.store->reader(), f.row.id, change_id, true); };
  REQUIRE(change_row().ack == storage::AckLevel::error);
  CHECK(row().body == "frist");
  Node receipt("receipt");
  receipt.set("id", change_id).set("from", ben).set("t", "1700000002");
  f.stanza(receipt);
  CHECK(change_row().ack == storage::AckLevel::delivered);
  CHECK(change_row().timestamp <= 1'700'000'002'000);
  CHECK(row().body == (revoke ? "" : "first"));
  CHECK((row().revoked_at != 0) == revoke);
  f.stanza(receipt);
  const auto names = f.event_names();
  CHECK(std::count(names.begin(), names.end(), revoke ? "message.revoked" : "message.edited") == 1);
}

TEST_CASE("what was given up and is proved late counts from when it was said") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  const std::string id = (*f.send(Fixture::text("frist")))->id;
  f.stanza(ack(id));
  const auto row = [&] { return *storage::find_message_by_id(f.store->reader(), f.row.id, id, true); };
  const auto given_up = [&](Sendable change) {
    SendMessage request = Fixture::text("");
    request.content = std::move(change);
    const std::string change_id = (*f.send(request))->id;
    f.stanza(ack(change_id, 403));
    REQUIRE(storage::find_message_by_id(f.store->reader(), f.row.id, change_id, true)->ack == storage::AckLevel::error);
    return change_id;
  };
  const auto late_receipt = [&](const std::string& of) {
    Node receipt("receipt");
    f.stanza(receipt.set("id", of).set("from", ben).set("t", "1700090002"));  // the phone was away for a day
  };
  const auto timestamp_of = [&](const std::string& of) {
    return storage::find_message_by_id(f.store->reader(), f.row.id, of, true)->timestamp;
  };
  SECTION("an edit") {
    const std::string edit = given_up(EditText{id, "first", {}});
    late_receipt(edit);
    CHECK(row().body == "first");
    CHECK(timestamp_of(edit) == f.now_ms - f.now_ms % 1'000);  // when it was composed
  }
  SECTION("a revoke, by the server's clock") {
    f.now_ms += std::chrono::milliseconds(24h).count();  // ours is a day ahead
    f.reopen();
    f.go_online();  // where the server says its time
    const std::string revoke = given_up(RevokeSent{id});
    late_receipt(revoke);
    CHECK(row().revoked_at == timestamp_of(revoke));
    CHECK(row().revoked_at < 1'700'090'002'000);
  }
  SECTION("one whose receipt is older than our clock says that it is") {
    const std::string edit = given_up(EditText{id, "first", {}});
    Node receipt("receipt");
    f.stanza(receipt.set("id", edit).set("from", ben).set("t", "1699999000"));
    CHECK(timestamp_of(edit) == 1'699'999'000'000);
    CHECK(row().body == "first");
  }
  SECTION("a pin that was taken back since") {
    const std::string pin = given_up(PinMessage{id, true, 24h});
    SendMessage unpin = Fixture::text("");
    unpin.content = PinMessage{id, false, 24h};
    Node acked = ack((*f.send(unpin))->id);
    f.stanza(acked.set("t", "1700000060"));
    late_receipt(pin);
    CHECK(row().pinned_until == 0);
  }
}

TEST_CASE("a receipt for what was cancelled before it left changes nothing") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  const std::string id = (*f.send(Fixture::text("stays")))->id;
  f.stanza(ack(id));
  f.cut();
  SendMessage revoke = Fixture::text("");
  revoke.content = RevokeSent{id};
  revoke.message_id = "MYREVOKE0001";  // who chooses ids may choose some that are guessed
  REQUIRE(f.send(revoke)->has_value());
  f.tell(CancelMessage{"MYREVOKE0001"});
  f.go_online();
  Node receipt("receipt");
  f.stanza(receipt.set("id", "MYREVOKE0001").set("from", ben).set("t", "1700000002"));
  const auto row = storage::find_message_by_id(f.store->reader(), f.row.id, id, true);
  CHECK(row->body == "stays");
  CHECK(row->revoked_at == 0);
}

TEST_CASE("a receipt that comes instead of the ack says by the server's clock when a message was sent") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  f.now_ms -= std::chrono::milliseconds(24h).count();
  const std::string id = (*f.send(Fixture::text("hello")))->id;
  const bool retry = GENERATE(false, true);
  Node receipt("receipt");
  receipt.set("id", id).set("from", ben).set("t", "1700000002");
  if (retry) {
    receipt.set("type", "retry");
    receipt.add(Node("retry").set("count", std::uint64_t{1}).set("id", id).set("t", "1699990000").set("v", "1"));
    receipt.add(Node("registration").bytes(protocol::Bytes{0, 0, 0, 77}));
  }
  f.stanza(receipt);
  const auto row = storage::find_message_by_id(f.store->reader(), f.row.id, id, true);
  REQUIRE(row);
  CHECK(row->ack >= storage::AckLevel::server);
  CHECK(row->timestamp == 1'700'000'002'000);
}
