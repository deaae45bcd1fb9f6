#include "sessions/reply.h"

#include <catch2/catch.hpp>

#include <vector>

using namespace wharf;
using namespace wharf::sessions;

TEST_CASE("an owed answer is given once, and as `closed` when everybody who could have given it is gone") {
  std::vector<protocol::Result<int>> heard;
  const Done<int> listen = [&](protocol::Result<int> answer) { heard.push_back(std::move(answer)); };
  {
    const Done<int> done = owed(listen);
    const Done<int> copy = done;
    copy(7);
    done(8);
  }
  REQUIRE(heard.size() == 1);
  CHECK(*heard[0] == 7);
  { const Done<int> dropped = owed(listen); }
  REQUIRE(heard.size() == 2);
  CHECK(heard[1].error().code == protocol::Errc::closed);
}
