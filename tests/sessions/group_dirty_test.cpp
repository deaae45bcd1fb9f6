// The server calls the groups of the account dirty: what is known of them counts no more, and what is to be sent there
// waits for one list.
#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>

#include "tests/sessions/group_crew.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Node;
using test::crew;
using test::keys_in;
using test::queries_to;
namespace groups = protocol::groups;
using namespace std::chrono_literals;

namespace {

const Jid &ben = test::ben_lid, &carl = test::carl_lid;

Node dirty(const std::string& at) { return Node("ib").add(Node("dirty").set("type", "groups").set("timestamp", at)); }

/// Ben and Carl have the key. What is queued while the connection is down waits.
struct Queueing : test::SendingCrew {
  Queueing() {
    const auto first = say("hello", "3EB0AA");
    REQUIRE(read(ben, first.at(0)) == "hello");
    REQUIRE(read(carl, first.at(0)) == "hello");
    accepted("3EB0AA");
    cut();
    REQUIRE(say("waits", "3EB0BB").empty());
  }
  /// The next login, at which the groups are called dirty. The messages that leave.
  std::vector<Node> come_back(const std::string& at, const std::optional<Node>& backlog = std::nullopt) {
    turn_of(LinkUp{{}, false, session->link_epoch()});
    const auto effects = stanza(Node("success").set("t", "1700000000").set("lid", Jid("100000000000001", "lid", 3)));
    stanza(dirty(at));
    said.clear();
    std::vector<Node> out;
    if (backlog) out = hear(*backlog);
    for (const Node& node : sent(effects))
      if (node.child("active")) collect(out, stanza(Node("iq").set("id", node.attr("id")).set("type", "result")));
    return out;
  }
  std::vector<Node> lists() const { return test::lists_asked(said); }
  void lose_carl() {
    metadata.members.pop_back();
    metadata.size = 2;
    metadata.member_list_version = "2";
  }
  Node told(const Node& list) const {
    return test::result_of(list).add(groups::listed_node(std::vector<groups::GroupMetadata>{metadata}));
  }
  void check_without_carl(const std::vector<Node>& messages) {
    REQUIRE(messages.size() == 1);
    CHECK(keys_in(messages[0]) == 1);
    CHECK(read(ben, messages[0]) == "waits");
    CHECK_FALSE(read(carl, messages[0]));
  }
};

}  // namespace

TEST_CASE("what waited when the groups are called dirty is for those whom the list names, under another key") {
  Queueing f;
  CHECK(f.come_back("100").empty());
  auto lists = f.lists();
  REQUIRE(lists.size() == 1);
  CHECK(queries_to(f.said, crew).empty());  // one list for all
  SECTION("as it is told") {
    f.lose_carl();
    f.check_without_carl(f.hear(f.told(lists[0])));
    CHECK(queries_to(f.said, crew).empty());
  }
  SECTION("as the group is told alone, where the list is refused") {
    CHECK(f.hear(test::error_of(lists[0], 429)).empty());
    const auto query = queries_to(f.said, crew);
    REQUIRE(query.size() == 1);
    f.lose_carl();
    f.check_without_carl(f.hear(test::described(query[0], f.metadata)));
  }
  SECTION("as the group is told alone, where the list does not name it") {
    f.hear(test::result_of(lists[0]).add(groups::listed_node({})));
    const auto query = queries_to(f.said, crew);
    REQUIRE(query.size() == 1);
    f.lose_carl();
    f.check_without_carl(f.hear(test::described(query[0], f.metadata)));
  }
  SECTION("as the next list says, where they are dirty once more before the first has come") {
    CHECK(f.hear(dirty("200")).empty());
    CHECK(f.hear(f.told(lists[0])).empty());
    lists = f.lists();
    REQUIRE(lists.size() == 1);
    f.lose_carl();
    f.check_without_carl(f.hear(f.told(lists[0])));
  }
  SECTION("as the next login tells, where the connection ends") {
    f.cut();
    CHECK(f.come_back("100").empty());
    lists = f.lists();
    REQUIRE(lists.size() == 1);
    f.lose_carl();
    auto messages = f.hear(f.told(lists[0]));
    f.steady += 5s;
    f.collect(messages, f.turn({}));
    f.check_without_carl(messages);
  }
}

TEST_CASE("who asks for a message again before the session is online waits for the one list too") {
  Queueing f;
  CHECK(f.come_back("100", test::SendingCrew::retry_of(ben, "3EB0AA")).empty());
  const auto lists = f.lists();
  REQUIRE(lists.size() == 1);
  CHECK(queries_to(f.said, crew).empty());
  const auto messages = f.hear(f.told(lists[0]));
  CHECK(std::count_if(messages.begin(), messages.end(), [](const Node& node) {
          return node.attr("id") == "3EB0AA" && node.jid("participant") == ben;
        }) == 1);
}

TEST_CASE("groups that are dirty once more with each list are not listed without a pause") {
  Queueing f;
  CHECK(f.come_back("100").empty());
  auto list = f.lists();
  for (const char* at : {"200", "300"}) {
    REQUIRE(list.size() == 1);
    f.hear(dirty(at));
    f.hear(f.told(list[0]));
    list = f.lists();
  }
  CHECK(list.empty());
  const auto alone = queries_to(f.said, crew);  // what waits asks for its group
  REQUIRE(alone.size() == 1);
  f.lose_carl();
  f.check_without_carl(f.hear(test::described(alone[0], f.metadata)));
  f.steady += 1s;
  f.hear(Node("ib"));
  CHECK(f.lists().size() == 1);
}

TEST_CASE("a group that was written to a moment ago is looked at again when groups are called dirty") {
  test::SendingCrew f;
  CHECK(f.read(ben, f.say("hello", "3EB0AA").at(0)) == "hello");
  f.accepted("3EB0AA");
  CHECK(f.hear(dirty("100")).empty());
  const auto lists = test::lists_asked(f.said);
  REQUIRE(lists.size() == 1);
  CHECK(f.say("again", "3EB0BB").empty());
  const auto messages =
      f.hear(test::result_of(lists[0]).add(groups::listed_node(std::vector<groups::GroupMetadata>{f.metadata})));
  REQUIRE(messages.size() == 1);
  CHECK(keys_in(messages[0]) == 0);  // nobody has gone
  CHECK(f.read(ben, messages[0]) == "again");
}
