// What members say to a group, into a real Session: their keys, what is stored and answered, what is refused.
#include <catch2/catch.hpp>

#include <algorithm>

#include "protocol/groups/metadata.h"
#include "protocol/messages/building.h"
#include "protocol/messages/content.h"
#include "protocol/messages/padding.h"
#include "protocol/signal/sender_key.h"
#include "storage/chats.h"
#include "tests/sessions/group_stanzas.h"
#include "tests/sessions/session_fixture.h"
#include "tests/storage/counts.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Bytes;
using protocol::Node;
using test::SignalPeer;

namespace groups = protocol::groups;

namespace {

const Jid crew("120363000000000001", "g.us"), other_crew("120363000000000002", "g.us");
const Jid self("100000000000001", "lid"), ben("100000000000002", "lid"), carl("100000000000003", "lid");

Bytes words(std::string_view body) {
  const std::uint8_t head[] = {0x0a, static_cast<std::uint8_t>(body.size())};
  return protocol::concat(head, protocol::as_bytes(body));
}

/// A member who speaks.
struct Speaker {
  Jid who;
  SignalPeer peer;
  protocol::OwnSenderKey key;
};

struct Crew : test::SessionFixture {
  Crew() { go_online(); }

  Speaker speaker(const Jid& who) {
    Speaker out{who, SignalPeer::make(random, 77), protocol::OwnSenderKey::create(random)};
    REQUIRE(protocol::start_session(out.peer.session, out.peer.local, published_bundle(*this), random).has_value());
    return out;
  }
  void describe(const std::vector<Jid>& members, const Jid& group = crew) {
    groups::GroupMetadata metadata;
    metadata.group = group;
    metadata.subject = "crew";
    metadata.addressing_mode = groups::AddressingMode::lid;
    for (const Jid& one : members) metadata.members.push_back(groups::person(one));
    metadata.size = static_cast<std::uint32_t>(members.size());
    storage::GroupRow told;
    told.group = group;
    told.metadata = protocol::encode_node(groups::group_node(metadata));
    told.subject = metadata.subject;
    storage::Changes changes;
    changes.add(storage::PutGroup{row.id, told});
    store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  }
  static Node message(const Jid& who, const std::string& id) {
    return Node("message")
        .set("id", id)
        .set("from", crew)
        .set("participant", who)
        .set("t", "1700000000")
        .set("type", "text")
        .set("addressing_mode", "lid");
  }
  /// The key, as it stands before what is said next.
  Node key_of(Speaker& speaker, const Jid& group = crew) {
    const Bytes carried = protocol::with_sender_key({}, group, speaker.key.distribution());
    const auto sealed =
        protocol::encrypt(speaker.peer.session, speaker.peer.local, protocol::pad_message(carried, random)).value();
    Node enc("enc");
    enc.set("v", "2").set("type", sealed.kind == protocol::CiphertextKind::pre_key_message ? "pkmsg" : "msg");
    return enc.bytes(sealed.body);
  }
  /// To us alone, with the key in the same message.
  Node told(Speaker& speaker, const std::string& body) {
    const Bytes content = protocol::with_sender_key(words(body), crew, speaker.key.distribution());
    const auto sealed =
        protocol::encrypt(speaker.peer.session, speaker.peer.local, protocol::pad_message(content, random)).value();
    Node enc("enc");
    enc.set("v", "2").set("type", sealed.kind == protocol::CiphertextKind::pre_key_message ? "pkmsg" : "msg");
    return enc.bytes(sealed.body);
  }
  Node said(Speaker& speaker, const std::string& body) {
    const auto sealed = speaker.key.encrypt(protocol::pad_message(words(body), random), random).value();
    return Node("enc").set("v", "2").set("type", "skmsg").bytes(sealed.body);
  }
  std::vector<Node> hear(Node node) { return sent(stanza(std::move(node))); }
  std::optional<std::string> body(const std::string& id) {
    const auto row_of = storage::find_message(store->reader(), row.id, crew, id);
    if (!row_of) return std::nullopt;
    return row_of->body;
  }
};

}  // namespace

