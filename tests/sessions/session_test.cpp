// One Session over an inline store, without a socket: what a turn decides, and that rows come before effects.
#include "tests/sessions/session_fixture.h"
#include "tests/storage/counts.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Node;
using namespace std::chrono_literals;

using Fixture = wharf::test::SessionFixture;

TEST_CASE("a text accepted while offline is in the queue after a restart and is asked for keys when online") {
  Fixture f;
  const auto answer = f.send(Fixture::text("hello"));
  REQUIRE(answer.has_value());
  REQUIRE(answer->has_value());
  REQUIRE((*answer)->ack == storage::AckLevel::pending);
  REQUIRE(storage::count_outbox(f.store->reader(), f.row.id) == 1);
  f.reopen();
  REQUIRE(f.session->view().queued == 1);
  std::vector<Input> up;
  up.emplace_back(LinkUp{});
  f.turn(std::move(up));
  const auto effects = f.stanza(Node("success").set("t", "1"));
  bool asked = false;
  for (const Node& node : Fixture::sent(effects)) {
    if (!node.child("active")) continue;
    for (const Node& next : Fixture::sent(f.stanza(Node("iq").set("id", node.attr("id")).set("type", "result")))) {
      asked |= next.attr("xmlns") == "usync";
    }
  }
  REQUIRE(asked);
}

TEST_CASE("a text whose commit is lost is answered with the error of the commit, and nothing is stored") {
  Fixture f;
  const auto answer = f.send(Fixture::text("lost"), false);
  REQUIRE((answer && answer->has_error()));
  REQUIRE(answer->error().code == protocol::Errc::storage);
  REQUIRE(storage::count_outbox(f.store->reader(), f.row.id) == 0);
}

TEST_CASE("the same Idempotency-Key gives the first answer, in the same turn and later; another body is a conflict") {
  Fixture f;
  SendMessage request = Fixture::text("once");
  request.idempotency_key = "key-1";
  request.request_hash = "h1";
  std::optional<protocol::Result<SentMessage>> first, second;
  std::vector<Input> inputs;
  inputs.push_back(Fixture::asked(request, [&](protocol::Result<SentMessage> sent) { first = std::move(sent); }));
  inputs.push_back(Fixture::asked(request, [&](protocol::Result<SentMessage> sent) { second = std::move(sent); }));
  f.turn(std::move(inputs));
  REQUIRE((first && first->has_value() && second && second->has_value()));
  REQUIRE((*first)->id == (*second)->id);
  REQUIRE((*second)->replayed);
  const auto third = f.send(request);
  REQUIRE((third && third->has_value()));
  REQUIRE((*third)->id == (*first)->id);
  REQUIRE(storage::count_outbox(f.store->reader(), f.row.id) == 1);
  request.request_hash = "h2";
  const auto other = f.send(request);
  REQUIRE((other && other->has_error()));
  REQUIRE(other->error().code == protocol::Errc::conflict);
}

TEST_CASE("an unlinked session refuses sends, a reconnecting one accepts") {
  Fixture f;
  REQUIRE(f.send(Fixture::text("while connecting"))->has_value());
  std::vector<Input> up;
  up.emplace_back(LinkUp{});
  f.turn(std::move(up));
  f.stanza(Node("failure").set("reason", "401"));
  REQUIRE(f.session->view().status == Status::failed);
  REQUIRE(f.session->view().reason->code == "unlinked");
  const auto refused = f.send(Fixture::text("after"));
  REQUIRE((refused && refused->has_error()));
  REQUIRE(refused->error().code == protocol::Errc::not_ready);
  REQUIRE(storage::count_outbox(f.store->reader(), f.row.id) == 0);  // what waited became errors, visible as acks
  const auto names = f.event_names();
  REQUIRE(std::count(names.begin(), names.end(), "ack") == 1);
}

