// What the parts of a session share: questions to the server, status changes, the rows of a turn.
#include "sessions/context.h"

#include "events/codec.h"
#include "events/event.h"
#include "tests/sessions/session_fixture.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Node;
using namespace std::chrono_literals;

using Fixture = wharf::test::SessionFixture;

namespace {

std::size_t count(Fixture& f, std::string_view event) {
  const auto names = f.event_names();
  return static_cast<std::size_t>(std::count(names.begin(), names.end(), event));
}

}  // namespace

TEST_CASE("a question without a connection, or beside too many, is answered at once with nothing and not sent") {
  Fixture f;
  int unanswered = 0;
  const auto ask = [&](const std::string& id) {
    f.session->context().query(Node("iq").set("id", id).set("type", "get"),
                               [&](const Node* answer) { unanswered += answer == nullptr ? 1 : 0; });
  };
  CHECK(Fixture::sent(f.call([&] { ask("offline"); })).empty());
  CHECK(unanswered == 1);
  f.go_online();
  unanswered = 0;
  const auto sent = Fixture::sent(f.call([&] {
    for (std::size_t i = 0; i < IqTracker::max_pending + 1; ++i) ask("q" + std::to_string(i));
  }));
  CHECK(unanswered >= 1);
  CHECK(sent.size() + static_cast<std::size_t>(unanswered) == IqTracker::max_pending + 1);
}

TEST_CASE("a status is an event and a row when it changes, not when it is said again") {
  Fixture f;
  f.go_online();
  const auto before = count(f, "session.status");
  const auto set = [&](Status status, std::optional<Reason> why) {
    f.call([&] { f.session->context().set_status(status, why); });
  };
  const auto leave = [&](LinkState::Next next) { f.session->context().link.leave(next); };
  set(Status::ready, std::nullopt);
  CHECK(count(f, "session.status") == before);
  const Reason why{"network", "gone", events::NextStep::retried, std::nullopt};
  leave(LinkState::Next::connecting);
  set(Status::authenticated, why);
  CHECK(count(f, "session.status") == before + 1);
  CHECK(count(f, "disconnected") == 1);
  const auto row = storage::load_session(f.store->reader(), f.row.id);
  CHECK(row->status == "authenticated");
  CHECK(events::decode_reason(row->reason)->code == "network");
  set(Status::authenticated, why);
  leave(LinkState::Next::offline);
  set(Status::authenticated, why);  // connection alone: an event, no second "disconnected"
  CHECK(count(f, "session.status") == before + 2);
  CHECK(count(f, "disconnected") == 1);
}

TEST_CASE("what a request causes names it, and what comes after it does not") {
  Fixture f;
  Context& c = f.session->context();
  const auto read = [&] {
    std::vector<std::string> causes;
    for (const storage::Event& event : storage::read_events(f.store->reader(), {}))
      causes.push_back(storage::value_of(event).value()->request_id);
    return causes;
  };
  f.call([&] {
    c.cause = "req-1";
    c.emit(events::QrShown{{"first", 1}});
    c.emit(events::QrShown{{"second", 1}});
    c.cause.clear();
  });
  f.call([&] { c.emit(events::QrShown{{"third", 1}}); });
  CHECK(read() == std::vector<std::string>{"req-1", "req-1", ""});
}

TEST_CASE("activity moves lastActivity at once and its row once a minute") {
  Fixture f;
  const auto stored = [&] { return storage::load_session(f.store->reader(), f.row.id)->last_activity; };
  const auto act = [&] { f.call([&] { f.session->context().active(); }); };
  act();
  const auto first = f.now_ms;
  CHECK(stored() == first);
  f.now_ms += 59'999;
  act();
  CHECK(stored() == first);
  CHECK(f.session->view().last_activity == f.now_ms);
  f.now_ms += 1;
  act();
  CHECK(stored() == f.now_ms);
}
