// Whether a group is known well enough to be written to: refused at once, asked for first, or asked for again; what
// waits for that.
#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>

#include "tests/sessions/group_crew.h"
#include "tests/storage/counts.h"

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;
using protocol::Node;
using storage::AckLevel;
using test::crew;
using test::queries_to;
using test::self;
using Crew = test::SendingCrew;
namespace groups = protocol::groups;

namespace {

const Jid &ben = test::ben_lid, &carl = test::carl_lid, &dora = test::dora_lid;

/// The group names everybody by number from here on.
void switch_to_numbers(Crew& f) {
  f.metadata.addressing_mode = groups::AddressingMode::phone_number;
  const Jid numbers[] = {test::self_pn, test::ben, Jid("15550000003", "s.whatsapp.net")};
  REQUIRE(f.metadata.members.size() == std::size(numbers));
  for (std::size_t i = 0; i < std::size(numbers); ++i) {
    groups::Participant& member = f.metadata.members[i];
    member.lid = member.lid.value_or(member.jid);
    member.jid = numbers[i];
    member.pn = numbers[i];
  }
}

}  // namespace

TEST_CASE("where admins alone send, others are refused at once") {
  Crew f;
  f.metadata.announcement = true;
  f.metadata.members[0].role = groups::Role::member;
  f.describe();
  SendMessage message = f.text("hello");
  message.chat = crew;
  std::optional<Outcome<SentMessage>> answer;
  f.tell(message, [&](Outcome<SentMessage> sent) { answer = std::move(sent); });
  REQUIRE(answer);
  REQUIRE_FALSE(answer->has_value());
  CHECK(answer->error().code == protocol::Errc::forbidden);
}

TEST_CASE("a group that is not among all of the account's is refused at once, and a community always") {
  Crew f;
  const Jid other("120363000000000002", "g.us"), community("120363000000000003", "g.us");
  const auto refusal = [&](const Jid& chat) {
    SendMessage message = f.text("hello");
    message.chat = chat;
    const auto answer = f.send(std::move(message));
    REQUIRE(answer);
    REQUIRE_FALSE(answer->has_value());
    CHECK(queries_to(f.sent(f.last), chat).empty());
    CHECK(answer->error().subject == Subject::group);
    return answer->error().code;
  };
  CHECK(refusal(other) == protocol::Errc::not_found);
  groups::GroupMetadata root = f.metadata;
  root.group = community;
  root.community = groups::CommunityRoot{};
  test::know(f, root);
  CHECK(refusal(community) == protocol::Errc::forbidden);
  SECTION("until the account is let in") {
    f.stanza(test::notice(other, ben, test::change_of("add", self)));
    SendMessage message = f.text("hello");
    message.chat = other;
    CHECK(f.send(std::move(message))->has_value());
  }
  SECTION("or may be in it: what was kept for this device still comes") {
    f.stanza(Node("ib").add(Node("offline_preview").set("count", "1")));
    SendMessage message = f.text("hello");
    message.chat = other;
    CHECK(f.send(std::move(message))->has_value());
  }
}

TEST_CASE("a group that is not known is asked for before anything is sent there, while the list is not known either") {
  Crew f;
  f.session->context().device.groups_listed = false;
  const Jid other("120363000000000002", "g.us");
  SendMessage message = f.text("hello");
  message.chat = other;
  message.message_id = "3EB0AA";
  const auto asked = f.sent(f.tell(std::move(message)));
  const auto query = std::find_if(asked.begin(), asked.end(), [&](const Node& node) {
    return node.is("iq") && node.attr("xmlns") == "w:g2" && node.jid("to") == other;
  });
  REQUIRE(query != asked.end());
  SECTION("it is described, and the message goes") {
    groups::GroupMetadata told = f.metadata;
    told.group = other;
    std::vector<Node> out;
    f.collect(out, f.stanza(Node("iq")
                                .set("type", "result")
                                .set("id", query->attr("id"))
                                .set("from", other)
                                .add(groups::group_node(told))));
    REQUIRE(out.size() == 1);
    CHECK(out[0].jid("to") == other);
  }
  SECTION("the account is not in it, and the message fails") {
    f.stanza(Node("iq")
                 .set("type", "error")
                 .set("id", query->attr("id"))
                 .set("from", other)
                 .add(Node("error").set("code", "403").set("text", "forbidden")));
    CHECK(storage::find_message(f.store->reader(), f.row.id, other, "3EB0AA")->ack == AckLevel::error);
  }
}

