// How a session begins, is given up and ends: what it says of itself, what it keeps for the next try, what it leaves
// behind.
#include "sessions/session.h"

#include "tests/sessions/scripted_linking.h"
#include "tests/sessions/session_fixture.h"
#include "tests/storage/counts.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Node;
using namespace std::chrono_literals;

using Fixture = wharf::test::SessionFixture;

namespace {

std::vector<Effect> lose_link(Fixture& f, LinkEnd end) {
  std::vector<Input> inputs;
  inputs.emplace_back(LinkDown{std::move(end), f.session->link_epoch()});
  return f.turn(std::move(inputs));
}

LinkEnd ended(LinkEnd::Kind kind, std::string detail) {
  LinkEnd end;
  end.kind = kind;
  end.detail = std::move(detail);
  return end;
}

Link::Settings next_link(Fixture& f) {
  return f.session->link_settings("ws://127.0.0.1/", {}, true, Now{f.now_ms, f.steady}, 0);
}

/// The same session before it was ever linked.
void unlink(Fixture& f) {
  storage::Changes changes;
  auto device = new_device(f.row.id, f.random, changes, 1'000);
  changes.add(storage::PutDevice{device});
  f.row.status = "initializing";
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.reopen();
}

void link_up(Fixture& f) {
  std::vector<Input> up;
  up.emplace_back(LinkUp{{}, false, f.session->link_epoch()});
  f.turn(std::move(up));
}

RunWork* work_of(std::vector<Effect>& effects) {
  for (Effect& effect : effects) {
    if (auto* work = std::get_if<RunWork>(&effect)) return work;
  }
  return nullptr;
}

/// Starts it, and a phone scans the QR that it shows: linked, before its first login. `worker`: runs what is to be done
/// while the QR is shown.
void scan(
    Fixture& f, const std::function<void(RunWork&)>& worker = [](RunWork&) {}) {
  f.begin();
  link_up(f);
  test::ScriptedLinking phone(f.random, f.row.id, Jid("15550000001", "s.whatsapp.net"), Jid("100000000000001", "lid"));
  phone.set_account(protocol::KeyPair::generate(f.random));
  protocol::ParsedClientPayload::Registration keys;
  const auto& device = f.session->context().device;
  keys.keys.identity = device.identity.pub;
  for (Node& node : phone.on_registration(device.noise.pub, keys)) {
    auto effects = f.stanza(std::move(node));
    if (auto* work = work_of(effects)) worker(*work);
  }
  REQUIRE(f.session->view().qr);
  for (Node& node : phone.scan(f.session->view().qr->text)) f.stanza(std::move(node));
}

}  // namespace

TEST_CASE("a session whose row says ready says so only while it is connected") {
  Fixture f;
  REQUIRE(f.row.status == "ready");
  CHECK(f.session->view().status == Status::authenticated);
  f.go_online();
  CHECK(f.session->view().status == Status::ready);
  f.session->lose_connection();
  CHECK(f.session->view().status == Status::authenticated);
  CHECK(f.session->view().connection == Connection::connecting);
}

TEST_CASE("after a failed IK attempt the next one is XX, at once, and also after a restart; XX brings IK back") {
  Fixture f;
  std::vector<Input> up;
  LinkUp known;
  known.server.static_key.fill(7);
  known.server.window.not_after = 4'000'000'000;
  known.epoch = f.session->link_epoch();
  up.emplace_back(known);
  f.turn(std::move(up));
  REQUIRE(next_link(f).resume);
  LinkEnd cut = ended(LinkEnd::Kind::network, "closed by peer");
  cut.resume_failed = true;
  const auto effects = lose_link(f, cut);
  const auto open =
      std::find_if(effects.begin(), effects.end(), [](const Effect& e) { return std::holds_alternative<OpenLink>(e); });
  REQUIRE(open != effects.end());
  CHECK(std::get<OpenLink>(*open).delay == 0ms);
  CHECK_FALSE(next_link(f).resume);
  f.reopen();
  CHECK_FALSE(next_link(f).resume);
  known.epoch = f.session->link_epoch();
  std::vector<Input> again;
  again.emplace_back(known);
  f.turn(std::move(again));
  CHECK(next_link(f).resume);
}

TEST_CASE("routing info of a connection that did not come up is dropped for good") {
  Fixture f;
  f.go_online();
  f.stanza(Node("ib").add(Node("edge_routing").add(Node("routing_info").bytes(protocol::Bytes{1, 2, 3}))));
  REQUIRE(next_link(f).routing_info == protocol::Bytes{1, 2, 3});
  LinkEnd cut = ended(LinkEnd::Kind::network, "closed by peer");
  lose_link(f, cut);  // one that had come up: it stays
  CHECK(next_link(f).routing_info.size() == 3);
  cut.routing_failed = true;
  lose_link(f, cut);
  CHECK(next_link(f).routing_info.empty());
  f.reopen();
  CHECK(next_link(f).routing_info.empty());
}

TEST_CASE("a refused proxy login is its own reason, tells what to correct, and outlives the QR time-out") {
  Fixture f;
  unlink(f);
  f.begin();
  lose_link(f, ended(LinkEnd::Kind::proxy_login, "proxy: user name or password refused (HTTP 407)"));
  auto reason = f.session->view().reason;
  REQUIRE(reason);
  CHECK(reason->code == "proxy_refused");
  CHECK(reason->next_step == events::NextStep::correct_proxy_retried);
  f.steady += f.session->context().config.qr_timeout + 1s;
  f.turn({});
  REQUIRE(f.session->view().status == Status::failed);
  reason = f.session->view().reason;
  CHECK(reason->code == "proxy_refused");
  CHECK(reason->message.find("407") != std::string::npos);
  CHECK(reason->next_step == events::NextStep::correct_proxy_start);
}

TEST_CASE("a proxy that cannot be reached is named as the reason, before and after the QR time-out") {
  Fixture f;
  unlink(f);
  f.begin();
  lose_link(f, ended(LinkEnd::Kind::proxy, "connecting to 127.0.0.1:9: Connection refused"));
  auto reason = f.session->view().reason;
  REQUIRE(reason);
  CHECK(reason->code == "proxy_unreachable");
  CHECK(reason->next_step == events::NextStep::check_proxy_retried);
  f.steady += f.session->context().config.qr_timeout + 1s;
  f.turn({});
  reason = f.session->view().reason;
  CHECK(reason->code == "proxy_unreachable");
  CHECK(reason->next_step == events::NextStep::correct_proxy_start);
}

TEST_CASE("a pairing code asked of a failed session names the reason, and that it has ended, not a moment to wait") {
  Fixture f;
  unlink(f);
  f.begin();
  f.steady += f.session->context().config.qr_timeout + 1s;
  f.turn({});
  REQUIRE(f.session->view().status == Status::failed);
  std::optional<Refusal> refused;
  f.tell(RequestPairingCode{"15550000009"}, [&](Outcome<PairingCode> code) { refused = code.error(); });
  REQUIRE(refused);
  CHECK(refused->code == protocol::Errc::not_ready);
  CHECK(refused->subject == Subject::ended);
  CHECK(refused->detail.find("moment") == std::string::npos);
}

TEST_CASE("what stands behind a removal in the same turn is refused and leaves no row") {
  Fixture f;
  std::optional<Outcome<>> removed;
  std::optional<protocol::Result<SentMessage>> sent;
  std::vector<Input> inputs;
  inputs.push_back(Fixture::asked(RemoveSession(), [&](Outcome<> done) { removed = std::move(done); }));
  inputs.push_back(
      Fixture::asked(Fixture::text("late"), [&](protocol::Result<SentMessage> done) { sent = std::move(done); }));
  f.turn(std::move(inputs));
  REQUIRE((removed && removed->has_value()));
  REQUIRE((sent && sent->has_error()));
  CHECK(sent->error().code == protocol::Errc::not_found);
  CHECK(storage::count_outbox(f.store->reader(), f.row.id) == 0);
  CHECK_FALSE(storage::load_device(f.store->reader(), f.row.id));
  CHECK_FALSE(storage::load_session(f.store->reader(), f.row.id));
}

TEST_CASE("a logout and two removals that wait for the same server end once, and each is answered") {
  Fixture f;
  f.go_online();
  int answered = 0, finished = 0;
  const auto count = [&](const auto& done) { answered += done.has_value() ? 1 : 0; };
  std::vector<Input> inputs;
  inputs.push_back(Fixture::asked(Logout(), count));
  inputs.push_back(Fixture::asked(RemoveSession(), count));
  inputs.push_back(Fixture::asked(RemoveSession(), count));
  const auto asked = Fixture::sent(f.turn(std::move(inputs)));
  REQUIRE(asked.size() == 3);
  const auto effects = f.stanza(Node("iq").set("id", asked[0].attr("id")).set("type", "result"));
  for (const Effect& effect : effects) finished += std::holds_alternative<Finished>(effect) ? 1 : 0;
  CHECK(answered == 3);
  CHECK(finished == 1);
  CHECK_FALSE(storage::load_device(f.store->reader(), f.row.id));
  CHECK_FALSE(storage::find_signed_pre_key(f.store->reader(), f.row.id, 1));
}

TEST_CASE("an authentication that runs out keeps the reason why there is no connection") {
  Fixture f;
  unlink(f);
  scan(f);
  REQUIRE(f.session->view().status == Status::authenticated);
  lose_link(f, ended(LinkEnd::Kind::certificate, "bad_certificate: not signed by the root"));
  f.steady += 61s;
  f.turn({});
  REQUIRE(f.session->view().status == Status::failed);
  CHECK(f.session->view().reason->code == "untrusted_network");
}

TEST_CASE("the time for the login after a scan runs on over a reconnect, and ends with the login") {
  Fixture f;
  unlink(f);
  scan(f);
  lose_link(f, ended(LinkEnd::Kind::network, "closed by peer"));
  CHECK(f.session->next_deadline() == f.steady + f.session->context().config.auth_timeout);
  f.session->context().device.server_has_prekeys = true;
  f.go_online();
  CHECK(f.session->next_deadline() < f.steady + f.session->context().config.auth_timeout);  // a ping
  lose_link(f, ended(LinkEnd::Kind::network, "closed by peer"));
  CHECK_FALSE(f.session->next_deadline());
}

TEST_CASE("the prekeys of a first login are made while the QR is shown, and stored when they are uploaded") {
  Fixture f;
  unlink(f);
  const auto stored = [&] { return storage::load_pre_keys(f.store->reader(), f.row.id, 1, 1'000).size(); };
  std::optional<RunWork> work;
  scan(f, [&](RunWork& asked) { work = std::move(asked); });
  REQUIRE(work);
  const auto bring = [&] {
    work->work();
    return f.call(std::move(work->then));
  };
  const auto is_upload = [](const Node& node) { return node.is("iq") && node.child("list") && node.child("skey"); };
  const auto uploads = [&](const std::vector<Effect>& effects) {
    const auto nodes = Fixture::sent(effects);
    return std::count_if(nodes.begin(), nodes.end(), is_upload);
  };
  const auto log_in = [&] {
    lose_link(f, ended(LinkEnd::Kind::network, "closed by peer"));
    link_up(f);
    return f.stanza(Node("success").set("t", "1700000000"));
  };
  SECTION("before the login") {
    CHECK(uploads(bring()) == 0);
    CHECK(stored() == 0);
    auto effects = log_in();
    CHECK_FALSE(work_of(effects));
    CHECK(uploads(effects) == 1);
    CHECK(stored() == f.settings.pre_key_batch);
  }
  SECTION("after it") {
    auto effects = log_in();
    CHECK_FALSE(work_of(effects));  // they are on their way
    CHECK(uploads(effects) == 0);
    CHECK(uploads(bring()) == 1);
    CHECK(stored() == f.settings.pre_key_batch);
  }
  SECTION("between two connections") {
    lose_link(f, ended(LinkEnd::Kind::network, "closed by peer"));
    CHECK(uploads(bring()) == 0);
    CHECK(uploads(log_in()) == 1);
  }
  SECTION("of another device than the one that logs in") {
    f.session->context().device.identity = protocol::KeyPair::generate(f.random);
    f.session->context().device_changed();
    CHECK(uploads(bring()) == 0);
    auto effects = log_in();
    CHECK(uploads(effects) == 0);
    REQUIRE(work_of(effects));
    work = std::move(*work_of(effects));
    CHECK(uploads(bring()) == 1);
    CHECK(stored() == f.settings.pre_key_batch);
  }
  SECTION("of another device than the one that waits for them") {
    f.session->context().device.identity = protocol::KeyPair::generate(f.random);
    f.session->context().device_changed();
    CHECK(uploads(log_in()) == 0);
    auto effects = bring();
    CHECK(uploads(effects) == 0);
    REQUIRE(work_of(effects));
    work = std::move(*work_of(effects));
    CHECK(uploads(bring()) == 1);
  }
}

TEST_CASE("a logout whose connection ends before its answer ends the session, however the connection ended") {
  const auto log_out = [](Fixture& f, const std::function<std::vector<Effect>()>& end) {
    f.go_online();
    int answered = 0;
    f.tell(Logout(), [&](const protocol::Result<SessionView>& done) { answered += done.has_value() ? 1 : 0; });
    REQUIRE(answered == 0);
    for (const Effect& effect : end()) CHECK_FALSE(std::holds_alternative<OpenLink>(effect));
    CHECK(answered == 1);
    CHECK(f.session->view().status == Status::terminated);
    CHECK(f.session->view().connection == Connection::offline);
    CHECK_FALSE(f.session->next_deadline());
    CHECK_FALSE(storage::load_device(f.store->reader(), f.row.id)->linked());
  };
  for (const char* code : {"401", "503", "515"}) {
    Fixture f;
    log_out(f, [&] { return f.stanza(Node("stream:error").set("code", code)); });
  }
  {
    Fixture f;
    log_out(f, [&] { return f.stanza(Node("stream:error").add(Node("conflict").set("type", "device_removed"))); });
  }
  Fixture f;
  log_out(f, [&] { return lose_link(f, ended(LinkEnd::Kind::network, "closed by peer")); });
}

TEST_CASE("a removal that ends with the time for its answer leaves nothing behind") {
  Fixture f;
  f.go_online();
  bool removed = false;
  f.tell(RemoveSession(), [&](const Outcome<>& done) { removed = done.has_value(); });
  REQUIRE_FALSE(removed);
  f.steady += 6s;
  f.turn({});
  CHECK(removed);
  CHECK_FALSE(storage::load_session(f.store->reader(), f.row.id));
  CHECK_FALSE(storage::load_device(f.store->reader(), f.row.id));
}
