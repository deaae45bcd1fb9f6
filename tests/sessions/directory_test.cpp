// Who is who and on which devices, as a real Session believes it: mappings that move, lists that do not verify.
#include "sessions/directory.h"

#include "protocol/pairing/adv.h"
#include "tests/sessions/sending.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Node;

using Fixture = wharf::test::SessionFixture;

namespace {

const Jid ben("15550000002", "s.whatsapp.net"), carl("15550000003", "s.whatsapp.net");
const Jid first_lid("100000000000002", "lid"), second_lid("100000000000003", "lid");
const Jid own_lid("100000000000001", "lid");

Jid who(Fixture& f, const Jid& user) { return f.session->directory().canonical_user(user); }
std::optional<Jid> number_of(Fixture& f, const Jid& lid) { return f.session->directory().person(lid).pn; }
void learn(Fixture& f, const Jid& a, const Jid& b) {
  f.call([&] { f.session->directory().learn(a, b); });
}

Node devices_notification(const Jid& from, Node change) {
  Node node("notification");
  node.set("id", "n1").set("type", "devices").set("from", from).set("t", "1700000000");
  return node.add(std::move(change));
}

/// One account that signs its key index lists.
struct Account {
  explicit Account(Fixture& f) : key(protocol::KeyPair::generate(f.random)), random(f.random) {}
  Node list(std::uint64_t timestamp, std::vector<std::uint16_t> devices, bool broken = false) {
    protocol::KeyIndexList index;
    index.raw_id = 5;
    index.timestamp = timestamp;
    index.current_index = static_cast<std::uint32_t>(devices.size());
    Node names("device-list");
    names.add(Node("device").set("id", "0"));
    std::uint32_t next = 0;
    for (const std::uint16_t device : devices) {
      index.valid_indexes.push_back(++next);
      names.add(Node("device").set("id", std::uint64_t{device}).set("key-index", std::uint64_t{next}));
    }
    auto signed_list = protocol::issue_key_index_list(key, index, random);
    if (broken) signed_list.back() ^= 1;
    Node all("devices");
    return all.add(std::move(names)).add(Node("key-index-list").set("ts", timestamp).bytes(signed_list));
  }
  protocol::KeyPair key;
  protocol::Random& random;
};

/// Asks for the list of a user and gives this answer.
void refresh(Fixture& f, const Jid& user, std::optional<Node> devices) {
  const auto asked = Fixture::sent(f.call([&] { f.session->directory().refresh({user}, [](Directory::Told) {}); }));
  REQUIRE(asked.size() == 1);
  Node entry("user");
  entry.set("jid", user);
  if (devices) entry.add(std::move(*devices));
  Node answer("iq");
  answer.set("id", asked[0].attr("id")).set("type", "result").set("from", Jid("", "s.whatsapp.net"));
  f.stanza(answer.add(Node("usync").add(Node("list").add(std::move(entry)))));
}

/// A question about devices: whom it names, and what the server may say.
struct Question {
  std::string id;
  std::vector<Jid> asked;
  /// Of each its LID, where there is one, and its main device.
  Node answer(const std::vector<std::pair<Jid, std::optional<Jid>>>& people) const {
    Node list("list");
    for (const auto& [user, lid] : people) {
      Node entry("user"), devices("device-list");
      entry.set("jid", user);
      if (lid) entry.add(Node("lid").set("val", *lid));
      devices.add(Node("device").set("id", "0"));
      list.add(entry.add(Node("devices").add(std::move(devices))));
    }
    Node iq("iq");
    iq.set("id", id).set("type", "result").set("from", Jid("", "s.whatsapp.net"));
    return iq.add(Node("usync").add(std::move(list)));
  }
};
Question who_are_asked(const std::vector<Effect>& effects) {
  Question out;
  for (const Node& node : Fixture::sent(effects)) {
    const Node* usync = node.child("usync");
    if (usync == nullptr) continue;
    REQUIRE(out.id.empty());
    out.id = node.attr("id");
    for (const Node* user : usync->child("list")->children("user")) out.asked.push_back(*user->jid("jid"));
  }
  return out;
}

std::vector<std::uint16_t> devices_of(Fixture& f, const Jid& user) {
  const auto* list = f.session->directory().devices(user);
  return list == nullptr ? std::vector<std::uint16_t>{} : *list;
}

void trust(Fixture& f, const Jid& user, const Account& account) {
  storage::Changes changes;
  changes.add(storage::PutIdentity{f.row.id, user, account.key.pub});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
}

}  // namespace