TEST_CASE("what a member says is stored under the group, and answered to the member") {
  Crew f;
  Speaker speaker = f.speaker(ben);
  Node first = Crew::message(ben, "3EB0AA");
  first.add(f.key_of(speaker)).add(f.said(speaker, "hello"));
  const auto answers = f.hear(std::move(first));
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].is("receipt"));
  CHECK(answers[0].attr("type") == "inactive");  // delivered, and nobody looks
  CHECK(answers[0].jid("participant") == ben);
  CHECK(f.body("3EB0AA") == "hello");
  CHECK(storage::find_message(f.store->reader(), f.row.id, crew, "3EB0AA")->author == ben);
  f.hear(Crew::message(ben, "3EB0BB").add(f.said(speaker, "again")));
  CHECK(f.body("3EB0BB") == "again");
  CHECK(storage::find_chat(f.store->reader(), f.row.id, crew)->unread == 2);
}

TEST_CASE("several messages of one member in one turn are read one after another") {
  Crew f;
  Speaker speaker = f.speaker(ben);
  std::vector<Input> inputs;
  Node first = Crew::message(ben, "3EB0AA");
  first.add(f.key_of(speaker)).add(f.said(speaker, "one"));
  inputs.emplace_back(StanzaArrived{std::move(first), f.session->link_epoch()});
  inputs.emplace_back(StanzaArrived{Crew::message(ben, "3EB0BB").add(f.said(speaker, "two")), f.session->link_epoch()});
  f.turn(std::move(inputs));
  CHECK(f.body("3EB0AA") == "one");
  CHECK(f.body("3EB0BB") == "two");
}

TEST_CASE("a message that comes again is answered, and not told again") {
  Crew f;
  Speaker speaker = f.speaker(ben);
  Node first = Crew::message(ben, "3EB0AA");
  first.add(f.key_of(speaker)).add(f.said(speaker, "hello"));
  f.hear(first);
  const std::size_t told = f.event_names().size();
  Node again = Crew::message(ben, "3EB0AA");
  again.add(*first.children("enc").back());
  const auto answers = f.hear(std::move(again));
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].is("receipt"));
  CHECK(answers[0].attr("type") == "inactive");  // delivered, and nobody looks
  CHECK(f.event_names().size() == told);
}

TEST_CASE("a message without its key is asked for again, and heals") {
  Crew f;
  Speaker speaker = f.speaker(ben);
  const Node late = f.key_of(speaker);
  const auto answers = f.hear(Crew::message(ben, "3EB0AA").add(f.said(speaker, "hello")));
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].attr("type") == "retry");
  CHECK(answers[0].jid("participant") == ben);
  CHECK(answers[0].child("retry")->attr("error") == "1");
  CHECK_FALSE(f.body("3EB0AA"));
  // Sent again alone, pairwise, with the key in the same message.
  const Bytes content = protocol::with_sender_key(words("hello"), crew, speaker.key.distribution());
  const auto sealed =
      protocol::encrypt(speaker.peer.session, speaker.peer.local, protocol::pad_message(content, f.random)).value();
  f.hear(Crew::message(ben, "3EB0AA")
             .add(Node("enc").set("v", "2").set("type", "pkmsg").set("count", "1").bytes(sealed.body)));
  CHECK(f.body("3EB0AA") == "hello");
  // The key itself is not kept with the message.
  CHECK(storage::find_message(f.store->reader(), f.row.id, crew, "3EB0AA")->content == words("hello"));
  f.hear(Crew::message(ben, "3EB0BB").add(f.said(speaker, "again")));
  CHECK(f.body("3EB0BB") == "again");
}

// --- who is not in it

