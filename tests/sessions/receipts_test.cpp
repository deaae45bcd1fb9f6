// What comes back for messages of a real Session: who may raise an acknowledgement, and what proves one.
#include "sessions/receipts.h"

#include "tests/sessions/receipt_stanzas.h"

using namespace wharf;
using namespace wharf::test::receipts;

// --- whose receipt it is

TEST_CASE("a 1:1 retry receipt that names our phone as participant does not touch its identity and session") {
  Fixture f;
  f.befriend(ben);
  const SignalPeer phone = f.befriend(own_phone);
  put_identity(f, own_phone, phone.local.identity.pub);
  sent_to(f, ben, "3EB0AA");
  f.go_online();
  const auto session_before = storage::find_ratchet(f.store->reader(), f.row.id, own_phone);
  const SignalPeer attacker = SignalPeer::make(f.random, 99);
  for (const Jid& claimed : {own_phone, own_phone_number}) {
    Node request = retry(ben, "3EB0AA", 1, 99);
    request.set("participant", claimed).add(keys_of(attacker));
    REQUIRE(resends(f.stanza(request)) == 1);
    REQUIRE(acked(f.stanza(test::ack("3EB0AA"))));
    REQUIRE(storage::find_identity(f.store->reader(), f.row.id, own_phone) == phone.local.identity.pub);
    REQUIRE(storage::find_ratchet(f.store->reader(), f.row.id, own_phone) == session_before);
  }
}

TEST_CASE("the identity of our phone comes from pairing alone: keys of a retry receipt do not replace it") {
  Fixture f;
  const SignalPeer phone = f.befriend(own_phone);
  put_identity(f, own_phone, phone.local.identity.pub);
  sent_to(f, ben, "3EB0AA");
  f.go_online();
  const auto session_before = storage::find_ratchet(f.store->reader(), f.row.id, own_phone);
  const SignalPeer attacker = SignalPeer::make(f.random, 99);
  Node request = retry(own_phone, "3EB0AA", 1, 99);
  request.set("recipient", ben).add(keys_of(attacker));
  const auto effects = f.stanza(request);
  REQUIRE(acked(effects));
  REQUIRE(resends(effects) == 0);
  REQUIRE(storage::find_identity(f.store->reader(), f.row.id, own_phone) == phone.local.identity.pub);
  REQUIRE(storage::find_ratchet(f.store->reader(), f.row.id, own_phone) == session_before);
  // With the identity of the pairing the same request is answered.
  Node honest = retry(own_phone, "3EB0AA", 1, 77);
  honest.set("recipient", ben).add(keys_of(phone));
  REQUIRE(resends(f.stanza(honest)) == 1);
}

TEST_CASE("a 1:1 receipt with a participant raises what was sent to its sender, nothing else") {
  Fixture f;
  sent_to(f, ben, "3EB0BB");
  sent_to(f, carl, "3EB0CC");
  f.go_online();
  f.stanza(receipt(ben, "3EB0CC", "read").set("participant", carl));
  REQUIRE(level_of(f, "3EB0CC") == AckLevel::server);
  f.stanza(receipt(ben, "3EB0BB", "read").set("participant", carl));
  REQUIRE(level_of(f, "3EB0BB") == AckLevel::read);
}

TEST_CASE("an own message knows when it was delivered, read and played, as the receipts say") {
  Fixture f;
  sent_to(f, ben, "3EB0BB");
  sent_to(f, group, "3EB0DD");
  f.go_online();
  const auto at = [](Node node, const char* time) { return std::move(node.set("t", time)); };
  f.stanza(at(receipt(ben, "3EB0BB"), "1700000001"));
  f.stanza(at(receipt(ben, "3EB0BB", "read"), "1700000005"));
  f.stanza(at(receipt(ben, "3EB0BB", "played"), "1700000007"));
  f.stanza(at(receipt(ben, "3EB0BB", "read"), "1700000009"));  // again: the first counts
  const auto row = storage::find_message_by_id(f.store->reader(), f.row.id, "3EB0BB", true);
  CHECK(row->delivered_at == 1'700'000'001'000);
  CHECK(row->read_at == 1'700'000'005'000);
  CHECK(row->played_at == 1'700'000'007'000);
  // Of a group a receipt is one member's.
  f.stanza(receipt(group, "3EB0DD", "read").set("participant", ben));
  CHECK(storage::find_message_by_id(f.store->reader(), f.row.id, "3EB0DD", true)->read_at == 0);
}

