// A status post for the contacts waits until the address book is as the server has it.
#include <catch2/catch.hpp>
#include <set>

#include "protocol/notifications/notification.h"
#include "tests/sessions/app_state_world.h"
#include "tests/sessions/status_stage.h"

using namespace wharf;
using namespace wharf::test;

namespace {

using Kind = protocol::StatusAudience::Kind;

/// Ben, Carl and Dora have devices; who of them is saved says the address book. Time does not pass by itself.
struct BookStage : AppStateWorld {
  BookStage() {
    for (const Jid& one : {ben_lid, carl_lid, dora_lid}) befriend(one);
  }
  /// Ben and Carl are saved, and that is known here.
  void read_book() {
    know_keys();
    server.patch(book, {saving_lid(ben_lid, "Ben"), saving_lid(carl_lid, "Carl")});
    connect();
    REQUIRE(saved_name(carl_lid) == "Carl");
  }
  void post(const std::optional<std::vector<Jid>>& audience = std::nullopt) {
    step([&](bool durable) {
      SendMessage message;
      message.chat = protocol::status_jid();
      message.content = protocol::StatusText{"open until eight", {0xFFFFFFFF, 0xFF1F7AEC, 2}};
      message.audience = audience;
      message.message_id = "3EB0AA";
      return tell(
          std::move(message), [](const Outcome<SentMessage>& sent) { REQUIRE(sent.has_value()); }, durable);
    });
    settle();
  }
  /// The server says what the account's setting is, and that nobody is blocked; both were asked for once since the last
  /// time.
  void choose_contacts() {
    const auto answer = [this](const auto& is_it, const auto& with) {
      std::vector<Node> asked_for;
      for (const Node& node : said)
        if (is_it(node)) asked_for.push_back(node);
      REQUIRE(asked_for.size() == 1);
      std::erase_if(said, is_it);
      arrive(with(asked_for[0]));
      settle();
    };
    const protocol::StatusAudience contacts{Kind::contacts, {}};
    answer([](const Node& node) { return protocol::is_status_audience_query(node); },
           [&](const Node& iq) { return protocol::status_audience_answer(iq, contacts); });
    answer([](const Node& node) { return protocol::is_block_list_query(node); },
           [](const Node& iq) { return protocol::block_list_answer(iq, protocol::BlockList()); });
  }
  /// The server answers what it was asked last about the app state.
  void answer_book() {
    answering = true;
    arrive(server.answer(asked.back()));
    settle();
  }
  void tell_backlog(Node what) {
    arrive(Node("ib").add(std::move(what)));
    settle();
  }
  std::vector<Node> posts() const {
    std::vector<Node> out;
    for (const Node& node : said)
      if (node.is("message") && node.jid("to") == protocol::status_jid()) out.push_back(node);
    return out;
  }
  void check_shown_to(const std::vector<Jid>& people) {
    REQUIRE(posts().size() == 1);
    CHECK(statuses::named(posts()[0], true) == people);
  }
};

}  // namespace

TEST_CASE("who was taken out of the address book while the session was away is not shown the post that waited") {
  BookStage f;
  f.read_book();
  f.cut();
  f.post();
  f.server.patch(book, {protocol::remove_lid_contact(carl_lid, 6)});
  f.answering = false;
  f.connect();
  SECTION("the server speaks of the change before it says whom the setting means") {
    f.notify(book);
    f.choose_contacts();
  }
  SECTION("it says whom the setting means in the middle of what it has kept for the session") {
    f.tell_backlog(Node("offline_preview").set("count", "1"));
    f.choose_contacts();
    f.notify(book);
    f.tell_backlog(Node("offline").set("count", "1"));
  }
  CHECK(f.posts().empty());
  f.answer_book();
  f.check_shown_to({ben_lid});
}

TEST_CASE("an address book that does not come puts the post off, and the setting is asked for again") {
  BookStage f;
  f.read_book();
  f.server.patch(book, {protocol::remove_lid_contact(carl_lid, 6)});
  f.answering = false;
  f.notify(book);
  f.post();
  f.choose_contacts();
  CHECK(f.posts().empty());
  f.pass(StatusAudiences::book_patience);
  CHECK(f.posts().empty());
  f.pass(1100ms);
  f.choose_contacts();
  CHECK(f.posts().empty());
  f.answer_book();
  f.check_shown_to({ben_lid});
}

TEST_CASE("a first address book that is on its way is waited for") {
  BookStage f;
  f.know_keys();
  f.server.patch(book, {saving_lid(ben_lid, "Ben")});
  storage::MessageRow stranger;
  stranger.session = f.row.id;
  stranger.chat = stranger.author = dora_lid;
  stranger.id = "OLD";
  stranger.kind = "text";
  stranger.timestamp = stranger.created_at = f.now_ms;
  storage::Changes changes;
  changes.add(storage::InsertMessage{stranger, true, std::nullopt});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.serving = false;  // so that the file of the snapshot does not come
  f.connect();
  f.post();
  f.choose_contacts();
  CHECK(f.posts().empty());
  f.serving = true;
  f.reconnect();
  f.pass(1100ms);
  f.choose_contacts();
  f.check_shown_to({ben_lid});
}

