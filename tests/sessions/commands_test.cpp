// Every command is answered, exactly once and with the reason, whatever becomes of the session that it was asked of.
// The commands are taken from the variant: one that is added later stands in these tests by itself.
#include "sessions/commands.h"

#include <catch2/catch.hpp>

#include <functional>
#include <utility>

#include "events/event.h"
#include "storage/events.h"
#include "tests/sessions/actor_fixture.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Errc;
using protocol::Error;
using test::lose_commit;
using World = test::ActorFixture;

namespace {

const Jid ben("15550000002", "s.whatsapp.net");

/// With fields that make it act; a new operation does without.
template <class Operation>
Operation sample() {
  return {};
}
template <>
SendMessage sample<SendMessage>() {
  return test::SessionFixture::text("hello");
}
template <>
MarkRead sample<MarkRead>() {
  return {ben};
}
template <>
RemoveChat sample<RemoveChat>() {
  return {ben};
}
template <>
RequestPairingCode sample<RequestPairingCode>() {
  return {"15550000009"};
}

struct Heard {
  int times = 0;
  std::optional<Error> error;  // nullopt: it was done
};

template <class Operation>
Command asked(Asked<Operation>* /*kind*/, const std::shared_ptr<Heard>& heard) {
  const auto hear = [heard](const Outcome<typename Operation::Answer>& answer) {
    ++heard->times;
    if (answer.has_error()) heard->error = answer.error();
  };
  return Asked<Operation>{sample<Operation>(), hear};
}

/// What becomes of one command in one world of its own. `scene` posts it; what it heard is judged afterwards, when
/// nobody is left who could answer again.
using Scene = std::function<void(World&, Command)>;

template <std::size_t kind = 0>
void with_every_command(const Scene& scene, const std::function<void(const Heard&, bool removes)>& judge) {
  if constexpr (kind < std::variant_size_v<Command::Any>) {
    using Kind = std::variant_alternative_t<kind, Command::Any>;
    const auto heard = std::make_shared<Heard>();
    Command command = asked(static_cast<Kind*>(nullptr), heard);
    INFO(name(command));
    {
      World w;
      scene(w, std::move(command));
    }
    CHECK(heard->times == 1);
    judge(*heard, std::is_same_v<Kind, Asked<RemoveSession>>);
    with_every_command<kind + 1>(scene, judge);
  }
}

void fails_with(const Scene& scene, const Error& why) {
  with_every_command(scene, [&](const Heard& heard, bool) {
    REQUIRE(heard.error);
    CHECK(heard.error->code == why.code);
    CHECK(heard.error->detail == why.detail);
  });
}

void post(World& w, Command command) { w.actor->post(CommandArrived{std::move(command), {}}); }
void break_turn(Session&) { throw std::runtime_error("a broken invariant"); }
void read_badly(Session&) { throw storage::ReadFailure(Error(Errc::storage, "page 7 is malformed")); }

}  // namespace

TEST_CASE("every command is answered") {
  with_every_command([](World& w, Command command) { post(w, std::move(command)); }, [](const Heard&, bool) {});
}

TEST_CASE("every command whose turn throws in front of it is answered with the error of the turn") {
  fails_with(
      [](World& w, Command command) {
        w.together([&] {
          w.in_turn(break_turn);
          post(w, std::move(command));
        });
      },
      Error(Errc::internal, "a broken invariant"));
}

// Online some of them have left their reply with a question to the server by then.
TEST_CASE("every command whose turn throws behind it is answered with the error of the turn") {
  fails_with(
      [](World& w, Command command) {
        w.go_online();
        w.together([&] {
          post(w, std::move(command));
          w.in_turn(read_badly);
        });
      },
      Error(Errc::storage, "page 7 is malformed"));
}

TEST_CASE("every command whose commit fails is answered with the error of the commit") {
  const bool online = GENERATE(false, true);
  fails_with(
      [=](World& w, Command command) {
        if (online) w.go_online();
        w.together([&] {
          w.in_turn(lose_commit);
          post(w, std::move(command));
        });
      },
      Error(Errc::storage, "lost"));
}

TEST_CASE("every command that waits in the mailbox of a session that begins again is answered with the reason") {
  fails_with([](World& w, Command command) { w.behind(lose_commit, [&] { post(w, std::move(command)); }); },
             Error(Errc::storage, "lost"));
}

