// What a program asks of groups through a real Session: what WhatsApp is asked, what is kept of its answer, and what
// the program hears.
#include "sessions/groups/group_asking.h"

#include <catch2/catch.hpp>

#include "tests/sessions/group_stanzas.h"

using namespace wharf;
using namespace wharf::test;

namespace {

struct Program : SessionFixture {
  Program() { go_online(); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() { session.reset(); }  // whoever still waits is answered now, while there is an `answer`
  /// Its stanzas; what comes back later is in `answer`.
  std::vector<Node> ask(groups::GroupRequest request) {
    answer.reset();
    return sent(tell(AskGroup{std::move(request)}, [this](Outcome<GroupAnswer> heard) { answer = std::move(heard); }));
  }
  /// The one query that it makes of WhatsApp.
  Node asked_for(groups::GroupRequest request) {
    const auto nodes = ask(std::move(request));
    REQUIRE(nodes.size() == 1);
    CHECK_FALSE(answer);
    return nodes[0];
  }
  std::vector<Node> hear(Node node) { return sent(stanza(std::move(node))); }
  bool succeeded() const { return answer && answer->has_value(); }
  Errc refused() const {
    REQUIRE(answer);
    REQUIRE_FALSE(answer->has_value());
    return answer->error().code;
  }
  std::optional<Outcome<GroupAnswer>> answer;
};

Node joined(const Node& query, const Jid& group, groups::JoinState state) {
  return result_of(query).add(groups::joined_node({group, state}));
}

}  // namespace

TEST_CASE("a group that is joined by its link is known and asked for in the turn of the answer") {
  Program f;
  const Node query = f.asked_for(groups::JoinByInvite{"AbCdEf"});
  const auto then = queries_to(f.hear(joined(query, crew, groups::JoinState::joined)), crew);
  REQUIRE(f.succeeded());
  CHECK(f.answer->value().joined->group == crew);
  REQUIRE(row_of(f, crew));
  CHECK(row_of(f, crew)->member);
  CHECK(row_of(f, crew)->stale);
  REQUIRE(then.size() == 1);
  // The notification that follows asks no second time.
  CHECK(queries_to(f.hear(notice(crew, self, change_of("add", self))), crew).empty());
  f.hear(described(then[0], group_of(crew, {ben_lid})));
  CHECK(listed(f) == std::vector<std::string>{"group 01"});
  CHECK_FALSE(row_of(f, crew)->stale);
}

TEST_CASE("a group that was left is joined again, of who is in it now") {
  Program f;
  know(f, group_of(crew, {ben_lid}));
  f.hear(notice(crew, ben_lid, change_of("remove", self, "1", "2")));
  REQUIRE(listed(f).empty());
  const Node query = f.asked_for(groups::AcceptInvitation{crew, {"AbCdEf", 1'800'000'000, ben_lid}});
  const auto then = queries_to(f.hear(joined(query, crew, groups::JoinState::joined)), crew);
  CHECK(listed(f) == std::vector<std::string>{"group 01"});
  CHECK(members_of(f, crew).empty());
  REQUIRE(then.size() == 1);
}

TEST_CASE("a wish to join that waits for an admin makes no member") {
  Program f;
  const Node query = f.asked_for(groups::JoinByInvite{"AbCdEf"});
  CHECK(f.hear(joined(query, crew, groups::JoinState::pending_approval)).empty());
  CHECK(f.succeeded());
  CHECK_FALSE(row_of(f, crew));
}

TEST_CASE("a process that ends behind the answer to joining asks for the group at the next login") {
  Program f;
  const Node query = f.asked_for(groups::JoinByInvite{"AbCdEf"});
  f.hear(joined(query, crew, groups::JoinState::joined));
  f.reopen();
  f.begin();
  CHECK(queries_to(f.go_online(), crew).size() == 1);
}

TEST_CASE("a group that is made is known with the answer, and does not stand for all others") {
  Program f;
  f.session->context().device.groups_listed = false;
  groups::CreateGroup create;
  create.subject = "made";
  create.members = {{ben_lid, {}, {}}};
  const auto nodes = queries_to(f.ask(create), Jid("", "g.us"), "create");
  REQUIRE(nodes.size() == 1);
  const Node query = nodes[0];
  auto made = group_of(crew, {ben_lid});
  made.subject = "made";
  made.members[0].role = groups::Role::superadmin;
  f.hear(described(query, made));
  REQUIRE(f.succeeded());
  CHECK(f.answer->value().group->admin);
  CHECK(listed(f) == std::vector<std::string>{"made"});
  f.session->context().device_changed();
  f.turn({});
  f.reopen();
  f.begin();
  CHECK(lists_asked(f.go_online()).size() == 1);
}

TEST_CASE("members are named as the group names them, whoever the program calls them") {
  Program f;
  auto metadata = group_of(crew, {ben_lid, carl_lid});
  metadata.members[1].pn = Jid("15550000002", "s.whatsapp.net");
  know(f, metadata);
  const Node query = f.asked_for(groups::ChangeMembers{
      crew, groups::MemberAction::remove, {{Jid("15550000002", "s.whatsapp.net"), {}, {}}}, false});
  const auto rows = query.child("remove")->children("participant");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0]->jid("jid") == ben_lid);
  CHECK_FALSE(rows[0]->has("phone_number"));
}

TEST_CASE("a group that is left on request is no group of the account with the answer") {
  Program f;
  know(f, group_of(crew, {ben_lid}));
  const Node query = f.asked_for(groups::LeaveGroups{{crew}});
  const std::vector<groups::GroupOutcome> left = {{crew, 200}};
  f.hear(result_of(query).add(groups::left_node(left)));
  CHECK(f.succeeded());
  CHECK(listed(f).empty());
  CHECK(members_of(f, crew).empty());
  CHECK_FALSE(row_of(f, crew)->stale);
}

TEST_CASE("a description is set against the one that is there, once more when that was another one") {
  Program f;
  auto metadata = group_of(crew, {ben_lid});
  metadata.description.id = "D1";
  know(f, metadata);
  const Node first = f.asked_for(groups::SetDescription{crew, "text", {}, {}});
  CHECK(first.child("description")->attr("prev") == "D1");
  const auto query = queries_to(f.hear(error_of(first, 409)), crew);
  REQUIRE(query.size() == 1);
  metadata.description.id = "D2";
  const auto again = queries_to(f.hear(described(query[0], metadata)), crew, "description");
  REQUIRE(again.size() == 1);
  CHECK(again[0].child("description")->attr("prev") == "D2");
  CHECK_FALSE(f.answer);
  SECTION("it is") {
    f.hear(result_of(again[0]));
    CHECK(f.succeeded());
  }
  SECTION("not for ever") {
    CHECK(f.hear(error_of(again[0], 409)).empty());
    CHECK(f.refused() == Errc::conflict);
  }
}

TEST_CASE("without a connection nothing is asked, and one that ends answers who waits") {
  Program f;
  f.asked_for(groups::GetInvite{crew});
  f.turn_of(LinkDown{LinkEnd{LinkEnd::Kind::network, "gone", false}, f.session->link_epoch()});
  CHECK(f.refused() == Errc::timed_out);
  CHECK(f.ask(groups::GetInvite{crew}).empty());
  CHECK(f.refused() == Errc::not_ready);
}