TEST_CASE("a stale way of addressing is asked for again and the message sealed anew, once") {
  Crew f;
  const auto first = f.say("hello", "3EB0AA");
  const auto refused = [&] { return f.hear(Crew::ack_of("3EB0AA").set("error", "421").set("addressing_mode", "lid")); };
  CHECK(refused().empty());
  const auto query = queries_to(f.said, crew);
  REQUIRE(query.size() == 1);
  CHECK(f.level("3EB0AA") == AckLevel::pending);
  const auto second = f.hear(test::described(query[0], f.metadata));
  REQUIRE(second.size() == 1);
  CHECK(second[0].attr("id") == "3EB0AA");
  CHECK(protocol::encode_node(second[0]) != protocol::encode_node(first.at(0)));
  CHECK(f.read(ben, second[0]) == "hello");
  CHECK(refused().empty());
  CHECK(f.level("3EB0AA") == AckLevel::error);
}

TEST_CASE("the next account has no group at hand") {
  Crew f;
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  test::link_anew(f);
  f.go_online();
  f.said.clear();
  CHECK(f.say("again", "3EB0BB").empty());
  CHECK(queries_to(f.said, crew).size() == 1);
}

TEST_CASE("a group whose description says that people are missing is asked for once, and written to") {
  Crew f;
  f.session->context().device.groups_listed = false;  // else what is not known is refused
  const Jid other("120363000000000002", "g.us");
  SendMessage message = f.text("hello");
  message.chat = other;
  const auto asked = f.sent(f.tell(std::move(message)));
  const auto query = std::find_if(asked.begin(), asked.end(), [&](const Node& node) {
    return node.is("iq") && node.attr("xmlns") == "w:g2" && node.jid("to") == other;
  });
  REQUIRE(query != asked.end());
  groups::GroupMetadata told = f.metadata;
  told.group = other;
  Node described = groups::group_node(told);
  described.add(Node("missing_participant_identification"));
  std::vector<Node> out;
  f.collect(
      out,
      f.stanza(
          Node("iq").set("type", "result").set("id", query->attr("id")).set("from", other).add(std::move(described))));
  REQUIRE(out.size() == 1);
  CHECK(out[0].jid("to") == other);
}

TEST_CASE("a group that was left stays left, whatever is said of it") {
  Crew f;
  Node child("remove");
  child.set("prev_v_id", "1").set("v_id", "2").add(Node("participant").set("jid", self));
  const auto notify = [&](Node change) {
    f.stanza(Node("notification")
                 .set("id", "n1")
                 .set("type", "w:gp2")
                 .set("from", crew)
                 .set("participant", ben)
                 .set("t", "1700000002")
                 .add(std::move(change)));
  };
  notify(std::move(child));
  Node promoted("promote");
  promoted.add(Node("participant").set("jid", ben));
  notify(std::move(promoted));
  CHECK_FALSE(storage::find_group(f.store->reader(), f.row.id, crew)->member);
  // It may have come back to it unheard: asked for, and nothing is sent before that is answered.
  CHECK(f.say("hello", "3EB0AA").empty());
}

