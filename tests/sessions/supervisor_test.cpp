// The registry of sessions: names, what survives a restart, and that every request is answered.
#include "sessions/supervisor.h"

#include <catch2/catch.hpp>

#include "events/event.h"
#include "net/websocket_client.h"
#include "net/worker_pool.h"
#include "sessions/waits.h"
#include "storage/sessions.h"
#include "tests/storage/injection.h"
#include "tests/support/loop.h"

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;

namespace {

struct World {
  net::asio::io_context loop;
  net::LoopScheduler scheduler{loop};
  protocol::SeededRandom random{3};
  std::unique_ptr<storage::Store> store;
  net::WorkerPool workers{loop.get_executor(), 1};
  net::WebSocketClient sockets{loop, {}};
  std::unique_ptr<Supervisor> supervisor;
  std::unique_ptr<Waits> waits;

  World() {
    storage::Store::Settings file;
    file.path = ":memory:";
    file.before_change = test::run_injected;
    store = *storage::Store::open(std::move(file));
    restart();
  }
  ~World() {
    if (supervisor) stop();
  }
  void stop() {
    bool rests = false;
    supervisor->stop([&] { rests = true; });
    if (!test::run_until(loop, [&] { return rests; })) FAIL("the supervisor does not come to rest");
    waits.reset();
    supervisor.reset();
  }
  void restart() {
    if (supervisor) stop();
    SupervisorSettings settings;
    settings.network.chat_url = "ws://127.0.0.1:9/ws/chat";  // nobody listens there
    settings.max_sessions = 3;
    supervisor = std::make_unique<Supervisor>(Supervisor::Ports{scheduler, random, *store, workers, sockets}, settings);
    waits = std::make_unique<Waits>(*supervisor, scheduler, *store);
    supervisor->start();
  }
  /// Runs the loop until the request is answered.
  template <class T>
  Outcome<T> ask(const std::function<void(Reply<T>)>& request) {
    std::optional<Outcome<T>> answer;
    request([&](Outcome<T> result) {
      REQUIRE_FALSE(answer.has_value());  // exactly once
      answer = std::move(result);
    });
    if (!test::run_until(loop, [&] { return answer.has_value(); })) FAIL("a request is never answered");
    return std::move(*answer);
  }
  Outcome<SessionView> create(const std::string& name) {
    return ask<SessionView>([&](Reply<SessionView> reply) {
      Supervisor::NewSession session;
      session.name = name;
      supervisor->create(std::move(session), std::move(reply));
    });
  }
  template <class Operation>
  Outcome<typename Operation::Answer> tell(const std::string& name, Operation operation) {
    using Answer = typename Operation::Answer;
    return ask<Answer>([&](Reply<Answer> reply) { supervisor->tell(name, std::move(operation), std::move(reply)); });
  }
  Outcome<> remove(const std::string& name) { return tell(name, RemoveSession()); }
};

}  // namespace

TEST_CASE("a session has its name once, a limit of number, and is there after a restart") {
  World w;
  REQUIRE(w.create("a").has_value());
  REQUIRE(w.create("a").error().code == protocol::Errc::conflict);
  REQUIRE(w.create("b").has_value());
  REQUIRE(w.create("c").has_value());
  REQUIRE(w.create("d").error().code == protocol::Errc::too_large);
  w.restart();
  REQUIRE(w.supervisor->list().size() == 3);
  REQUIRE(w.supervisor->find("b")->status == Status::initializing);
  REQUIRE_FALSE(w.supervisor->find("d").has_value());
}

TEST_CASE("a removed session is gone from the rows, and its name can be used again") {
  World w;
  REQUIRE(w.create("a").has_value());
  const auto first = w.supervisor->find("a")->id;
  REQUIRE(w.remove("a").has_value());
  REQUIRE_FALSE(w.supervisor->find("a").has_value());
  REQUIRE(storage::load_sessions(w.store->reader()).empty());
  REQUIRE(w.create("a").has_value());
  REQUIRE(w.supervisor->find("a")->id != first);
}

TEST_CASE("a stopped session stays stopped over a restart until it is started") {
  World w;
  REQUIRE(w.create("a").has_value());
  REQUIRE(w.tell("a", StopSession()).has_value());
  w.restart();
  REQUIRE(w.supervisor->find("a")->status == Status::terminated);
  REQUIRE(w.tell("a", StartSession()).has_value());
  REQUIRE(w.supervisor->find("a")->status == Status::initializing);
}

TEST_CASE("what is asked of a session that is not there or not linked is refused") {
  World w;
  REQUIRE(w.create("a").has_value());
  SendText text;
  text.chat = Jid("15550000002", "s.whatsapp.net");
  text.text = "hello";
  const auto send = [&](const std::string& name) { return w.tell(name, text); };
  REQUIRE(send("nobody").error().code == protocol::Errc::not_found);
  REQUIRE(send("a").error().code == protocol::Errc::not_ready);
  REQUIRE(w.remove("nobody").error().code == protocol::Errc::not_found);
}

