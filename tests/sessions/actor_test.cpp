// A real SessionActor over an inline store, without a network: what a turn that breaks or is not committed does to its
// callers, to the memory of the session and to the rows.
#include "sessions/actor.h"

#include <catch2/catch.hpp>

#include "net/websocket_client.h"
#include "net/worker_pool.h"
#include "tests/net/loopback.h"
#include "tests/sessions/session_fixture.h"
#include "tests/storage/counts.h"
#include "tests/storage/injection.h"

using namespace wharf;
using namespace wharf::sessions;

namespace {

/// The fixture's randomness; the next draw fails on demand, as the kernel's generator could.
class Dice final : public protocol::Random {
 public:
  explicit Dice(protocol::Random& source) : source_(source) {}
  void fill(std::span<std::uint8_t> out) override {
    if (std::exchange(fail_next, false)) throw std::runtime_error("no randomness");
    ++draws;
    source_.fill(out);
  }
  bool fail_next = false;
  int draws = 0;

 private:
  protocol::Random& source_;
};

struct World {
  test::SessionFixture fixture;  // the rows of a linked session
  Dice random{fixture.random};
  net::asio::io_context loop;
  net::LoopScheduler scheduler{loop};
  net::WorkerPool workers{loop.get_executor(), 1};
  net::WebSocketClient sockets{loop, {}};
  // Nobody listens there: connection attempts fail.
  Shared shared{scheduler, random, *fixture.store,  workers, sockets, "ws://127.0.0.1:9/ws/chat", {},
                true,      {},     ConnectGate(100)};
  std::shared_ptr<SessionActor> actor = std::make_shared<SessionActor>(
      shared, fixture.row, *storage::load_device(fixture.store->reader(), fixture.row.id));

  /// The session was thrown away and has begun again from its rows; until then nothing is accepted for it.
  void wait_until_restored(const Session* before) {
    REQUIRE(test::run_until(loop, [&] { return &actor->session() != before; }));
  }
  std::string stored_name() { return storage::load_device(fixture.store->reader(), fixture.row.id)->push_name; }
};

void rename(Session& session, const std::string& name) {
  session.context().device.push_name = name;
  session.context().device_changed();
}

void lose_commit(Session& session) {
  test::inject_into(session.context().records, [](storage::Database&) {
    return protocol::Result<void>(protocol::Error(protocol::Errc::storage, "lost"));
  });
}

}  // namespace

TEST_CASE("an exception in a turn is answered to its caller, stores nothing and leaves a session that works") {
  World w;
  std::optional<protocol::Error> failure;
  const Session* before = &w.actor->session();
  w.actor->call(
      [](Session& session) {
        rename(session, "never");
        throw std::runtime_error("a broken invariant");
      },
      [&](const protocol::Error& error) { failure = error; });
  REQUIRE(failure.has_value());
  REQUIRE(failure->code == protocol::Errc::internal);
  REQUIRE(w.stored_name().empty());
  w.wait_until_restored(before);
  REQUIRE(w.actor->session().context().device.push_name.empty());
  w.actor->call([](Session& session) { rename(session, "works"); },
                [](const protocol::Error&) { FAIL("a healthy turn"); });
  REQUIRE(w.stored_name() == "works");
}

TEST_CASE("rows that cannot be read are answered as such, and are the reason users see until the session is back") {
  World w;
  std::optional<protocol::Errc> answered;
  const Session* before = &w.actor->session();
  w.actor->call(
      [](Session&) { throw storage::ReadFailure(protocol::Error(protocol::Errc::storage, "page 7 is malformed")); },
      [&](const protocol::Error& error) { answered = error.code; });
  REQUIRE(answered == protocol::Errc::storage);
  REQUIRE(w.actor->view().status != Status::ready);
  REQUIRE(w.actor->view().reason.has_value());
  CHECK(w.actor->view().reason->code == "storage");
  CHECK(w.actor->view().reason->message.find("page 7 is malformed") != std::string::npos);
  CHECK(w.actor->view().reason->next_step.find("disk") != std::string::npos);
  w.wait_until_restored(before);
  CHECK(w.actor->view().reason.has_value());  // restored is not yet sound
}

TEST_CASE("a lost commit answers with its failure, and the session starts again from the rows") {
  World w;
  w.actor->call([](Session& session) { rename(session, "before"); },
                [](const protocol::Error&) { FAIL("a healthy turn"); });
  std::optional<protocol::Errc> answered;
  const Session* before = &w.actor->session();
  w.actor->call(
      [&](Session& session) {
        rename(session, "lost");
        lose_commit(session);
        session.context().answer(
            [&](const protocol::Error* error) { answered = error ? error->code : protocol::Errc::internal; });
      },
      [](const protocol::Error&) {});
  REQUIRE(answered == protocol::Errc::storage);
  REQUIRE(w.stored_name() == "before");
  w.wait_until_restored(before);
  REQUIRE(w.actor->session().context().device.push_name == "before");
}

TEST_CASE("a text whose commit is lost is answered with the failure and is in no queue; the next one is accepted") {
  World w;
  std::vector<protocol::Result<SentMessage>> answers;
  const auto send = [&](bool lost) {
    w.actor->call(
        [&, lost](Session& session) {
          session.send_text(test::SessionFixture::text("hello"),
                            [&](protocol::Result<SentMessage> sent) { answers.push_back(std::move(sent)); });
          if (lost) lose_commit(session);
        },
        [&](const protocol::Error& error) { answers.emplace_back(error); });
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

TEST_CASE("a call from inside a turn runs after it, in a turn of its own") {
  World w;
  std::vector<std::string> order;
  const auto unexpected = [](const protocol::Error&) { FAIL("a healthy turn"); };
  w.actor->call(
      [&](Session& session) {
        w.actor->call([&](Session&) { order.push_back("inner: " + w.stored_name()); }, unexpected);
        rename(session, "outer");
        order.push_back("outer");
      },
      unexpected);
  REQUIRE(order == std::vector<std::string>{"outer", "inner: outer"});
}

TEST_CASE("after a shutdown every call is answered closed") {
  World w;
  bool rests = false;
  w.actor->shutdown([&] { rests = true; });
  REQUIRE(rests);
  std::optional<protocol::Errc> answered;
  w.actor->call([](Session&) { FAIL("a turn after the end"); },
                [&](const protocol::Error& error) { answered = error.code; });
  REQUIRE(answered == protocol::Errc::closed);
}

TEST_CASE("a session that broke while a turn is on its way to the disk is read again only when that has landed") {
  World w;
  const auto unexpected = [](const protocol::Error&) { FAIL("a healthy turn"); };
  w.actor->begin();  // the dial waits for the loop
  const Session* before = &w.actor->session();
  bool answered = false;
  // Inside a completion the inline store holds the commits that come back, and answers pings at once.
  w.fixture.store->commit({}, [&](const protocol::Result<void>&) {
    w.actor->call(
        [&](Session& session) {
          rename(session, "landed");
          session.context().answer([&](const protocol::Error* failure) { answered = failure == nullptr; });
        },
        unexpected);
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
  w.actor->call([](Session& session) { rename(session, "works"); }, unexpected);
  REQUIRE(w.stored_name() == "works");
}
