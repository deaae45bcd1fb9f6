// App state as a whole, page after page and after what was wrong: nothing is lost that was spoken of, nothing is told
// that a later patch takes back, and what cannot be believed costs little. Specification 04 sections 8.4, 8.7 and 8.9.
#include "sessions/appstate/app_state.h"

#include "tests/sessions/app_state_world.h"

using namespace wharf;
using namespace wharf::test;
using World = AppStateWorld;

namespace {

Jid number(std::size_t i) { return Jid(std::to_string(16'660'000'000 + i), "s.whatsapp.net"); }
Jid lid(std::size_t i) { return Jid(std::to_string(300'000'000'000'000 + i), "lid"); }

Node dirty() { return Node("ib").add(Node("dirty").set("type", "syncd_app_state").set("timestamp", "17")); }

bool is_cleaned(const World& w) {
  return std::any_of(w.said.begin(), w.said.end(), [](const Node& node) { return node.child("clean") != nullptr; });
}

}  // namespace

TEST_CASE("a bad patch behind the first page: as a whole once, left alone, and once more when there is news and time") {
  World w;
  w.know_keys();
  w.server.page = 2;
  w.connect();
  for (std::size_t i = 0; i < 5; ++i) w.server.patch(book, {saving(number(i), "N")});
  w.server.spoil_last_patch(book);  // version 6
  w.asked.clear();
  w.notify(book);
  CHECK(w.asked.size() == 6);
  CHECK(w.wholes_asked() == 1);
  CHECK(w.logged_lines("app_state_refused") == 1);
  CHECK(w.logged_lines("app_state_left_alone") == 1);
  CHECK(w.stored(book).version == 5);
  CHECK(w.saved_name(number(3)) == "N");
  // Time alone, another connection, or news alone change nothing.
  w.pass(AppState::first_doubt);
  w.reconnect();
  CHECK(w.wholes_asked() == 1);
  w.server.patch(book, {saving(number(5), "N")});
  w.notify(book);
  CHECK(w.wholes_asked() == 2);
  CHECK(w.logged_lines("app_state_left_alone") == 2);
  w.server.patch(book, {saving(number(6), "N")});
  w.notify(book);
  CHECK(w.wholes_asked() == 2);
  w.server.publish(book, {saving(number(7), "N")});
  w.notify(book);
  CHECK(w.wholes_asked() == 2);
  w.pass(2 * AppState::first_doubt);
  CHECK(w.wholes_asked() == 3);
  CHECK(w.saved_name(number(7)) == "N");
  CHECK(w.saved_name(number(3)).empty());
  w.check_same(book);
}

TEST_CASE("of a first sync that cannot be believed to its end there is what stands before that") {
  World w;
  w.know_keys();
  w.server.page = 2;
  for (std::size_t i = 0; i < 5; ++i) w.server.patch(book, {saving(number(i), "N")});
  w.server.spoil_last_patch(book);
  w.connect();
  CHECK(w.wholes_asked() == 3);  // one of them of the own name
  CHECK(w.logged_lines("app_state_left_alone") == 1);
  CHECK(w.saved_name(number(3)) == "N");
  CHECK(w.saved_name(number(4)).empty());
  CHECK(w.stored(book).version == 5);
  CHECK(w.stored(book).whole_is_wanted);
}

TEST_CASE("what stands behind a snapshot and behind a page is there after a process that ended with any turn") {
  for (const bool committed : {false, true}) {
    int crash_at = 0;
    for (bool over = false; !over; ++crash_at) {
      INFO("turn " << crash_at << (committed ? ", committed" : ", lost"));
      World w;
      w.know_keys();
      w.server.page = 2;
      for (std::size_t i = 0; i < 5; ++i) w.server.patch(book, {saving(number(i), "N" + std::to_string(i))});
      w.server.patch(profile, {protocol::set_push_name("Pier", 7)});
      w.committed = committed;
      w.crash_at = crash_at;
      w.connect();
      over = w.turns <= crash_at;
      // Nobody speaks of anything any more.
      for (std::size_t i = 0; i < 5; ++i) CHECK(w.saved_name(number(i)) == "N" + std::to_string(i));
      CHECK(w.session->context().device.push_name == "Pier");
      w.check_same(book);
      w.check_same(profile);
    }
    CHECK(crash_at > 15);
  }
}

TEST_CASE("pages of patches are asked for to the last one by whichever process is there") {
  for (const bool committed : {false, true}) {
    int crash_at = 0;
    for (bool over = false; !over; ++crash_at) {
      INFO("turn " << crash_at << (committed ? ", committed" : ", lost"));
      World w;
      w.know_keys();
      w.connect();
      w.server.page = 2;
      w.server.patch(book, {saving(number(0), "N0")});
      w.answering = false;
      w.notify(book);
      // Of these nobody speaks but the answer.
      for (std::size_t i = 1; i < 5; ++i) w.server.patch(book, {saving(number(i), "N" + std::to_string(i))});
      w.answering = true;
      w.committed = committed;
      w.turns = 0;
      w.crash_at = crash_at;
      w.arrive(w.server.answer(w.asked.back()));
      w.settle();
      over = w.turns <= crash_at;
      CHECK(w.saved_name(number(4)) == "N4");
      CHECK(w.stored(book).heard == w.stored(book).version);
      w.check_same(book);
    }
    CHECK(crash_at > 8);
  }
}

TEST_CASE("what is spoken of while all of it is on its way is asked for behind it") {
  World w;
  w.know_keys();
  w.server.publish(book, {saving(dan_number, "Dan")});
  w.answering = false;
  w.connect();
  REQUIRE(w.asked.size() == 1);
  w.arrive(w.server.answer(w.asked.back()));  // the own name
  w.settle();
  REQUIRE(w.asked.size() == 2);
  const Node answer = w.server.answer(w.asked.back());
  w.server.patch(book, {saving(dan_number, "Daniel")});
  w.notify(book);
  w.answering = true;
  w.arrive(answer);
  w.settle();
  CHECK(w.saved_name(dan_number) == "Daniel");
  w.check_same(book);
}

TEST_CASE("a mark that comes while a collection is on its way is cleaned when that was asked for once more") {
  World w;
  w.know_keys();
  w.connect();
  w.server.patch(book, {saving(dan_number, "Dan")});
  w.answering = false;
  w.notify(book);
  const Node answer = w.server.answer(w.asked.back());
  w.server.patch(book, {saving(dan_number, "Daniel")});
  w.said.clear();
  w.arrive(dirty());
  w.settle();
  w.arrive(answer);
  w.settle();
  CHECK_FALSE(is_cleaned(w));
  w.answering = true;
  w.arrive(w.server.answer(w.asked.back()));
  w.settle();
  CHECK(is_cleaned(w));
  CHECK(w.saved_name(dan_number) == "Daniel");
}

TEST_CASE("a snapshot that is older than what is known tells nothing that the patches behind it take back") {
  World w;
  w.know_keys();
  w.connect();
  w.server.patch(book, {saving(dan_number, "Dan"), saving(ann_number, "Ann")});
  w.server.patch(profile, {protocol::set_push_name("Pier", 7)});
  w.notify(book);
  w.notify(profile);
  REQUIRE(w.saved_name(dan_number) == "Dan");
  w.distrust(book);
  w.distrust(profile);
  w.said.clear();
  w.reconnect();
  CHECK(w.wholes_asked() == 4);
  CHECK(w.names_told() == std::vector<std::string>{"Dan", "Ann"});  // when they came
  CHECK(std::none_of(w.said.begin(), w.said.end(),
                     [](const Node& node) { return node.is("presence") && node.attr("name") == "Harbour"; }));
  CHECK(w.session->context().device.push_name == "Pier");
  CHECK(w.saved_name(dan_number) == "Dan");
  // What is another then is told, once.
  w.server.patch(book, {saving(dan_number, "D"), protocol::remove_contact(ann_number, 6)});
  w.server.patch(book, {saving(dan_number, "Daniel")});
  w.distrust(book);
  w.reconnect();
  CHECK(w.names_told() == std::vector<std::string>{"Dan", "Ann", "", "Daniel"});
  w.check_same(book);
  w.check_same(profile);
}

TEST_CASE("records that come back under another key take nobody's name") {
  World w;
  w.know_keys();
  w.server.publish(book, {saving(dan_number, "Dan"), saving(ann_number, "Ann", ann)});
  w.connect();
  w.server.keys.push_back({{0, 0, 0, 0, 0, 2}, Bytes(32, 9)});
  w.know_keys();
  // And one of them under another index.
  w.server.publish(book, {saving(dan_number, "Dan"), saving(ann, "Ann")});
  w.distrust(book);
  w.reconnect();
  CHECK(w.names_told().empty());
  CHECK(w.saved_name(dan_number) == "Dan");
  CHECK(w.saved_name(ann) == "Ann");
  w.check_same(book);
}

TEST_CASE("of two records of one person the newest counts, and a whole tells of none of them again") {
  World w;
  w.know_keys();
  w.server.publish(book, {saving(ann_number, "Ann", ann, 9), saving(ann, "Annie", std::nullopt, 5)});
  w.connect();
  CHECK(w.saved_name(ann) == "Ann");
  w.distrust(book);
  w.reconnect();
  CHECK(w.saved_name(ann) == "Ann");
  CHECK(w.names_told().empty());
}

TEST_CASE("somebody with two entries keeps the name as long as one of them is there") {
  World w;
  w.know_keys();
  w.connect();
  w.server.patch(book, {saving(ann_number, "Ann", ann)});
  w.notify(book);
  REQUIRE(w.saved_name(ann) == "Ann");
  // In the order in which it would take the name.
  w.server.patch(book, {saving(ann, "Ann"), protocol::remove_contact(ann_number, 6)});
  w.notify(book);
  CHECK(w.saved_name(ann) == "Ann");
  w.server.patch(book, {saving_lid(ann, "Ann")});
  w.server.patch(book, {protocol::remove_contact(ann, 7)});
  w.notify(book);
  CHECK(w.saved_name(ann) == "Ann");
  CHECK(w.names_told() == std::vector<std::string>{"Ann"});
  w.server.patch(book, {protocol::remove_lid_contact(ann, 8)});
  w.notify(book);
  CHECK(w.saved_name(ann).empty());
  CHECK(w.names_told() == std::vector<std::string>{"Ann", ""});
  w.check_same(book);
}

TEST_CASE("a patch that is too large for one turn is asked for with all the rest, and comes in slices") {
  World w;
  w.know_keys();
  w.server.publish(book, {saving(dan_number, "Dan")});
  w.connect();
  w.asked.clear();
  std::vector<AppStateMutation> many = {protocol::remove_contact(dan_number, 6)};
  for (std::size_t i = 0; i < AppState::pairs_in_slice * 2; ++i) many.push_back(saving(number(i), "N", lid(i)));
  w.server.patch(book, many);
  const int before = w.turns;
  w.notify(book);
  CHECK(w.asked.size() == 2);
  CHECK(w.wholes_asked() == 1);
  CHECK(w.turns - before >= 13);  // two fewer, if it were one slice
  CHECK(w.saved_name(dan_number).empty());
  CHECK(w.saved_name(lid(0)) == "N");
  CHECK(w.session->directory().canonical_user(number(AppState::pairs_in_slice * 2 - 1)) ==
        lid(AppState::pairs_in_slice * 2 - 1));
  CHECK(w.logged_lines("app_state") == 0);
  w.check_same(book);
}

TEST_CASE("who is who in an address book that is read as a whole is told to nobody") {
  World w;
  w.know_keys();
  w.server.publish(book, {saving(ann_number, "Ann", ann)});
  w.connect();
  REQUIRE(w.session->directory().canonical_user(ann_number) == ann);
  CHECK(w.told_of<events::ContactUpdated>().empty());
}

TEST_CASE("a file that came damaged is fetched again later, from another host") {
  World w;
  w.know_keys();
  w.server.publish(book, {saving(dan_number, "Dan")});
  w.damaged = book;
  w.connect();
  REQUIRE(w.hosts_asked.size() == 2);
  CHECK(w.saved_name(dan_number).empty());
  CHECK(w.logged_lines("app_state_refused") == 1);
  w.pass(std::chrono::seconds(1));
  REQUIRE(w.hosts_asked.size() == 3);
  CHECK(w.hosts_asked[1] != w.hosts_asked[2]);
  CHECK(w.saved_name(dan_number) == "Dan");
  CHECK(w.logged_lines("app_state_left_alone") == 0);
  w.check_same(book);
}

TEST_CASE("a hash that has diverged is asked for as a whole, then let pass until one fits") {
  World w;
  w.know_keys();
  w.connect();
  w.asked.clear();
  w.server.patch_diverged(book, {saving(dan_number, "Dan")});
  w.notify(book);
  CHECK(w.wholes_asked() == 1);
  CHECK(w.logged_lines("app_state_refused") == 1);
  CHECK(w.logged_lines("app_state_left_alone") == 0);
  CHECK(w.saved_name(dan_number) == "Dan");
  CHECK(w.stored(book).diverged);
  w.check_same(book);
  // By the next process too.
  w.reopen();
  w.connect();
  w.server.patch_diverged(book, {saving(dan_number, "Daniel")});
  w.notify(book);
  CHECK(w.wholes_asked() == 1);
  CHECK(w.saved_name(dan_number) == "Daniel");
  w.server.patch(book, {saving(ann_number, "Ann")});
  w.notify(book);
  CHECK_FALSE(w.stored(book).diverged);
  w.check_same(book);
  // What is not signed is let pass at no time.
  w.server.patch(book, {saving(ann_number, "Annabel")});
  w.server.spoil_last_patch(book);
  w.notify(book);
  CHECK(w.saved_name(ann_number) == "Ann");
}

TEST_CASE("an answer that names no collection, or nothing of what was known, takes nobody's name") {
  World w;
  w.know_keys();
  w.server.publish(book, {saving(dan_number, "Dan")});
  w.connect();
  w.distrust(book);
  w.server.silences = 1;
  w.reconnect();
  CHECK(w.saved_name(dan_number) == "Dan");
  CHECK(w.stored(book).whole_is_wanted);
  CHECK(w.logged_lines("app_state") == 0);
  w.pass(std::chrono::seconds(1));
  w.check_same(book);
  // The server has lost it.
  w.server.collections[book].snapshot_version = 0;
  w.distrust(book);
  w.reconnect();
  CHECK(w.saved_name(dan_number) == "Dan");
  CHECK(w.names_told().empty());
  CHECK(w.logged_lines("app_state_left_alone") == 1);
}

TEST_CASE("a collection that nobody had written is asked for as a whole when somebody does") {
  World w;
  w.know_keys();
  w.server.collections.erase(book);
  w.connect();
  REQUIRE(w.stored(book).version == 0);
  CHECK_FALSE(w.stored(book).whole_is_wanted);
  w.server.publish(book, {saving(dan_number, "Dan")});
  w.notify(book);
  CHECK(w.wholes_asked() == 3);
  CHECK(w.saved_name(dan_number) == "Dan");
  CHECK(w.logged_lines("app_state") == 0);
  w.check_same(book);
}

TEST_CASE("the transfer of a file ends with the connection that asked for it") {
  World w;
  w.know_keys();
  w.serving = false;
  w.connect();
  REQUIRE(w.hosts_asked.size() == 1);
  std::vector<Input> inputs;
  inputs.emplace_back(LinkDown{LinkEnd{LinkEnd::Kind::network, "gone", false}, w.session->link_epoch()});
  const auto effects = w.turn(std::move(inputs));
  CHECK(std::count_if(effects.begin(), effects.end(),
                      [](const Effect& effect) { return std::holds_alternative<CancelTransfer>(effect); }) == 1);
  w.serving = true;
  w.connect();
  w.check_same(book);
}
