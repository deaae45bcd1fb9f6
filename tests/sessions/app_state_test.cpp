// App state of a real Session: what other devices of the account wrote is checked, stored and acted upon, what it
// changes itself is taken by the server, and a process that ends between any two turns goes on where it was.
// Specification 04 sections 8 to 10.
#include "sessions/appstate/app_state.h"

#include "tests/sessions/app_state_world.h"

using namespace wharf;
using namespace wharf::test;
using World = AppStateWorld;

namespace {

/// Of the last patch of a collection: a byte of the value MAC of its only record.
void spoil_last_patch(World& w, const std::string& name) {
  Bytes& patch = w.server.collections[name].patches.back().second;
  const auto& mac = w.server.collections[name].state.values.begin()->second;
  const auto found = std::search(patch.begin(), patch.end(), mac.begin(), mac.end());
  REQUIRE(found != patch.end());
  *found ^= 1;
}

}  // namespace

TEST_CASE("the keys that the phone shares begin the first sync: saved names, LIDs and the own name") {
  World w;
  w.server.publish(book, {saving(ann_number, "Ann Archer", ann), saving(dan_number, "Dan")});
  auto phone = SignalPeer::make(w.random, 77);
  w.connect();
  CHECK(w.asked.empty());
  REQUIRE(protocol::start_session(phone.session, phone.local, published_bundle(w), w.random).has_value());
  w.share_keys(phone);
  REQUIRE(w.asked.size() == 2);
  for (const Node& iq : w.asked) CHECK(iq.child("sync")->child("collection")->attr("return_snapshot") == "true");
  CHECK(w.saved_name(ann) == "Ann Archer");
  CHECK(w.session->directory().canonical_user(ann_number) == ann);
  CHECK(w.saved_name(dan_number) == "Dan");
  CHECK(w.session->context().device.push_name == "Harbour");
  CHECK(w.names_told().empty());
  w.check_same(book);
  w.check_same(profile);
  // Nothing is left to ask, on the next connection either.
  w.cut();
  w.connect();
  CHECK(w.asked.size() == 2);
}

TEST_CASE("what the server speaks of is asked for and applied: a new name, another one, none") {
  World w;
  w.know_keys();
  w.connect();
  w.server.patch(book, {saving(dan_number, "Dan")});
  w.notify(book);
  CHECK(w.saved_name(dan_number) == "Dan");
  w.server.patch(book, {saving(dan_number, "Daniel")});
  w.server.patch(book, {saving(ann_number, "Ann")});
  w.notify(book);
  CHECK(w.saved_name(dan_number) == "Daniel");
  CHECK(w.saved_name(ann_number) == "Ann");
  w.server.patch(book, {protocol::remove_contact(dan_number, 6)});
  w.notify(book);
  CHECK(w.saved_name(dan_number).empty());
  CHECK(w.names_told() == std::vector<std::string>{"Dan", "Daniel", "Ann", ""});
  w.server.patch(profile, {protocol::set_push_name("Pier", 7)});
  w.said.clear();
  w.notify(profile);
  CHECK(w.session->context().device.push_name == "Pier");
  CHECK(std::any_of(w.said.begin(), w.said.end(),
                    [](const Node& node) { return node.is("presence") && node.attr("name") == "Pier"; }));
  w.check_same(book);
  w.check_same(profile);
  // Told again, it is not asked for again.
  const auto before = w.asked.size();
  w.notify(book);
  CHECK(w.asked.size() == before);
  CHECK(w.logged_lines("app_state") == 0);
}

TEST_CASE("what it was told of before the end of the process is asked for by the next one") {
  World w;
  w.know_keys();
  w.connect();
  w.server.patch(book, {saving(dan_number, "Dan")});
  w.answering = false;
  w.notify(book);
  REQUIRE(w.saved_name(dan_number).empty());
  w.open.clear();
  w.reopen();
  w.answering = true;
  w.connect();
  CHECK(w.saved_name(dan_number) == "Dan");
}

TEST_CASE("a patch whose value is not what was signed is refused, asked for as a whole once, then left alone") {
  World w;
  w.know_keys();
  w.connect();
  w.server.patch(book, {saving(dan_number, "Dan")});
  spoil_last_patch(w, book);
  w.asked.clear();
  w.notify(book);
  REQUIRE(w.asked.size() == 2);
  CHECK(w.asked[0].child("sync")->child("collection")->attr("return_snapshot") == "false");
  CHECK(w.asked[1].child("sync")->child("collection")->attr("return_snapshot") == "true");
  CHECK(w.saved_name(dan_number).empty());
  CHECK(w.stored(book).version == 1);
  CHECK(w.logged_lines("app_state_refused") == 1);
  CHECK(w.logged_lines("app_state_left_alone") == 1);
  w.server.patch(book, {saving(ann_number, "Ann")});
  w.notify(book);
  CHECK(w.asked.size() == 2);
  CHECK(w.logged_lines("app_state_left_alone") == 1);
  const auto heard = w.change(save(dan_number, "Dan"));
  REQUIRE(*heard);
  CHECK((*heard)->error().code == Errc::refused);
  CHECK(w.wishes(book).empty());
  // The other collection goes on.
  w.server.patch(profile, {protocol::set_push_name("Pier", 7)});
  w.notify(profile);
  CHECK(w.session->context().device.push_name == "Pier");
}

