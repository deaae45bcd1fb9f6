// What a text becomes on the wire, which one cannot be sealed, and what the server's answer means for it.
#include "sessions/sealer.h"

#include "protocol/messages/message_id.h"
#include "protocol/messages/padding.h"
#include "protocol/noise/frame.h"
#include "tests/sessions/sending.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Node;

using Fixture = wharf::test::SessionFixture;
using namespace std::chrono_literals;
using test::ack;
using test::ben;
using test::list_devices;
using test::messages;
using test::own_lid;
using test::reconnect;

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
  auto again = reconnect(f);
  std::erase_if(again, [](const Node& node) { return !node.is("message"); });
  REQUIRE(again.size() == 1);  // durable: what is sent again is the second stanza
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

  SendMessage text = Fixture::text("seen");
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
  REQUIRE_FALSE(contains(*received.secret));
  const auto read = protocol::parse_message(*plain);
  REQUIRE(read->quote->id == row.id);
  const auto quoted = protocol::parse_message(read->quote->message);
  REQUIRE(quoted->text == "the reply");
  REQUIRE_FALSE(quoted->quote);
  REQUIRE_FALSE(quoted->secret);
}

TEST_CASE("an answer of the server means accepted, refused for good, or refused with something that may help") {
  using Remedy = Sealer::Refused::Remedy;
  using Stale = Sealer::Stale;
  Fixture f;
  Context& c = f.session->context();
  TrustedTokens tokens(c, f.session->directory());
  Fanout fanout(c, f.session->directory(), tokens);
  Groups groups(c, f.session->directory());
  StatusAudiences audiences(c, f.session->directory());
  GroupFanout group_fanout(c, f.session->directory(), fanout, groups, audiences);
  const Sealer sealer(c, f.session->directory(), tokens, fanout, groups, group_fanout, audiences);
  struct Row {
    unsigned error;
    Remedy remedy;
    Stale stale;
  };
  for (const Row& row : {Row{400, Remedy::readdress, Stale::none}, Row{401, Remedy::none, Stale::none},
                         Row{404, Remedy::none, Stale::recipient}, Row{421, Remedy::reseal, Stale::recipient},
                         Row{408, Remedy::try_again, Stale::none}, Row{429, Remedy::try_again, Stale::none},
                         Row{463, Remedy::none, Stale::none}, Row{479, Remedy::none, Stale::recipient},
                         Row{500, Remedy::try_again, Stale::none}, Row{503, Remedy::try_again, Stale::none},
                         Row{599, Remedy::none, Stale::none}}) {
    INFO(row.error);
    const auto verdict = sealer.judge(*protocol::read_ack(ack("3EB0AA", row.error)));
    const auto& refused = std::get<Sealer::Refused>(verdict.outcome);
    CHECK(refused.remedy == row.remedy);
    CHECK(verdict.stale == row.stale);
    CHECK(refused.why.find("(" + std::to_string(row.error) + ")") != std::string::npos);
  }
  const auto accepted = sealer.judge(*protocol::read_ack(ack("3EB0AA")));
  CHECK(std::get<Sealer::Accepted>(accepted.outcome).at == 1'700'000'001'000);
  CHECK(accepted.stale == Stale::none);
}

namespace {

Node ack_with_hash(const std::string& id, const std::string& hash) {
  Node node = ack(id);
  return node.set("phash", hash);
}

/// The bundle of one device, to the request for keys that is the last thing sent.
std::vector<Node> give_keys(Fixture& f, const Node& asked, const Jid& device, const test::SignalPeer& peer) {
  REQUIRE(asked.child("key"));
  return messages(f.stanza(Node("iq")
                               .set("id", asked.attr("id"))
                               .set("type", "result")
                               .add(Node("list").add(protocol::bundle_user_node(device, peer.bundle())))));
}

}  // namespace

TEST_CASE("an accepted text whose answer knows other devices makes both lists be asked for, also for the next") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  const std::string id = (*f.send(Fixture::text("first")))->id;
  const auto asked = Fixture::sent(f.stanza(ack_with_hash(id, "2:AAAAAAAA")));
  CHECK(storage::find_message_by_id(f.store->reader(), f.row.id, id, true)->ack == storage::AckLevel::server);
  REQUIRE(asked.size() == 1);
  REQUIRE(asked[0].attr("xmlns") == "usync");
  const auto users = asked[0].child("usync")->child("list")->children("user");
  REQUIRE(users.size() == 2);
  REQUIRE(f.send(Fixture::text("next"))->has_value());
  CHECK(Fixture::sent(f.last).empty());  // waits for the same answer
}

TEST_CASE(
    "a device that the server counts and no list names has the lists asked for once an hour, not with each text") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  const auto questions = [&](const std::string& hash) {
    const auto sent = f.send(Fixture::text("hello"));
    REQUIRE((sent && sent->has_value()));
    REQUIRE(messages(f.last).size() == 1);  // waits for nothing
    auto asked = Fixture::sent(f.stanza(ack_with_hash((*sent)->id, hash)));
    std::erase_if(asked, [](const Node& node) { return node.attr("xmlns") != "usync"; });
    // The lists stay what they are.
    for (const Node& iq : asked) {
      f.stanza(Node("iq").set("id", iq.attr("id")).set("type", "result").add(Node("usync").add(Node("list"))));
      f.turn({});
    }
    CHECK(f.session->view().queued == 0);
    return asked.size();
  };
  CHECK(questions("2:AAAAAAAA") == 1);
  CHECK(questions("2:AAAAAAAA") == 0);
  CHECK(questions("2:AAAAAAAA") == 0);
  CHECK(questions("2:BBBBBBBB") == 1);  // others by now
  CHECK(questions("2:AAAAAAAA") == 0);
  f.cut();
  f.steady += std::chrono::hours(1);
  f.go_online();
  CHECK(questions("2:AAAAAAAA") == 1);
}