namespace {

/// Messages of a session as its turns would write them, and who waits for their acks.
struct Acks {
  explicit Acks(World& world) : w(world), session(world.supervisor->find("a")->id) {}

  void commit(storage::Changes changes) {
    w.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  }
  void sent(const std::string& id) {
    storage::MessageRow row;
    row.session = session;
    row.chat = row.author = ben;
    row.id = id;
    row.from_me = true;
    row.kind = "text";
    storage::Changes changes;
    changes.add(storage::InsertMessage{row, false, std::nullopt});
    commit(std::move(changes));
  }
  void raise(const std::string& id, storage::AckLevel level) {
    storage::Changes changes;
    changes.add(storage::RaiseAckById{session, id, level, "", std::nullopt});
    commit(std::move(changes));
  }
  void tell(events::Event event) {
    storage::Changes changes;
    changes.emit(storage::NewEvent(session, std::move(event), 1));
    commit(std::move(changes));
  }
  void tell(const std::string& id, storage::AckLevel level) { tell(events::Ack{id, ben, {}, level, "", 1}); }
  void await(const std::string& id, storage::AckLevel level) {
    SentMessage sent;
    sent.id = id;
    sent.replayed = replayed;
    w.waits->await_ack("a", sent, level, 1h, [this](Outcome<SentMessage> told) {
      if (told) reached = told->ack;
      if (!told) refused = told.error().code;
    });
  }

  World& w;
  storage::SessionId session;
  Jid ben{"15550000002", "s.whatsapp.net"};
  bool replayed = false;
  std::optional<storage::AckLevel> reached;
  std::optional<protocol::Errc> refused;
};

}  // namespace

TEST_CASE("who waits for an ack is woken by the ack of that message at that level, and by nothing else") {
  using storage::AckLevel;
  World w;
  REQUIRE(w.create("a").has_value());
  Acks acks(w);
  acks.sent("3EB0AA");
  acks.await("3EB0AA", AckLevel::read);
  // Ahead of its event, which no turn does: whoever looks at the row would answer.
  acks.raise("3EB0AA", AckLevel::read);
  acks.tell("3EB0AA77", AckLevel::read);
  acks.tell("3EB0AA", AckLevel::delivered);
  acks.tell(events::Event(events::Ack{"3EB0BB", acks.ben, {}, AckLevel::read, "3EB0AA", 1}, R"({"order":"3EB0AA"})"));
  acks.tell(events::ContactUpdated{Jid("3EB0AA", "lid"), {}, events::ContactUpdated::Change::identity});
  CHECK_FALSE(acks.reached);
  acks.tell("3EB0AA", AckLevel::read);
  CHECK(acks.reached == AckLevel::read);
}

TEST_CASE("an ack wakes who waits for it whatever characters the id has, and a failure wakes everybody") {
  using storage::AckLevel;
  World w;
  REQUIRE(w.create("a").has_value());
  for (const std::string id : {"3EB0\"AA", "3EB0\\AA"}) {
    INFO(id);
    Acks acks(w);
    acks.sent(id);
    acks.await(id, AckLevel::played);
    acks.raise(id, AckLevel::played);
    CHECK_FALSE(acks.reached);
    acks.tell(id, AckLevel::played);
    CHECK(acks.reached == AckLevel::played);
  }
  Acks acks(w);
  acks.sent("3EB0CC");
  acks.await("3EB0CC", AckLevel::read);
  acks.raise("3EB0CC", AckLevel::error);
  acks.tell("3EB0CC", AckLevel::error);
  CHECK(acks.reached == AckLevel::error);
}

TEST_CASE("what was told of a message before somebody waits for it counts") {
  using storage::AckLevel;
  World w;
  REQUIRE(w.create("a").has_value());
  Acks acks(w);
  acks.sent("3EB0DD");
  acks.raise("3EB0DD", AckLevel::delivered);
  acks.await("3EB0DD", AckLevel::server);
  CHECK(acks.reached == AckLevel::delivered);  // told in the turn that answered, before anybody could wait
  acks.replayed = true;
  acks.await("3EB0EE", AckLevel::server);
  CHECK(acks.refused == protocol::Errc::not_found);
}

TEST_CASE("an ack that is awaited waits for no company, and nobody is left behind who waits") {
  World w;
  REQUIRE(w.create("a").has_value());
  Acks acks(w);
  const auto awaited = w.supervisor->awaited_acks();
  acks.await("3EB0FF", storage::AckLevel::server);
  acks.await("3EB0FF", storage::AckLevel::read);
  CHECK(awaited->at(acks.session) == 2);
  acks.tell("3EB0FF", storage::AckLevel::delivered);
  CHECK(awaited->at(acks.session) == 1);
  w.waits->end();
  CHECK(awaited->empty());
}
