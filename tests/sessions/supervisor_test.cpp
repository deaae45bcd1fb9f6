// The registry of sessions: names, what survives a restart, and that every request is answered.
#include "sessions/supervisor.h"

#include "storage/sessions.h"
#include "tests/sessions/supervisor_fixture.h"

using namespace wharf;
using namespace wharf::sessions;
using World = wharf::test::SupervisorFixture;

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

TEST_CASE("a session whose first turn is lost was created all the same, and its answer says how it stands") {
  World w;
  w.failing_updates = 1;
  const auto created = w.create("a");
  REQUIRE(created.has_value());
  CHECK(w.failing_updates == 0);
  CHECK(created->name == "a");
  CHECK(created->reason.has_value());
  CHECK(w.supervisor->find("a").has_value());
  CHECK(storage::load_sessions(w.store->reader()).size() == 1);
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
  SendMessage text;
  text.chat = Jid("15550000002", "s.whatsapp.net");
  text.content = std::string("hello");
  const auto send = [&](const std::string& name) { return w.tell(name, text); };
  REQUIRE(send("nobody").error().code == protocol::Errc::not_found);
  REQUIRE(send("a").error().code == protocol::Errc::not_ready);
  REQUIRE(w.remove("nobody").error().code == protocol::Errc::not_found);
}