TEST_CASE("what waits for a stale group is what was sent there, and not without end") {
  Crew f;
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  f.hear(test::notice(crew, ben, test::change_of("promote", ben, "7", "8")));
  const auto query = queries_to(f.said, crew);
  REQUIRE(query.size() == 1);
  const auto acks = [&] {
    return std::count_if(f.said.begin(), f.said.end(), [](const Node& node) { return node.is("ack"); });
  };
  f.hear(Crew::retry_of(ben, "3EB0FF"));
  CHECK(acks() == 1);  // nothing to wait for
  // More than a session keeps of them; of one message there are no more than its resends.
  for (int i = 0; i < 1'030; ++i) {
    CHECK(f.hear(Crew::retry_of(ben, "3EB0AA")).empty());
    CHECK(acks() == 0);
  }
  // Some a turn: each may cost a walk through the group.
  CHECK(f.hear(test::described(query[0], f.metadata)).size() == 10);
  CHECK(acks() == 22);  // what is sent is acked when the server has it
  std::ptrdiff_t acked = 22;
  for (int turns = 0; acked < 1'014 && turns < 40; ++turns) {
    CHECK(f.hear(Node("ib")).empty());
    acked += acks();
  }
  CHECK(acked == 1'014);
  // There is room again.
  CHECK(f.hear(Crew::retry_of(carl, "3EB0AA")).size() == 1);
}

TEST_CASE("who asks again while the server cannot describe the group gets the message when it can") {
  Crew f;
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  f.hear(test::notice(crew, ben, test::change_of("promote", ben, "7", "8")));
  auto query = queries_to(f.said, crew);
  REQUIRE(query.size() == 1);
  const auto acks = [&] {
    return std::count_if(f.said.begin(), f.said.end(), [](const Node& node) { return node.is("ack"); });
  };
  CHECK(f.hear(Crew::retry_of(ben, "3EB0AA")).empty());
  CHECK(f.hear(test::error_of(query[0], 429)).empty());
  CHECK(acks() == 0);
  f.said.clear();
  CHECK(f.say("again", "3EB0BB").empty());
  query = queries_to(f.said, crew);
  REQUIRE(query.size() == 1);
  const auto out = f.hear(test::described(query[0], f.metadata));
  CHECK(acks() == 0);
  CHECK(std::count_if(out.begin(), out.end(), [](const Node& node) {
          return node.attr("id") == "3EB0AA" && node.jid("participant") == ben;
        }) == 1);
  f.accepted("3EB0AA");
  CHECK(acks() == 1);
}

TEST_CASE("what is sent again under a name that is over is sent once more under the one that the group has by now") {
  Crew f;
  f.have_phone();
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  const bool own = GENERATE(false, true);
  const Jid who = own ? self : ben;
  const auto before = f.hear(Crew::retry_of(who, "3EB0AA"));
  REQUIRE(before.size() == 1);
  CHECK(before[0].jid("participant") == who);
  CHECK(f.hear(Crew::ack_of("3EB0AA").set("error", "421").set("addressing_mode", "pn")).empty());
  const auto query = queries_to(f.said, crew);
  REQUIRE(query.size() == 1);
  switch_to_numbers(f);
  const auto out = f.hear(test::described(query[0], f.metadata));
  REQUIRE(out.size() == 1);
  CHECK(out[0].attr("id") == "3EB0AA");
  CHECK(out[0].attr("addressing_mode") == "pn");
  CHECK(out[0].jid("participant") == (own ? test::self_pn : test::ben));
  CHECK(f.hear(Crew::ack_of("3EB0AA")).empty());
  CHECK(f.requests_acked() == 1);
  CHECK(queries_to(f.said, crew).empty());
}

TEST_CASE("however many ask in one turn, the group is not read for each, nor at all for who has had enough") {
  Crew f;
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  constexpr const char* group_read = "SELECT group_id, metadata, subject";
  const auto ask = [&](std::uint32_t times) {
    std::vector<Input> inputs;
    for (std::uint32_t i = 0; i < times; ++i)
      for (const Jid& who : {ben, carl})
        inputs.emplace_back(StanzaArrived{Crew::retry_of(who, "3EB0AA"), f.session->link_epoch()});
    return test::messages(f.turn(std::move(inputs))).size();
  };
  {
    const storage::StatementLog asked(f.store->reader());
    CHECK(ask(f.settings.max_resends) == 2 * f.settings.max_resends);
    CHECK(asked.count(group_read) <= 2);
  }
  const storage::StatementLog asked(f.store->reader());
  CHECK(ask(50) == 0);
  CHECK(asked.count(group_read) == 0);
}

TEST_CASE("who has had enough and is found in the group no more has nobody ask for it") {
  Crew f;
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  for (std::uint32_t i = 0; i < f.settings.max_resends; ++i) REQUIRE(f.hear(Crew::retry_of(ben, "3EB0AA")).size() == 1);
  f.metadata.members.erase(f.metadata.members.begin() + 1);
  f.describe();
  CHECK(f.hear(Crew::retry_of(ben, "3EB0AA")).empty());
  CHECK(queries_to(f.said, crew).empty());
  CHECK(f.requests_acked() == 1);
}

TEST_CASE("a request is acked when the server has answered what was sent for it: until then it brings it again") {
  Crew f;
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  REQUIRE(f.hear(Crew::retry_of(ben, "3EB0AA")).size() == 1);
  CHECK(f.requests_acked() == 0);
  SECTION("taken") {
    f.accepted("3EB0AA");
    CHECK(f.requests_acked() == 1);
  }
  SECTION("refused, whatever is tried") {
    f.hear(Crew::ack_of("3EB0AA").set("error", "403"));
    CHECK(f.requests_acked() == 1);
  }
  SECTION("refused for now: sent once more a minute later") {
    f.hear(Crew::ack_of("3EB0AA").set("error", "429"));
    CHECK(f.requests_acked() == 0);
    f.steady += 59s;
    CHECK(f.hear(Node("ib")).empty());
    f.steady += 1s;
    const auto out = f.hear(Node("ib"));
    REQUIRE(out.size() == 1);
    CHECK(out[0].jid("participant") == ben);
    f.accepted("3EB0AA");
    CHECK(f.requests_acked() == 1);
  }
  SECTION("not answered in all the time that an ack may take") {
    f.steady += Outbox::ack_patience - 1s;
    f.hear(Node("ib"));
    CHECK(f.requests_acked() == 0);
    f.steady += 1s;
    f.hear(Node("ib"));
    CHECK(f.requests_acked() == 1);
  }
  SECTION("each in the order in which they were sent") {
    REQUIRE(f.hear(Crew::retry_of(carl, "3EB0AA")).size() == 1);
    for (const Jid& who : {ben, carl}) {
      f.accepted("3EB0AA");
      REQUIRE(f.requests_acked() == 1);
      CHECK(f.said[0].jid("participant") == who);
    }
  }
}

TEST_CASE("what is refused under a name that is over is sent once more though the connection or the process ends") {
  Crew f;
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  REQUIRE(f.hear(Crew::retry_of(ben, "3EB0AA")).size() == 1);
  CHECK(f.hear(Crew::ack_of("3EB0AA").set("error", "421").set("addressing_mode", "pn")).empty());
  CHECK(f.requests_acked() == 0);
  SECTION("the process") {
    f.reopen();
    f.begin();
  }
  SECTION("the connection") { f.cut(); }
  const auto query = queries_to(f.go_online(), crew);
  REQUIRE(query.size() == 1);
  // As it was not acked, the server brings it again.
  CHECK(f.hear(Crew::retry_of(ben, "3EB0AA")).empty());
  CHECK(f.requests_acked() == 0);
  const auto out = f.hear(test::described(query[0], f.metadata));
  REQUIRE(out.size() == 1);
  CHECK(out[0].jid("participant") == ben);
  f.accepted("3EB0AA");
  CHECK(f.requests_acked() == 1);
}

TEST_CASE("who asks for a message of a group and is not known there has the group asked for, once") {
  Crew f;
  f.members.emplace(dora, test::GroupMember{f.befriend(dora), {}});
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  CHECK(f.hear(Crew::retry_of(dora, "3EB0FF")).empty());
  CHECK(queries_to(f.said, crew).empty());  // nothing that we said
  CHECK(f.hear(Crew::retry_of(dora, "3EB0AA")).empty());
  CHECK(f.requests_acked() == 0);
  const auto query = queries_to(f.said, crew);
  REQUIRE(query.size() == 1);
  SECTION("she is in it: the notification that says so has not come yet, or never will") {
    f.metadata.members.push_back(groups::person(dora));
    f.metadata.size = 4;
    const auto out = f.hear(test::described(query[0], f.metadata));
    REQUIRE(out.size() == 1);
    CHECK(out[0].attr("id") == "3EB0AA");
    CHECK(out[0].jid("participant") == dora);
  }
  SECTION("she is not") {
    CHECK(f.hear(test::described(query[0], f.metadata)).empty());
    CHECK(f.requests_acked() == 1);
    CHECK(f.hear(Crew::retry_of(dora, "3EB0AA")).empty());
    CHECK(f.requests_acked() == 1);
    CHECK(queries_to(f.said, crew).empty());
  }
  SECTION("the server does not say it now") {
    CHECK(f.hear(test::error_of(query[0], 429)).empty());
    CHECK(f.requests_acked() == 0);
  }
}

TEST_CASE("a clock that is behind keeps nobody from a message that was not acked yet") {
  Crew f;
  constexpr std::uint64_t behind = 12 * 3600;  // seconds
  f.have_phone();
  for (groups::Participant& member : f.metadata.members) member.joined_at = 1'700'000'000 + behind;
  f.describe();
  REQUIRE(f.say("hello", "3EB0AA").size() == 1);
  const Jid who = GENERATE(ben, self);
  const auto resent = f.hear(Crew::retry_of(who, "3EB0AA").set("t", 1'700'000'060 + behind));
  REQUIRE(resent.size() == 1);
  CHECK(resent[0].jid("participant") == who);
}

TEST_CASE("the account's own devices get what it says to a group, whenever it came there") {
  Crew f;
  f.have_phone();
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  for (groups::Participant& member : f.metadata.members) member.joined_at = 1'700'043'200;
  f.describe();
  CHECK(f.hear(Crew::retry_of(self, "3EB0AA")).size() == 1);
  CHECK(f.hear(Crew::retry_of(ben, "3EB0AA")).empty());
}
