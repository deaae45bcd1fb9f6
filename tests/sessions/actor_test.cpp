// A real SessionActor over an inline store, without a network: what a turn that breaks or is not committed does to its
// callers, to the memory of the session and to the rows.
#include "sessions/actor.h"

#include <catch2/catch.hpp>

#include "tests/sessions/actor_fixture.h"
#include "tests/storage/counts.h"

using namespace wharf;
using namespace wharf::sessions;
using test::lose_commit;
using test::rename;
using World = test::ActorFixture;

TEST_CASE("an exception in a turn is answered to its caller, stores nothing and leaves a session that works") {
  World w;
  std::optional<protocol::Error> failure;
  const Session* before = &w.actor->session();
  w.together([&] {
    w.tell(StopSession(), [&](const protocol::Result<SessionView>& view) { failure = view.error(); });
    w.in_turn([](Session& session) {
      rename(session, "never");
      throw std::runtime_error("a broken invariant");
    });
  });
  REQUIRE(failure.has_value());
  REQUIRE(failure->code == protocol::Errc::internal);
  REQUIRE(w.stored_name().empty());
  w.wait_until_restored(before);
  REQUIRE(w.actor->session().context().device.push_name.empty());
  w.in_turn([](Session& session) { rename(session, "works"); });
  REQUIRE(w.stored_name() == "works");
}

TEST_CASE("rows that cannot be read are answered as such, and are the reason users see until the session is back") {
  World w;
  std::optional<protocol::Errc> answered;
  const Session* before = &w.actor->session();
  w.together([&] {
    w.tell(StartSession(), [&](const protocol::Result<SessionView>& view) { answered = view.error().code; });
    w.in_turn(
        [](Session&) { throw storage::ReadFailure(protocol::Error(protocol::Errc::storage, "page 7 is malformed")); });
  });
  REQUIRE(answered == protocol::Errc::storage);
  REQUIRE(w.actor->view().status != Status::ready);
  REQUIRE(w.actor->view().reason.has_value());
  CHECK(w.actor->view().reason->code == "storage");
  CHECK(w.actor->view().reason->message.find("page 7 is malformed") != std::string::npos);
  CHECK(w.actor->view().reason->next_step == events::NextStep::check_disk);
  w.wait_until_restored(before);
  CHECK(w.actor->view().reason.has_value());  // restored is not yet sound
}

TEST_CASE("a lost commit answers with its failure, and the session starts again from the rows") {
  World w;
  w.in_turn([](Session& session) { rename(session, "before"); });
  std::optional<protocol::Errc> answered;
  const Session* before = &w.actor->session();
  w.in_turn([&](Session& session) {
    rename(session, "lost");
    lose_commit(session);
    Reply<void> reply = [&](const Outcome<>& result) { answered = result.error().code; };
    session.context().answer(std::move(reply), {});
  });
  REQUIRE(answered == protocol::Errc::storage);
  REQUIRE(w.stored_name() == "before");
  w.wait_until_restored(before);
  REQUIRE(w.actor->session().context().device.push_name == "before");
}

TEST_CASE("a text whose commit is lost is answered with the failure and is in no queue; the next one is accepted") {
  World w;
  std::vector<protocol::Result<SentMessage>> answers;
  const auto send = [&](bool lost) {
    w.together([&] {
      w.tell(test::SessionFixture::text("hello"),
             [&](protocol::Result<SentMessage> sent) { answers.push_back(std::move(sent)); });
      if (lost) w.in_turn(lose_commit);
    });
  };
  const Session* before = &w.actor->session();
  send(true);
  REQUIRE(answers.size() == 1);
  REQUIRE(answers[0].has_error());
  send(false);  // too early: refused with the same reason, never lost
  REQUIRE(answers.size() == 2);
  REQUIRE(answers[1].error().code == protocol::Errc::storage);
  answers.pop_back();
  w.wait_until_restored(before);
  REQUIRE(w.actor->session().view().queued == 0);
  send(false);
  REQUIRE(answers.size() == 2);
  REQUIRE(answers[1].has_value());
  REQUIRE(w.actor->session().view().queued == 1);
  REQUIRE(storage::count_outbox(w.fixture.store->reader(), w.fixture.row.id) == 1);
}

TEST_CASE("what is posted inside a turn is handled after it, in a turn of its own") {
  World w;
  std::vector<std::string> order;
  w.in_turn([&](Session& session) {
    w.in_turn([&](Session&) { order.push_back("inner: " + w.stored_name()); });
    rename(session, "outer");
    order.push_back("outer");
  });
  REQUIRE(order == std::vector<std::string>{"outer", "inner: outer"});
}