TEST_CASE("every command that comes while the session begins again is answered with the reason") {
  fails_with(
      [](World& w, Command command) {
        w.in_turn(break_turn);
        post(w, std::move(command));
      },
      Error(Errc::internal, "a broken invariant"));
}

TEST_CASE("every command that waits in the mailbox at a shutdown is answered closed") {
  fails_with(
      [](World& w, Command command) {
        w.behind({}, [&] {
          post(w, std::move(command));
          w.actor->shutdown([] {});
        });
      },
      Error(Errc::closed, "the daemon is stopping"));
}

TEST_CASE("every command that comes after a shutdown is answered closed") {
  fails_with(
      [](World& w, Command command) {
        w.actor->shutdown([] {});
        post(w, std::move(command));
      },
      Error(Errc::closed, "the session is being closed"));
}

TEST_CASE("every command behind a removal, in its turn or after it, is answered not_found; a removal is done") {
  const bool same_turn = GENERATE(true, false);
  const Scene scene = [=](World& w, Command command) {
    const auto remove = [&] { w.tell(RemoveSession(), {}); };
    if (same_turn) {
      w.together([&] {
        remove();
        post(w, std::move(command));
      });
    } else {
      w.fixture.store->commit({}, [&](const Result<void>&) {
        remove();  // its commit is under way
        post(w, std::move(command));
      });
    }
  };
  with_every_command(scene, [](const Heard& heard, bool removes) {
    if (removes) {
      CHECK_FALSE(heard.error);
    } else {
      REQUIRE(heard.error);
      CHECK(heard.error->code == Errc::not_found);
    }
  });
}

TEST_CASE("a question to the server that dies with the session is answered closed") {
  World w;
  w.go_online();
  std::optional<Error> answered;
  w.tell(Logout(), [&](const Result<SessionView>& view) { answered = view.error(); });
  REQUIRE_FALSE(answered);
  w.in_turn(break_turn);
  REQUIRE(answered);
  CHECK(answered->code == Errc::closed);
}

TEST_CASE("an answer of an earlier command in a turn that throws is the error of that turn") {
  World w;
  std::optional<Error> answered;
  w.in_turn([&](Session& session) {
    Reply<void> reply = [&](const Outcome<>& result) { answered = result.error(); };
    session.context().answer(std::move(reply), {});
    throw std::runtime_error("a broken invariant");
  });
  REQUIRE(answered);
  CHECK(answered->code == Errc::internal);
}

TEST_CASE("a command is handled in the cause of its request, and nothing behind it") {
  World w;
  std::vector<std::string> causes;
  w.random.on_draw = [&] { causes.push_back(w.actor->session().context().cause); };
  w.actor->post(CommandArrived{Asked<SendMessage>{test::SessionFixture::text("hello"), {}}, "request-1"});
  REQUIRE_FALSE(causes.empty());
  for (const std::string& cause : causes) CHECK(cause == "request-1");
  causes.clear();
  // In its turn, with no request of its own.
  w.random.on_draw = {};
  w.together([&] {
    w.actor->post(CommandArrived{Asked<StartSession>(), "request-2"});
    w.in_turn([&](Session& session) { causes.push_back(session.context().cause); });
  });
  REQUIRE_FALSE(causes.empty());
  for (const std::string& cause : causes) CHECK(cause.empty());
}

TEST_CASE("what comes of a request after the server answered is still of that request, and its events name it") {
  test::SessionFixture f;
  f.go_online();
  std::vector<Input> inputs;
  inputs.push_back(CommandArrived{Asked<Logout>(), "request-3"});
  const auto asked = test::SessionFixture::sent(f.turn(std::move(inputs)));
  REQUIRE(asked.size() == 1);
  const auto before = storage::last_event_id(f.store->reader());
  f.stanza(Node("iq").set("id", asked[0].attr("id")).set("type", "result"));
  storage::EventFilter filter;
  filter.after = before;
  const auto told = storage::read_events(f.store->reader(), filter);
  REQUIRE_FALSE(told.empty());
  for (const storage::Event& event : told) {
    INFO(event.name);
    CHECK((*storage::value_of(event))->request_id == "request-3");
  }
}

TEST_CASE("operations are values: they compare, and each has its name") {
  CHECK(test::SessionFixture::text("a") == test::SessionFixture::text("a"));
  CHECK_FALSE(test::SessionFixture::text("a") == test::SessionFixture::text("b"));
  CHECK(name(Command(Asked<MarkRead>{{ben}, {}})) == std::string("mark_read"));
}