TEST_CASE("while the address book cannot be read, and is another one by now, nothing is guessed") {
  BookStage f;
  f.read_book();
  f.server.keys.push_back({{0, 0, 0, 0, 0, 2}, Bytes(32, 8)});  // which the phone has not shared
  f.server.patch(book, {saving_lid(carl_lid, "Carl B")});
  f.notify(book);
  REQUIRE(f.stored(book).heard > f.stored(book).version);
  SECTION("a post for the contacts") {
    f.post();
    f.choose_contacts();
    CHECK(f.posts().empty());
    f.know_keys();
    f.reconnect();
    REQUIRE(f.saved_name(carl_lid) == "Carl B");
    f.pass(1100ms);
    f.choose_contacts();
    f.check_shown_to({ben_lid, carl_lid});
  }
  SECTION("a post for whom its request names") {
    f.post(std::vector{carl_lid});
    f.check_shown_to({carl_lid});
  }
}

TEST_CASE("who is taken out of the address book between the setting and the sending is not shown the post") {
  BookStage f;
  f.read_book();
  const Jid eve("100000000000009", "lid");  // her devices are to be asked for
  f.server.patch(book, {saving_lid(eve, "Eve")});
  f.notify(book);
  f.post();
  f.choose_contacts();
  CHECK(f.posts().empty());
  const auto devices = queries_to(f.said, Jid("", "s.whatsapp.net"), "usync", "usync");
  REQUIRE_FALSE(devices.empty());
  f.server.patch(book, {protocol::remove_lid_contact(carl_lid, 6)});
  f.notify(book);
  REQUIRE(f.saved_name(carl_lid).empty());
  f.arrive(result_of(devices.back()).add(Node("usync").add(Node("list"))));
  f.settle();
  CHECK(f.posts().empty());
  f.choose_contacts();
  f.check_shown_to({ben_lid});
}

TEST_CASE("whom a program has removed from the address book is not shown a post, though WhatsApp has not answered") {
  BookStage f;
  f.read_book();
  f.answering = false;
  RemoveSavedContact remove;
  remove.who = carl_lid;
  f.change(remove);
  REQUIRE(f.wishes(book).size() == 1);
  f.post();
  f.choose_contacts();
  f.check_shown_to({ben_lid});
}

TEST_CASE("the new number of a contact is none, as long as the address book has the old one") {
  BookStage f;
  f.know_keys();
  const Jid carl_number("15550000003", "s.whatsapp.net"), moved("15550000004", "s.whatsapp.net");
  f.server.patch(book, {saving_lid(ben_lid, "Ben"), saving(carl_number, "Carl", carl_lid)});
  f.connect();
  const auto is_saved = [&](const Jid& who) {
    f.cut();
    const bool saved = f.ask(LookAtContact{who}).answer()->saved;
    f.connect();
    return saved;
  };
  CHECK(is_saved(carl_lid));
  protocol::ContactNumberChanged change{carl_number, moved, carl_lid, dora_lid};
  f.arrive(protocol::notification_stanza({"n-moved", 1'700'000'000, self_pn}, change));
  f.settle();
  REQUIRE(f.saved_name(dora_lid) == "Carl");
  CHECK_FALSE(is_saved(dora_lid));
  SECTION("who has the old number is shown a post") {
    f.post();
    f.choose_contacts();
    f.check_shown_to({ben_lid, carl_lid});
  }
  SECTION("the phone removes the record, and nobody of them is") {
    f.server.patch(book, {protocol::remove_contact(carl_number, 6)});
    f.notify(book);
    f.post();
    f.choose_contacts();
    f.check_shown_to({ben_lid});
  }
  SECTION("a program removes it, by the number that it is about") {
    const auto by_new = f.change(RemoveSavedContact{moved});
    REQUIRE((*by_new && !(*by_new)->has_value()));
    CHECK((*by_new)->error().code == Errc::not_found);
    CHECK((*by_new)->error().detail.find("number") != std::string::npos);
    const auto by_old = f.change(RemoveSavedContact{carl_number});
    REQUIRE((*by_old && (*by_old)->has_value()));
    f.check_same(book);
    f.post();
    f.choose_contacts();
    f.check_shown_to({ben_lid});
  }
}

TEST_CASE("whose LID has another number by now is no contact by the record of the number before") {
  BookStage f;
  f.know_keys();
  const Jid carl_number("15550000003", "s.whatsapp.net"), moved("15550000004", "s.whatsapp.net");
  f.server.patch(book, {saving_lid(ben_lid, "Ben"), saving(carl_number, "Carl", carl_lid)});
  f.connect();
  f.learn(moved, carl_lid);  // WhatsApp was asked
  f.post();
  f.choose_contacts();
  const auto audience = storage::find_status_audience(f.store->reader(), f.row.id, "3EB0AA");
  REQUIRE((audience && audience->settled));
  CHECK(std::set<Jid>(audience->users.begin(), audience->users.end()) == std::set<Jid>{ben_lid, carl_number});
  CHECK(f.posts().empty());  // the devices of whoever has that number are asked for
}
