// What a real Session changes of app state: the server takes it, other devices change the same, and what was sent and
// not heard of is neither lost nor done twice. Specification 04 section 8.8.
#include "sessions/appstate/app_state.h"

#include "tests/sessions/app_state_world.h"

using namespace wharf;
using namespace wharf::test;
using World = AppStateWorld;

TEST_CASE("a contact that is saved, renamed and removed here is what the other devices have") {
  World w;
  w.know_keys();
  w.connect();
  auto heard = w.change(save(dan_number, "Dan"));
  REQUIRE((*heard && (*heard)->has_value()));
  CHECK(w.saved_name(dan_number) == "Dan");
  CHECK(w.wishes(book).empty());
  w.check_same(book);
  heard = w.change(save(dan_number, "Daniel"));
  REQUIRE((*heard && (*heard)->has_value()));
  CHECK(w.names_told() == std::vector<std::string>{"Dan", "Daniel"});
  w.check_same(book);
  heard = w.change(RemoveSavedContact{dan_number});
  REQUIRE((*heard && (*heard)->has_value()));
  CHECK(w.saved_name(dan_number).empty());
  CHECK(w.server.collections[book].state.values.empty());
  w.check_same(book);
  heard = w.change(RemoveSavedContact{dan_number});
  REQUIRE(*heard);
  CHECK((*heard)->error().code == Errc::not_found);
  heard = w.change(SetOwnName{"Pier 9"});
  REQUIRE((*heard && (*heard)->has_value()));
  CHECK(w.session->context().device.push_name == "Pier 9");
  w.check_same(profile);
}

TEST_CASE("somebody whose LID is known is saved with it, by the entry that is there") {
  World w;
  w.know_keys();
  w.server.publish(book, {saving(ann, "Ann")});
  w.connect();
  w.learn(ann_number, ann);
  REQUIRE(w.change(save(ann_number, "Annabel"))->value().has_value());
  CHECK(w.server.collections[book].state.values.size() == 1);
  CHECK(w.saved_name(ann) == "Annabel");
  w.check_same(book);
}

TEST_CASE("a record that another key has sealed goes with the patch that writes its index anew") {
  World w;
  w.server.publish(book, {saving(dan_number, "Dan")});
  w.server.keys.push_back({{0, 0, 0, 0, 0, 2}, Bytes(32, 9)});
  w.know_keys();
  w.connect();
  REQUIRE(w.change(save(dan_number, "Daniel"))->value().has_value());
  CHECK(w.server.collections[book].state.values.size() == 1);
  w.check_same(book);
}

TEST_CASE("where another device was first its patch is applied, and the own one built on it") {
  World w;
  w.know_keys();
  w.connect();
  w.server.patch(book, {saving(ann_number, "Ann")});  // nobody told us
  const auto heard = w.change(save(dan_number, "Dan"));
  REQUIRE((*heard && (*heard)->has_value()));
  CHECK(w.saved_name(ann_number) == "Ann");
  CHECK(w.saved_name(dan_number) == "Dan");
  CHECK(w.server.collections[book].state.values.size() == 2);
  w.check_same(book);
}

TEST_CASE("a contact that was saved a moment ago is removed before the own patch is back") {
  World w;
  w.know_keys();
  w.connect();
  w.answering = false;
  const auto saved = w.change(save(dan_number, "Dan"));
  w.arrive(w.server.answer(w.asked.back()));
  w.settle();
  REQUIRE((*saved && (*saved)->has_value()));
  CHECK(w.stored(book).version == 1);
  const auto removed = w.change(RemoveSavedContact{dan_number});
  CHECK_FALSE(removed->has_value());
  w.answering = true;
  w.arrive(w.server.answer(w.asked.back()));
  w.settle();
  REQUIRE((*removed && (*removed)->has_value()));
  CHECK(w.server.collections[book].state.values.empty());
  CHECK(w.saved_name(dan_number).empty());
  w.check_same(book);
}

TEST_CASE("each name names the request that asked for it, whichever round it comes of; that of the phone names none") {
  World w;
  w.know_keys();
  w.connect();
  w.answering = false;
  w.change(save(dan_number, "Dan"), "req-1");
  w.change(save(ben, "Ben"), "req-2");
  w.change(SetOwnName{"Pier 9"}, "req-3");
  w.server.patch(book, {saving(ann_number, "Ann")});  // the first patch meets it
  w.answering = true;
  w.arrive(w.server.answer(w.asked.back()));
  w.settle();
  using Requests = std::map<std::string, std::string>;
  CHECK(w.requests_told() == Requests{{"Dan", "req-1"}, {"Ben", "req-2"}, {"Pier 9", "req-3"}, {"Ann", ""}});
  // Behind the own ones too, though what the server has by then came of a chain of theirs.
  w.answering = false;
  w.change(save(dan_number, "Daniel"), "req-4");
  w.arrive(w.server.answer(w.asked.back()));
  w.server.patch(book, {saving(ann_number, "Annabel", std::nullopt, 6)});
  w.answering = true;
  w.settle();
  CHECK(w.requests_told()["Daniel"] == "req-4");
  CHECK(w.requests_told()["Annabel"].empty());
  CHECK(w.session->context().cause.empty());
}

