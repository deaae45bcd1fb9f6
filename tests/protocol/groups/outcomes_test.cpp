#include "protocol/groups/outcomes.h"

#include <catch2/catch.hpp>
#include <map>

#include "tests/protocol/groups/people.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;
using namespace wharf::protocol::groups;
using namespace wharf::test;

namespace {

MemberRef ref(const Jid& jid, const std::optional<Jid>& phone_number = {}) { return {jid, phone_number, {}}; }

MemberOutcomes correlated(const std::vector<MemberRef>& asked, std::initializer_list<Node> rows,
                          MemberOperation operation = MemberOperation::add) {
  Node list("add");
  for (const Node& one : rows) list.add(one);
  const auto read = read_members(list);
  REQUIRE(read);
  return correlate(operation, asked, *read);
}

std::vector<std::string> results(const std::vector<MemberOutcome>& outcomes) {
  std::vector<std::string> out;
  out.reserve(outcomes.size());
  for (const MemberOutcome& outcome : outcomes) {
    out.push_back(std::string(name(outcome.result)) + " " + std::to_string(outcome.code));
  }
  return out;
}
using Results = std::vector<std::string>;

}  // namespace

TEST_CASE("each code has the name of its operation, and the code stays") {
  const std::map<unsigned, std::string> add = {
      {400, "bad_jid"},        {401, "not_authorised"}, {403, "privacy"},        {404, "not_on_whatsapp"},
      {406, "not_acceptable"}, {408, "recently_left"},  {409, "already_member"}, {417, "community_full_or_closed"},
      {419, "group_full"},     {500, "server_error"},   {499, "failed"},         {0, "failed"}};
  const std::map<unsigned, std::string> change = {
      {400, "bad_jid"},         {401, "not_admin"},    {403, "not_permitted"}, {404, "not_a_member"},
      {406, "already_in_role"}, {500, "server_error"}, {409, "failed"},        {419, "failed"}};
  const auto named = [](MemberOperation operation, unsigned code) {
    const MemberOutcome outcome = outcome_of(operation, {member(2), code, {}});
    REQUIRE(outcome.code == code);
    REQUIRE_FALSE(outcome.succeeded());
    return std::string(name(outcome.result));
  };
  for (const auto& [code, wanted] : add) REQUIRE(named(MemberOperation::add, code) == wanted);
  for (const auto& [code, wanted] : change) {
    for (const auto operation : {MemberOperation::remove, MemberOperation::promote, MemberOperation::demote}) {
      REQUIRE(named(operation, code) == wanted);
    }
    for (const auto operation : {MemberOperation::approve, MemberOperation::reject, MemberOperation::cancel}) {
      REQUIRE(named(operation, code) == "failed");
    }
  }
  // An error is a failure, even when it says that it is none.
  REQUIRE(outcome_of(MemberOperation::add, {member(2), 200, {}}).result == MemberResult::failed);
  REQUIRE_FALSE(outcome_of(MemberOperation::add, {member(2), 200, {}}).succeeded());
}

TEST_CASE("a refusal with an invitation says so, one with an unusable invitation does not") {
  Node refused = row(lid(2)).set("error", "403");
  const auto outcome = [&](const char* code, const char* expiration) {
    Node with = refused;
    with.add(Node("add_request").set("code", code).set("expiration", expiration));
    return correlated({ref(lid(2))}, {with}).asked.at(0);
  };
  const MemberOutcome invited = outcome("AbCdEfGh12345678", "1770259200");
  REQUIRE(invited.result == MemberResult::invite_required);
  REQUIRE(invited.code == 403);
  REQUIRE(invited.invite == AddRequest{"AbCdEfGh12345678", 1770259200});
  REQUIRE(outcome("short", "1770259200").result == MemberResult::privacy);
  REQUIRE(outcome("AbCdEfGh12345678", "x").result == MemberResult::privacy);
  REQUIRE(correlated({ref(lid(2))}, {refused}).asked.at(0).result == MemberResult::privacy);
}

TEST_CASE("rows are credited by JID in whatever order they come") {
  const auto outcomes = correlated({ref(pn(2)), ref(pn(3)), ref(pn(4))},
                                   {row(pn(4)), row(pn(2)).set("error", "409"), row(pn(3)).set("error", "408")});
  REQUIRE(results(outcomes.asked) == Results{"already_member 409", "recently_left 408", "added 200"});
  REQUIRE(outcomes.unasked.empty());
}

TEST_CASE("a LID in the answer is credited to the number beside it, and the other way round") {
  const auto by_number =
      correlated({ref(pn(2)), ref(pn(3))},
                 {row(lid(3)).set("phone_number", pn(3)).set("error", "404"), row(lid(2)).set("phone_number", pn(2))});
  REQUIRE(results(by_number.asked) == Results{"added 200", "not_on_whatsapp 404"});
  REQUIRE(by_number.asked[0].who == member(2));
  // Asked for under the LID, answered under the number that was sent along.
  const auto by_asked =
      correlated({ref(lid(2), pn(2)), ref(lid(3), pn(3))}, {row(pn(3)).set("error", "404"), row(pn(2))});
  REQUIRE(results(by_asked.asked) == Results{"added 200", "not_on_whatsapp 404"});
  const auto by_lid = correlated({ref(lid(2))}, {row(pn(2)).set("lid", lid(2))});
  REQUIRE(results(by_lid.asked) == Results{"added 200"});
}