TEST_CASE("an answer that knows the devices that a text was sealed for, and our own, asks for nothing") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  const std::string id = (*f.send(Fixture::text("first")))->id;
  const Jid devices[] = {Jid("15550000001", "s.whatsapp.net", 3), ben.with_device(0)};
  CHECK(Fixture::sent(f.stanza(ack_with_hash(id, protocol::participant_hash(devices)))).empty());
  CHECK(f.session->view().queued == 0);
}

TEST_CASE("a device that a text was not sealed for gets it once, after the answer that told of it, whatever is cut") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  const std::string id = (*f.send(Fixture::text("hello")))->id;
  f.stanza(ack_with_hash(id, "2:AAAAAAAA"));
  // The process ends here; the next one has the list that was asked for.
  list_devices(f, ben, {0, 7});
  list_devices(f, own_lid, {3});
  f.reopen();
  auto asked = f.go_online();
  std::erase_if(asked, [](const Node& node) { return node.attr("xmlns") != "encrypt" || !node.child("key"); });
  REQUIRE(asked.size() == 1);
  auto companion = test::SignalPeer::make(f.random, 7);

  SECTION("it is reachable") {
    const auto rest = give_keys(f, asked[0], ben.with_device(7), companion);
    REQUIRE(rest.size() == 1);
    CHECK(rest[0].attr("id") == id);
    const auto copies = rest[0].child("participants")->children("to");
    REQUIRE(copies.size() == 1);
    CHECK(*copies[0]->jid("jid") == ben.with_device(7));
    CHECK(companion.receive(Fixture::ciphertexts(rest).at(0), f.random).has_value());
    f.reopen();  // and again here
    const auto again = f.go_online();
    CHECK(std::ranges::count_if(again, [&](const Node& node) { return node == rest[0]; }) == 1);
    SECTION("accepted, whatever the answer knows by now") {
      CHECK(Fixture::sent(f.stanza(ack_with_hash(id, "2:BBBBBBBB"))).empty());
    }
    SECTION("refused: the text stays sent") { f.stanza(ack(id, 479)); }
    SECTION("never answered: the text stays sent") {
      for (std::uint32_t connection = 0; connection < Outbox::max_unanswered; ++connection) {
        for (auto waited = 0s; waited < Outbox::ack_patience; waited += 15s) {
          f.stanza(Node("presence"));
          f.steady += 15s;
        }
        f.turn({});
        f.go_online();
      }
    }
  }
  SECTION("it is gone again") {
    f.stanza(Node("iq").set("id", asked[0].attr("id")).set("type", "result").add(Node("list")));
  }
  CHECK(f.session->view().queued == 0);
  CHECK(storage::load_outbox(f.store->reader(), f.row.id).empty());
  CHECK(storage::find_message_by_id(f.store->reader(), f.row.id, id, true)->ack == storage::AckLevel::server);
  const auto names = f.event_names();
  CHECK(std::ranges::count(names, "ack") == 1);
}

TEST_CASE("what is missing is not sent to a number that became the chat's after the text was sent") {
  Fixture f;
  const Jid ben_lid("100000000000002", "lid"), other("15550000009", "s.whatsapp.net");
  f.befriend(ben_lid);
  const auto known_as = [&](const Jid& number) {
    storage::Changes changes;
    changes.add(storage::PutLid{f.row.id, number, ben_lid});
    f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  };
  known_as(ben);
  f.reopen();
  f.go_online();
  const std::string id = (*f.send(Fixture::text("hello")))->id;
  REQUIRE(*messages(f.stanza(ack(id, 400))).at(0).jid("to") == ben);  // not migrated: by number
  f.stanza(ack_with_hash(id, "2:AAAAAAAA"));
  REQUIRE(storage::load_outbox(f.store->reader(), f.row.id).size() == 1);
  known_as(other);
  list_devices(f, ben_lid, {0});
  list_devices(f, own_lid, {3});
  f.reopen();
  for (const Node& node : f.go_online()) CHECK_FALSE(node.is("message"));
  CHECK(storage::load_outbox(f.store->reader(), f.row.id).empty());
}

TEST_CASE("the answer to the first stanza of a text does not end the second one, which is on its way") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  const std::string id = (*f.send(Fixture::text("hello")))->id;
  Node proof("receipt");
  const auto asked = Fixture::sent(f.stanza(proof.set("id", id).set("from", ben).set("t", "1700000001")));
  const auto usync = std::ranges::find_if(asked, [](const Node& node) { return node.attr("xmlns") == "usync"; });
  REQUIRE(usync != asked.end());
  Node list("list");
  const auto devices = [](std::initializer_list<std::uint64_t> ids) {
    Node names("device-list");
    for (const std::uint64_t device : ids) names.add(Node("device").set("id", device));
    return Node("devices").add(std::move(names));
  };
  list.add(Node("user").set("jid", ben).add(devices({0})));
  list.add(Node("user").set("jid", own_lid).add(devices({0})));
  const auto keys = Fixture::sent(
      f.stanza(Node("iq").set("id", usync->attr("id")).set("type", "result").add(Node("usync").add(std::move(list)))));
  REQUIRE(keys.size() == 1);  // of the own phone, which the text was not sealed for
  auto phone = test::SignalPeer::make(f.random, 5);
  REQUIRE(give_keys(f, keys[0], own_lid.with_device(0), phone).size() == 1);
  f.stanza(ack(id));
  CHECK(storage::load_outbox(f.store->reader(), f.row.id).size() == 1);
  f.stanza(ack(id));
  CHECK(storage::load_outbox(f.store->reader(), f.row.id).empty());
}