TEST_CASE("what the server took without our hearing of it names its request when it comes back") {
  World w;
  w.know_keys();
  w.connect();
  w.answering = false;
  w.change(save(dan_number, "Dan"), "req-1");
  w.server.answer(w.asked.back());
  w.answering = true;
  w.reconnect();
  REQUIRE(w.saved_name(dan_number) == "Dan");
  CHECK(w.requests_told()["Dan"] == "req-1");
}

TEST_CASE("conflicts without an end are told after the fifth, and nothing of it is kept") {
  World w;
  w.know_keys();
  w.connect();
  w.server.refusals = 100;
  const auto heard = w.change(save(dan_number, "Dan"));
  REQUIRE(*heard);
  CHECK((*heard)->error().code == Errc::conflict);
  CHECK((*heard)->error().subject == Subject::change);
  CHECK(w.server.refusals == 95);
  CHECK(w.wishes(book).empty());
  CHECK(w.saved_name(dan_number).empty());
}

TEST_CASE("what the server refuses for good is told and not kept; what it cannot take now is sent again later") {
  World w;
  w.know_keys();
  w.connect();
  w.server.error = 503;
  auto heard = w.change(save(dan_number, "Dan"));
  REQUIRE(*heard);
  CHECK((*heard)->error().code == Errc::timed_out);
  CHECK(w.wishes(book).size() == 1);
  w.server.error.reset();
  for (const Node& node : w.later(std::chrono::seconds(1)))
    w.open.emplace_back(SendPayload{protocol::encode_node(node)});
  w.settle();
  CHECK(w.saved_name(dan_number) == "Dan");
  w.check_same(book);
  w.server.error = 400;
  heard = w.change(save(dan_number, "Daniel"));
  REQUIRE(*heard);
  CHECK((*heard)->error().code == Errc::refused);
  CHECK(w.wishes(book).empty());
  CHECK(w.saved_name(dan_number) == "Dan");
}

TEST_CASE("a connection that ends before the answer: who waits hears of it, and the next one sends it") {
  World w;
  w.know_keys();
  w.connect();
  w.answering = false;
  const auto heard = w.change(save(dan_number, "Dan"));
  CHECK_FALSE(heard->has_value());
  // A newer one of the same takes its place.
  const auto newer = w.change(save(dan_number, "Daniel"));
  REQUIRE(*heard);
  CHECK((*heard)->error().code == Errc::conflict);
  CHECK((*heard)->error().subject == Subject::change);
  w.cut();
  REQUIRE(*newer);
  CHECK((*newer)->error().code == Errc::timed_out);
  CHECK((*w.change(save(dan_number, "D")))->error().code == Errc::not_ready);
  w.answering = true;
  w.connect();
  CHECK(w.saved_name(dan_number) == "Daniel");
  CHECK(w.wishes(book).empty());
  w.check_same(book);
}

