// What comes back for messages of a real Session: who may raise an acknowledgement, and who gets a message again.
#include "sessions/receipts.h"

#include "protocol/stanzas/key_nodes.h"
#include "tests/sessions/session_fixture.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Node;
using storage::AckLevel;
using test::SignalPeer;

using Fixture = wharf::test::SessionFixture;

namespace {

const Jid ben("15550000002", "s.whatsapp.net");
const Jid carl("15550000003", "s.whatsapp.net");
const Jid group("120363000000000001", "g.us");
const Jid own_phone("100000000000001", "lid");
const Jid own_phone_number("15550000001", "s.whatsapp.net");

/// A text of ours that the server has taken.
void sent_to(Fixture& f, const Jid& chat, const std::string& id, UnixMs age_ms = 0) {
  storage::MessageRow row;
  row.session = f.row.id;
  row.chat = chat;
  row.author = own_phone;
  row.id = id;
  row.from_me = true;
  row.kind = "text";
  row.content = {0x0a, 0x01, 'x'};
  row.ack = AckLevel::server;
  row.timestamp = row.created_at = f.now_ms - age_ms;
  storage::Changes changes;
  changes.add(storage::InsertMessage{row, false, std::nullopt});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
}

AckLevel level_of(Fixture& f, const std::string& id) {
  return storage::find_message_by_id(f.store->reader(), f.row.id, id, true)->ack;
}

Node receipt(const Jid& from, const std::string& id, const std::string& type = "") {
  Node node("receipt");
  node.set("id", id).set("from", from).set("t", "1700000001");
  if (!type.empty()) node.set("type", type);
  return node;
}

Node retry(const Jid& from, const std::string& id, unsigned count = 1, std::uint8_t registration = 77) {
  Node node = receipt(from, id, "retry");
  node.add(Node("retry").set("count", std::uint64_t{count}).set("id", id).set("t", "1700000000").set("v", "1"));
  node.add(Node("registration").bytes(protocol::Bytes{0, 0, 0, registration}));
  return node;
}

/// The <keys> that a peer puts into its retry receipt.
Node keys_of(const SignalPeer& peer) {
  const auto bundle = peer.bundle();
  Node keys("keys");
  keys.add(Node("type").bytes(protocol::Bytes{5})).add(Node("identity").bytes(bundle.identity));
  keys.add(protocol::key_node(bundle.one_time->id, bundle.one_time->pub));
  return keys.add(
      protocol::signed_key_node(bundle.signed_pre_key_id, bundle.signed_pre_key, bundle.signed_pre_key_signature));
}

std::size_t resends(const std::vector<Effect>& effects) {
  const auto nodes = Fixture::sent(effects);
  return static_cast<std::size_t>(
      std::count_if(nodes.begin(), nodes.end(), [](const Node& node) { return node.is("message"); }));
}

bool acked(const std::vector<Effect>& effects) {
  const auto nodes = Fixture::sent(effects);
  return std::any_of(nodes.begin(), nodes.end(),
                     [](const Node& node) { return node.is("ack") && node.attr("class") == "receipt"; });
}

void put_identity(Fixture& f, const Jid& device, const protocol::PublicKey& key) {
  storage::Changes changes;
  changes.add(storage::PutIdentity{f.row.id, device, key});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
}

void list_devices(Fixture& f, const Jid& user, std::vector<std::uint16_t> devices) {
  storage::DeviceListRow list;
  list.devices = std::move(devices);
  list.fetched_at = f.now_ms;
  storage::Changes changes;
  changes.add(storage::PutDeviceList{f.row.id, user, list});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
}

/// A session with one companion of a contact, beside befriend()'s with its main device.
void meet_companion(Fixture& f, const Jid& companion) {
  const SignalPeer peer = SignalPeer::make(f.random, 77);
  const auto device = storage::load_device(f.store->reader(), f.row.id);
  protocol::SessionRecord record;
  REQUIRE(protocol::start_session(record, {device->identity, device->registration_id}, peer.bundle(), f.random)
              .has_value());
  storage::Changes changes;
  changes.add(storage::PutRatchet{f.row.id, companion, record.serialize()});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
}

}  // namespace

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
    REQUIRE(acked(f.stanza(request)));
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

// --- requests to send again

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

namespace {

storage::InsertMessage from_ben(Fixture& f, const std::string& id) {
  storage::MessageRow row;
  row.session = f.row.id;
  row.chat = row.author = ben;
  row.id = id;
  row.kind = "text";
  row.ack = AckLevel::delivered;
  row.timestamp = row.created_at = f.now_ms;
  return {row, true, std::nullopt};
}

Node read_on_phone(const std::string& id) { return receipt(own_phone, id, "read-self").set("recipient", ben); }

std::uint32_t unread_of_ben(Fixture& f) { return storage::find_chat(f.store->reader(), f.row.id, ben)->unread; }

}  // namespace

