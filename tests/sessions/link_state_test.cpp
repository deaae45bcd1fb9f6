// Where a session stands with the network: one step at a time forward, one way back, and what ends with it.
#include "sessions/link_state.h"

#include <catch2/catch.hpp>

#include <stdexcept>
#include <string>

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;

namespace {

struct Steps {
  protocol::SeededRandom random{5};
  net::SteadyTime now = net::SteadyTime{} + 1h;
  LinkState link;

  void handshake() {
    link.connect();
    link.hear_handshake(now, random);
  }
  void login() {
    handshake();
    link.log_in(now);
  }
  void online() {
    login();
    link.go_online();
  }
};

}  // namespace

TEST_CASE("each state of a link is reached from the one before it, and seen from outside as one of three") {
  Steps s;
  CHECK(s.link.offline());
  CHECK(s.link.seen() == Connection::offline);
  s.link.connect();
  CHECK_FALSE(s.link.offline());
  CHECK_FALSE(s.link.up());
  CHECK(s.link.seen() == Connection::connecting);
  s.link.hear_handshake(s.now, s.random);
  CHECK(s.link.up());
  CHECK_FALSE(s.link.logged_in());
  CHECK(s.link.seen() == Connection::connecting);
  s.link.log_in(s.now);
  CHECK(s.link.logged_in());
  CHECK_FALSE(s.link.online());
  CHECK(s.link.seen() == Connection::connecting);
  s.link.go_online();
  CHECK(s.link.online());
  CHECK(s.link.logged_in());
  CHECK(s.link.seen() == Connection::connected);
  s.link.connect();  // wanted already
  CHECK(s.link.online());
}

TEST_CASE("a step that leaves one out is a broken invariant") {
  Steps s;
  CHECK_THROWS_AS(s.link.log_in(s.now), std::logic_error);
  CHECK_THROWS_AS(s.link.go_online(), std::logic_error);
  s.handshake();
  CHECK_THROWS_AS(s.link.go_online(), std::logic_error);
  CHECK_THROWS_AS(s.link.hear_handshake(s.now, s.random), std::logic_error);
  s.link.log_in(s.now);
  CHECK_THROWS_AS(s.link.log_in(s.now), std::logic_error);
}

TEST_CASE("a server that does not greet is given up; one over which a device is linked is connected") {
  Steps s;
  s.handshake();
  CHECK(s.link.greeting_due() == s.now + LinkState::greeting_patience);
  s.link.greet();
  CHECK(s.link.greeted());
  CHECK_FALSE(s.link.greeting_due());
  CHECK(s.link.seen() == Connection::connected);
  s.link.log_in(s.now);
  CHECK_FALSE(s.link.greeting_due());
  CHECK(s.link.seen() == Connection::connecting);
}

TEST_CASE("what a connection holds lasts from the handshake to its end, through every step in between") {
  Steps s;
  s.handshake();
  auto* open = s.link.conversation();
  REQUIRE(open != nullptr);
  open->uploading = open->uploaded_after_digest = true;
  open->backlog_asked_at = s.now;
  open->keepalive.on_send(s.now);
  int unanswered = 0;
  open->iqs.expect("q", s.now + 1s, [&](const protocol::Node* answer) { unanswered += answer == nullptr ? 1 : 0; });
  CHECK(s.link.due() == s.now + 1s);
  s.link.log_in(s.now);
  s.link.login()->rotate_at = s.now + 1h;
  s.link.go_online();
  open = s.link.conversation();
  CHECK((open->uploading && open->uploaded_after_digest && open->backlog_asked_at == s.now));
  CHECK(open->keepalive.ping_at() == s.now + Keepalive::doubt_after);
  CHECK(s.link.login()->rotate_at == s.now + 1h);
  CHECK(s.link.due() == s.now + 1s);
  s.link.while_online()->available = true;

  IqTracker questions = s.link.leave(LinkState::Next::connecting);
  CHECK(unanswered == 0);  // the caller's
  CHECK_FALSE(s.link.due());
  CHECK(s.link.conversation() == nullptr);
  CHECK(s.link.login() == nullptr);
  CHECK(s.link.while_online() == nullptr);
  questions.fail_all();
  CHECK(unanswered == 1);

  s.link.hear_handshake(s.now + 1min, s.random);
  open = s.link.conversation();
  CHECK_FALSE((open->uploading || open->uploaded_after_digest || open->backlog_asked_at));
  CHECK_FALSE(open->iqs.earliest());
  CHECK(open->keepalive.ping_at() >= s.now + 1min + Keepalive::min_interval);
  s.link.log_in(s.now + 1min);
  CHECK_FALSE(s.link.login()->rotate_at);
  s.link.go_online();
  CHECK_FALSE(s.link.while_online()->available);
}

TEST_CASE("a link is left from every state to either end, and each time under a new epoch") {
  using Next = LinkState::Next;
  void (Steps::*const ways[])() = {&Steps::handshake, &Steps::login, &Steps::online};
  for (const auto way : ways) {
    for (const Next next : {Next::offline, Next::connecting}) {
      Steps s;
      (s.*way)();
      const auto epoch = s.link.epoch();
      s.link.leave(next);
      CHECK(s.link.epoch() == epoch + 1);
      CHECK(s.link.offline() == (next == Next::offline));
      CHECK_FALSE(s.link.up());
      CHECK_FALSE(s.link.due());
      s.link.leave(next);  // of nothing: still another one
      CHECK(s.link.epoch() == epoch + 2);
    }
  }
}

TEST_CASE("an answer that ends its own connection is safe: the tracker may be gone when it returns") {
  Steps s;
  s.online();
  bool heard = false;
  s.link.conversation()->iqs.expect("q", s.now + 1s, [&](const protocol::Node*) {
    s.link.leave(LinkState::Next::offline);
    heard = true;
  });
  CHECK(s.link.conversation()->iqs.answer(protocol::Node("iq").set("id", "q")));
  CHECK(heard);
  CHECK(s.link.offline());
}