TEST_CASE("what somebody who is not a member sends to the group for us alone is no message of it") {
  Crew f;
  f.describe({self, carl});
  Speaker speaker = f.speaker(ben);
  const auto say = [&] { return f.hear(Crew::message(ben, "3EB0AA").add(f.told(speaker, "hello"))); };
  const auto is_asked_again = [](const std::vector<Node>& answers) {
    return std::any_of(answers.begin(), answers.end(), [](const Node& node) { return node.attr("type") == "retry"; });
  };
  const auto is_kept = [&] {
    return f.body("3EB0AA") || storage::find_sender_key(f.store->reader(), f.row.id, crew, ben);
  };
  const bool for_us_alone = GENERATE(true, false);
  const auto first = for_us_alone ? say() : f.hear(Crew::message(ben, "3EB0AA").add(f.said(speaker, "hello")));
  const auto queries = test::queries_to(first, crew);
  REQUIRE_FALSE(queries.empty());
  // Neither acked nor asked for: he would send it at once, until there is no try left. What cannot be read for want of
  // a key is asked for once, and waits when it comes.
  CHECK(is_asked_again(first) != for_us_alone);
  CHECK((first.size() == queries.size()) == for_us_alone);
  CHECK(say().empty());
  CHECK_FALSE(is_kept());
  SECTION("he is none") {
    std::vector<Node> answers;
    for (const Node& query : queries) {
      const auto some = f.hear(test::described(query, test::group_of(crew, {carl})));
      answers.insert(answers.end(), some.begin(), some.end());
    }
    CHECK(is_asked_again(answers));
    const auto again = say();
    CHECK_FALSE(is_kept());
    CHECK(test::queries_to(again, crew).empty());  // not with each of his messages
  }
  SECTION("he had come unheard") {
    for (const Node& query : queries) f.hear(test::described(query, test::group_of(crew, {carl, ben})));
    CHECK(f.body("3EB0AA") == "hello");
    CHECK(is_kept());
  }
  SECTION("he had come unheard, and the server has enough of questions") {
    for (const Node& query : queries) CHECK(f.hear(test::error_of(query, 429)).empty());
    CHECK(say().empty());
    f.steady += std::chrono::minutes(1);
    const auto later = test::queries_to(f.hear(Node("ib")), crew);
    REQUIRE_FALSE(later.empty());
    for (const Node& query : later) f.hear(test::described(query, test::group_of(crew, {carl, ben})));
    CHECK(f.body("3EB0AA") == "hello");
  }
}

TEST_CASE("what a member says behind a message that waits for the group comes behind it") {
  Crew f;
  f.describe({self, carl});
  Speaker speaker = f.speaker(ben);
  const auto queries = test::queries_to(f.hear(Crew::message(ben, "3EB0AA").add(f.told(speaker, "one"))), crew);
  REQUIRE_FALSE(queries.empty());
  CHECK(f.hear(Crew::message(ben, "3EB0BB").add(f.said(speaker, "two"))).empty());
  for (const Node& query : queries) f.hear(test::described(query, test::group_of(crew, {carl, ben})));
  CHECK(f.body("3EB0AA") == "one");
  CHECK(f.body("3EB0BB") == "two");
}

TEST_CASE("no more waits for a group than there is room for") {
  Crew f;
  f.describe({self, carl});
  Speaker speaker = f.speaker(ben);
  std::size_t silent = 0;
  for (int i = 0; i < 80; ++i) {
    const auto answers = f.hear(Crew::message(ben, "3EB0" + std::to_string(i)).add(f.told(speaker, "hello")));
    silent += answers.size() == test::queries_to(answers, crew).size() ? 1 : 0;
  }
  CHECK(silent == 64);
}

TEST_CASE("who has the number by which a member is listed, and another LID, is a stranger") {
  Crew f;
  const Jid number("15550000002", "s.whatsapp.net");
  groups::GroupMetadata metadata = test::group_of(crew, {carl});
  metadata.members.push_back(groups::person(ben, number));
  metadata.size = static_cast<std::uint32_t>(metadata.members.size());
  storage::GroupRow told;
  told.group = crew;
  told.metadata = protocol::encode_node(groups::group_node(metadata));
  told.member = true;
  storage::Changes changes;
  changes.add(storage::PutGroup{f.row.id, told});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  const Jid heir("500000000000005", "lid");
  Speaker speaker = f.speaker(heir);
  const auto answers =
      f.hear(Crew::message(heir, "3EB0AA").set("participant_pn", number).add(f.told(speaker, "hello")));
  CHECK_FALSE(f.body("3EB0AA"));
  CHECK_FALSE(storage::find_sender_key(f.store->reader(), f.row.id, crew, heir));
  CHECK_FALSE(test::queries_to(answers, crew).empty());
}

