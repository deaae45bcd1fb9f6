// Somebody changes the number: the account keeps its LID, and what is known of the person here is kept, whichever
// stanza tells it first. Specification 02 section 9.
#include <algorithm>

#include "protocol/notifications/notification.h"
#include "storage/trusted_tokens.h"
#include "tests/sessions/people_stanzas.h"

using namespace wharf;
using namespace wharf::test;
using protocol::Bytes;
using Change = events::ContactUpdated::Change;

namespace {

const Jid moved("15550000009", "s.whatsapp.net"), newcomer("200000000000011", "lid");

struct Mover : PeopleFixture {
  Mover() {
    know(*this, group_of(crew, {ann}));
    learn(ann_number, ann);
    keep(ann);
  }
  /// Saved, watched, and its token is here.
  void keep(const Jid& user) {
    storage::ContactRow known;
    known.user = user;
    known.name = "Ann of the harbour";
    known.push_name = "Ann";
    known.registered = storage::Registered::yes;
    known.watched = true;
    call([&] {
      auto& records = session->context().records;
      records.add(storage::PutContact{row.id, known});
      records.add(storage::PutTrustedToken{row.id, {user, {7, 7}, 1'699'999'000, 0}});
    });
  }
  /// WhatsApp answers all that is asked of it: the new number has the LID, the old one nobody.
  void settle(std::vector<Node> asked) {
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const Node iq = asked[i];
      std::vector<Node> more;
      if (const Node* usync = iq.child("usync"); iq.is("iq") && usync != nullptr) {
        Node list("list");
        for (const Node* user : usync->child("list")->children("user")) {
          const auto who = user->jid("jid");
          if (!who || (*who != moved && *who != ann)) continue;
          Node entry("user"), devices("device-list");
          entry.set("jid", *who).add(Node("lid").set("val", ann));
          devices.add(Node("device").set("id", "0"));
          list.add(entry.add(Node("devices").add(std::move(devices))));
        }
        more = hear(result_of(iq).add(Node("usync").add(std::move(list))));
      } else if (iq.is("iq") && iq.attr("xmlns") == "w:g2" && iq.jid("to") == crew) {
        auto described_now = group_of(crew, {}, "2");
        described_now.members.push_back(groups::person(ann, moved));
        more = hear(described(iq, described_now));
      }
      asked.insert(asked.end(), more.begin(), more.end());
    }
  }

  void by_message() {
    settle(hear(Node("message")
                    .set("id", "m" + std::to_string(++number))
                    .set("from", ann)
                    .set("sender_pn", moved)
                    .set("type", "text")
                    .set("t", "1700000003")));
  }
  void by_group() {
    Node added("add");
    added.add(Node("participant").set("jid", ann).set("phone_number", moved));
    settle(hear(notice(crew, dora_lid, std::move(added), "g" + std::to_string(++number))));
  }
  void by_usync() {
    const auto check = ask(CheckNumbers{{moved.user}, true});
    const auto asked = std::find_if(check.asked.begin(), check.asked.end(),
                                    [](const Node& node) { return protocol::read_profile_query(node).has_value(); });
    REQUIRE(asked != check.asked.end());
    protocol::Profile found;
    found.jid = moved;
    found.lid = ann;
    found.contact_query = "+" + moved.user;
    found.contact_type = "in";
    settle(hear(profiles(*asked, {{found}, {}})));
  }
  std::vector<Node> notify(std::optional<Jid> old_lid, std::optional<Jid> new_lid) {
    return hear(protocol::notification_stanza(
        {"c" + std::to_string(++number), 1'700'000'000, Jid("15550000001", "s.whatsapp.net")},
        protocol::ContactNumberChanged{ann_number, moved, std::move(old_lid), std::move(new_lid)}));
  }
  void by_contacts() { settle(notify(ann, ann)); }
  void by_contacts_without_lids() { settle(notify({}, {})); }

  void restart() {
    reopen();
    settle(go_online());
  }
  std::vector<events::ContactUpdated> numbers_told() {
    auto out = told_of<events::ContactUpdated>();
    std::erase_if(out, [](const auto& told) { return told.change != Change::number; });
    return out;
  }
  void check_kept() {
    CHECK(session->directory().canonical_user(moved) == ann);
    CHECK(session->directory().canonical_user(ann_number) == ann_number);
    const auto row_of_ann = contact(ann);
    REQUIRE(row_of_ann);
    CHECK(row_of_ann->name == "Ann of the harbour");
    CHECK(row_of_ann->push_name == "Ann");
    CHECK(row_of_ann->watched);
    CHECK_FALSE(contact(moved));
    CHECK_FALSE(contact(ann_number));
    const auto token = storage::find_trusted_token(store->reader(), row.id, ann);
    REQUIRE(token);
    CHECK(token->token == Bytes{7, 7});
    const auto told = numbers_told();
    REQUIRE(told.size() == 1);
    CHECK(told[0].ids.pn == moved);
    CHECK(told[0].text == ann_number.to_string());
  }
  int number = 0;
};

using Stanza = void (Mover::*)();

}  // namespace

TEST_CASE("who changes the number keeps name, watch and token, and it is told once, in whichever order it is heard") {
  std::vector<std::pair<std::string, Stanza>> order{{"contacts", &Mover::by_contacts},
                                                    {"group", &Mover::by_group},
                                                    {"message", &Mover::by_message},
                                                    {"usync", &Mover::by_usync}};
  const auto by_name = [](const auto& a, const auto& b) { return a.first < b.first; };
  do {
    for (const bool restarts : {false, true}) {
      INFO(order[0].first << ", " << order[1].first << ", " << order[2].first << ", " << order[3].first
                          << (restarts ? ", with restarts between" : ""));
      Mover f;
      for (const auto& stanza : order) {
        (f.*stanza.second)();
        if (restarts) f.restart();
        f.check_kept();
      }
    }
  } while (std::next_permutation(order.begin(), order.end(), by_name));
}

TEST_CASE("a change of number that names no LIDs is told once as well, before the message and behind it") {
  const bool message_first = GENERATE(false, true);
  Mover f;
  if (message_first) f.by_message();
  f.by_contacts_without_lids();
  CHECK(f.numbers_told().size() == 1);
  f.restart();
  f.by_message();
  f.by_contacts_without_lids();
  f.check_kept();
}

TEST_CASE("a notice of another number that WhatsApp does not confirm yet is told when a message does") {
  const bool restarts = GENERATE(false, true);
  Mover f;
  f.notify(ann, ann);  // what it asks is not answered
  CHECK(f.numbers_told().empty());
  CHECK(f.contact(ann)->watched);
  if (restarts) f.restart();
  f.by_message();
  f.check_kept();
}

TEST_CASE("of somebody of whom nothing is known no change of the number is told, only whose it is") {
  Mover f;
  const Jid unknown("200000000000012", "lid");
  f.learn(dan_number, unknown);
  f.learn(Jid("15550000019", "s.whatsapp.net"), unknown);
  CHECK(f.numbers_told().empty());
  CHECK(f.told_of<events::ContactUpdated>().back().change == Change::lid);
}

TEST_CASE("who gets a number that was left inherits nobody's contact, heard of before the change or behind it") {
  const bool newcomer_first = GENERATE(false, true);
  Mover f;
  if (newcomer_first) f.learn(ann_number, newcomer);
  f.by_message();
  if (!newcomer_first) f.learn(ann_number, newcomer);
  f.hear(Node("presence").set("from", newcomer).set("name", "Eve"));
  f.settle(f.notify(ann, ann));  // late
  f.by_contacts_without_lids();
  CHECK(f.session->directory().canonical_user(ann_number) == newcomer);
  CHECK(f.session->directory().canonical_user(moved) == ann);
  REQUIRE(f.contact(newcomer));
  CHECK(f.contact(newcomer)->push_name == "Eve");
  CHECK(f.contact(newcomer)->name.empty());
  CHECK_FALSE(f.contact(newcomer)->watched);
  CHECK_FALSE(storage::find_trusted_token(f.store->reader(), f.row.id, newcomer));
  REQUIRE(f.contact(ann));
  CHECK(f.contact(ann)->name == "Ann of the harbour");
  CHECK(f.contact(ann)->watched);
  // Of a number that is another's by now the contact without messages does not remember that it was theirs.
  CHECK(f.numbers_told().size() == (newcomer_first ? 0u : 1u));
}

TEST_CASE(
    "what was known by the number alone, whose LID a message tells with another number, is told with the notice") {
  Mover f;
  const Jid dan("200000000000013", "lid"), dan_moved("15550000018", "s.whatsapp.net");
  f.keep(dan_number);
  f.learn(dan_moved, dan);
  CHECK(f.contact(dan_number));
  for (int again = 0; again < 2; ++again) {
    f.hear(protocol::notification_stanza(
        {"d" + std::to_string(again), 1'700'000'000, Jid("15550000001", "s.whatsapp.net")},
        protocol::ContactNumberChanged{dan_number, dan_moved, dan, dan}));
  }
  CHECK_FALSE(f.contact(dan_number));
  REQUIRE(f.contact(dan));
  CHECK(f.contact(dan)->watched);
  REQUIRE(f.numbers_told().size() == 1);
  CHECK(f.numbers_told()[0].user == dan);
  CHECK(f.numbers_told()[0].text == dan_number.to_string());
}