TEST_CASE("what was read on our phone is read here, what came after it is not") {
  Fixture f;
  storage::Changes changes;
  for (const char* id : {"one", "two", "three"}) changes.add(from_ben(f, id));
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.go_online();
  f.stanza(read_on_phone("two"));
  CHECK(unread_of_ben(f) == 1);
  f.stanza(read_on_phone("two"));  // told again
  CHECK(unread_of_ben(f) == 1);
  f.stanza(read_on_phone("three"));
  CHECK(unread_of_ben(f) == 0);
}

TEST_CASE("what was read on our phone up to a reaction is read here up to its time") {
  Fixture f;
  storage::Changes changes;
  const auto at = [&](storage::InsertMessage message, storage::UnixMs ms) {
    message.row.timestamp = ms;
    return message;
  };
  changes.add(at(from_ben(f, "one"), f.now_ms));
  auto reaction = at(from_ben(f, "reaction"), f.now_ms + 1'000);
  reaction.row.kind = "reaction";
  reaction.row.target_id = "one";
  reaction.unread = false;
  changes.add(std::move(reaction));
  changes.add(at(from_ben(f, "two"), f.now_ms + 2'000));
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.go_online();
  CHECK(unread_of_ben(f) == 2);
  f.stanza(read_on_phone("reaction"));
  CHECK(unread_of_ben(f) == 1);
}

TEST_CASE("a message that arrives in the turn in which our phone has read it is read, the next one is not") {
  Fixture f;
  f.go_online();
  f.call([&] { f.session->context().records.add(from_ben(f, "old")); });
  REQUIRE(unread_of_ben(f) == 1);
  std::vector<Input> inputs;
  inputs.emplace_back(WorkDone{[&] {
    for (const char* id : {"one", "two"}) f.session->context().records.add(from_ben(f, id));
  }});
  inputs.emplace_back(StanzaArrived{read_on_phone("one"), f.session->link_epoch(), 0});
  f.turn(std::move(inputs));
  CHECK(unread_of_ben(f) == 1);
}

TEST_CASE("what our phone read names what came late as well, and a peer's message never one of ours of the same id") {
  Fixture f;
  f.go_online();
  sent_to(f, carl, "theirs");  // Ben takes an id that we have used
  const auto level = level_of(f, "theirs");
  std::vector<Input> inputs;
  inputs.emplace_back(WorkDone{[&] {
    auto late = from_ben(f, "late");
    late.row.timestamp -= 5'000;
    for (auto& message : {from_ben(f, "theirs"), late}) f.session->context().records.add(message);
  }});
  inputs.emplace_back(StanzaArrived{read_on_phone("theirs"), f.session->link_epoch(), 0});
  f.turn(std::move(inputs));
  CHECK(unread_of_ben(f) == 0);
  CHECK(level_of(f, "theirs") == level);
  for (const char* id : {"theirs", "late"})
    CHECK(storage::find_message(f.store->reader(), f.row.id, ben, id)->ack == AckLevel::read);
}

TEST_CASE("a receipt of our phone about something far back leaves what came after it unread") {
  Fixture f;
  storage::Changes changes;
  for (int i = 0; i < 300; ++i) {
    auto message = from_ben(f, "M" + std::to_string(i));
    message.row.timestamp += i;
    changes.add(std::move(message));
  }
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.go_online();
  f.stanza(read_on_phone("M3"));
  CHECK(unread_of_ben(f) == 300);
  f.stanza(read_on_phone("M250"));
  CHECK(unread_of_ben(f) == 49);
}

TEST_CASE("what our phone has played is read, nothing else: neither what is older nor all of an unknown one") {
  Fixture f;
  storage::Changes changes;
  for (const char* id : {"one", "two", "three"}) changes.add(from_ben(f, id));
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.go_online();
  const auto played = [](const std::string& id) { return receipt(own_phone, id, "played-self").set("recipient", ben); };
  f.stanza(played("of long ago"));
  CHECK(unread_of_ben(f) == 3);
  f.stanza(played("two"));
  CHECK(unread_of_ben(f) == 2);
  f.stanza(played("two"));
  CHECK(unread_of_ben(f) == 2);
}

TEST_CASE("a receipt of our phone that names hundreds counts whole, in whatever order it names them") {
  Fixture f;
  storage::Changes changes;
  Node list("list");
  for (int i = 0; i < 300; ++i) {
    auto message = from_ben(f, "M" + std::to_string(i));
    message.row.timestamp += i;
    changes.add(std::move(message));
    if (i > 0) list.add(Node("item").set("id", "M" + std::to_string(i)));
  }
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.go_online();
  f.stanza(read_on_phone("M0").add(std::move(list)));
  CHECK(unread_of_ben(f) == 0);
}