TEST_CASE("every notification is acked, known or not; a malformed message is nacked 487 and stores nothing") {
  Fixture f;
  f.go_online();
  const auto acks = Fixture::sent(f.stanza(
      Node("notification").set("id", "n1").set("from", Jid("", "s.whatsapp.net")).set("type", "from-the-future")));
  REQUIRE(acks.size() == 1);
  REQUIRE(acks[0].is("ack"));
  REQUIRE(acks[0].attr("class") == "notification");
  const auto nack = Fixture::sent(
      f.stanza(Node("message").set("id", "m1").set("from", Jid("120363000000000001", "g.us")).set("t", "1")));
  REQUIRE(nack.size() == 1);
  REQUIRE(nack[0].attr("error") == "487");
}

TEST_CASE("a message that does not decrypt is answered with a retry receipt and an ack, five times at most") {
  Fixture f;
  f.go_online();
  for (int attempt = 1; attempt <= 7; ++attempt) {
    Node message("message");
    message.set("id", "broken").set("from", Jid("100000000000002", "lid")).set("t", "1700000000").set("type", "text");
    message.add(Node("enc")
                    .set("v", "2")
                    .set("type", "msg")
                    .set("count", std::to_string(attempt - 1))
                    .bytes(protocol::Bytes(60, 0x33)));
    const auto answers = Fixture::sent(f.stanza(message));
    INFO("attempt " << attempt);
    if (attempt <= 5) {
      REQUIRE(answers.size() == 2);
      REQUIRE(answers[0].is("receipt"));
      REQUIRE(answers[0].attr("type") == "retry");
      REQUIRE(answers[0].child("retry")->attr("count") == std::to_string(attempt));
      REQUIRE(answers[1].is("ack"));
      REQUIRE_FALSE(answers[1].has("error"));
    } else {
      REQUIRE(answers.size() == 1);
      REQUIRE(answers[0].attr("error") == "500");
    }
    f.reopen();  // the count is durable
    f.go_online();
  }
}

TEST_CASE("replaced stops without reconnecting and keeps the credentials; 515 reconnects at once") {
  Fixture f;
  f.go_online();
  const auto opens = [](const std::vector<Effect>& effects) {
    return std::count_if(effects.begin(), effects.end(),
                         [](const Effect& e) { return std::holds_alternative<OpenLink>(e); });
  };
  const auto restart = f.stanza(Node("stream:error").set("code", "515"));
  REQUIRE(opens(restart) == 1);
  f.reopen();
  f.go_online();
  const auto replaced = f.stanza(Node("stream:error").add(Node("conflict").set("type", "replaced")));
  REQUIRE(opens(replaced) == 0);
  REQUIRE(f.session->view().reason->code == "replaced");
  REQUIRE(storage::load_device(f.store->reader(), f.row.id)->linked());
}

TEST_CASE("a silent connection is given up and reconnected with a delay") {
  Fixture f;
  f.go_online();
  f.steady += 40s;  // the ping goes out
  f.turn({});
  f.steady += 21s;  // and nothing comes back
  const auto effects = f.turn({});
  REQUIRE(f.session->view().status == Status::authenticated);
  const auto open =
      std::find_if(effects.begin(), effects.end(), [](const Effect& e) { return std::holds_alternative<OpenLink>(e); });
  REQUIRE(open != effects.end());
  REQUIRE(std::get<OpenLink>(*open).delay >= Backoff::floor);
  REQUIRE(f.session->view().reason->code == "network");
}

TEST_CASE("what a given-up connection still says is ignored: no second reconnect, no stanza") {
  Fixture f;
  f.go_online();
  const std::uint64_t old = f.session->link_epoch();
  f.stanza(Node("stream:error").set("code", "503"));
  REQUIRE(f.session->link_epoch() != old);
  std::vector<Input> late;
  late.emplace_back(LinkDown{LinkEnd{LinkEnd::Kind::network, "closed by peer", false}, old});
  late.emplace_back(StanzaArrived{Node("notification").set("id", "n").set("from", Jid("", "s.whatsapp.net")), old});
  const auto effects = f.turn(std::move(late));
  REQUIRE(effects.empty());
}

