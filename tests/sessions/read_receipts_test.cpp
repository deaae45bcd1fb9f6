// Read receipts of a real Session: rows before effects, again until acked, at every point where it can be interrupted.
#include "sessions/read_receipts.h"

#include <set>

#include "protocol/account/privacy.h"
#include "protocol/notifications/notification.h"
#include "tests/sessions/people_stanzas.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Node;

using Fixture = wharf::test::SessionFixture;

namespace {

const Jid ben("15550000002", "s.whatsapp.net"), carl("15550000003", "s.whatsapp.net");
const Jid group("120363000000000001", "g.us");

void received(Fixture& f, const Jid& chat, const Jid& author, const std::string& id) {
  storage::MessageRow row;
  row.session = f.row.id;
  row.chat = chat;
  row.author = author;
  row.id = id;
  row.kind = "text";
  row.timestamp = row.created_at = f.now_ms;
  storage::Changes changes;
  changes.add(storage::InsertMessage{row, true, std::nullopt});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
}

std::uint32_t unread(Fixture& f, const Jid& chat) {
  return storage::find_chat(f.store->reader(), f.row.id, chat)->unread;
}
std::size_t rows(Fixture& f) { return storage::load_read_receipts(f.store->reader(), f.row.id).size(); }

std::vector<Node> receipts(std::vector<Node> nodes) {
  std::erase_if(nodes, [](const Node& node) { return !node.is("receipt"); });
  return nodes;
}

/// What leaves, and the answer to the API when there is one.
struct Marked {
  std::vector<Node> sent;
  std::optional<Outcome<>> answer;
};
Marked mark_read(Fixture& f, const Jid& chat, bool durable = true) {
  Marked marked;
  const auto effects = f.tell(
      MarkRead{chat}, [&](Outcome<> done) { marked.answer = std::move(done); }, durable);
  marked.sent = receipts(Fixture::sent(effects));
  return marked;
}

std::vector<Node> ack(Fixture& f, const Node& receipt, const std::string& type = "read") {
  Node node("ack");
  node.set("class", "receipt").set("id", receipt.attr("id")).set("from", *receipt.jid("to"));
  if (!type.empty()) node.set("type", type);
  return Fixture::sent(f.stanza(node));
}

using protocol::PrivacyCategory;
using protocol::PrivacySetting;
using protocol::PrivacyValue;
constexpr PrivacySetting hidden{PrivacyCategory::read_receipts, PrivacyValue::none},
    shown{PrivacyCategory::read_receipts, PrivacyValue::all};

/// As after linking: whether others may see what the account reads was not told yet.
void not_told_yet(Fixture& f) {
  f.call([&] { f.session->context().device.reads_shown = storage::ReadsShown::unknown; });
}
storage::ReadsShown stored(Fixture& f) { return storage::load_device(f.store->reader(), f.row.id)->reads_shown; }

/// The question for the settings among what leaves.
std::optional<Node> privacy_question(const std::vector<Node>& nodes) {
  for (const Node& node : nodes)
    if (node.attr("xmlns") == "privacy") return node;
  return std::nullopt;
}

void changed_elsewhere(Fixture& f, PrivacySetting setting) {
  const protocol::NotificationHeader header{"P1", 1'700'000'000, Jid("15550000001", "s.whatsapp.net")};
  f.stanza(protocol::notification_stanza(header, protocol::PrivacyChanged{{setting}}));
}

}  // namespace

TEST_CASE("everything unread is marked, in receipts of bounded size, whatever was sent in between") {
  Fixture f;
  storage::Changes changes;
  for (int i = 0; i < 600; ++i) {
    storage::MessageRow row;
    row.session = f.row.id;
    row.chat = row.author = ben;
    row.id = "M" + std::to_string(i);
    row.kind = "text";
    row.timestamp = row.created_at = f.now_ms + i;
    row.from_me = i % 2 != 0;  // a bot answers each
    changes.add(storage::InsertMessage{row, !row.from_me, std::nullopt});
  }
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.go_online();
  const auto marked = mark_read(f, ben);
  REQUIRE(marked.sent.size() == 2);
  std::set<std::string> ids;
  for (const Node& receipt : marked.sent) {
    ids.emplace(receipt.attr("id"));
    for (const Node& item : receipt.child("list")->children()) ids.emplace(item.attr("id"));
    REQUIRE(ids.size() <= 2 * 256);
  }
  REQUIRE(ids.size() == 300);
  REQUIRE(ids.contains("M0"));
  REQUIRE(unread(f, ben) == 0);
  for (const Node& receipt : marked.sent) ack(f, receipt);
  REQUIRE(rows(f) == 0);
}

TEST_CASE("marking a chat as read sends one receipt, once, and forgets it when it is acked") {
  Fixture f;
  received(f, ben, ben, "A");
  received(f, ben, ben, "B");
  f.go_online();
  const auto first = mark_read(f, ben);
  REQUIRE((first.answer && first.answer->has_value()));
  REQUIRE(first.sent.size() == 1);
  REQUIRE(first.sent[0].attr("type") == "read");
  REQUIRE(first.sent[0].jid("to") == ben);
  REQUIRE(first.sent[0].attr("id") == "B");
  REQUIRE(first.sent[0].child("list")->child("item")->attr("id") == "A");
  REQUIRE(unread(f, ben) == 0);
  REQUIRE(mark_read(f, ben).sent.empty());
  ack(f, first.sent[0]);
  REQUIRE(rows(f) == 0);
  f.cut();
  REQUIRE(receipts(f.go_online()).empty());
}

TEST_CASE("asked for twice in one turn it is one receipt") {
  Fixture f;
  received(f, ben, ben, "A");
  f.go_online();
  std::vector<Input> inputs;
  for (int i = 0; i < 2; ++i)
    inputs.push_back(Fixture::asked(MarkRead{ben}, [](Outcome<> done) { REQUIRE(done.has_value()); }));
  const auto effects = f.turn(std::move(inputs));
  REQUIRE(receipts(Fixture::sent(effects)).size() == 1);
  REQUIRE(rows(f) == 1);
}

TEST_CASE("a read whose commit is lost did not happen: the chat is unread and can be marked again") {
  Fixture f;
  received(f, ben, ben, "A");
  f.go_online();
  REQUIRE(mark_read(f, ben, false).answer->has_error());
  f.reopen();
  REQUIRE(unread(f, ben) == 1);
  REQUIRE(rows(f) == 0);
  REQUIRE(receipts(f.go_online()).empty());
  REQUIRE(mark_read(f, ben).sent.size() == 1);
}

TEST_CASE("a crash between the commit and the receipt loses nothing: it leaves at the next login") {
  Fixture f;
  received(f, ben, ben, "A");
  f.go_online();
  const auto lost = mark_read(f, ben).sent;  // on its way when the process ends
  for (int crash = 0; crash < 2; ++crash) {
    f.reopen();
    const auto again = receipts(f.go_online());
    REQUIRE(again == lost);
  }
  ack(f, lost[0]);
  f.reopen();
  REQUIRE(receipts(f.go_online()).empty());
}

TEST_CASE("a crash between the ack and its commit sends it once more, which changes nothing") {
  Fixture f;
  received(f, ben, ben, "A");
  f.go_online();
  const auto sent = mark_read(f, ben).sent;
  Node node("ack");
  node.set("class", "receipt").set("id", "A").set("from", ben).set("type", "read");
  std::vector<Input> inputs;
  inputs.emplace_back(StanzaArrived{node, f.session->link_epoch()});
  f.turn(std::move(inputs), false);
  f.reopen();
  REQUIRE(receipts(f.go_online()) == sent);
}

TEST_CASE("a cut connection takes the receipt along: the next one carries it again") {
  Fixture f;
  received(f, ben, ben, "A");
  f.go_online();
  const auto sent = mark_read(f, ben).sent;
  f.cut();
  REQUIRE(receipts(f.go_online()) == sent);
}

TEST_CASE("marked as read while offline it is accepted and leaves at the login") {
  Fixture f;
  received(f, ben, ben, "A");
  const auto marked = mark_read(f, ben);
  REQUIRE((marked.answer && marked.answer->has_value()));
  REQUIRE(marked.sent.empty());
  REQUIRE(unread(f, ben) == 0);
  REQUIRE(receipts(f.go_online()).size() == 1);
  REQUIRE(rows(f) == 1);
}

TEST_CASE("the ack of the delivery receipt of the same message is not the read receipt's") {
  Fixture f;
  received(f, ben, ben, "A");
  f.go_online();
  const auto sent = mark_read(f, ben).sent;
  ack(f, sent[0], "");
  ack(f, sent[0], "retry");
  REQUIRE(rows(f) == 1);
  ack(f, sent[0]);
  REQUIRE(rows(f) == 0);
}

TEST_CASE("a network that never acks gets it on four connections, then it is given up") {
  Fixture f;
  received(f, ben, ben, "A");
  f.go_online();
  REQUIRE(mark_read(f, ben).sent.size() == 1);
  for (int connection = 2; connection <= 4; ++connection) {
    f.cut();
    REQUIRE(receipts(f.go_online()).size() == 1);
  }
  f.cut();
  REQUIRE(receipts(f.go_online()).empty());
  REQUIRE(rows(f) == 0);
}

TEST_CASE("in a group each author gets a receipt of its own") {
  Fixture f;
  received(f, group, ben, "A");
  received(f, group, carl, "B");
  received(f, group, ben, "C");
  f.go_online();
  const auto sent = mark_read(f, group).sent;
  REQUIRE(sent.size() == 2);
  for (const Node& receipt : sent) {
    REQUIRE(receipt.jid("to") == group);
    REQUIRE((receipt.attr("id") == "B" ? receipt.jid("participant") == carl : receipt.jid("participant") == ben));
  }
}

TEST_CASE("a logged-out session forgets them, and an unlinked one has nobody to tell") {
  Fixture f;
  received(f, ben, ben, "A");
  mark_read(f, ben);
  REQUIRE(rows(f) == 1);
  f.tell(Logout(), [](protocol::Result<SessionView> done) { REQUIRE(done.has_value()); });
  REQUIRE(rows(f) == 0);
  received(f, ben, ben, "B");
  const auto refused = mark_read(f, ben);
  REQUIRE((refused.answer && refused.answer->has_error()));
  REQUIRE(refused.answer->error().code == protocol::Errc::not_ready);
  REQUIRE(unread(f, ben) == 1);
}

TEST_CASE("a message that arrives in the turn that marks as read stays unread") {
  Fixture f;
  f.go_online();
  received(f, ben, ben, "one");
  std::vector<Input> inputs;
  inputs.emplace_back(WorkDone{[&] {
    storage::MessageRow row;
    row.session = f.row.id;
    row.chat = row.author = ben;
    row.id = "two";
    row.kind = "text";
    row.timestamp = row.created_at = f.now_ms;
    f.session->context().records.add(storage::InsertMessage{row, true, std::nullopt});
  }});
  inputs.push_back(Fixture::asked(MarkRead{ben}, [](Outcome<> done) { REQUIRE(done.has_value()); }));
  f.turn(std::move(inputs));
  CHECK(unread(f, ben) == 1);
  const Marked marked = mark_read(f, ben);
  REQUIRE(marked.sent.size() == 1);
  CHECK(marked.sent[0].attr("id") == "two");
  CHECK(unread(f, ben) == 0);
}

TEST_CASE("one that came late, older than what was read before it, is marked as read when its turn comes") {
  Fixture f;
  received(f, ben, ben, "new");
  f.go_online();
  REQUIRE(mark_read(f, ben).sent.size() == 1);
  f.now_ms -= 60'000;  // when it was sent: it had to be asked for again
  received(f, ben, ben, "late");
  f.now_ms += 60'000;
  const Marked marked = mark_read(f, ben);
  REQUIRE(marked.sent.size() == 1);
  CHECK(marked.sent[0].attr("id") == "late");
  CHECK(unread(f, ben) == 0);
}

TEST_CASE("an account that hides what it reads is asked about it once, and tells its own devices alone") {
  Fixture f;
  not_told_yet(f);
  received(f, ben, ben, "A");
  received(f, group, carl, "B");
  const auto question = privacy_question(f.go_online());
  REQUIRE(question);
  CHECK(mark_read(f, ben).sent.empty());  // nobody is told before that is known
  CHECK(mark_read(f, group).sent.empty());
  const auto sent = receipts(Fixture::sent(f.stanza(protocol::privacy_answer(*question, std::array{hidden}))));
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].jid("to") == ben);
  CHECK(sent[0].attr("type") == "read-self");
  CHECK(sent[1].jid("to") == group);
  CHECK(sent[1].attr("type") == "read");  // groups are always told
  ack(f, sent[0], "read-self");
  ack(f, sent[1]);
  CHECK(rows(f) == 0);
  CHECK(stored(f) == storage::ReadsShown::no);

  f.reopen();
  received(f, ben, ben, "C");
  CHECK_FALSE(privacy_question(f.go_online()));
  const auto later = mark_read(f, ben).sent;
  REQUIRE(later.size() == 1);
  CHECK(later[0].attr("type") == "read-self");
}