TEST_CASE("state that is damaged here is replaced by a snapshot, and what that is without is gone") {
  World w;
  w.know_keys();
  w.server.publish(book, {saving(dan_number, "Dan"), saving(ann_number, "Ann")});
  w.connect();
  REQUIRE(w.saved_name(dan_number) == "Dan");
  w.server.publish(book, {saving(ann_number, "Ann")});
  w.server.patch(book, {saving(ann_number, "Annabel")});
  w.call([&] {
    auto damaged = w.stored(book);
    damaged.hash[0] ^= 1;
    damaged.version = w.server.collections[book].state.version - 1;
    w.session->context().records.add(storage::PutAppState{w.row.id, damaged});
  });
  w.notify(book);
  CHECK(w.saved_name(dan_number).empty());
  CHECK(w.saved_name(ann_number) == "Annabel");
  CHECK(w.logged_lines("app_state_refused") == 1);
  CHECK(w.logged_lines("app_state_left_alone") == 0);
  w.check_same(book);
}

TEST_CASE("a snapshot larger than one turn takes is applied in several") {
  World w;
  w.know_keys();
  std::vector<AppStateMutation> records;
  for (std::size_t i = 0; i < AppState::records_in_slice * 2 + 3; ++i)
    records.push_back(saving(Jid(std::to_string(16'660'000'000 + i), "s.whatsapp.net"), "N" + std::to_string(i)));
  w.server.publish(book, records);
  w.connect();
  w.check_same(book);
  CHECK(w.saved_name(Jid("16660000000", "s.whatsapp.net")) == "N0");
  CHECK(w.saved_name(Jid(std::to_string(16'660'000'000 + records.size() - 1), "s.whatsapp.net")) ==
        "N" + std::to_string(records.size() - 1));
}

TEST_CASE("a key that is missing is asked of the phone once, and what waits for it goes on") {
  World w;
  auto phone = w.befriend(own_lid);
  w.know_keys();
  w.connect();
  w.server.keys.push_back({{0, 0, 0, 0, 0, 2}, Bytes(32, 9)});
  w.server.patch(book, {saving(dan_number, "Dan")});
  w.said.clear();
  w.notify(book);
  w.notify(profile);
  w.server.patch(book, {saving(dan_number, "Daniel")});
  w.notify(book);
  const auto requests = [&] {
    return std::count_if(w.said.begin(), w.said.end(),
                         [](const Node& node) { return node.is("message") && node.attr("category") == "peer"; });
  };
  REQUIRE(requests() == 1);
  CHECK(w.saved_name(dan_number).empty());
  CHECK(w.stored(book).version == 1);
  const auto request = std::find_if(w.said.begin(), w.said.end(), [](const Node& node) { return node.is("message"); });
  CHECK(request->jid("to") == Jid("15550000001", "s.whatsapp.net"));
  const Node* enc = request->child("enc");
  REQUIRE(enc != nullptr);
  REQUIRE(enc->attr("type") == "pkmsg");
  const auto opened =
      phone.receive({protocol::CiphertextKind::pre_key_message, protocol::to_bytes(enc->data())}, w.random);
  REQUIRE(opened.has_value());
  const auto content = protocol::parse_message(*protocol::unpad_message(opened->plaintext));
  REQUIRE(content.has_value());
  CHECK(content->protocol_type == 7);
  w.share_keys(phone);
  CHECK(w.saved_name(dan_number) == "Daniel");
  CHECK(requests() == 1);
  w.check_same(book);
}

TEST_CASE("a collection marked as dirty is asked for, and the mark cleaned behind it") {
  World w;
  w.know_keys();
  w.connect();
  w.server.patch(book, {saving(dan_number, "Dan")});
  w.said.clear();
  w.arrive(Node("ib").add(Node("dirty").set("type", "syncd_app_state").set("timestamp", "17")));
  w.settle();
  CHECK(w.saved_name(dan_number) == "Dan");
  const auto cleaned = std::find_if(w.said.begin(), w.said.end(), [](const Node& node) { return node.child("clean"); });
  REQUIRE(cleaned != w.said.end());
  CHECK(cleaned->child("clean")->attr("type") == "syncd_app_state");
  CHECK(cleaned->child("clean")->attr("timestamp") == "17");
  // What is no time of the server's marks nothing.
  const auto before = w.asked.size();
  w.arrive(Node("ib").add(Node("dirty").set("type", "syncd_app_state").set("timestamp", "1 2")));
  w.settle();
  CHECK(w.asked.size() == before);
}

TEST_CASE("a request for a key that cannot be sent is made again in ten seconds") {
  World w;
  w.know_keys();
  w.connect();
  w.server.keys.push_back({{0, 0, 0, 0, 0, 2}, Bytes(32, 9)});
  w.server.patch(book, {saving(dan_number, "Dan")});
  w.said.clear();
  const auto bundles = [&] {
    std::vector<Node> questions;
    std::copy_if(w.said.begin(), w.said.end(), std::back_inserter(questions),
                 [](const Node& node) { return node.attr("xmlns") == "encrypt" && node.child("key") != nullptr; });
    return questions;
  };
  w.notify(book);
  REQUIRE(bundles().size() == 1);
  w.arrive(Node("iq")
               .set("id", bundles()[0].attr("id"))
               .set("type", "error")
               .set("from", Jid("", "s.whatsapp.net"))
               .add(Node("error").set("code", "503")));
  w.settle();
  w.pass(std::chrono::seconds(9));
  CHECK(bundles().size() == 1);
  w.pass(std::chrono::seconds(1));
  CHECK(bundles().size() == 2);
}

TEST_CASE("a key that does not come is asked for again after a day") {
  World w;
  auto phone = w.befriend(own_lid);
  w.know_keys();
  w.connect();
  w.server.keys.push_back({{0, 0, 0, 0, 0, 2}, Bytes(32, 9)});
  w.server.patch(book, {saving(dan_number, "Dan")});
  w.notify(book);
  const auto requests = [&] {
    return std::count_if(w.said.begin(), w.said.end(),
                         [](const Node& node) { return node.is("message") && node.attr("category") == "peer"; });
  };
  REQUIRE(requests() == 1);
  w.reconnect();
  CHECK(requests() == 1);
  w.cut();
  w.steady += std::chrono::hours(24);
  w.now_ms += 24LL * 60 * 60 * 1000;
  w.connect();
  CHECK(requests() == 2);
}

TEST_CASE("another account knows nothing of it") {
  World w;
  w.know_keys();
  w.server.publish(book, {saving(dan_number, "Dan")});
  w.connect();
  w.change(save(ann_number, "Ann"));
  REQUIRE(w.stored(book).version == 3);
  for (const Node& node : World::sent(w.tell(Logout{})))
    if (node.child("remove-companion-device") != nullptr)
      w.stanza(Node("iq").set("id", node.attr("id")).set("type", "result").set("from", Jid("", "s.whatsapp.net")));
  REQUIRE_FALSE(w.session->context().device.linked());
  CHECK_FALSE(storage::find_app_state(w.store->reader(), w.row.id, book));
  CHECK(w.wishes(book).empty());
}

TEST_CASE("a process that ends with any turn, its rows there or lost, comes to the same state") {
  // Two ways in which a turn can be the last one.
  for (const bool committed : {false, true}) {
    int crash_at = 0;
    for (bool over = false; !over; ++crash_at) {
      INFO("turn " << crash_at << (committed ? ", committed" : ", lost"));
      World w;
      w.know_keys();
      w.server.publish(book, {saving(dan_number, "Dan"), saving(ann_number, "Ann")});
      w.committed = committed;
      w.crash_at = crash_at;
      w.connect();
      w.server.patch(book, {saving(ann_number, "Annabel")});
      w.server.patch(book, {protocol::remove_contact(dan_number, 6)});
      w.notify(book);
      w.server.patch(book, {saving(ben, "Ben")});
      const auto heard = w.change(save(ben, "Benny"));
      w.change(SetOwnName{"Pier 9"});
      over = w.turns <= crash_at;
      // The server says what it was not heard to say again; who heard of a failure asks again.
      w.notify(book);
      w.notify(profile);
      if (!*heard || !(*heard)->has_value()) w.change(save(ben, "Benny"));
      w.change(SetOwnName{"Pier 9"});
      CHECK(w.saved_name(ann_number) == "Annabel");
      CHECK(w.saved_name(dan_number).empty());
      CHECK(w.saved_name(ben) == "Benny");
      CHECK(w.session->context().device.push_name == "Pier 9");
      CHECK(w.wishes(book).empty());
      CHECK(w.logged_lines("app_state") == 0);
      w.check_same(book);
      w.check_same(profile);
    }
    CHECK(crash_at > 15);
  }
}
