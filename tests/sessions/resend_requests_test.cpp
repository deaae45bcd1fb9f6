// Who gets a message of a real Session again, how often, and over which session.
#include "sessions/receipts.h"

#include "tests/sessions/receipt_stanzas.h"

using namespace wharf;
using namespace wharf::test::receipts;

TEST_CASE("a message is sent again to one device ten times at most, whatever junk comes between and after a restart") {
  Fixture f;
  f.befriend(ben);
  sent_to(f, ben, "3EB0AA");
  f.go_online();
  std::size_t resent = 0;
  for (int round = 0; round < 10; ++round) {
    resent += resends(f.stanza(retry(ben, "3EB0AA")));
    for (int junk = 0; junk < 600; ++junk) f.stanza(retry(ben, "JUNK" + std::to_string(round * 600 + junk)));
    if (round % 3 == 2) {
      f.reopen();
      f.go_online();
    }
  }
  REQUIRE(resent == f.settings.max_resends);
}

TEST_CASE("the limit holds within one turn too, and each device has its own") {
  Fixture f;
  f.befriend(ben);
  meet_companion(f, ben.with_device(7));
  list_devices(f, ben, {0, 7});
  sent_to(f, ben, "3EB0AA");
  f.go_online();
  std::vector<Input> inputs;
  for (int i = 0; i < 15; ++i) inputs.emplace_back(StanzaArrived{retry(ben, "3EB0AA"), f.session->link_epoch()});
  REQUIRE(resends(f.turn(std::move(inputs))) == f.settings.max_resends);
  REQUIRE(resends(f.stanza(retry(ben.with_device(7), "3EB0AA"))) == 1);
}

TEST_CASE("junk requests leave no rows") {
  Fixture f;
  f.befriend(ben);
  sent_to(f, carl, "3EB0CC");
  sent_to(f, ben, "3EB0DD", std::chrono::milliseconds(f.settings.resend_window).count() + 1);
  f.go_online();
  for (const char* id : {"JUNK", "3EB0CC", "3EB0DD"}) {
    const auto effects = f.stanza(retry(ben, id));
    INFO(id);
    REQUIRE(acked(effects));
    REQUIRE(resends(effects) == 0);
    REQUIRE_FALSE(storage::find_resends(f.store->reader(), f.row.id, ben, id));
  }
}

TEST_CASE("a device that has said it has the message does not get it again") {
  Fixture f;
  f.befriend(ben);
  meet_companion(f, ben.with_device(7));
  list_devices(f, ben, {0, 7});
  sent_to(f, ben, "3EB0AA");
  f.go_online();
  f.stanza(receipt(ben.with_device(7), "3EB0AA"));
  f.reopen();  // remembered in the rows
  f.go_online();
  const auto refused = f.stanza(retry(ben.with_device(7), "3EB0AA"));
  REQUIRE(acked(refused));
  REQUIRE(resends(refused) == 0);
  REQUIRE(resends(f.stanza(retry(ben, "3EB0AA"))) == 1);
}

TEST_CASE("a resend to an own device names the contact in the namespace of the stanza that it could not read") {
  const Jid ben_lid("200000000000002", "lid");
  const bool migrated = GENERATE(true, false);
  const Jid own = migrated ? own_phone : own_phone_number;
  Fixture f;
  auto device = *storage::load_device(f.store->reader(), f.row.id);
  if (!migrated) device.lid = Jid();
  storage::Changes changes;
  changes.add(storage::PutDevice{device});
  changes.add(storage::PutLid{f.row.id, ben, ben_lid});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.befriend(ben_lid);
  f.befriend(own);
  list_devices(f, ben_lid, {0});
  list_devices(f, own, {0, 3});
  f.reopen();
  std::vector<Input> up;
  up.emplace_back(LinkUp{{}, false, f.session->link_epoch()});
  f.turn(std::move(up));
  for (const Node& node : Fixture::sent(f.stanza(Node("success").set("t", "1700000000"))))
    if (node.child("active")) f.stanza(Node("iq").set("id", node.attr("id")).set("type", "result"));
  const auto answer = f.send(Fixture::text("hello"));
  REQUIRE((answer && answer->has_value()));
  const std::string id = (*answer)->id;
  const Jid to = migrated ? ben_lid : ben;
  REQUIRE(Fixture::sent(f.last).at(0).jid("to") == to);
  f.stanza(Node("ack").set("class", "message").set("id", id).set("from", to).set("t", "1700000001"));
  std::vector<Node> resent = Fixture::sent(f.stanza(retry(own, id).set("recipient", to)));
  std::erase_if(resent, [](const Node& node) { return !node.is("message"); });
  REQUIRE(resent.size() == 1);
  CHECK(resent[0].jid("to") == own);
  CHECK(resent[0].jid("recipient") == to);
}

