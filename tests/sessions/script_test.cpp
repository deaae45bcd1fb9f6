// The conversations of a session, each with a failure at every step (tests/sessions/script.h).
#include "tests/sessions/script.h"

#include <catch2/catch.hpp>

using namespace wharf;
using test::Script;

TEST_CASE("a first login with its upload of keys survives a failure at every step") {
  test::fail_at_every_step([](Script& s) { s.login(); });
}

TEST_CASE("texts survive a failure at every step, to somebody new and again") {
  test::fail_at_every_step([](Script& s) {
    s.login();
    s.send("one");
    s.send("two");
    s.settle();
    s.send("three");
    s.settle();
  });
}

TEST_CASE("texts asked for while offline survive a failure at every step") {
  test::fail_at_every_step([](Script& s) {
    s.send("early");
    s.login();
    s.send("and a second one");
    s.settle();
  });
}

TEST_CASE("received texts and an answer survive a failure at every step") {
  test::fail_at_every_step([](Script& s) {
    s.login();
    s.receive("hello");
    s.receive("are you there?");
    s.settle();
    s.send("yes");
    s.settle();
    s.receive("good");
    s.settle();
  });
}

TEST_CASE("a call that is rejected as it comes is told once and answered by one text, whatever fails") {
  test::fail_at_every_step([](Script& s) {
    s.login();
    s.send("hello");
    s.settle();
    s.reject_calls("Please write.");
    s.ring();
    s.settle();
  });
}

TEST_CASE("a text that the contact cannot open is sent again, whatever fails") {
  test::fail_at_every_step([](Script& s) {
    s.login();
    s.network().contact_cannot_read_next();
    s.send("once more");
    s.settle();
    s.send("and on");
    s.settle();
  });
}

TEST_CASE("a contact that reinstalled gets the text once its new keys are fetched, whatever fails") {
  test::fail_at_every_step([](Script& s) {
    s.login();
    s.send("to the old installation");
    s.settle();
    s.network().contact_reinstalls();
    s.send("to the new one");
    s.settle();
  });
}

TEST_CASE("a text that the session cannot open is asked for again, whatever fails") {
  test::fail_at_every_step([](Script& s) {
    s.login();
    s.receive_unreadable("for other keys");
    s.settle();
    s.send("now I can read you");
    s.settle();
  });
}

TEST_CASE("a text in the turn of a deadline keeps its ratchet step, whatever fails") {
  test::fail_at_every_step([](Script& s) {
    s.login();
    s.send("a session with the contact");
    s.settle();
    s.send_at_next_deadline("beside the ping");
    s.send("after it");
    s.settle();
  });
}

TEST_CASE("linking by QR ends linked, whatever fails", "[long]") {
  test::fail_at_every_step(
      [](Script& s) {
        s.pair(Script::Pair::by_qr);
        s.send("the first text of a new device");
        s.settle();
      },
      Script::Begin::unlinked);
}

// Stretching a code costs 30 ms, and each run does it twice or more: one size of turn each.
TEST_CASE("linking by code ends linked, whatever fails", "[long]") {
  test::fail_at_every_step([](Script& s) { s.pair(Script::Pair::by_code); }, Script::Begin::unlinked, {1});
}

TEST_CASE("a QR that is scanned after a code was typed is a new beginning, whatever failed", "[long]") {
  test::fail_at_every_step([](Script& s) { s.pair(Script::Pair::by_code_then_qr); }, Script::Begin::unlinked, {64});
}

TEST_CASE("a server with another static key and other routes is found again, whatever fails") {
  test::fail_at_every_step([](Script& s) {
    s.login();
    s.network().server_moves();
    s.cut();
    s.settle();
    s.send("by the new way");
    s.settle();
  });
}

TEST_CASE("a server short of prekeys gets new ones, never a known id with another key, whatever fails") {
  test::fail_at_every_step([](Script& s) {
    s.login();
    s.network().server_wants_keys();
    s.cut();
    s.settle();
    s.receive("for one of the new keys");
    s.settle();
  });
}
