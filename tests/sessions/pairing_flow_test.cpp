// The 8-character code and the patience for codes, in a real session against scripted answers of the server.
#include "sessions/pairing_flow.h"

#include "protocol/pairing/code.h"

#include "tests/sessions/session_fixture.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Node;
using namespace std::chrono_literals;

namespace {

/// Unlinked, connected, showing a QR code.
struct Pairing : test::SessionFixture {
  Pairing() {
    storage::Changes changes;
    changes.add(storage::PutDevice{new_device(row.id, random, changes, 1'000)});
    row.status = "initializing";
    store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
    reopen();
    begin();
    connect();
  }
  ~Pairing() { session.reset(); }  // what is still owed goes to `codes`
  void connect() {
    std::vector<Input> up;
    up.emplace_back(LinkUp{{}, false, session->link_epoch()});
    turn(std::move(up));
    Node refs("pair-device");
    for (const char* ref : {"r1", "r2", "r3", "r4", "r5", "r6"}) refs.add(Node("ref").text(ref));
    stanza(Node("iq").set("id", "p1").set("type", "set").set("from", Jid("", "s.whatsapp.net")).add(std::move(refs)));
    REQUIRE(session->view().status == Status::qr_ready);
  }
  /// Asks for a code; what the worker computed is back. Gives what was sent to the server.
  std::vector<Node> ask(const std::string& phone) {
    auto effects = tell(RequestPairingCode{phone},
                        [this](protocol::Result<PairingCode> code) { codes.push_back(std::move(code)); });
    std::vector<Node> nodes;
    for (Effect& effect : effects) {
      auto* work = std::get_if<RunWork>(&effect);
      if (work == nullptr) continue;
      work->work();
      for (Node& node : sent(call(std::move(work->then)))) nodes.push_back(std::move(node));
    }
    return nodes;
  }
  void answer(const Node& hello, const char* ref) {
    stanza(Node("iq")
               .set("id", hello.attr("id"))
               .set("type", "result")
               .add(Node("link_code_companion_reg")
                        .set("stage", "companion_hello")
                        .add(Node("link_code_pairing_ref").text(ref))));
  }
  std::vector<protocol::Result<PairingCode>> codes;
};

}  // namespace

TEST_CASE("a mistyped number does not hold up the right one; the same number again gets the live code") {
  Pairing f;
  const auto wrong = f.ask("15550000008");
  REQUIRE(wrong.size() == 1);
  f.answer(wrong[0], "ref-1");
  REQUIRE((f.codes.size() == 1 && f.codes[0].has_value()));
  CHECK(f.ask("15550000008").empty());
  REQUIRE((f.codes.size() == 2 && f.codes[1].has_value()));
  CHECK(f.codes[1]->code == f.codes[0]->code);
  const auto right = f.ask("15550000009");
  REQUIRE(right.size() == 1);
  f.answer(right[0], "ref-2");
  REQUIRE((f.codes.size() == 3 && f.codes[2].has_value()));
  CHECK(f.codes[2]->code != f.codes[0]->code);
}

TEST_CASE("the late answer to a number that was replaced neither answers nor spoils the newer one") {
  Pairing f;
  const auto wrong = f.ask("15550000008");
  const auto right = f.ask("15550000009");
  REQUIRE((wrong.size() == 1 && right.size() == 1));
  f.answer(wrong[0], "ref-1");
  REQUIRE(f.codes.size() == 1);
  CHECK(f.codes[0].error().code == protocol::Errc::closed);
  f.answer(right[0], "ref-2");
  REQUIRE(f.codes.size() == 2);
  CHECK(f.codes[1].has_value());
}

TEST_CASE("a number that WhatsApp does not take is named, and the next one can be asked for at once") {
  Pairing f;
  const auto hello = f.ask("15550000008");
  f.stanza(Node("iq")
               .set("id", hello.at(0).attr("id"))
               .set("type", "error")
               .add(Node("error").set("code", "400").set("text", "bad-request")));
  REQUIRE(f.codes.size() == 1);
  CHECK(f.codes[0].error().code == protocol::Errc::malformed);
  CHECK(f.codes[0].error().detail.starts_with("WhatsApp does not know this number"));
  CHECK(f.ask("15550000009").size() == 1);
}

TEST_CASE("the QR time-out waits for a code that is being finished, and keeps its connection") {
  Pairing f;
  const auto hello = f.ask("15550000008");
  f.answer(hello.at(0), "ref-1");
  REQUIRE(f.codes.at(0).has_value());
  // The phone answers as a real one does: its ephemeral key under the code, and its identity.
  const auto ephemeral = protocol::KeyPair::generate(f.random);
  const auto identity = protocol::KeyPair::generate(f.random);
  const auto salt = f.random.bytes<32>();
  const auto wrapped = protocol::wrap_pairing_ephemeral(protocol::pairing_code_key(f.codes[0]->code, salt), salt,
                                                        f.random.bytes<16>(), ephemeral.pub);
  auto effects = f.stanza(Node("notification")
                              .set("id", "n1")
                              .set("from", Jid("", "s.whatsapp.net"))
                              .set("type", "link_code_companion_reg")
                              .add(Node("link_code_companion_reg")
                                       .set("stage", "primary_hello")
                                       .add(Node("link_code_pairing_ref").text("ref-1"))
                                       .add(Node("link_code_pairing_wrapped_primary_ephemeral_pub").bytes(wrapped))
                                       .add(Node("primary_identity_pub").bytes(identity.pub))));
  bool finishing = false;
  for (Effect& effect : effects) {
    auto* work = std::get_if<RunWork>(&effect);
    if (work == nullptr) continue;
    work->work();
    for (const Node& node : test::SessionFixture::sent(f.call(std::move(work->then)))) {
      finishing |= node.child("link_code_companion_reg") &&
                   node.child("link_code_companion_reg")->attr("stage") == "companion_finish";
    }
  }
  REQUIRE(finishing);
  const auto epoch = f.session->link_epoch();
  f.steady += f.session->context().config.qr_timeout;
  // Pings are answered meanwhile; what is due now is only the patience for codes.
  f.session->context().link.conversation()->keepalive.on_receive(f.steady, f.random);
  f.turn({});
  CHECK(f.session->view().status != Status::failed);
  CHECK(f.session->link_epoch() == epoch);
  CHECK(f.session->context().link.up());
}

TEST_CASE("used-up refs bring a new connection, and what the old one still says is nobody's") {
  Pairing f;
  const auto epoch = f.session->link_epoch();
  int opened = 0;
  for (int ref = 0; ref < 6; ++ref) {
    f.session->context().link.conversation()->keepalive.on_receive(f.steady + 60s, f.random);  // a live connection
    f.steady += ref == 0 ? 60s : 20s;
    for (const Effect& effect : f.turn({})) opened += std::holds_alternative<OpenLink>(effect) ? 1 : 0;
  }
  CHECK(opened == 1);
  CHECK(f.session->link_epoch() != epoch);
  CHECK_FALSE(f.session->context().link.up());
  f.ask("15550000008");
  REQUIRE(f.codes.size() == 1);
  CHECK(f.codes[0].error().code == protocol::Errc::not_ready);
}

TEST_CASE("a code that is refused when the last ref has run out brings a new connection") {
  Pairing f;
  f.session->context().config.qr_timeout = 600s;
  f.tell(RestartSession());
  f.connect();
  const auto pass = [&](std::chrono::seconds time) {
    f.session->context().link.conversation()->keepalive.on_receive(f.steady + 60s, f.random);  // a live connection
    f.steady += time;
    f.turn({});
  };
  pass(60s);
  for (int ref = 1; ref < 5; ++ref) pass(20s);
  REQUIRE(f.session->view().qr);
  const auto hello = f.ask("15550000008");
  REQUIRE(hello.size() == 1);
  pass(20s);
  REQUIRE_FALSE(f.session->view().qr);
  const auto before = f.session->link_epoch();
  const auto effects = f.stanza(Node("iq")
                                    .set("id", hello[0].attr("id"))
                                    .set("type", "error")
                                    .add(Node("error").set("code", "429").set("text", "rate-overlimit")));
  CHECK(f.session->link_epoch() != before);
  CHECK(std::any_of(effects.begin(), effects.end(),
                    [](const Effect& effect) { return std::holds_alternative<OpenLink>(effect); }));
  REQUIRE(f.codes.size() == 1);
  CHECK_FALSE(f.codes[0].has_value());
}

TEST_CASE("a start draws a new ADV secret: one that a finished code has left in the row vouches for no QR") {
  Pairing f;
  const auto before = storage::load_device(f.store->reader(), f.row.id)->adv_secret;
  f.reopen();
  f.begin();
  const auto after = storage::load_device(f.store->reader(), f.row.id)->adv_secret;
  CHECK(after != before);
  CHECK(f.session->context().device.adv_secret == after);
}