TEST_CASE("a session that broke while a turn is on its way to the disk is read again only when that has landed") {
  World w;
  w.actor->begin();  // the dial waits for the loop
  const Session* before = &w.actor->session();
  bool answered = false;
  // Inside a completion the inline store holds the commits that come back, and answers pings at once.
  w.fixture.store->commit({}, [&](const protocol::Result<void>&) {
    w.in_turn([&](Session& session) {
      rename(session, "landed");
      Reply<void> reply = [&](const Outcome<>& result) { answered = result.has_value(); };
      session.context().answer(std::move(reply), {});
    });
    REQUIRE(w.stored_name().empty());
    w.random.fail_next = true;  // of the dial: its ephemeral key
    w.random.draws = 0;
    // Each try to restore draws its delay: the second draw means that the first try was put off.
    REQUIRE(test::run_until(w.loop, [&] { return &w.actor->session() != before || w.random.draws == 2; }));
    REQUIRE(!w.random.fail_next);
    REQUIRE(&w.actor->session() == before);
  });
  REQUIRE(answered);
  REQUIRE(w.stored_name() == "landed");
  w.wait_until_restored(before);
  REQUIRE(w.actor->session().context().device.push_name == "landed");
  w.in_turn([](Session& session) { rename(session, "works"); });
  REQUIRE(w.stored_name() == "works");
}

namespace {

StanzaArrived server_ack() { return {protocol::Node("ack").set("class", "message").set("id", "3EB0AA"), 0, 0}; }

}  // namespace

TEST_CASE("an ack waits for company and gets its turn without any") {
  World w;
  w.actor->post(server_ack());
  REQUIRE(w.actor->holdings().inputs == 1);
  SECTION("something that cannot wait takes it along") {
    w.in_turn([](Session&) {});
    CHECK(w.actor->holdings().inputs == 0);
  }
  SECTION("nothing comes") {
    CHECK(test::run_until(w.loop, [&] { return w.actor->holdings().inputs == 0; }));
  }
  SECTION("as many come as a turn takes, and one more") {
    for (std::size_t i = 0; i < Mailbox::max_inputs_per_turn; ++i) w.actor->post(server_ack());
    CHECK(w.actor->holdings().inputs == 1);
    CHECK(test::run_until(w.loop, [&] { return w.actor->holdings().inputs == 0; }));
  }
  SECTION("it comes while a turn is on its way to the disk") {
    w.together([&] { w.actor->post(server_ack()); });
    CHECK(w.actor->holdings().inputs == 1);  // the first went with the turn
    CHECK(test::run_until(w.loop, [&] { return w.actor->holdings().inputs == 0; }));
  }
  SECTION("more come than a turn takes while one is on its way to the disk") {
    w.together([&] {
      for (std::size_t i = 0; i < Mailbox::max_inputs_per_turn + 5; ++i) w.actor->post(server_ack());
    });
    CHECK(w.actor->holdings().inputs == 5);
    CHECK(test::run_until(w.loop, [&] { return w.actor->holdings().inputs == 0; }));
  }
  SECTION("the session begins again: it goes with the memory") {
    const Session* before = &w.actor->session();
    w.in_turn([](Session&) { throw std::runtime_error("a broken invariant"); });
    w.wait_until_restored(before);
    w.actor->post(server_ack());
    CHECK(test::run_until(w.loop, [&] { return w.actor->holdings().inputs == 0; }));
  }
}

