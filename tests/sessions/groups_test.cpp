// What a real Session knows of its groups: the list of all, notifications, what it asks again and when, over refusals,
// restarts and log-outs.
#include "sessions/groups/groups.h"

#include <catch2/catch.hpp>

#include "events/event.h"
#include "storage/chat_timers.h"
#include "tests/sessions/group_stanzas.h"

using namespace wharf;
using namespace wharf::test;

namespace {

struct Member : SessionFixture {
  /// Online, as an account whose groups were told before.
  Member() { go_online(); }
  std::vector<Node> hear(Node node) { return sent(stanza(std::move(node))); }
  /// Time goes by, and the server answers the pings of it.
  std::vector<Node> wait(std::chrono::seconds duration) {
    steady += duration;
    now_ms += std::chrono::milliseconds(duration).count();
    std::vector<Node> out;
    for (const Node& node : sent(turn({}))) {
      if (node.attr("xmlns") == "w:p") hear(result_of(node));
      else out.push_back(node);
    }
    return out;
  }
  std::vector<Node> added(const Jid& group) { return hear(notice(group, ben_lid, change_of("add", self))); }
  std::vector<Node> restart() {
    reopen();
    begin();
    return go_online();
  }
  std::vector<std::shared_ptr<const events::Event>> told(const std::string& name) {
    std::vector<std::shared_ptr<const events::Event>> out;
    for (const auto& event : storage::read_events(store->reader(), {}))
      if (event.name == name) out.push_back(storage::value_of(event).value());
    return out;
  }
  std::optional<std::uint64_t> joined_at(const Jid& group, const Jid& who) {
    const auto known = groups::read_group(protocol::decode_node(row_of(*this, group)->metadata).value(), group);
    for (const auto& member : known->members)
      if (member.jid == who) return member.joined_at;
    return std::nullopt;
  }
  std::uint64_t seconds() const { return static_cast<std::uint64_t>(now_ms / 1000); }
};

/// Of which nothing was told yet.
struct Newcomer : SessionFixture {
  Newcomer() {
    session->context().device.groups_listed = false;
    query = the_list(go_online());
  }
  static Node the_list(const std::vector<Node>& nodes) {
    const auto found = lists_asked(nodes);
    REQUIRE(found.size() == 1);
    return found[0];
  }
  /// The answer, the first of them stored last; the work that it leaves for later turns.
  std::vector<Effect> answer(const std::vector<groups::GroupMetadata>& all) {
    return stanza(result_of(query).add(groups::listed_node(all)));
  }
  std::vector<Node> run(std::vector<Effect> effects) {
    auto out = sent(effects);
    for (Effect& effect : effects) {
      auto* work = std::get_if<RunWork>(&effect);
      if (work == nullptr) continue;
      work->work();
      const auto more = run(call(std::move(work->then)));
      out.insert(out.end(), more.begin(), more.end());
    }
    return out;
  }
  /// So many people that each group takes a turn.
  static groups::GroupMetadata large(const Jid& group) {
    std::vector<Jid> people{ben_lid, carl_lid};
    for (int i = 0; i < 300; ++i) people.emplace_back(std::to_string(200'000'000'000 + i), "lid");
    return group_of(group, people);
  }
  bool is_listed() { return storage::load_device(store->reader(), row.id)->groups_listed; }
  Node query{"iq"};
};

}  // namespace

// --- coming in

TEST_CASE("a group that the account is added to is asked for at once") {
  Member f;
  const auto query = queries_to(f.added(crew), crew);
  REQUIRE(query.size() == 1);
  REQUIRE(row_of(f, crew));
  CHECK(row_of(f, crew)->member);
  CHECK(row_of(f, crew)->stale);
  auto told = group_of(crew, {ben_lid});
  told.ephemeral.seconds = 86'400;
  f.hear(described(query[0], told));
  CHECK(listed(f) == std::vector<std::string>{"group 01"});
  CHECK_FALSE(row_of(f, crew)->stale);
  CHECK(members_of(f, crew) == std::vector<Jid>{self, ben_lid});
  CHECK(storage::find_chat_timer(f.store->reader(), f.row.id, crew).seconds == 86'400);
  // Nothing is left to ask.
  CHECK(queries_to(f.restart(), crew).empty());
}

TEST_CASE("an end between being added and the answer leaves a group that is asked for at the next login") {
  Member f;
  f.added(crew);
  const auto query = queries_to(f.restart(), crew);
  REQUIRE(query.size() == 1);
  f.hear(described(query[0], group_of(crew, {ben_lid})));
  CHECK(listed(f) == std::vector<std::string>{"group 01"});
}

TEST_CASE("whoever is added again after leaving is a member again, of who is in it now") {
  Member f;
  know(f, group_of(crew, {ben_lid, carl_lid}));
  f.hear(notice(crew, ben_lid, change_of("remove", self, "1", "2")));
  CHECK(listed(f).empty());
  CHECK(members_of(f, crew).empty());
  const auto query = queries_to(f.added(crew), crew);
  REQUIRE(query.size() == 1);
  CHECK(listed(f) == std::vector<std::string>{"group 01"});
  CHECK(members_of(f, crew).empty());  // nobody knows who came and went
  f.hear(described(query[0], group_of(crew, {dora_lid}, "5")));
  CHECK(members_of(f, crew) == std::vector<Jid>{self, dora_lid});
}

TEST_CASE("a group that the account turns out not to be in is not asked for again") {
  Member f;
  const auto query = queries_to(f.hear(notice(crew, ben_lid, Node("locked"))), crew);
  REQUIRE(query.size() == 1);
  CHECK(listed(f).empty());  // nothing says that it is in there
  f.hear(error_of(query[0], 403));
  CHECK(queries_to(f.wait(4000s), crew).empty());
  CHECK(queries_to(f.restart(), crew).empty());
}

// --- gaps

TEST_CASE("a gap has the group asked for, and what is told meanwhile is taken in") {
  Member f;
  know(f, group_of(crew, {ben_lid, carl_lid}));
  const auto query = queries_to(f.hear(notice(crew, ben_lid, change_of("add", dora_lid, "7", "8"))), crew);
  REQUIRE(query.size() == 1);
  CHECK(row_of(f, crew)->stale);
  f.hear(notice(crew, ben_lid, Node("subject").set("subject", "renamed"), "n2"));
  f.hear(notice(crew, ben_lid, Node("announcement"), "n3"));
  CHECK(row_of(f, crew)->subject == "renamed");
  CHECK(row_of(f, crew)->stale);
  CHECK(members_of(f, crew) == std::vector<Jid>{self, ben_lid, carl_lid});
  auto told = group_of(crew, {ben_lid, dora_lid}, "8");
  told.subject = "renamed";
  f.hear(described(query[0], told));
  CHECK_FALSE(row_of(f, crew)->stale);
  CHECK(members_of(f, crew) == std::vector<Jid>{self, ben_lid, dora_lid});
}

TEST_CASE("stale groups are asked for one at a time, each once") {
  Member f;
  const auto first = queries_to(f.added(crew), crew);
  REQUIRE(first.size() == 1);
  CHECK(queries_to(f.added(choir), choir).empty());
  CHECK(queries_to(f.hear(notice(crew, ben_lid, Node("locked"), "n2")), crew).empty());
  const auto then = f.hear(described(first[0], group_of(crew, {ben_lid})));
  CHECK(queries_to(then, crew).empty());
  CHECK(queries_to(then, choir).size() == 1);
}

TEST_CASE("a group that turns stale again and again is asked for every few seconds at most") {
  Member f;
  know(f, group_of(crew, {ben_lid}));
  const auto gap = [&](const std::string& id) {
    return queries_to(f.hear(notice(crew, ben_lid, change_of("add", dora_lid, "8" + id, "9" + id), id)), crew);
  };
  const auto query = gap("a");
  REQUIRE(query.size() == 1);
  f.hear(described(query[0], group_of(crew, {ben_lid}, "5")));
  CHECK(gap("b").empty());
  CHECK(queries_to(f.wait(5s), crew).empty());
  CHECK(queries_to(f.wait(6s), crew).size() == 1);
}

TEST_CASE("a server that has enough is asked again a minute later, and not for ever") {
  Member f;
  std::vector<Node> query = queries_to(f.added(crew), crew);
  int tries = 0;
  for (int minute = 0; minute < 20; ++minute) {
    for (const Node& one : query) {
      ++tries;
      CHECK(queries_to(f.hear(error_of(one, 429)), crew).empty());
    }
    query = queries_to(f.wait(61s), crew);
  }
  CHECK(tries == 3);
  CHECK(row_of(f, crew)->stale);
  CHECK(queries_to(f.restart(), crew).size() == 1);
}

// --- the list of all

TEST_CASE("the groups of an account are told once, over as many turns as it takes") {
  Newcomer f;
  auto effects = f.answer({f.large(crew), f.large(choir)});
  CHECK(listed(f).size() == 2);  // at once, by their names
  CHECK(row_of(f, crew)->stale);
  CHECK_FALSE(f.is_listed());
  f.run(std::move(effects));
  CHECK_FALSE(row_of(f, crew)->stale);
  CHECK(members_of(f, crew).size() == 303);
  CHECK(f.is_listed());
  f.reopen();
  f.begin();
  CHECK(lists_asked(f.go_online()).empty());
}

TEST_CASE("a process that ends before all groups are stored asks for the list again, and for none of them alone") {
  Newcomer f;
  f.answer({f.large(crew), f.large(choir)});
  f.reopen();
  f.begin();
  const auto nodes = f.go_online();
  CHECK(lists_asked(nodes).size() == 1);
  CHECK(queries_to(nodes, crew).empty());
}

TEST_CASE("a list that was refused is asked for again, though a group is known meanwhile") {
  Newcomer f;
  f.stanza(error_of(f.query, 429));
  know(f, group_of(crew, {ben_lid}));
  SECTION("a minute later") {
    f.steady += 59s;
    CHECK(lists_asked(Newcomer::sent(f.turn({}))).empty());
    f.steady += 2s;
    f.query = Newcomer::the_list(Newcomer::sent(f.turn({})));
    f.run(f.answer({f.large(crew), f.large(choir)}));
    CHECK(listed(f).size() == 2);
  }
  SECTION("at the next login") {
    f.reopen();
    f.begin();
    Newcomer::the_list(f.go_online());
  }
  SECTION("and meanwhile what is added is asked for") {
    CHECK(queries_to(Newcomer::sent(f.stanza(notice(choir, ben_lid, change_of("add", self)))), choir).size() == 1);
  }
}

TEST_CASE("dirty groups are clean when they are stored, and a second time before that is listed for itself") {
  Newcomer f;
  const auto dirty = [&](const char* at) {
    return Newcomer::sent(f.stanza(Node("ib").add(Node("dirty").set("type", "groups").set("timestamp", at))));
  };
  const auto cleaned = [](const std::vector<Node>& nodes) {
    std::vector<std::string> out;
    for (const Node& node : nodes)
      if (const Node* clean = node.child("clean")) out.push_back(clean->attr("timestamp"));
    return out;
  };
  f.run(f.answer({group_of(crew, {ben_lid})}));
  f.query = Newcomer::the_list(dirty("100"));
  auto effects = f.answer({f.large(crew), f.large(choir)});
  CHECK(cleaned(Newcomer::sent(effects)).empty());
  CHECK(dirty("200").empty());
  auto nodes = f.run(std::move(effects));
  CHECK(cleaned(nodes).empty());  // nothing of it was kept
  f.query = Newcomer::the_list(nodes);
  nodes = f.run(f.answer({f.large(crew), f.large(choir)}));
  CHECK(cleaned(nodes) == std::vector<std::string>{"200"});
  CHECK(lists_asked(nodes).empty());
}

TEST_CASE("what the list of dirty groups does not name is asked for alone, but for what was left before") {
  Member f;
  const Jid left("120363000000000003", "g.us");
  for (const Jid& group : {crew, choir, left}) know(f, group_of(group, {ben_lid}));
  f.hear(notice(left, ben_lid, change_of("remove", self, "1", "2")));
  const auto lists = lists_asked(f.hear(Node("ib").add(Node("dirty").set("type", "groups").set("timestamp", "100"))));
  REQUIRE(lists.size() == 1);
  CHECK(row_of(f, crew)->stale);
  const std::vector<groups::GroupMetadata> named{group_of(crew, {ben_lid, dora_lid}, "2")};
  const auto nodes = f.hear(result_of(lists[0]).add(groups::listed_node(named)));
  CHECK_FALSE(row_of(f, crew)->stale);
  CHECK(queries_to(nodes, crew).empty());
  const auto query = queries_to(nodes, choir);
  REQUIRE(query.size() == 1);
  CHECK(listed(f).size() == 2);  // a list may be older than what was heard
  CHECK(queries_to(f.hear(error_of(query[0], 403)), left).empty());
  CHECK(listed(f) == std::vector<std::string>{"group 01"});
  CHECK(queries_to(f.restart(), left).empty());
}

TEST_CASE("what is told while a list is stored is newer than the list") {
  Newcomer f;
  SECTION("somebody is removed") {
    auto effects = f.answer({f.large(crew), f.large(choir)});
    f.stanza(notice(crew, ben_lid, change_of("remove", carl_lid, "1", "2")));
    const auto nodes = f.run(std::move(effects));
    const auto query = queries_to(nodes, crew);
    REQUIRE(query.size() == 1);
    CHECK(queries_to(nodes, choir).empty());
    f.stanza(described(query[0], group_of(crew, {ben_lid}, "2")));
    CHECK(members_of(f, crew) == std::vector<Jid>{self, ben_lid});
  }
  SECTION("the own account is") {
    auto effects = f.answer({f.large(crew), f.large(choir)});
    f.stanza(notice(crew, ben_lid, change_of("remove", self, "1", "2")));
    f.run(std::move(effects));
    CHECK(listed(f) == std::vector<std::string>{"group 02"});
  }
  SECTION("a group that the list is the first to tell of is described by somebody else") {
    auto effects = f.answer({f.large(crew), f.large(choir)});
    const auto query = queries_to(Newcomer::sent(f.tell(AskGroup{groups::QueryGroup{crew, {}}})), crew);
    f.stanza(described(query.at(0), group_of(crew, {dora_lid}, "9")));
    CHECK(queries_to(f.run(std::move(effects)), crew).empty());
    CHECK(members_of(f, crew) == std::vector<Jid>{self, dora_lid});
  }
}

// --- log-out

TEST_CASE("a log-out in the middle of a list leaves the next account none of it") {
  Newcomer f;
  auto effects = f.answer({f.large(crew), f.large(choir)});
  link_anew(f);
  f.run(std::move(effects));
  CHECK(listed(f).empty());
  CHECK_FALSE(row_of(f, crew));
  CHECK(lists_asked(f.go_online()).size() == 1);
}

TEST_CASE("the next account asks for itself what it may in a group") {
  Member f;
  auto metadata = group_of(crew, {ben_lid});
  metadata.announcement = true;
  know(f, metadata);
  const auto send = [&] {
    SendMessage message = Member::text("hello");
    message.chat = crew;
    return f.send(std::move(message));
  };
  CHECK_FALSE(send()->has_value());
  link_anew(f);
  f.go_online();
  CHECK(send()->has_value());
  CHECK(queries_to(Member::sent(f.last), crew).size() == 1);
}

// --- what is told

TEST_CASE("a notification that comes again is told once, over a restart too") {
  Member f;
  know(f, group_of(crew, {ben_lid}));
  const Node add = notice(crew, ben_lid, change_of("add", carl_lid, "1", "2"));
  f.hear(add);
  CHECK(f.told("group_join").size() == 1);
  Node again = add;
  again.set("offline", "1");
  const auto acked = f.hear(again);
  CHECK(f.told("group_join").size() == 1);
  REQUIRE(acked.size() == 1);
  CHECK(acked[0].is("ack"));
  f.restart();
  f.hear(again);
  CHECK(f.told("group_join").size() == 1);
  // Another one of the same id is another one.
  f.hear(notice(crew, ben_lid, change_of("add", dora_lid, "2", "3")));
  CHECK(f.told("group_join").size() == 2);
  CHECK(members_of(f, crew) == std::vector<Jid>{self, ben_lid, carl_lid, dora_lid});
  SECTION("of a group that was never known too") {
    const Node removal = notice(choir, ben_lid, change_of("remove", self));
    f.hear(removal);
    f.hear(removal);
    CHECK(f.told("group_leave").size() == 1);
  }
  SECTION("a commit that is lost counts for nothing") {
    const Node removal = notice(crew, ben_lid, change_of("remove", dora_lid, "3", "4"));
    f.turn_of(StanzaArrived{removal, f.session->link_epoch()}, false);
    f.restart();
    f.hear(removal);
    CHECK(f.told("group_leave").size() == 1);
    CHECK(members_of(f, crew).size() == 3);
  }
}

TEST_CASE("whoever leaves was what the group knew, and nothing is said where that is not known") {
  Member f;
  groups::GroupMetadata led = group_of(crew, {ben_lid});
  led.members[0].role = groups::Role::admin;
  led.members[1].role = groups::Role::superadmin;
  know(f, led);
  f.hear(notice(crew, ben_lid, change_of("remove", ben_lid, "1", "2")));
  f.hear(notice(crew, ben_lid, change_of("remove", self, "2", "3"), "n2"));
  f.hear(notice(choir, ben_lid, change_of("remove", ben_lid), "n3"));
  std::vector<std::string> roles;
  for (const auto& event : f.told("group_leave"))
    for (const events::GroupPerson& one : std::get<events::GroupLeft>(event->fact).people) roles.push_back(one.role);
  CHECK(roles == std::vector<std::string>{"superadmin", "admin", ""});
}

TEST_CASE("what happens to the own account names it, and the group where that is known") {
  Member f;
  know(f, group_of(crew, {ben_lid}));
  f.hear(notice(crew, ben_lid, change_of("remove", self, "1", "2")));
  f.hear(notice(crew, ben_lid, change_of("add", self, "4", "5"), "n2"));
  f.hear(notice(choir, ben_lid, change_of("add", self), "n3"));
  const auto left = f.told("group_leave");
  REQUIRE(left.size() == 1);
  const auto& gone = std::get<events::GroupLeft>(left[0]->fact);
  CHECK(gone.own);
  CHECK(gone.subject == "group 01");
  REQUIRE(gone.people.size() == 1);
  CHECK(gone.people[0].jid == self);
  CHECK(gone.people[0].ids.pn == self_pn);
  const auto joined = f.told("group_join");
  REQUIRE(joined.size() == 2);
  const auto& back = std::get<events::GroupJoined>(joined[0]->fact);
  CHECK(back.own);
  CHECK(back.subject == "group 01");
  REQUIRE(back.people.size() == 1);
  CHECK(back.people[0].jid == self);
  CHECK(std::get<events::GroupJoined>(joined[1]->fact).subject.empty());
}

// --- who came when

TEST_CASE("when somebody came is kept over lists that do not say it") {
  Member f;
  know(f, group_of(crew, {ben_lid}));
  const auto ask_again = [&](const std::vector<Jid>& others) {
    f.wait(11s);
    const auto id = std::to_string(f.now_ms);
    const auto query =
        queries_to(f.hear(notice(crew, ben_lid, change_of("promote", ben_lid, "x" + id, "y" + id), id)), crew);
    REQUIRE(query.size() == 1);
    f.hear(described(query[0], group_of(crew, others, id)));
    return f.seconds();
  };
  SECTION("who was added is dated by that") {
    f.hear(notice(crew, ben_lid, change_of("add", carl_lid, "1", "2")));
    CHECK(f.joined_at(crew, carl_lid) == 1'700'000'002);
    ask_again({ben_lid, carl_lid});
    CHECK(f.joined_at(crew, carl_lid) == 1'700'000'002);
    CHECK_FALSE(f.joined_at(crew, ben_lid));
  }
  SECTION("who is found in a list has come since the last one") {
    const auto at = ask_again({ben_lid, carl_lid});
    CHECK(f.joined_at(crew, carl_lid) == at);
    CHECK_FALSE(f.joined_at(crew, ben_lid));
    ask_again({ben_lid, carl_lid});
    CHECK(f.joined_at(crew, carl_lid) == at);
  }
  SECTION("who is added while nobody knows who is in it too") {
    f.hear(notice(crew, ben_lid, change_of("promote", ben_lid, "7", "8")));  // asked for, not answered
    f.hear(notice(crew, ben_lid, change_of("add", ben_lid, "8", "9"), "n2", 1'700'000'005));
    CHECK(f.joined_at(crew, ben_lid) == 1'700'000'005);  // gone meanwhile, and back
  }
  SECTION("the first list of all says nothing of it") {
    auto nobody = group_of(crew, {});
    nobody.members.clear();
    know(f, nobody, 0);  // its name is known, and nothing else
    ask_again({ben_lid, carl_lid});
    CHECK_FALSE(f.joined_at(crew, carl_lid));
  }
  SECTION("who is there when the own account is back may have come while it was out") {
    f.hear(notice(crew, ben_lid, change_of("remove", self, "1", "2"), "n2"));
    f.wait(60s);
    SECTION("as it is asked for") {
      const auto query = queries_to(f.hear(notice(crew, ben_lid, change_of("add", self), "n3")), crew);
      REQUIRE(query.size() == 1);
      auto told = group_of(crew, {ben_lid, carl_lid, dora_lid}, "5");
      told.members[3].joined_at = 1'600'000'000;
      f.hear(described(query[0], told));
      CHECK(f.joined_at(crew, dora_lid) == 1'600'000'000);
    }
    SECTION("as the notification says") {
      const auto back = group_of(crew, {ben_lid, carl_lid}, "5");
      f.hear(notice(crew, ben_lid, Node("create").set("type", "new").add(groups::group_node(back)), "n3"));
    }
    CHECK(f.joined_at(crew, carl_lid) == f.seconds());
    CHECK(f.joined_at(crew, ben_lid) == f.seconds());
  }
  SECTION("a time that cannot be is none") {
    auto told = group_of(crew, {ben_lid});
    told.members[1].joined_at = 253'402'300'800;
    know(f, told);
    CHECK_FALSE(f.joined_at(crew, ben_lid));
  }
}
