// The send queue of a real Session: what is sealed, what leaves, and what an answer, a silence or a deletion does to
// it.
#include "sessions/send_queue.h"

#include "protocol/messages/padding.h"
#include "protocol/noise/frame.h"
#include "tests/sessions/session_fixture.h"
#include "tests/storage/counts.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Node;
using namespace std::chrono_literals;

using Fixture = wharf::test::SessionFixture;

namespace {

const Jid ben("15550000002", "s.whatsapp.net");
const Jid own_lid("100000000000001", "lid");

Node ack(const std::string& id, unsigned error = 0) {
  Node node("ack");
  node.set("class", "message").set("id", id).set("from", ben).set("t", "1700000001");
  if (error != 0) node.set("error", std::to_string(error));
  return node;
}

std::vector<Node> messages(const std::vector<Effect>& effects) {
  auto nodes = Fixture::sent(effects);
  std::erase_if(nodes, [](const Node& node) { return !node.is("message"); });
  return nodes;
}

std::size_t opened_links(const std::vector<Effect>& effects) {
  return static_cast<std::size_t>(std::count_if(
      effects.begin(), effects.end(), [](const Effect& effect) { return std::holds_alternative<OpenLink>(effect); }));
}

void list_devices(Fixture& f, const Jid& user, std::vector<std::uint16_t> devices) {
  storage::DeviceListRow list;
  list.devices = std::move(devices);
  list.fetched_at = f.now_ms;
  storage::Changes changes;
  changes.add(storage::PutDeviceList{f.row.id, user, list});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
}

/// The connection is lost and comes back.
std::vector<Node> reconnect(Fixture& f) {
  std::vector<Input> inputs;
  inputs.emplace_back(LinkDown{LinkEnd{LinkEnd::Kind::network, "gone", false}, f.session->link_epoch()});
  f.turn(std::move(inputs));
  return f.go_online();
}

}  // namespace