TEST_CASE("who waits for the server's ack is told when it arrives, and its rows are there for who asks to catch up") {
  World w;
  storage::OutboxRow sealed;
  sealed.row = 1;
  sealed.session = w.fixture.row.id;
  sealed.chat = *protocol::Jid::parse("15550000002@s.whatsapp.net");
  sealed.message_id = "3EB0AA";
  sealed.state = storage::OutboxState::sealed;
  sealed.stanza = protocol::encode_node(protocol::Node("message").set("id", "3EB0AA").set("to", sealed.chat));
  storage::Changes rows;
  rows.add(storage::InsertOutbox{sealed});
  w.fixture.store->commit(std::move(rows), [](const protocol::Result<void>& done) { REQUIRE(done.has_value()); });
  w.actor = std::make_shared<SessionActor>(w.shared, w.fixture.row,
                                           *storage::load_device(w.fixture.store->reader(), w.fixture.row.id));
  w.actor->begin();
  w.go_online();
  const auto outbox = [&] { return storage::load_outbox(w.fixture.store->reader(), w.fixture.row.id).size(); };
  REQUIRE(outbox() == 1);
  std::vector<std::string> told;
  w.shared.awaited_acks->on_accepted(
      [&](storage::SessionId session, std::string_view id, storage::UnixMs at, std::uint64_t) {
        CHECK(session == w.fixture.row.id);
        CHECK(at == 1'767'225'600'000);
        told.emplace_back(id);
      });
  const auto ack = [&](unsigned error) {
    protocol::Node node("ack");
    node.set("class", "message").set("id", "3EB0AA").set("t", "1767225600");
    if (error != 0) node.set("error", std::to_string(error));
    return StanzaArrived{std::move(node), w.actor->session().link_epoch(), 0};
  };
  std::optional<AckAwaited> awaited(std::in_place, w.shared.awaited_acks, w.fixture.row.id);

  SECTION("somebody waits") {
    w.actor->post(ack(0));
    CHECK(told == std::vector<std::string>{"3EB0AA"});
    CHECK(w.actor->behind());
    CHECK(outbox() == 1);  // it waits for company all the same
    bool caught_up = false;
    w.tell(CatchUp(), [&](const Outcome<>& done) {
      CHECK(done.has_value());
      CHECK(outbox() == 0);
      caught_up = true;
    });
    CHECK(caught_up);
    CHECK_FALSE(w.actor->behind());
  }
  SECTION("nobody waits any more") {
    awaited.reset();
    w.actor->post(ack(0));
    CHECK(told.empty());
    CHECK_FALSE(w.actor->behind());
  }
  SECTION("the server refuses it: what becomes of it is told when that is stored") {
    w.actor->post(ack(479));
    CHECK(told.empty());
    CHECK_FALSE(w.actor->behind());
  }
  SECTION("it is the ack of a receipt of ours, for a message of theirs that has the same id") {
    auto receipt = ack(0);
    receipt.node.set("class", "receipt");
    SECTION("of a delivery") {}
    SECTION("of a read mark") { receipt.node.set("type", "read"); }
    w.actor->post(std::move(receipt));
    CHECK(told.empty());
    w.tell(CatchUp(), [](const Outcome<>&) {});
    CHECK(outbox() == 1);
  }
  SECTION("what stands before it ends the connection: it will not be read") {
    w.behind({}, [&] {
      w.tell(StopSession(), [](const protocol::Result<SessionView>&) {});
      w.actor->post(ack(0));
    });
    CHECK(told.empty());
    CHECK(outbox() == 1);
  }
  SECTION("the daemon stops in an orderly way: its rows come first") {
    bool rested = false;
    const auto stop = [&] {
      w.actor->come_to_rest([&] {
        CHECK(outbox() == 0);
        rested = true;
      });
    };
    SECTION("at rest") {
      w.actor->post(ack(0));
      stop();
    }
    SECTION("with a commit under way") {
      w.behind({}, [&] {
        w.actor->post(ack(0));
        stop();
      });
    }
    CHECK(told.size() == 1);
    CHECK(test::run_until(w.loop, [&] { return rested; }));
  }
  SECTION("it comes from a connection that was left") {
    auto late = ack(0);
    --late.epoch;
    w.actor->post(std::move(late));
    CHECK(told.empty());
  }
  SECTION("the turn with it is lost with its commit: nothing is left to catch up with") {
    const Session* before = &w.actor->session();
    w.actor->post(ack(0));
    w.in_turn(test::lose_commit);
    w.wait_until_restored(before);
    CHECK_FALSE(w.actor->behind());
    CHECK(outbox() == 1);
  }
}

namespace {

/// Counts what is dialled, and answers nothing.
struct Dials final : net::Transport {
  std::unique_ptr<Attempt> connect(net::WebSocketRequest, std::function<void(net::WebSocketResult)>) override {
    ++count;
    return nullptr;
  }
  int count = 0;
};

}  // namespace

TEST_CASE("a connection that is due while its session leaves it for another one is not dialled any more") {
  test::ActorFixture w;
  Dials dials;
  Shared shared{w.scheduler, w.random, *w.fixture.store, w.workers, dials, "ws://127.0.0.1:9/ws/chat", {},
                true,        {},       ConnectGate(100)};
  w.actor = std::make_shared<SessionActor>(shared, w.fixture.row,
                                           *storage::load_device(w.fixture.store->reader(), w.fixture.row.id));
  const auto ignore = [](const protocol::Result<SessionView>&) {};
  w.tell(RestartSession(), ignore);
  REQUIRE(dials.count == 0);  // due, and from the loop
  // Inside a completion the inline store holds the commits that come back: that of the second restart.
  w.fixture.store->commit({}, [&](const protocol::Result<void>&) {
    w.tell(RestartSession(), ignore);
    bool later = false;
    net::Timer timer(w.scheduler);
    timer.after(std::chrono::milliseconds(1), [&] { later = true; });
    REQUIRE(test::run_until(w.loop, [&] { return later; }));
    CHECK(dials.count == 0);
  });
  REQUIRE(test::run_until(w.loop, [&] { return dials.count > 0; }));
  CHECK(dials.count == 1);
  w.actor->shutdown([] {});
}