// --- phone number and LID

TEST_CASE("a LID that moves to another number is no longer the old one's, in this turn, later and after a restart") {
  Fixture f;
  learn(f, ben, first_lid);
  REQUIRE(who(f, ben) == first_lid);
  f.call([&] {
    f.session->directory().learn(carl, first_lid);
    REQUIRE(who(f, ben) == ben);
    REQUIRE(who(f, carl) == first_lid);
  });
  for (int restart = 0; restart < 2; ++restart) {
    REQUIRE(who(f, ben) == ben);
    REQUIRE(who(f, carl) == first_lid);
    REQUIRE(number_of(f, first_lid) == carl);
    f.reopen();
  }
}

TEST_CASE("a number that gets another LID leaves the old LID without a number") {
  Fixture f;
  learn(f, ben, first_lid);
  REQUIRE(number_of(f, first_lid) == ben);
  f.call([&] {
    f.session->directory().learn(ben, second_lid);
    REQUIRE_FALSE(number_of(f, first_lid));
    REQUIRE(number_of(f, second_lid) == ben);
  });
  REQUIRE(who(f, ben) == second_lid);
  REQUIRE_FALSE(number_of(f, first_lid));
  f.reopen();
  REQUIRE(who(f, ben) == second_lid);
  REQUIRE_FALSE(number_of(f, first_lid));
}

TEST_CASE("a device notification names a LID for an unknown number and changes no known pair") {
  Fixture f;
  f.go_online();
  const auto hint = [&](const Jid& from, const Jid& other) {
    return who_are_asked(f.stanza(devices_notification(from, Node("update").set("hash", "x")).set("lid", other)));
  };
  CHECK(hint(ben, first_lid).asked.empty());
  REQUIRE(who(f, ben) == first_lid);
  auto query = hint(ben, second_lid);  // another LID
  REQUIRE(query.asked == std::vector<Jid>{ben});
  f.stanza(query.answer({{ben, first_lid}}));
  REQUIRE(who(f, ben) == first_lid);
  REQUIRE(number_of(f, first_lid) == ben);
  query = hint(carl, first_lid);  // another number
  f.stanza(query.answer({{query.asked.at(0), std::nullopt}}));
  REQUIRE(who(f, carl) == carl);
  hint(second_lid, ben);  // the other way round
  REQUIRE_FALSE(number_of(f, second_lid));
}

TEST_CASE("a notification that contradicts makes the number be asked for, and nobody has it until the answer") {
  test::PreparingSession f;
  f.befriend(first_lid);
  f.befriend(second_lid);
  f.go_online();
  learn(f, ben, first_lid);
  const auto hint = [&] {
    return who_are_asked(f.stanza(devices_notification(ben, Node("add")).set("lid", second_lid)));
  };
  const auto query = hint();
  REQUIRE(query.asked == std::vector<Jid>{ben});
  CHECK(devices_of(f, first_lid).empty());
  CHECK(who(f, ben) == ben);
  CHECK_FALSE(number_of(f, first_lid));
  // A text to the number is for whoever has it, and waits.
  const auto text = f.send(Fixture::text("for who has the number"));
  REQUIRE((text && text->has_value()));
  CHECK(test::messages(f.last).empty());
  const auto of_text = who_are_asked(f.last);
  CHECK(of_text.asked == std::vector<Jid>{ben});
  const auto events = f.event_names().size();
  SECTION("it has another LID by now") {
    auto sent = f.hear(query.answer({{ben, second_lid}}));
    CHECK(who(f, ben) == second_lid);
    CHECK(number_of(f, second_lid) == ben);
    CHECK_FALSE(number_of(f, first_lid));
    const auto later = f.hear(of_text.answer({{ben, second_lid}}));
    sent.insert(sent.end(), later.begin(), later.end());
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].jid("to") == second_lid);
    f.reopen();
    CHECK(who(f, ben) == second_lid);
  }
  SECTION("the hint is wrong: nothing is told, and it does not ask again for an hour") {
    f.stanza(query.answer({{ben, first_lid}}));
    CHECK(who(f, ben) == first_lid);
    CHECK(number_of(f, first_lid) == ben);
    CHECK(f.event_names().size() == events);
    CHECK(hint().asked.empty());
    CHECK(who(f, ben) == first_lid);
    f.cut();
    f.steady += std::chrono::hours(1);
    f.go_online();
    CHECK(hint().asked == std::vector<Jid>{ben});
  }
  SECTION("no answer: it stays nobody's") {
    f.stanza(Node("iq").set("id", query.id).set("type", "error").add(Node("error").set("code", "429")));
    CHECK(who(f, ben) == ben);
    f.call([&] { f.session->directory().learn(ben, second_lid, Directory::Source::hints); });
    CHECK(who(f, ben) == ben);  // a hint decides nothing, the second time either
    learn(f, ben, second_lid);  // he writes
    CHECK(who(f, ben) == second_lid);
  }
}