TEST_CASE("two refused texts of different chats are each sent again at their own time") {
  Fixture f;
  const Jid carl("15550000003", "s.whatsapp.net");
  f.befriend(ben);
  f.befriend(carl);
  f.go_online();
  SendText first = Fixture::text("to ben"), second = Fixture::text("to carl");
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
    SendText text = Fixture::text("hello");
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

TEST_CASE("a message that no frame can carry fails with its reason, at once, and the session goes on") {
  Fixture f;
  auto peer = f.befriend(ben);
  f.go_online();
  std::vector<std::uint16_t> many;
  for (std::uint16_t device = 0; device < 100; ++device) many.push_back(device);
  list_devices(f, ben, many);
  f.reopen();
  f.go_online();
  const auto answer = f.send(Fixture::text(std::string(200'000, 'x')));
  REQUIRE((answer && answer->has_value()));
  // Keys of the other devices are asked for; whoever answers, the stanza would be over 16 MiB.
  const auto asked = Fixture::sent(f.last);
  REQUIRE(asked.size() == 1);
  f.stanza(Node("iq").set("id", asked[0].attr("id")).set("type", "result").add(Node("list")));
  REQUIRE(f.session->view().queued == 0);
  const auto row = storage::find_message_by_id(f.store->reader(), f.row.id, (*answer)->id, true);
  REQUIRE(row->ack == storage::AckLevel::error);
  REQUIRE(row->error.find("too large") != std::string::npos);
  list_devices(f, ben, {0});
  f.reopen();
  f.go_online();
  REQUIRE(f.send(Fixture::text("small"))->has_value());
  REQUIRE(messages(f.last).size() == 1);
}

TEST_CASE("a stanza over the limit that an older version sealed ends as an error instead of ending the connection") {
  Fixture f;
  storage::Changes changes;
  storage::MessageRow message;
  message.session = f.row.id;
  message.chat = ben;
  message.id = "3EB0BIG";
  message.from_me = true;
  message.content = {0x0a, 0x01, 'x'};
  changes.add(storage::InsertMessage{message, false, std::nullopt});
  storage::OutboxRow row;
  row.row = 1;
  row.session = f.row.id;
  row.chat = ben;
  row.message_id = message.id;
  row.state = storage::OutboxState::sealed;
  row.stanza = protocol::Bytes(protocol::max_payload_bytes + 1, 0x20);
  changes.add(storage::InsertOutbox{row});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.reopen();
  f.go_online();
  REQUIRE(f.session->view().queued == 0);
  REQUIRE(storage::find_message_by_id(f.store->reader(), f.row.id, message.id, true)->ack == storage::AckLevel::error);
}

TEST_CASE("deleting a chat cancels what waits in it, frees the chat, and the same key is not sent again") {
  Fixture f;
  SendText request = Fixture::text("never sent");
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

TEST_CASE("the answer to a repeated Idempotency-Key does not depend on the message, which may be deleted") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  SendText request = Fixture::text("once");
  request.idempotency_key = "key-1";
  request.request_hash = "h1";
  const std::string id = (*f.send(request))->id;
  f.stanza(ack(id));
  f.tell(RemoveChat{ben});
  const auto again = f.send(request);
  REQUIRE((again && again->has_value()));
  REQUIRE((*again)->id == id);
  REQUIRE((*again)->text == "once");
  REQUIRE(messages(f.last).empty());
}

TEST_CASE(
    "the same messageId with other content is a conflict, in the same turn and later; with the same it is the answer") {
  Fixture f;
  SendText request = Fixture::text("once");
  request.message_id = "MYMESSAGE1";
  request.request_hash = "h1";
  SendText other = Fixture::text("twice");
  other.message_id = request.message_id;
  other.request_hash = "h2";
  std::optional<protocol::Result<SentMessage>> first, clash;
  std::vector<Input> inputs;
  inputs.push_back(Fixture::asked(request, [&](protocol::Result<SentMessage> sent) { first = std::move(sent); }));
  inputs.push_back(Fixture::asked(other, [&](protocol::Result<SentMessage> sent) { clash = std::move(sent); }));
  f.turn(std::move(inputs));
  REQUIRE((first && first->has_value() && clash && clash->has_error()));
  REQUIRE(clash->error().code == protocol::Errc::conflict);
  const auto later = f.send(other);
  REQUIRE(later->error().code == protocol::Errc::conflict);
  REQUIRE(later->error().subject == Subject::message_id);
  REQUIRE((*f.send(request))->replayed);
  f.now_ms += 48 * 3'600'000;  // the key is forgotten, the message is not
  REQUIRE(f.send(other)->error().code == protocol::Errc::conflict);
  REQUIRE((*f.send(request))->replayed);
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

TEST_CASE("one stanza has one namespace: a contact without a LID is addressed by number, and so are the own devices") {
  Fixture f;
  const auto peer = f.befriend(ben);
  list_devices(f, own_lid, {0, 3});
  f.reopen();
  f.go_online();
  REQUIRE(f.send(Fixture::text("hello"))->has_value());
  const auto asked = Fixture::sent(f.last);
  REQUIRE(asked.size() == 1);  // keys of the own phone
  auto phone = test::SignalPeer::make(f.random, 5);
  const auto sent = messages(
      f.stanza(Node("iq")
                   .set("id", asked[0].attr("id"))
                   .set("type", "result")
                   .add(Node("list").add(protocol::bundle_user_node(own_lid.with_device(0), phone.bundle())))));
  REQUIRE(sent.size() == 1);
  REQUIRE(*sent[0].jid("to") == ben);
  for (const Node* to : sent[0].child("participants")->children("to")) REQUIRE(to->jid("jid")->is_phone_number());
  REQUIRE(sent[0].child("participants")->children("to").size() == 2);
  REQUIRE_FALSE(sent[0].has("peer_recipient_pn"));
}

TEST_CASE("a LID stanza that is refused with 400 is sealed once more under the number, with new keys and the same id") {
  Fixture f;
  const Jid ben_lid("100000000000002", "lid");
  auto peer = f.befriend(ben_lid);
  storage::Changes changes;
  changes.add(storage::PutLid{f.row.id, ben, ben_lid});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.go_online();
  const std::string id = (*f.send(Fixture::text("hello")))->id;
  const auto first = messages(f.last);
  REQUIRE(*first.at(0).jid("to") == ben_lid);
  const auto second = messages(f.stanza(ack(id, 400)));
  REQUIRE(second.size() == 1);
  REQUIRE(*second[0].jid("to") == ben);
  REQUIRE(second[0].attr("id") == id);
  REQUIRE(*second[0].child("participants")->child("to")->jid("jid") == ben.with_device(0));
  for (const auto& text : Fixture::ciphertexts({first[0], second[0]}))
    REQUIRE(peer.receive(text, f.random).has_value());
  REQUIRE(reconnect(f).size() == 1);  // durable: what is sent again is the second stanza
  SECTION("accepted: the next text of this connection goes by number at once, a new connection tries the LID again") {
    f.stanza(ack(id));
    REQUIRE(f.send(Fixture::text("next"))->has_value());
    REQUIRE(messages(f.last).at(0).jid("to")->is_phone_number());
    reconnect(f);
    REQUIRE(f.send(Fixture::text("after"))->has_value());
    REQUIRE(messages(f.last).at(0).jid("to")->is_lid());
  }
  SECTION("refused again: it fails, there is no third try") {
    REQUIRE(messages(f.stanza(ack(id, 400))).empty());
    REQUIRE(f.session->view().queued == 0);
  }
}

TEST_CASE(
    "a connection that swallows a message is given up and the same stanza sent again; after four it is an error") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  const auto answer = f.send(Fixture::text("hello"));
  const auto bytes = protocol::encode_node(messages(f.last).at(0));
  for (std::uint32_t connection = 1; connection <= SendQueue::max_unanswered; ++connection) {
    INFO("connection " << connection);
    // The server answers pings all the while: only the ack is missing.
    for (auto waited = 0s; waited < SendQueue::ack_patience; waited += 15s) {
      f.stanza(Node("presence"));
      f.steady += 15s;
    }
    REQUIRE(opened_links(f.turn({})) == 1);
    if (connection == 2) f.reopen();  // the count is a row
    const auto again = f.go_online();
    if (connection == SendQueue::max_unanswered) break;
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
  for (int i = 0; i < 6; ++i) ids.push_back((*f.send(Fixture::text("n" + std::to_string(i))))->id);
  REQUIRE(f.session->view().queued == 6);
  f.steady += SendQueue::ack_patience;
  REQUIRE(opened_links(f.turn({})) == 1);
  f.go_online();
  for (const std::string& id : ids) f.stanza(ack(id));
  REQUIRE(f.session->view().queued == 0);
}

TEST_CASE("a stale companion of the recipient does not make a text fail") {
  Fixture f;
  auto peer = f.befriend(ben);
  list_devices(f, ben, {0, 7});
  f.reopen();
  f.go_online();
  const auto answer = f.send(Fixture::text("hello"));
  const auto asked = Fixture::sent(f.last);
  REQUIRE(asked.size() == 1);
  // The device is gone: its list is forgotten and asked for again, the text waits.
  const auto next = Fixture::sent(
      f.stanza(Node("iq")
                   .set("id", asked[0].attr("id"))
                   .set("type", "result")
                   .add(Node("list").add(Node("user")
                                             .set("jid", ben.with_device(7))
                                             .add(Node("error").set("code", "406").set("text", "not-acceptable"))))));
  REQUIRE(next.size() == 1);
  REQUIRE(next[0].attr("xmlns") == "usync");
  REQUIRE(storage::find_message_by_id(f.store->reader(), f.row.id, (*answer)->id, true)->ack ==
          storage::AckLevel::pending);
}

TEST_CASE("a quote on the wire is one level: no quote inside it, no secret of somebody else's message") {
  Fixture f;
  auto peer = f.befriend(ben);
  f.go_online();
  // What a contact sent: a reply that quotes another message, with the secret of its own.
  protocol::TextContent inner;
  inner.text = "the reply";
  inner.quote = protocol::Quote{"3EB0OLD", ben,
                                protocol::to_bytes("\x0a\x04"
                                                   "deep")};
  const auto received = protocol::build_text(inner, f.random);
  storage::MessageRow row;
  row.session = f.row.id;
  row.chat = row.author = ben;
  row.id = "3EB0QUOTED";
  row.kind = "text";
  row.content = received.encoded;
  row.timestamp = row.created_at = f.now_ms;
  storage::Changes changes;
  changes.add(storage::InsertMessage{row, false, std::nullopt});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });

  SendText text = Fixture::text("seen");
  text.quoted_id = row.id;
  REQUIRE(f.send(text)->has_value());
  const auto sealed = Fixture::ciphertexts(messages(f.last));
  REQUIRE(sealed.size() == 1);
  peer.local.registration_id = 77;
  const auto opened = peer.receive(sealed[0], f.random);
  REQUIRE(opened.has_value());
  const auto plain = protocol::unpad_message(opened->plaintext);
  REQUIRE(plain.has_value());
  const auto contains = [&](protocol::ByteView part) {
    return std::search(plain->begin(), plain->end(), part.begin(), part.end()) != plain->end();
  };
  REQUIRE(contains(protocol::as_bytes("the reply")));
  REQUIRE_FALSE(contains(protocol::as_bytes("deep")));
  REQUIRE_FALSE(contains(received.secret));
  const auto read = protocol::parse_message(*plain);
  REQUIRE(read->quote->id == row.id);
  const auto quoted = protocol::parse_message(read->quote->message);
  REQUIRE(quoted->text == "the reply");
  REQUIRE_FALSE(quoted->quote);
  REQUIRE_FALSE(quoted->secret);
}

TEST_CASE("an ack is matched by its id, whatever class it names") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  for (const char* named : {"message", "msg", "receipt"}) {
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