TEST_CASE("a group's message is raised by receipts of that group only") {
  Fixture f;
  sent_to(f, group, "3EB0DD");
  storage::Changes changes;
  changes.add(storage::OpenReach{storage::find_message(f.store->reader(), f.row.id, group, "3EB0DD")->row, 1});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.go_online();
  f.stanza(receipt(ben, "3EB0DD", "read"));
  REQUIRE(level_of(f, "3EB0DD") == AckLevel::server);
  f.stanza(receipt(Jid("120363000000000002", "g.us"), "3EB0DD", "read").set("participant", ben));
  REQUIRE(level_of(f, "3EB0DD") == AckLevel::server);
  f.stanza(receipt(group, "3EB0DD", "read").set("participant", ben));
  REQUIRE(level_of(f, "3EB0DD") == AckLevel::read);
}

TEST_CASE("a peer that could not take a message does not deliver it: the level stays") {
  Fixture f;
  sent_to(f, ben, "3EB0EE");
  f.go_online();
  f.stanza(receipt(ben, "3EB0EE").add(Node("error").set("type", "feature-incapable").set("reason", "lid")));
  REQUIRE(level_of(f, "3EB0EE") == AckLevel::server);
}

// --- what never left

namespace {

/// Whoever chooses ids may choose some that are guessed.
const std::string guessed = "ORDER0001234";

SendMessage with_guessed_id() {
  SendMessage text = Fixture::text("not to be known");
  text.message_id = guessed;
  return text;
}

/// All that may be said by somebody who guesses: of a resend nothing comes, and no level changes.
void check_that_nobody_gets_it(Fixture& f, AckLevel level) {
  const auto rows = storage::load_outbox(f.store->reader(), f.row.id);
  for (const char* type : {"", "read", "sender"}) {
    for (const Jid& from : {ben, own_phone}) f.stanza(receipt(from, guessed, type).set("recipient", ben));
    CHECK(level_of(f, guessed) == level);
  }
  for (const Jid& from : {ben, own_phone}) {
    const auto effects = f.stanza(retry(from, guessed).set("recipient", ben));
    CHECK(acked(effects));
    CHECK(resends(effects) == 0);
    CHECK_FALSE(storage::find_resends(f.store->reader(), f.row.id, from, guessed));
  }
  CHECK(storage::load_outbox(f.store->reader(), f.row.id) == rows);
}

}  // namespace

TEST_CASE("what waits to be sealed is neither raised by a receipt nor handed out to who asks for it again") {
  Fixture f;
  f.befriend(ben);
  f.befriend(own_phone);
  list_devices(f, own_phone, {0, 3});
  f.go_online();
  REQUIRE(f.send(Fixture::text("makes the chat"))->has_value());
  f.settings.max_in_flight = 1;  // it waits for room
  REQUIRE(f.send(with_guessed_id())->has_value());
  REQUIRE(resends(f.last) == 0);
  check_that_nobody_gets_it(f, AckLevel::pending);
  SECTION("after a restart too") {
    f.reopen();
    f.go_online();
    check_that_nobody_gets_it(f, AckLevel::pending);
  }
  SECTION("until it is sealed: then it may have left") {
    f.settings.max_in_flight = 2;
    f.reopen();
    f.go_online();
    CHECK(resends(f.stanza(retry(ben, guessed))) == 1);
    f.stanza(receipt(ben, guessed));
    CHECK(level_of(f, guessed) == AckLevel::delivered);
  }
}

TEST_CASE("what ended before it was sealed is neither raised by a receipt nor handed out, after a restart too") {
  Fixture f;
  f.befriend(ben);
  f.befriend(own_phone);
  list_devices(f, own_phone, {0, 3});
  f.go_online();
  REQUIRE(f.send(Fixture::text("makes the chat"))->has_value());
  f.cut();
  SendMessage text = with_guessed_id();
  text.expires_at = f.now_ms + 1'000;
  REQUIRE(f.send(text)->has_value());
  SECTION("cancelled") { f.tell(CancelMessage{guessed}); }
  SECTION("expired") {
    f.now_ms += 1'000;
    f.steady += std::chrono::seconds(1);
    f.call([] {});
  }
  REQUIRE(level_of(f, guessed) == AckLevel::error);
  f.go_online();
  check_that_nobody_gets_it(f, AckLevel::error);
  f.reopen();
  f.go_online();
  check_that_nobody_gets_it(f, AckLevel::error);
}