TEST_CASE("texts to a recipient without a reachable device end as errors, the second one in its own turn") {
  Fixture f;
  storage::Changes changes;
  storage::DeviceListRow list;
  list.devices = {0};
  list.fetched_at = f.now_ms;
  changes.add(storage::PutDeviceList{f.row.id, Jid("15550000002", "s.whatsapp.net"), list});
  list.devices = {3};
  changes.add(storage::PutDeviceList{f.row.id, Jid("100000000000001", "lid"), list});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.go_online();
  REQUIRE(f.send(Fixture::text("first"))->has_value());
  const auto asked = Fixture::sent(f.last);
  REQUIRE(asked.size() == 1);
  REQUIRE(asked[0].attr("xmlns") == "encrypt");
  f.stanza(Node("iq").set("id", asked[0].attr("id")).set("type", "result").add(Node("list")));
  REQUIRE(f.send(Fixture::text("second"))->has_value());
  REQUIRE(f.session->view().queued == 0);
  const auto names = f.event_names();
  REQUIRE(std::count(names.begin(), names.end(), "ack") == 2);
}

TEST_CASE(
    "a retry request that needs keys is acked only after they came, and not at all when the link goes down first") {
  Fixture f;
  storage::Changes changes;
  storage::MessageRow row;
  row.session = f.row.id;
  row.chat = row.author = Jid("15550000002", "s.whatsapp.net");
  row.id = "3EB0AA";
  row.from_me = true;
  row.kind = "text";
  row.content = {0x0a, 0x01, 'x'};
  row.timestamp = row.created_at = f.now_ms;
  changes.add(storage::InsertMessage{row, false, std::nullopt});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  Node receipt("receipt");
  receipt.set("id", "3EB0AA").set("type", "retry").set("from", Jid("15550000002", "s.whatsapp.net"));
  receipt.add(Node("retry").set("count", "1").set("id", "3EB0AA").set("t", "1700000000").set("v", "1"));
  receipt.add(Node("registration").bytes(protocol::Bytes{0, 0, 1, 2}));
  for (const bool lost : {true, false}) {
    f.reopen();
    f.go_online();
    const auto asked = Fixture::sent(f.stanza(receipt));
    REQUIRE(asked.size() == 1);
    REQUIRE(asked[0].attr("xmlns") == "encrypt");  // no ack beside it
    if (lost) {
      REQUIRE(Fixture::sent(f.cut()).empty());
      continue;
    }
    const auto answers =
        Fixture::sent(f.stanza(Node("iq").set("id", asked[0].attr("id")).set("type", "result").add(Node("list"))));
    REQUIRE(answers.size() == 1);
    REQUIRE(answers[0].is("ack"));
    REQUIRE(answers[0].attr("class") == "receipt");
  }
}

TEST_CASE("a foreign author cannot learn us a mapping of ourselves") {
  Fixture f;
  f.go_online();
  f.call([&] { f.session->directory().learn(Jid("15559999999", "s.whatsapp.net"), Jid("100000000000001", "lid")); });
  REQUIRE(f.session->directory().canonical_user(Jid("15559999999", "s.whatsapp.net")) ==
          Jid("15559999999", "s.whatsapp.net"));
  f.call([&] { f.session->directory().learn(Jid("15550000002", "s.whatsapp.net"), Jid("100000000000002", "lid")); });
  REQUIRE(f.session->directory().canonical_user(Jid("15550000002", "s.whatsapp.net")) == Jid("100000000000002", "lid"));
}

TEST_CASE("a ping that falls due in the turn of a text does not lose the ratchet step: no message key is used twice") {
  Fixture f;
  const Jid ben("15550000002", "s.whatsapp.net");
  auto peer = f.befriend(ben);
  f.go_online();
  f.steady += 40s;  // the ping is due: its deadline is taken in the turn of the text, after it
  REQUIRE(f.send(Fixture::text("first"))->has_value());
  const auto first = Fixture::sent(f.last);
  REQUIRE(std::any_of(first.begin(), first.end(), [](const Node& node) { return node.attr("xmlns") == "w:p"; }));
  REQUIRE(f.send(Fixture::text("second"))->has_value());
  auto texts = Fixture::ciphertexts(first);
  for (auto& text : Fixture::ciphertexts(Fixture::sent(f.last))) texts.push_back(std::move(text));
  REQUIRE(texts.size() == 2);
  for (const auto& text : texts) REQUIRE(peer.receive(text, f.random).has_value());
}
