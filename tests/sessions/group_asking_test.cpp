// What a program asks of groups through a real Session: what WhatsApp is asked, what is kept of its answer, and what
// the program hears.
#include "sessions/groups/group_asking.h"

#include <catch2/catch.hpp>

#include <algorithm>

#include "events/event.h"
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
  std::vector<Node> ask(groups::GroupRequest request) { return ask(AskGroup{std::move(request)}); }
  std::vector<Node> ask(AskGroup asked) {
    answer.reset();
    return sent(tell(std::move(asked), [this](Outcome<GroupAnswer> heard) { answer = std::move(heard); }));
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

AskGroup creation(std::string hash = "as it was first") {
  groups::CreateGroup create;
  create.subject = "made";
  create.members = {{ben_lid, {}, {}}};
  AskGroup asked{std::move(create)};
  asked.idempotency_key = "order-17";
  asked.request_hash = std::move(hash);
  return asked;
}
std::vector<Node> creations_in(const std::vector<Node>& nodes) { return queries_to(nodes, Jid("", "g.us"), "create"); }
groups::GroupMetadata made_group() {
  auto made = group_of(crew, {ben_lid});
  made.subject = "made";
  made.members[0].role = groups::Role::superadmin;
  return made;
}
/// What everybody in it is told, the own account too.
Node told_of(const groups::GroupMetadata& made, const std::string& key) {
  return notice(made.group, self, Node("create").set("type", "new").set("key", key).add(groups::group_node(made)));
}

/// The requests that the events of this name are of, in their order.
std::vector<std::string> requests_behind(SessionFixture& f, std::string_view name) {
  std::vector<std::string> out;
  for (const auto& event : storage::read_events(f.store->reader(), storage::EventFilter())) {
    if (event.name != name) continue;
    const std::size_t at = event.data.find(R"("requestId":")");
    out.push_back(at == std::string::npos ? "" : event.data.substr(at + 13, 5));
  }
  return out;
}

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
  const Node preview = f.asked_for(groups::AcceptInvitation{crew, {"AbCdEf", 1'800'000'000, ben_lid}});
  const auto accepts = f.hear(error_of(preview, 404));
  REQUIRE(accepts.size() == 1);
  const Node& query = accepts[0];
  CHECK(query.child("accept") != nullptr);
  const auto then = queries_to(f.hear(joined(query, crew, groups::JoinState::joined)), crew);
  CHECK(listed(f) == std::vector<std::string>{"group 01"});
  CHECK(members_of(f, crew).empty());
  REQUIRE(then.size() == 1);
}

TEST_CASE("who accepts an invitation hears what the group is called when the account is in it") {
  Program f;
  const Node preview = f.asked_for(groups::AcceptInvitation{crew, {"AbCdEf", 1'800'000'000, ben_lid}});
  auto shown = group_of(crew, {ben_lid});
  shown.subject = "rowing";
  const auto accepts = f.hear(described(preview, shown));
  REQUIRE(accepts.size() == 1);
  const Node told = notice(crew, self, change_of("add", self));
  SECTION("behind the notification") {
    f.hear(told);
    f.hear(joined(accepts[0], crew, groups::JoinState::joined));
  }
  SECTION("before it") {
    f.hear(joined(accepts[0], crew, groups::JoinState::joined));
    f.hear(told);
  }
  const auto events = storage::read_events(f.store->reader(), storage::EventFilter());
  const auto join =
      std::find_if(events.begin(), events.end(), [](const auto& event) { return event.name == "group_join"; });
  REQUIRE(join != events.end());
  CHECK(std::get<events::GroupJoined>(storage::value_of(*join).value()->fact).subject == "rowing");
  CHECK(row_of(f, crew)->stale);  // who is in it is to be asked for
  CHECK(members_of(f, crew).empty());
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

TEST_CASE("who is spelled twice is asked for once, and each spelling has the same row") {
  const Jid ben("15550000002", "s.whatsapp.net");
  Program f;
  storage::Changes changes;
  changes.add(storage::PutLid{f.row.id, ben, ben_lid});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.reopen();
  f.begin();
  f.go_online();
  const std::vector<groups::MemberRef> spelled{{ben, {}, {}}, {carl_lid, {}, {}}, {ben_lid, {}, {}}};
  const auto check_rows = [&] {
    REQUIRE(f.succeeded());
    const auto& rows = f.answer->value().members;
    REQUIRE(rows.size() == 3);
    CHECK(rows[0].code == 409);
    CHECK(rows[0].who.jid == ben_lid);
    CHECK(rows[1].code == 200);
    CHECK(rows[1].who.jid == carl_lid);
    CHECK(rows[2].code == 409);
    CHECK(rows[2].who.jid == ben_lid);
  };
  const std::vector<groups::MemberRow> told{{groups::person(ben_lid, ben), 409, {}},
                                            {groups::person(carl_lid), std::nullopt, {}}};
  SECTION("of a group that is there") {
    know(f, group_of(crew, {ben_lid}));
    const Node query = f.asked_for(groups::ChangeMembers{crew, groups::MemberAction::add, spelled, false});
    CHECK(query.child("add")->children("participant").size() == 2);
    f.hear(result_of(query).add(groups::changed_node(groups::MemberAction::add, told)));
    check_rows();
  }
  SECTION("of one that is made") {
    groups::CreateGroup create;
    create.subject = "made";
    create.members = spelled;
    const Node query = f.asked_for(create);
    CHECK(query.child("create")->children("participant").size() == 2);
    auto made = group_of(crew, {carl_lid});
    made.subject = "made";
    made.members[0].role = groups::Role::superadmin;
    made.not_added = {told[0]};
    f.hear(described(query, made));
    check_rows();
  }
  SECTION("of requests to join") {
    const Node query = f.asked_for(groups::DecideJoinRequests{crew, {ben, carl_lid, ben_lid}, {}});
    CHECK(query.child("membership_requests_action")->child("approve")->children("participant").size() == 2);
    f.hear(result_of(query).add(groups::decided_node(told, {})));
    check_rows();
  }
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

TEST_CASE("a refusal says what WhatsApp says, and what helps") {
  Program f;
  f.hear(error_of(f.asked_for(groups::GetInvite{crew}), 401));
  CHECK(f.refused() == Errc::forbidden);
  CHECK(f.answer->error().detail ==
        "WhatsApp refused: not_admin (401), refused; only an admin may do this: one of them has to make the account an "
        "admin");
  Node busy = error_of(f.asked_for(groups::GetInvite{crew}), 429);
  std::get<std::vector<Node>>(busy.content)[0].set("backoff", std::uint64_t{30});
  f.hear(std::move(busy));
  CHECK(f.refused() == Errc::rate_limited);
  CHECK(f.answer->error().retry_after_s == 30);
}

TEST_CASE("without a connection nothing is asked, and one that ends answers who waits") {
  Program f;
  f.asked_for(groups::GetInvite{crew});
  f.cut();
  CHECK(f.refused() == Errc::timed_out);
  CHECK(f.ask(groups::GetInvite{crew}).empty());
  CHECK(f.refused() == Errc::not_ready);
}

TEST_CASE("a group is made once under one key") {
  Program f;
  const auto first = creations_in(f.ask(creation()));
  REQUIRE(first.size() == 1);
  const std::string key = first[0].child("create")->attr("key");
  REQUIRE_FALSE(key.empty());
  const auto is_unsettled = [&] {
    CHECK(creations_in(f.ask(creation())).empty());
    CHECK(f.refused() == Errc::conflict);
    CHECK(f.answer->error().subject == Subject::group);
  };
  const auto is_made = [&](std::size_t people) {
    CHECK(creations_in(f.ask(creation())).empty());
    REQUIRE(f.succeeded());
    CHECK(f.answer->value().replayed);
    CHECK(f.answer->value().made == crew);
    REQUIRE(f.answer->value().group);
    CHECK(f.answer->value().group->metadata.subject == "made");
    CHECK(f.answer->value().members.size() == people);
  };
  is_unsettled();  // it is on its way
  SECTION("the repetition of one that was answered is answered the same, over a restart and without a connection") {
    f.hear(described(first[0], made_group()));
    REQUIRE(f.succeeded());
    CHECK_FALSE(f.answer->value().replayed);
    is_made(1);
    f.reopen();
    f.begin();
    is_made(1);
    CHECK(f.answer->value().members[0].who.jid == ben_lid);
    CHECK(f.answer->value().members[0].code == 200);
    AskGroup named_otherwise = creation("by their numbers");
    named_otherwise.other_hashes = {"as said", "as it was first"};
    CHECK(f.ask(std::move(named_otherwise)).empty());
    REQUIRE(f.succeeded());
    CHECK(f.answer->value().replayed);
    CHECK(f.ask(creation("another one")).empty());
    CHECK(f.refused() == Errc::conflict);
    CHECK(f.answer->error().subject == Subject::idempotency_key);
  }
  SECTION("one that WhatsApp refused is asked for again") {
    f.hear(error_of(first[0], 406));
    CHECK(f.refused() == Errc::malformed);
    CHECK(creations_in(f.ask(creation())).size() == 1);
  }
  SECTION("one at which the server failed is not: it may have made the group before") {
    f.hear(error_of(first[0], 500));
    CHECK(f.refused() == Errc::refused);
    is_unsettled();
  }
  SECTION("one that nobody answered is not, until its notification settles it") {
    f.turn_of(LinkDown{LinkEnd{LinkEnd::Kind::network, "gone", false}, f.session->link_epoch()});
    f.reopen();
    f.begin();
    f.go_online();
    is_unsettled();
    f.hear(told_of(made_group(), "another one"));
    is_unsettled();
    f.hear(told_of(made_group(), key));
    is_made(0);
  }
}

TEST_CASE("without a key each request makes a group of its own") {
  Program f;
  AskGroup asked = creation();
  asked.idempotency_key.reset();
  CHECK(creations_in(f.ask(asked)).size() == 1);
  CHECK(creations_in(f.ask(asked)).size() == 1);
}

TEST_CASE("what a request changes is told with that request, and what others do is not") {
  Program f;
  know(f, group_of(crew, {ben_lid}));
  const auto ask = [&](groups::GroupRequest request) {
    const auto nodes =
        f.sent(f.turn_of(CommandArrived{Asked<AskGroup>{AskGroup{std::move(request)}, Reply<GroupAnswer>()}, "req-1"}));
    REQUIRE(nodes.size() == 1);
    return nodes[0];
  };
  const Node renamed = Node("subject").set("subject", "walks").set("s_t", std::uint64_t{1'700'000'002});
  const auto tell = [&](const Jid& by, const std::string& id) { f.hear(notice(crew, by, renamed, id)); };
  const Node query = ask(groups::SetSubject{crew, "walks"});
  SECTION("before or behind the answer, and once") {
    tell(ben_lid, "n1");
    tell(self, "n2");
    f.hear(result_of(query));
    tell(self, "n3");
    CHECK(requests_behind(f, "group_update") == std::vector<std::string>{"", "req-1", ""});
  }
  SECTION("not what was refused") {
    f.hear(error_of(query, 403));
    tell(self, "n1");
    CHECK(requests_behind(f, "group_update") == std::vector<std::string>{""});
  }
  SECTION("not what is done long after") {
    f.steady += std::chrono::seconds(61);
    tell(self, "n1");
    CHECK(requests_behind(f, "group_update") == std::vector<std::string>{""});
  }
  SECTION("a group that it makes") {
    groups::CreateGroup create;
    create.subject = "made";
    const Node asked = ask(create);
    auto made = made_group();
    made.group = choir;
    f.hear(told_of(made, asked.child("create")->attr("key")));
    CHECK(requests_behind(f, "group_join") == std::vector<std::string>{"req-1"});
  }
}

TEST_CASE("a request that changes nothing leaves its name to no later change") {
  Program f;
  auto metadata = group_of(crew, {ben_lid, carl_lid, dora_lid});
  metadata.members[1].role = groups::Role::admin;
  metadata.announcement = true;
  know(f, metadata);
  const auto ask = [&](groups::GroupRequest request, const std::string& cause) {
    const auto nodes =
        f.sent(f.turn_of(CommandArrived{Asked<AskGroup>{AskGroup{std::move(request)}, Reply<GroupAnswer>()}, cause}));
    REQUIRE(nodes.size() == 1);
    return nodes[0];
  };
  using Action = groups::MemberAction;
  const auto change = [&](Action action, const Jid& who, const std::string& cause) {
    return ask(groups::ChangeMembers{crew, action, {{who, {}, {}}}, false}, cause);
  };
  const auto answer = [&](const Node& query, Action action, const Jid& who, std::optional<unsigned> error) {
    const std::vector<groups::MemberRow> rows{{groups::person(who), error, {}}};
    f.hear(result_of(query).add(groups::changed_node(action, rows)));
  };
  const auto tell = [&](std::string_view tag, const Jid& who, const std::string& id) {
    f.hear(notice(crew, self, change_of(tag, who), id));
  };
  SECTION("one about another person") {
    change(Action::promote, carl_lid, "req-1");  // its answer is still to come
    change(Action::promote, dora_lid, "req-2");
    tell("promote", dora_lid, "n1");
    tell("promote", carl_lid, "n2");
    CHECK(requests_behind(f, "group_update") == std::vector<std::string>{"req-2", "req-1"});
  }
  SECTION("one whose rows are all refused") {
    answer(change(Action::demote, carl_lid, "req-1"), Action::demote, carl_lid, 406);
    tell("demote", carl_lid, "n1");  // the phone does it
    CHECK(requests_behind(f, "group_update") == std::vector<std::string>{""});
  }
  SECTION("a role that is held already, and one that is given behind the answer") {
    answer(change(Action::promote, ben_lid, "req-1"), Action::promote, ben_lid, std::nullopt);
    tell("promote", ben_lid, "n1");
    answer(change(Action::promote, carl_lid, "req-2"), Action::promote, carl_lid, std::nullopt);
    tell("promote", carl_lid, "n2");
    CHECK(requests_behind(f, "group_update") == std::vector<std::string>{"", "req-2"});
  }
  SECTION("a setting that is so") {
    f.hear(result_of(ask(groups::SetFlag{crew, groups::Flag::announcement, true}, "req-1")));
    f.hear(result_of(ask(groups::SetFlag{crew, groups::Flag::announcement, false}, "req-2")));
    f.hear(notice(crew, self, Node("not_announcement"), "n1"));
    f.hear(notice(crew, self, Node("announcement"), "n2"));
    CHECK(requests_behind(f, "group_update") == std::vector<std::string>{"req-2", ""});
  }
  SECTION("a picture that is not there") {
    f.hear(result_of(ask(groups::RemovePicture{crew}, "req-1")));
    ask(groups::SetPicture{crew, {1, 2, 3}}, "req-2");
    Node told("notification");
    told.set("from", crew).set("type", "picture").set("id", "n1").set("t", "1700000002").set("participant", self);
    f.hear(told.add(Node("set").set("jid", crew).set("id", "17").set("author", self)));
    CHECK(requests_behind(f, "group_update") == std::vector<std::string>{"req-2"});
  }
  SECTION("and one is named by each of its notifications") {
    groups::ChangeMembers both{crew, Action::promote, {{carl_lid, {}, {}}, {dora_lid, {}, {}}}, false};
    ask(std::move(both), "req-1");
    tell("promote", dora_lid, "n1");
    tell("promote", carl_lid, "n2");
    tell("promote", dora_lid, "n3");
    CHECK(requests_behind(f, "group_update") == std::vector<std::string>{"req-1", "req-1", ""});
  }
}