TEST_CASE("a number that may be the one of a member is no stranger's") {
  Crew f;
  f.describe({self, carl});  // by LID, and nobody has told carl's number
  const Jid number("15550000004", "s.whatsapp.net");
  Speaker speaker = f.speaker(number);
  f.hear(Crew::message(number, "3EB0AA").add(f.told(speaker, "hello")));
  CHECK(f.body("3EB0AA") == "hello");
}

TEST_CASE("a member whose LID is learnt in the turn of another's message is no stranger") {
  Crew f;
  const Jid ben_pn("15550000002", "s.whatsapp.net"), carl_pn("15550000003", "s.whatsapp.net");
  f.describe({self, ben_pn, carl_pn});  // by number, and nobody has told a LID
  Speaker first = f.speaker(carl_pn), second = f.speaker(ben_pn);
  std::vector<Input> inputs;
  inputs.emplace_back(
      StanzaArrived{Crew::message(carl_pn, "3EB0AA").set("addressing_mode", "pn").add(f.told(first, "one")),
                    f.session->link_epoch()});
  inputs.emplace_back(StanzaArrived{Crew::message(ben_pn, "3EB0BB")
                                        .set("addressing_mode", "pn")
                                        .set("participant_lid", ben)
                                        .add(f.told(second, "two")),
                                    f.session->link_epoch()});
  const auto answers = f.sent(f.turn(std::move(inputs)));
  CHECK(f.body("3EB0AA") == "one");
  CHECK(f.body("3EB0BB") == "two");
  CHECK(test::queries_to(answers, crew).empty());
  CHECK(storage::find_sender_key(f.store->reader(), f.row.id, crew, ben));
}