TEST_CASE("what another device or a program changes holds from the next receipt on") {
  wharf::test::PeopleFixture f;
  received(f, ben, ben, "A");
  changed_elsewhere(f, hidden);
  const auto quiet = mark_read(f, ben).sent;
  REQUIRE(quiet.size() == 1);
  CHECK(quiet[0].attr("type") == "read-self");
  CHECK(stored(f) == storage::ReadsShown::no);

  const auto change = f.ask(ChangePrivacy{{shown}});
  REQUIRE(change.asked.size() == 1);
  f.hear(protocol::privacy_answer(change.asked[0], std::array{shown}));
  received(f, ben, ben, "B");
  const auto open = mark_read(f, ben).sent;
  REQUIRE(open.size() == 1);
  CHECK(open[0].attr("type") == "read");
}

TEST_CASE("a server that does not tell the settings does not hold the receipts back, and is asked again") {
  Fixture f;
  not_told_yet(f);
  received(f, ben, ben, "A");
  const auto question = privacy_question(f.go_online());
  REQUIRE(question);
  CHECK(mark_read(f, ben).sent.empty());
  const Node refused = Node("iq")
                           .set("id", question->attr("id"))
                           .set("type", "error")
                           .add(Node("error").set("code", "500").set("text", "internal-server-error"));
  const auto sent = receipts(Fixture::sent(f.stanza(refused)));
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].attr("type") == "read");
  CHECK(stored(f) == storage::ReadsShown::unknown);
  f.cut();
  CHECK(privacy_question(f.go_online()));
}