TEST_CASE("the name in the row comes before the number beside it") {
  // Row one names number 3 beside somebody else's LID; row two is number 3 itself.
  const auto outcomes =
      correlated({ref(pn(3)), ref(pn(4))}, {row(lid(9)).set("phone_number", pn(3)).set("error", "404"), row(pn(3))});
  REQUIRE(outcomes.asked[0].result == MemberResult::added);
  REQUIRE(outcomes.asked[1].result == MemberResult::unknown);
  REQUIRE(outcomes.unasked.size() == 1);
}

TEST_CASE("a LID alone is credited by its position, when all have a row") {
  const auto outcomes =
      correlated({ref(pn(2)), ref(pn(3)), ref(pn(4))}, {row(lid(7)), row(pn(3)), row(lid(8)).set("error", "403")});
  REQUIRE(results(outcomes.asked) == Results{"added 200", "added 200", "privacy 403"});
  REQUIRE(outcomes.asked[0].who.jid == lid(7));
  REQUIRE(outcomes.unasked.empty());

  // A row too few: nobody can say whose it is.
  const auto short_answer = correlated({ref(pn(2)), ref(pn(3)), ref(pn(4))}, {row(lid(7)), row(lid(8))});
  REQUIRE(results(short_answer.asked) == Results{"unknown 0", "unknown 0", "unknown 0"});
  REQUIRE(results(short_answer.unasked) == Results{"added 200", "added 200"});

  // A row that cannot be read holds its position, and its person is unknown.
  const auto unreadable = correlated({ref(pn(2)), ref(pn(3))}, {Node("participant"), row(lid(8))});
  REQUIRE(results(unreadable.asked) == Results{"unknown 0", "added 200"});
}

TEST_CASE("a row of somebody who was not asked for is reported and credited to nobody") {
  // The same form, another person: position does not count.
  for (const auto& stranger : {row(pn(9)), row(lid(9)).set("phone_number", pn(9))}) {
    const auto outcomes = correlated({ref(pn(2))}, {stranger});
    REQUIRE(results(outcomes.asked) == Results{"unknown 0"});
    REQUIRE(outcomes.asked[0].who.jid == pn(2));
    REQUIRE(results(outcomes.unasked) == Results{"added 200"});
  }
  const auto both_named = correlated({ref(lid(2), pn(2))}, {row(pn(9))});
  REQUIRE(both_named.asked[0].result == MemberResult::unknown);
  const auto bots = correlated({ref(Jid("1", server::bot))}, {row(Jid("2", server::bot))});  // no other name at all
  REQUIRE(bots.asked[0].result == MemberResult::unknown);
  // Twice the same: the first counts.
  const auto twice = correlated({ref(pn(2))}, {row(pn(2)).set("error", "404"), row(pn(2))});
  REQUIRE(results(twice.asked) == Results{"not_on_whatsapp 404"});
  REQUIRE(results(twice.unasked) == Results{"added 200"});
}

TEST_CASE("who is missing from the answer is unknown, not done") {
  const auto outcomes = correlated({ref(pn(2)), ref(pn(3), {})}, {row(pn(3))}, MemberOperation::remove);
  REQUIRE(results(outcomes.asked) == Results{"unknown 0", "removed 200"});
  REQUIRE_FALSE(outcomes.asked[0].succeeded());
  REQUIRE(results(correlated({ref(pn(2))}, {}).asked) == Results{"unknown 0"});
}

TEST_CASE("one person asked for under both names has a row for each") {
  const auto outcomes = correlated({ref(pn(2)), ref(lid(2))},
                                   {row(lid(2)).set("phone_number", pn(2)), row(lid(2)).set("phone_number", pn(2))});
  REQUIRE(results(outcomes.asked) == Results{"added 200", "added 200"});
  REQUIRE(outcomes.unasked.empty());
}

TEST_CASE("groups that are left or linked have an outcome each, wherever the error stands") {
  Node list("link");
  const auto group = [](const char* id) { return Jid(id, server::group); };
  list.add(Node("group").set("jid", group("1")));
  list.add(Node("group").set("id", "2").set("error", "403"));
  list.add(Node("group").set("jid", group("3")).add(Node("error").set("code", "406")));
  list.add(Node("group").set("jid", group("4")).set("error", "x"));
  list.add(Node("group").set("jid", group("9")));
  list.add(Node("group").set("jid", pn(2)));
  list.add(Node("group").set("jid", group("1")).set("error", "500"));
  const std::vector<Jid> asked = {group("3"), group("2"), group("1"), group("4"), group("5")};
  const GroupOutcomes outcomes = correlate(asked, list);
  REQUIRE(outcomes.asked ==
          std::vector<GroupOutcome>{
              {group("3"), 406}, {group("2"), 403}, {group("1"), 200}, {group("4"), 0}, {group("5"), {}}});
  REQUIRE_FALSE(outcomes.asked[3].succeeded());
  REQUIRE_FALSE(outcomes.asked[4].succeeded());
  REQUIRE(outcomes.unasked == std::vector<GroupOutcome>{{group("9"), 200}, {group("1"), 500}});
}