TEST_CASE(
    "members who write in two large groups by turns cost no reading for each message, and no look-up per member") {
  Crew f;
  std::vector<Jid> many{self, ben};
  for (int i = 0; i < 1'000; ++i) many.emplace_back(std::to_string(100'000'000'001'000 + i), "lid");
  f.describe(many);
  f.describe(many, other_crew);
  Speaker speaker = f.speaker(ben);
  std::vector<Input> inputs;
  for (int i = 0; i < 6; ++i) {
    Node message = Crew::message(ben, "3EB0A" + std::to_string(i)).set("from", i % 2 == 0 ? crew : other_crew);
    inputs.emplace_back(StanzaArrived{message.add(f.told(speaker, "hello")), f.session->link_epoch()});
  }
  // A number that may be the one of any of them.
  const Jid number("15550000004", "s.whatsapp.net");
  Speaker hidden = f.speaker(number);
  for (int i = 0; i < 3; ++i)
    inputs.emplace_back(StanzaArrived{Crew::message(number, "3EB0B" + std::to_string(i)).add(f.told(hidden, "hello")),
                                      f.session->link_epoch()});
  const storage::StatementLog asked(f.store->reader());
  f.turn(std::move(inputs));
  CHECK(f.body("3EB0A4") == "hello");
  CHECK(f.body("3EB0B2") == "hello");
  CHECK(asked.count("SELECT group_id, metadata, subject") <= 4);
  CHECK(asked.size() < 1'000);
}

TEST_CASE("a stranger who was asked for a message is one for that message after a restart too") {
  Crew f;
  f.describe({self, carl});
  Speaker speaker = f.speaker(ben);
  const auto first = f.hear(Crew::message(ben, "3EB0AA").add(f.said(speaker, "hello")));
  REQUIRE(test::queries_to(first, crew).size() == 1);
  const bool told = GENERATE(true, false);  // while the group is not known any more, and after that
  f.reopen();
  f.begin();
  const auto again = test::queries_to(f.go_online(), crew);
  REQUIRE(again.size() == 1);
  if (told) f.hear(test::described(again[0], test::group_of(crew, {carl})));
  f.hear(Crew::message(ben, "3EB0AA").add(f.told(speaker, "hello")));
  CHECK_FALSE(f.body("3EB0AA"));
}

TEST_CASE("many strangers do not make a member of one of them") {
  Crew f;
  f.describe({self, carl});
  Speaker speaker = f.speaker(ben);
  const auto asked = [&](const Jid& who, Node said) {
    return test::queries_to(f.hear(Crew::message(who, "3EB0AA" + who.user).add(std::move(said))), crew);
  };
  auto queries = asked(ben, f.said(speaker, "hello"));
  for (int i = 0; i < 64; ++i) {
    REQUIRE(queries.size() == 1);
    f.hear(test::described(queries[0], test::group_of(crew, {carl})));
    Speaker other = f.speaker(Jid(std::to_string(100'000'000'001'000 + i), "lid"));
    queries = asked(other.who, f.said(other, "hello"));
  }
  REQUIRE(queries.size() == 1);  // the last one is not answered: nobody knows who is in it
  f.hear(Crew::message(ben, "3EB0BB").add(f.told(speaker, "hello")));
  CHECK_FALSE(f.body("3EB0BB"));
  Speaker member = f.speaker(carl);
  f.hear(Crew::message(carl, "3EB0CC").add(f.told(member, "hello")));
  CHECK(f.body("3EB0CC") == "hello");
}

TEST_CASE("a member that leaves while it is asked for a message again is heard with that one") {
  Crew f;
  f.describe({self, ben, carl});
  Speaker speaker = f.speaker(ben);
  REQUIRE(f.hear(Crew::message(ben, "3EB0AA").add(f.said(speaker, "hello"))).at(0).attr("type") == "retry");
  f.describe({self, carl});
  f.hear(Crew::message(ben, "3EB0AA").add(f.told(speaker, "hello")));
  CHECK(f.body("3EB0AA") == "hello");
  // Its key is none of the group any more.
  CHECK_FALSE(storage::find_sender_key(f.store->reader(), f.row.id, crew, ben));
}

// --- two authors, one id

TEST_CASE("what is waited for in another chat keeps nobody's message away, nor does it go without being asked for") {
  Crew f;
  Speaker author = f.speaker(ben);
  const auto in_private = [&] {
    Node node("message");
    node.set("id", "3EB0AA").set("from", carl).set("t", "1700000000").set("type", "text");
    return f.hear(node.add(Node("enc").set("v", "2").set("type", "msg").bytes(Bytes(40, 7))));
  };
  const auto is_asked_for = [](const std::vector<Node>& answers) {
    return std::any_of(answers.begin(), answers.end(), [](const Node& node) { return node.attr("type") == "retry"; });
  };
  SECTION("a message that comes after it") {
    CHECK(is_asked_for(in_private()));
    f.hear(Crew::message(ben, "3EB0AA").add(f.key_of(author)).add(f.said(author, "hello")));
  }
  SECTION("one that waits itself") {
    CHECK(is_asked_for(f.hear(Crew::message(ben, "3EB0AA").add(f.said(author, "hello")))));
    CHECK(is_asked_for(in_private()));
    f.hear(Crew::message(ben, "3EB0AA").add(f.key_of(author)).add(f.said(author, "hello")));
  }
  CHECK(f.body("3EB0AA") == "hello");
}

TEST_CASE("the message that waits for its key keeps its place, whoever speaks under its id meanwhile") {
  Crew f;
  Speaker author = f.speaker(ben), other = f.speaker(carl);
  const Node late = f.key_of(author);
  REQUIRE(f.hear(Crew::message(ben, "3EB0AA").add(f.said(author, "hello"))).at(0).attr("type") == "retry");
  f.logged.clear();
  const auto is_left_out = [&](Node node) {
    const auto answers = f.hear(std::move(node));
    CHECK(answers.size() == 1);
    CHECK(std::all_of(answers.begin(), answers.end(),
                      [](const Node& answer) { return answer.is("ack") && !answer.has("error"); }));
    CHECK_FALSE(f.body("3EB0AA"));
    CHECK(f.logged.size() == 1);  // once, however often
  };
  const Node enc_of_other = f.key_of(other);
  SECTION("a message that can be read") {
    is_left_out(Crew::message(carl, "3EB0AA").add(enc_of_other).add(f.said(other, "put in its place")));
    is_left_out(Crew::message(carl, "3EB0AA").add(f.said(other, "again")));
  }
  SECTION("one that cannot") {
    is_left_out(Crew::message(carl, "3EB0AA").add(f.said(other, "put in its place")));
    is_left_out(Crew::message(carl.with_device(4), "3EB0AA").add(f.said(other, "again")));
  }
  f.hear(Crew::message(ben, "3EB0AA").add(late).add(f.said(author, "hello, once more")));
  CHECK(f.body("3EB0AA") == "hello, once more");
  CHECK(storage::find_message(f.store->reader(), f.row.id, crew, "3EB0AA")->author == ben);
  // What carl says under ids of his own is heard.
  Node own = Crew::message(carl, "3EB0CC");
  f.hear(own.add(f.key_of(other)).add(f.said(other, "mine")));
  CHECK(f.body("3EB0CC") == "mine");
}

TEST_CASE("a message that is there is nobody else's, and its author's again is a repetition") {
  Crew f;
  const Jid ben_pn("15550000002", "s.whatsapp.net");
  Speaker author = f.speaker(ben), other = f.speaker(carl);
  Node first = Crew::message(ben_pn, "3EB0AA");
  first.add(f.key_of(author)).add(f.said(author, "hello"));
  f.hear(std::move(first));
  REQUIRE(f.body("3EB0AA") == "hello");
  const auto plainly_acked = [](const std::vector<Node>& answers) {
    return answers.size() == 1 && answers[0].is("ack") && !answers[0].has("error");
  };
  SECTION("another's that can be read") {
    Node node = Crew::message(carl, "3EB0AA");
    CHECK(plainly_acked(f.hear(node.add(f.key_of(other)).add(f.said(other, "put in its place")))));
  }
  SECTION("another's that cannot: it is not asked for") {
    CHECK(plainly_acked(f.hear(Crew::message(carl, "3EB0AA").add(f.said(other, "put in its place")))));
    CHECK(storage::find_retry(f.store->reader(), f.row.id, carl, "3EB0AA") == storage::RetryRow());
  }
  SECTION("of the account itself") {
    Speaker phone = f.speaker(self);
    Node node = Crew::message(self, "3EB0AA");
    CHECK(plainly_acked(f.hear(node.add(f.key_of(phone)).add(f.said(phone, "put in its place")))));
  }
  SECTION("its author's, under the other name") {
    Node node = Crew::message(ben, "3EB0AA").set("participant_pn", ben_pn);
    const auto answers = f.hear(node.add(f.key_of(author)).add(f.said(author, "hello")));
    CHECK(std::any_of(answers.begin(), answers.end(), [](const Node& answer) { return answer.is("receipt"); }));
  }
  CHECK(f.body("3EB0AA") == "hello");
  const auto names = f.event_names();
  CHECK(std::count(names.begin(), names.end(), "message") == 1);
}

TEST_CASE("what names another author than the message of that id has is not about it") {
  Crew f;
  Speaker author = f.speaker(ben), other = f.speaker(carl);
  Node first = Crew::message(ben, "3EB0AA");
  f.hear(first.add(f.key_of(author)).add(f.said(author, "hello")));
  f.hear(Crew::message(carl, "3EB0BB").add(f.key_of(other)).add(f.said(other, "hello too")));
  const auto reacts = [&](const std::string& id, const Jid& to) {
    const Bytes said = protocol::build_reaction({protocol::MessageKey{"3EB0AA", false, crew, to}, "+", 1}).encoded;
    const auto sealed = other.key.encrypt(protocol::pad_message(said, f.random), f.random).value();
    f.hear(Crew::message(carl, id).add(Node("enc").set("v", "2").set("type", "skmsg").bytes(sealed.body)));
    return f.body(id).has_value();
  };
  CHECK_FALSE(reacts("3EB0C1", carl));
  CHECK(reacts("3EB0C2", ben));
  CHECK(reacts("3EB0C3", Jid("15550000002", "s.whatsapp.net")));  // it may be ben's number
}

TEST_CASE("a key for another group opens nothing, and what came with it is read") {
  Crew f;
  Speaker speaker = f.speaker(ben);
  Node first = Crew::message(ben, "3EB0AA");
  first.add(f.key_of(speaker, other_crew)).add(f.said(speaker, "hello"));
  const auto answers = f.hear(std::move(first));
  CHECK(answers.at(0).attr("type") == "retry");
  CHECK_FALSE(f.body("3EB0AA"));
  CHECK_FALSE(storage::find_sender_key(f.store->reader(), f.row.id, other_crew, ben));
  CHECK(f.logged.size() == 2);  // the key, and the message
}

TEST_CASE("a key of somebody who is not a member is refused, and the members asked for again") {
  Crew f;
  f.describe({self, carl});
  Speaker speaker = f.speaker(ben);
  Node first = Crew::message(ben, "3EB0AA");
  first.add(f.key_of(speaker)).add(f.said(speaker, "hello"));
  const auto answers = f.hear(std::move(first));
  CHECK(std::any_of(answers.begin(), answers.end(), [](const Node& node) { return node.attr("xmlns") == "w:g2"; }));
  CHECK_FALSE(f.body("3EB0AA"));
  CHECK_FALSE(storage::find_sender_key(f.store->reader(), f.row.id, crew, ben));
}

TEST_CASE("a member cannot speak as another one with that one's chain key") {
  Crew f;
  Speaker speaker = f.speaker(ben);
  Node first = Crew::message(ben, "3EB0AA");
  first.add(f.key_of(speaker)).add(f.said(speaker, "hello"));
  f.hear(std::move(first));
  // Whoever reads ben's messages has his chain key, and not the key that signs.
  Node forged = f.said(speaker, "forged");
  Bytes body = protocol::to_bytes(forged.data());
  body.back() ^= 1;
  const auto answers =
      f.hear(Crew::message(ben, "3EB0BB").add(Node("enc").set("v", "2").set("type", "skmsg").bytes(body)));
  CHECK(answers.at(0).child("retry")->attr("error") == "5");
  f.hear(Crew::message(ben, "3EB0CC").add(f.said(speaker, "honest")));
  CHECK(f.body("3EB0CC") == "honest");
  // Under another name his messages open nothing.
  f.hear(Crew::message(carl, "3EB0DD").add(f.said(speaker, "as carl")));
  CHECK_FALSE(f.body("3EB0DD"));
}

TEST_CASE("a message of another own device in a group is shown as sent, and needs no key of ours") {
  Crew f;
  Speaker phone = f.speaker(self);
  Node first = Crew::message(self, "3EB0AA");
  first.add(f.key_of(phone)).add(f.said(phone, "from the phone"));
  const auto answers = f.hear(std::move(first));
  CHECK(answers.at(0).attr("type") == "sender");
  REQUIRE(f.body("3EB0AA") == "from the phone");
  CHECK(storage::find_message(f.store->reader(), f.row.id, crew, "3EB0AA")->from_me);
}

TEST_CASE("a sender key in a chat with one person is no key of any group") {
  Crew f;
  Speaker speaker = f.speaker(ben);
  const Bytes content = protocol::with_sender_key(words("hello"), crew, speaker.key.distribution());
  const auto sealed =
      protocol::encrypt(speaker.peer.session, speaker.peer.local, protocol::pad_message(content, f.random)).value();
  f.hear(Node("message")
             .set("id", "3EB0AA")
             .set("from", ben)
             .set("t", "1700000000")
             .set("type", "text")
             .add(Node("enc").set("v", "2").set("type", "pkmsg").bytes(sealed.body)));
  CHECK(storage::find_message(f.store->reader(), f.row.id, ben, "3EB0AA")->body == "hello");
  CHECK_FALSE(storage::find_sender_key(f.store->reader(), f.row.id, crew, ben));
}