TEST_CASE("a device that is on nobody's list and brings no keys gets nothing; the list is asked for again") {
  Fixture f;
  f.befriend(ben);
  meet_companion(f, ben.with_device(9));
  list_devices(f, ben, {0});
  sent_to(f, ben, "3EB0AA");
  f.go_online();
  const auto refused = f.stanza(retry(ben.with_device(9), "3EB0AA"));
  REQUIRE(acked(refused));
  REQUIRE(resends(refused) == 0);
  REQUIRE(f.session->directory().devices(ben) == nullptr);
}

TEST_CASE("a resend that was asked for before a crash counts, and the base key of the broken session is remembered") {
  Fixture f;
  f.befriend(ben);
  sent_to(f, ben, "3EB0AA");
  f.go_online();
  const auto archived = [&] {
    auto* record = f.session->context().keys.find(ben);
    return record->archived_count();
  };
  REQUIRE(resends(f.stanza(retry(ben, "3EB0AA", 1))) == 1);
  f.reopen();
  f.go_online();
  const auto asked = Fixture::sent(f.stanza(retry(ben, "3EB0AA", 2)));  // twice on one session: a new one is built
  REQUIRE(asked.size() == 1);
  REQUIRE(asked[0].attr("xmlns") == "encrypt");
  REQUIRE(archived() == 1);
  const auto kept = storage::find_resends(f.store->reader(), f.row.id, ben, "3EB0AA");
  REQUIRE(kept);
  REQUIRE(kept->count == 2);
  REQUIRE_FALSE(kept->base_key.empty());
}

TEST_CASE("a message asked for again uses the session that another one has begun since its last copy") {
  Fixture f;
  f.befriend(ben);
  for (const char* id : {"one", "two"}) sent_to(f, ben, id);
  f.go_online();
  const auto base = [&] { return f.session->context().keys.find(ben)->base_key(); };
  for (const char* id : {"one", "two"}) REQUIRE(resends(f.stanza(retry(ben, id, 1))) == 1);
  const auto broken = base();
  SignalPeer peer = SignalPeer::make(f.random, 77);
  Node with_keys = retry(ben, "one", 2);
  REQUIRE(resends(f.stanza(with_keys.add(keys_of(peer)))) == 1);
  const auto mended = base();
  REQUIRE(mended != broken);
  REQUIRE(resends(f.stanza(retry(ben, "two", 2))) == 1);  // without keys, and none are fetched
  REQUIRE(base() == mended);
  const auto asked = Fixture::sent(f.stanza(retry(ben, "two", 3)));  // not on that one either
  REQUIRE(asked.size() == 1);
  REQUIRE(asked[0].attr("xmlns") == "encrypt");
}

TEST_CASE("a request of one person is acked when the server has answered what was sent for it") {
  Fixture f;
  f.befriend(ben);
  sent_to(f, ben, "3EB0AA");
  f.go_online();
  const auto answered = f.stanza(retry(ben, "3EB0AA"));
  REQUIRE(resends(answered) == 1);
  REQUIRE_FALSE(acked(answered));
  SECTION("taken") { REQUIRE(acked(f.stanza(test::ack("3EB0AA")))); }
  SECTION("refused, whatever is tried") { REQUIRE(acked(f.stanza(test::ack("3EB0AA", 403)))); }
  SECTION("refused for now: sent once more a minute later") {
    REQUIRE_FALSE(acked(f.stanza(test::ack("3EB0AA", 429))));
    f.steady += std::chrono::minutes(1);
    REQUIRE(resends(f.stanza(Node("ib"))) == 1);
    REQUIRE(acked(f.stanza(test::ack("3EB0AA"))));
  }
  SECTION("not answered before the connection ends: it comes again, and is answered again") {
    f.cut();
    f.go_online();
    REQUIRE(resends(f.stanza(retry(ben, "3EB0AA"))) == 1);
    REQUIRE(acked(f.stanza(test::ack("3EB0AA"))));
  }
}

TEST_CASE("a request that comes again has its session built on its keys once, so that both answers can be read") {
  Fixture f;
  f.befriend(ben);
  sent_to(f, ben, "3EB0AA");
  f.go_online();
  SignalPeer peer = SignalPeer::make(f.random, 77);
  Node request = retry(ben, "3EB0AA");
  request.add(keys_of(peer));
  std::vector<Node> answers;
  for (int round = 0; round < 2; ++round) {
    for (Node& node : Fixture::sent(f.stanza(request)))
      if (node.is("message")) answers.push_back(std::move(node));
    f.cut();
    f.go_online();
  }
  REQUIRE(answers.size() == 2);
  for (const Node& answer : answers) {
    const Node& enc = *answer.child("enc");
    REQUIRE(enc.attr("type") == "pkmsg");
    CHECK(peer.receive({protocol::CiphertextKind::pre_key_message, protocol::to_bytes(enc.data())}, f.random)
              .has_value());
  }
}