TEST_CASE("of a LID that a notification gives to another number both numbers are asked for") {
  Fixture f;
  f.go_online();
  learn(f, ben, first_lid);
  const auto first = who_are_asked(f.stanza(devices_notification(carl, Node("add")).set("lid", first_lid)));
  REQUIRE(first.asked == std::vector<Jid>{carl});
  const auto second = who_are_asked(f.stanza(first.answer({{carl, first_lid}})));
  REQUIRE(second.asked == std::vector<Jid>{ben});
  CHECK(who(f, carl) == first_lid);
  CHECK(who(f, ben) == ben);
  f.stanza(second.answer({{ben, second_lid}}));
  CHECK(who(f, ben) == second_lid);
  CHECK(number_of(f, first_lid) == carl);
}

// --- device lists

TEST_CASE("a list that is badly signed or older does not replace a good one, even after it was forgotten") {
  Fixture f;
  f.go_online();
  Account account(f), stranger(f);
  trust(f, ben, account);
  refresh(f, ben, account.list(200, {4, 5}));
  const std::vector<std::uint16_t> good{0, 4, 5};
  REQUIRE(devices_of(f, ben) == good);
  for (const bool forgotten : {false, true}) {
    INFO("forgotten " << forgotten);
    for (const Node& bad : {account.list(300, {9}, true), stranger.list(300, {9}), account.list(199, {9})}) {
      if (forgotten) {
        f.call([&] { f.session->directory().forget_devices(ben); });
        REQUIRE(devices_of(f, ben).empty());
      }
      refresh(f, ben, bad);
      REQUIRE(devices_of(f, ben) == good);
      f.reopen();
      f.go_online();
      REQUIRE(devices_of(f, ben) == good);
    }
  }
  refresh(f, ben, account.list(201, {7}));
  REQUIRE(devices_of(f, ben) == std::vector<std::uint16_t>{0, 7});
}

TEST_CASE("a new identity of the account ends what its old list was good for") {
  Fixture f;
  f.go_online();
  Account account(f), again(f);
  trust(f, ben, account);
  refresh(f, ben, account.list(200, {4}));
  f.stanza(Node("notification").set("id", "n1").set("type", "encrypt").set("from", ben).add(Node("identity")));
  REQUIRE(devices_of(f, ben).empty());
  refresh(f, ben, again.list(100, {9}));
  REQUIRE(devices_of(f, ben) == std::vector<std::uint16_t>{0, 9});
}

TEST_CASE("an empty list overwrites nothing") {
  Fixture f;
  f.go_online();
  Account account(f);
  refresh(f, ben, account.list(200, {4}));
  refresh(f, ben, Node("devices").add(Node("device-list")));
  refresh(f, ben, std::nullopt);
  REQUIRE(devices_of(f, ben) == std::vector<std::uint16_t>{0, 4});
}

TEST_CASE("a removal counts when it is dated and not older than the list; else the list is asked for again") {
  Fixture f;
  f.go_online();
  Account account(f);
  trust(f, ben, account);
  const auto removal = [&](const Jid& device, std::uint64_t ts) {
    Node change("remove");
    change.add(Node("device").set("jid", device).set("key-index", "1"));
    if (ts != 0) change.add(Node("key-index-list").set("ts", ts));
    return devices_notification(ben, std::move(change));
  };
  const auto fresh = [&] {
    f.call([&] { f.session->directory().drop_devices(ben); });
    refresh(f, ben, account.list(200, {4, 5}));
  };
  fresh();
  f.stanza(removal(ben.with_device(4), 200));
  REQUIRE(devices_of(f, ben) == std::vector<std::uint16_t>{0, 5});
  for (const std::uint64_t ts : {0u, 199u}) {
    fresh();
    f.stanza(removal(ben.with_device(4), ts));
    REQUIRE(devices_of(f, ben).empty());
  }
  for (const Jid& device : {ben, carl.with_device(4)}) {  // the main device, somebody else's
    fresh();
    f.stanza(removal(device, 201));
    REQUIRE(devices_of(f, ben).empty());
  }
}

