#include "sessions/reply.h"

#include <catch2/catch.hpp>

#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

using namespace wharf;
using namespace wharf::sessions;
using protocol::Errc;
using protocol::Error;

namespace {

struct Listener {
  Reply<int> reply() {
    return [this](Outcome<int> answer) { heard.push_back(std::move(answer)); };
  }
  std::vector<Outcome<int>> heard;
};

}  // namespace

static_assert(!std::is_copy_constructible_v<Reply<int>> && !std::is_copy_assignable_v<Reply<int>>);
static_assert(std::is_nothrow_move_constructible_v<Reply<int>>);
// An answer uses the reply up: one that is still called by its name cannot be answered.
static_assert(std::is_invocable_v<Reply<int>, int> && !std::is_invocable_v<Reply<int>&, int>);

TEST_CASE("a reply that dies unanswered answers `closed`") {
  Listener listener;
  { const Reply<int> dies = listener.reply(); }
  REQUIRE(listener.heard.size() == 1);
  CHECK(listener.heard[0].error().code == Errc::closed);
}

TEST_CASE("a reply is answered once: what was moved from, and what dies afterwards, say nothing") {
  Listener listener;
  {
    Reply<int> reply = listener.reply();
    Reply<int> moved = std::move(reply);
    std::move(reply)(6);  // NOLINT(bugprone-use-after-move): that is the question
    CHECK(listener.heard.empty());
    std::move(moved)(7);
    std::move(moved)(8);  // NOLINT(bugprone-use-after-move)
  }
  REQUIRE(listener.heard.size() == 1);
  CHECK(*listener.heard[0] == 7);
}

TEST_CASE("a reply that is assigned over dies") {
  Listener listener, other;
  Reply<int> reply = listener.reply();
  reply = other.reply();
  REQUIRE(listener.heard.size() == 1);
  CHECK(listener.heard[0].error().code == Errc::closed);
  CHECK(other.heard.empty());
}

TEST_CASE("who keeps what is owed may still say why nothing came of a reply that died") {
  Listener listener;
  std::shared_ptr<Owed> owed;
  {
    const Reply<int> dies = listener.reply();
    owed = dies.owed();
  }
  CHECK(listener.heard.empty());
  owed->fail(Error(Errc::storage, "lost"));
  owed->fail(Error(Errc::internal, "again"));
  owed.reset();
  REQUIRE(listener.heard.size() == 1);
  CHECK(listener.heard[0].error().code == Errc::storage);
}

TEST_CASE("an answer that was given stands, whoever fails it afterwards; a failed one is not answered again") {
  Listener listener;
  Reply<int> reply = listener.reply();
  const auto owed = reply.owed();
  std::move(reply)(7);
  owed->fail(Error(Errc::storage, "lost"));
  REQUIRE(listener.heard.size() == 1);
  CHECK(*listener.heard[0] == 7);
  Reply<int> late = listener.reply();
  late.owed()->fail(Error(Errc::storage, "lost"));
  std::move(late)(8);
  REQUIRE(listener.heard.size() == 2);
  CHECK(listener.heard[1].has_error());
}

TEST_CASE("what a handler throws ends there, and one that nobody waits for is nothing") {
  Reply<int> throws = [](const Outcome<int>&) { throw std::runtime_error("in a handler"); };
  REQUIRE_NOTHROW(std::move(throws)(1));
  Reply<int> nobody;
  CHECK_FALSE(nobody.owed());
  REQUIRE_NOTHROW(std::move(nobody)(1));
}

TEST_CASE("a handler may own another reply, and the chain still answers when it dies") {
  std::vector<std::string> heard;
  {
    Reply<std::string> outer = [&](const Outcome<std::string>& answer) {
      heard.push_back(answer ? *answer : std::string(name(answer.error().code)));
    };
    const Reply<int> inner = [outer = std::move(outer)](const Outcome<int>& answer) mutable {
      std::move(outer)(answer ? Outcome<std::string>(std::to_string(*answer)) : Outcome<std::string>(answer.error()));
    };
  }
  CHECK(heard == std::vector<std::string>{"closed"});
}