TEST_CASE("a change whose answer was lost is found taken, and what another device made of it later stays") {
  World w;
  w.know_keys();
  w.connect();
  w.answering = false;
  const auto heard = w.change(save(dan_number, "Ben"));
  (void)w.server.answer(w.asked.back());
  REQUIRE(w.server.collections[book].state.version == 2);
  w.server.patch(book, {saving(dan_number, "Benjamin", std::nullopt, w.now_ms + 60'000)});
  w.answering = true;
  w.reconnect();
  REQUIRE(*heard);
  CHECK((*heard)->error().code == Errc::timed_out);
  CHECK(w.saved_name(dan_number) == "Benjamin");
  CHECK(w.wishes(book).empty());
  CHECK(w.server.collections[book].state.version == 3);
  w.check_same(book);
}

TEST_CASE("a change that waits gives way to a later one of another device, and to no earlier one") {
  for (const bool later : {true, false}) {
    INFO(later);
    World w;
    w.know_keys();
    w.connect();
    w.server.error = 503;
    w.change(save(dan_number, "Ben"));
    REQUIRE(w.wishes(book).size() == 1);
    w.server.error.reset();
    w.server.patch(book, {saving(dan_number, "Benjamin", std::nullopt, later ? w.now_ms + 60'000 : 5)});
    w.notify(book);
    w.pass(std::chrono::seconds(1));
    CHECK(w.saved_name(dan_number) == (later ? "Benjamin" : "Ben"));
    CHECK(w.wishes(book).empty());
    w.check_same(book);
  }
}

TEST_CASE("who waits for a change that another device has overtaken hears of the conflict") {
  World w;
  w.know_keys();
  w.connect();
  w.server.patch(book, {saving(dan_number, "Benjamin", std::nullopt, w.now_ms + 60'000)});  // nobody told us
  const auto heard = w.change(save(dan_number, "Ben"));
  REQUIRE(*heard);
  CHECK((*heard)->error().code == Errc::conflict);
  CHECK((*heard)->error().subject == Subject::change);
  CHECK(w.saved_name(dan_number) == "Benjamin");
  w.check_same(book);
}

TEST_CASE("somebody who is saved by LID alone is removed for all devices") {
  World w;
  w.know_keys();
  w.server.publish(book, {saving_lid(ann, "Ann")});
  w.connect();
  REQUIRE(w.saved_name(ann) == "Ann");
  const auto heard = w.change(RemoveSavedContact{ann});
  REQUIRE((*heard && (*heard)->has_value()));
  CHECK(w.server.collections[book].state.values.empty());
  CHECK(w.saved_name(ann).empty());
  w.check_same(book);
}

TEST_CASE("a removal withdraws what still waits to be saved") {
  World w;
  w.know_keys();
  w.connect();
  w.server.error = 503;
  w.change(save(dan_number, "Dan"));
  w.server.error.reset();
  const auto heard = w.change(RemoveSavedContact{dan_number});
  w.pass(std::chrono::seconds(1));
  REQUIRE((*heard && (*heard)->has_value()));
  CHECK(w.wishes(book).empty());
  CHECK(w.saved_name(dan_number).empty());
  CHECK(w.server.collections[book].state.version == 1);
  w.check_same(book);
}

TEST_CASE("a removal takes back what the server had taken without our hearing of it") {
  World w;
  w.know_keys();
  w.connect();
  w.answering = false;
  w.change(save(dan_number, "Dan"));
  (void)w.server.answer(w.asked.back());
  w.pass(std::chrono::seconds(31));
  w.answering = true;
  const auto heard = w.change(RemoveSavedContact{dan_number});
  w.pass(std::chrono::seconds(1));
  REQUIRE((*heard && (*heard)->has_value()));
  CHECK(w.wishes(book).empty());
  CHECK(w.saved_name(dan_number).empty());
  CHECK(w.server.collections[book].state.values.empty());
  w.check_same(book);
}

TEST_CASE("a removal that waits finds what the server had taken, in the next process too") {
  World w;
  w.know_keys();
  w.connect();
  w.answering = false;
  w.change(save(dan_number, "Dan"));
  (void)w.server.answer(w.asked.back());
  w.pass(std::chrono::seconds(31));
  w.change(RemoveSavedContact{dan_number});
  w.open.clear();
  w.reopen();
  w.answering = true;
  w.connect();
  CHECK(w.wishes(book).empty());
  CHECK(w.saved_name(dan_number).empty());
  CHECK(w.server.collections[book].state.values.empty());
  w.check_same(book);
}

TEST_CASE("a patch has a hundred mutations at most, also where each change takes two") {
  World w;
  const auto number = [](std::size_t i) { return Jid(std::to_string(16'660'000'000 + i), "s.whatsapp.net"); };
  constexpr std::size_t people = 70;
  std::vector<AppStateMutation> records;
  for (std::size_t i = 0; i < people; ++i) records.push_back(saving(number(i), "N"));
  w.server.publish(book, records);
  w.server.keys.push_back({{0, 0, 0, 0, 0, 2}, Bytes(32, 9)});
  w.know_keys();
  w.connect();
  w.answering = false;
  for (std::size_t i = 0; i < people; ++i) w.change(save(number(i), "M"));
  w.answering = true;
  w.arrive(w.server.answer(w.asked.back()));
  w.settle();
  CHECK(w.wishes(book).empty());
  std::size_t mutations = 0;
  for (const auto& [version, patch] : w.server.collections[book].patches) {
    const auto needs = protocol::needs_of_patch(patch);
    REQUIRE(needs.has_value());
    CHECK(needs->records <= AppState::max_mutations_sent);
    mutations += needs->records;
  }
  CHECK(mutations == people * 2);
  w.check_same(book);
}

TEST_CASE("a record whose index could not be read is written over with a hash that is right") {
  World w;
  w.know_keys();
  w.server.publish(book, {saving(dan_number, "Dan")});
  w.connect();
  w.call([&] {
    auto unread = storage::app_state_records_after(w.store->reader(), w.row.id, book, {}, 1).at(0);
    unread.action.clear();
    w.session->context().records.add(storage::PutAppStateRecord{w.row.id, book, unread});
  });
  const auto heard = w.change(save(dan_number, "Daniel"));
  REQUIRE((*heard && (*heard)->has_value()));
  CHECK(w.logged_lines("app_state") == 0);
  CHECK(w.server.collections[book].state.values.size() == 1);
  w.check_same(book);
}