TEST_CASE(
    "a removal counts for a list that is old or stale too, and an answer that passes it over brings nothing back") {
  const bool stale = GENERATE(false, true);
  Fixture f;
  f.go_online();
  Account account(f);
  trust(f, ben, account);
  refresh(f, ben, account.list(200, {4, 5}));
  if (stale) f.call([&] { f.session->directory().forget_devices(ben); });
  else f.now_ms += std::chrono::milliseconds(f.settings.device_list_lifetime).count() + 1;
  Node change("remove");
  change.add(Node("device").set("jid", ben.with_device(4)).set("key-index", "1"));
  f.stanza(devices_notification(ben, change.add(Node("key-index-list").set("ts", "201"))));
  const std::vector<std::uint16_t> left{0, 5};
  f.call([&] {
    const auto* listed = f.session->directory().listed_devices(ben);  // as groups go by it
    REQUIRE((listed != nullptr) == !stale);
    if (listed != nullptr) CHECK(*listed == left);
    CHECK(f.session->directory().devices(ben) == nullptr);  // no newer than before
  });
  const auto asked = Fixture::sent(f.call([&] { f.session->directory().refresh({ben}, [](Directory::Told) {}); }));
  REQUIRE(asked.size() == 1);
  Node answer("iq");
  answer.set("id", asked[0].attr("id")).set("type", "result").set("from", Jid("", "s.whatsapp.net"));
  f.stanza(answer.add(Node("usync").add(Node("list"))));
  f.call([&] { CHECK(devices_of(f, ben) == left); });
}

TEST_CASE("an own list that comes back empty is a reason that the operator sees, until it is there") {
  Fixture f;
  f.go_online();
  REQUIRE_FALSE(f.session->view().reason);
  const auto told = [&] {
    const auto names = f.event_names();
    return std::count(names.begin(), names.end(), "session.status");
  };
  const auto before = told();
  for (int twice = 0; twice < 2; ++twice) {
    refresh(f, own_lid, Node("devices").add(Node("device-list")));
    REQUIRE(f.session->view().status == Status::ready);
    REQUIRE(f.session->view().reason);
    REQUIRE(f.session->view().reason->code == "own_devices_missing");
  }
  REQUIRE(told() == before + 1);
  refresh(f, ben, std::nullopt);  // says nothing of us
  REQUIRE(f.session->view().reason);
  Node list("device-list");
  list.add(Node("device").set("id", "0"));
  refresh(f, own_lid, Node("devices").add(std::move(list)));
  REQUIRE_FALSE(f.session->view().reason);
}

TEST_CASE("a user asked for by number may be answered by LID; one that is not answered keeps the list") {
  Fixture f;
  f.go_online();
  Account account(f);
  const auto ask = [&](std::optional<Node> entry) {
    const auto asked = Fixture::sent(f.call([&] { f.session->directory().refresh({ben}, [](Directory::Told) {}); }));
    REQUIRE(asked.size() == 1);
    Node list("list"), answer("iq");
    if (entry) list.add(std::move(*entry));
    answer.set("id", asked[0].attr("id")).set("type", "result").set("from", Jid("", "s.whatsapp.net"));
    f.stanza(answer.add(Node("usync").add(std::move(list))));
  };
  ask(Node("user").set("jid", first_lid).set("pn_jid", ben).add(account.list(100, {4})));
  REQUIRE(who(f, ben) == first_lid);
  REQUIRE(devices_of(f, first_lid) == std::vector<std::uint16_t>{0, 4});
  f.now_ms += std::chrono::milliseconds(f.settings.device_list_lifetime).count() + 1;
  REQUIRE(f.call([] {}).empty());
  f.call([&] { REQUIRE(f.session->directory().devices(first_lid) == nullptr); });  // old: it is asked for again
  ask(std::nullopt);
  f.call([&] {
    REQUIRE(f.session->directory().devices(first_lid) != nullptr);
    REQUIRE(*f.session->directory().devices(first_lid) == std::vector<std::uint16_t>{0, 4});
  });
  ask(Node("user").set("jid", Jid("100000000000009", "lid")).add(account.list(300, {9})));  // nobody asked for that one
  f.call([&] { REQUIRE(f.session->directory().devices(Jid("100000000000009", "lid")) == nullptr); });
}