TEST_CASE("what was given up behind its sealing is raised by a receipt: it may have left") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  REQUIRE(f.send(with_guessed_id())->has_value());
  f.stanza(Node("ack").set("class", "message").set("id", guessed).set("from", ben).set("error", "479"));
  REQUIRE(level_of(f, guessed) == AckLevel::error);
  f.stanza(receipt(ben, guessed));
  CHECK(level_of(f, guessed) == AckLevel::delivered);
}

TEST_CASE("an own companion's receipt says what it has without raising a tick") {
  Fixture f;
  f.befriend(own_phone);
  list_devices(f, own_phone, {0, 3});
  sent_to(f, ben, "3EB0AA");
  f.go_online();
  f.stanza(receipt(own_phone, "3EB0AA", "sender").set("recipient", ben));
  REQUIRE(level_of(f, "3EB0AA") == AckLevel::server);
  REQUIRE(resends(f.stanza(retry(own_phone, "3EB0AA").set("recipient", ben))) == 0);
}

TEST_CASE("a group is read when our phone says so, not when a member does") {
  Fixture f;
  storage::MessageRow row;
  row.session = f.row.id;
  row.chat = group;
  row.author = ben;
  row.id = "3EB0AA";
  row.kind = "text";
  row.timestamp = row.created_at = f.now_ms;
  storage::Changes changes;
  changes.add(storage::InsertMessage{row, true, std::nullopt});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  const auto unread = [&] { return storage::find_chat(f.store->reader(), f.row.id, group)->unread; };
  f.go_online();
  f.stanza(receipt(group, "3EB0AA", "read").set("participant", ben));
  REQUIRE(unread() == 1);
  f.stanza(receipt(group, "3EB0AA", "read").set("participant", own_phone));
  REQUIRE(unread() == 0);
}

TEST_CASE("a receipt is proof of the ack: what it names leaves the queue") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  const auto sent = f.send(Fixture::text("hello"));
  REQUIRE(f.session->view().queued == 1);
  f.stanza(receipt(carl, (*sent)->id));  // not its recipient: proves nothing
  REQUIRE(f.session->view().queued == 1);
  f.stanza(receipt(ben, (*sent)->id));
  REQUIRE(f.session->view().queued == 0);
  REQUIRE(level_of(f, (*sent)->id) == AckLevel::delivered);
  const auto names = f.event_names();
  REQUIRE(std::count(names.begin(), names.end(), "ack") == 2);  // server, then delivered
}

TEST_CASE("what only a receipt proves is looked after: the ack would have said whether other devices lack it") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  const std::string id = (*f.send(Fixture::text("hello")))->id;
  const auto asked = Fixture::sent(f.stanza(receipt(ben, id)));
  REQUIRE(std::ranges::count_if(asked, [](const Node& node) { return node.attr("xmlns") == "usync"; }) == 1);
  REQUIRE(storage::load_outbox(f.store->reader(), f.row.id).size() == 1);
  SECTION("the ack comes late and knows of none") {
    Node ack("ack");
    f.stanza(ack.set("class", "message").set("id", id).set("from", ben).set("t", "1700000001"));
  }
  SECTION("the lists know of none") {
    storage::DeviceListRow list{{0}, 0, f.now_ms, 0};
    storage::Changes changes;
    changes.add(storage::PutDeviceList{f.row.id, ben, list});
    list.devices = {3};
    changes.add(storage::PutDeviceList{f.row.id, own_phone, list});
    f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
    f.reopen();
    for (const Node& node : f.go_online()) CHECK_FALSE(node.is("message"));
  }
  CHECK(f.session->view().queued == 0);
  CHECK(storage::load_outbox(f.store->reader(), f.row.id).empty());
  const auto names = f.event_names();
  CHECK(std::ranges::count(names, "ack") == 2);
}
