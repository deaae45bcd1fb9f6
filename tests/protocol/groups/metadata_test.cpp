#include "protocol/groups/metadata.h"

#include <catch2/catch.hpp>

#include "protocol/groups/limits.h"
#include "tests/protocol/groups/people.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;
using namespace wharf::protocol::groups;
using namespace wharf::test;

namespace {

Node group(std::string_view id = "120363000000000001") { return Node("group").set("id", id); }

GroupMetadata read(const Node& node) {
  const auto metadata = read_group(node);
  REQUIRE(metadata);
  return *metadata;
}

}  // namespace

TEST_CASE("a group of which every field is set is read as it was built") {
  GroupMetadata all = group_of({2, 1, 3});
  all.subject_time = 1770000010;
  all.subject_owner = lid(2);
  all.subject_owner_pn = pn(2);
  all.subject_owner_username = "bea";
  all.creation = 1770000000;
  all.creator = lid(3);
  all.creator_pn = pn(3);
  all.creator_username = "carl";
  all.creator_country_code = "US";
  all.notify = "Bea";
  all.announcement_version = "8";
  all.description = {"D1", "Two\nlines", lid(2), pn(2), "bea", 1770000020};
  all.announcement = all.locked = all.join_approval = true;
  all.ephemeral = {604800, 1};
  all.member_add = Allowed::admins;
  all.member_link = Allowed::all_members;
  all.history_share = Allowed::admins;
  all.growth_lock = GrowthLock{"invite", 1770100000};
  all.suspended = all.admin_reports = all.group_history = all.limit_sharing = true;
  all.frequently_forwarded = false;
  all.support = all.incognito = all.auto_add_disabled = all.hosted = all.safety_check = all.member_labels = true;
  all.community = CommunityRoot{true};
  all.linked_parent = town;
  all.default_sub_group = all.general_chat = all.hidden_group = all.non_admin_sub_groups = true;
  all.members[0].role = Role::superadmin;
  all.members[1].role = Role::admin;
  all.members[1].joined_at = 1770000005;
  all.members[2] = person(lid(3));
  all.members[2].display_name = "+1∙∙∙∙∙∙∙∙03";
  all.members[2].username = "carl";
  all.members[2].label = "Treasurer";
  all.not_added = {{member(4), 403, AddRequest{"AbCdEfGh12345678", 1770259200}}, {member(5), 408, {}}};

  const auto decoded = decode_node(encode_node(group_node(all)));
  REQUIRE(decoded);
  REQUIRE(read(*decoded) == all);

  IdentityPairs pairs;
  collect(pairs, all);
  // Of number 3 the list hides the phone number, the creator's attributes do not.
  REQUIRE(pairs.take() ==
          std::vector<LidPn>{{lid(1), pn(1)}, {lid(2), pn(2)}, {lid(3), pn(3)}, {lid(4), pn(4)}, {lid(5), pn(5)}});
}

TEST_CASE("a group of which nothing is said but its id has its defaults") {
  const GroupMetadata bare = read(group());
  REQUIRE(bare.group == team);
  REQUIRE(bare.addressing_mode == AddressingMode::phone_number);
  REQUIRE(bare.size == 0);
  REQUIRE(bare.frequently_forwarded);
  REQUIRE_FALSE(bare.description.text);
  REQUIRE_FALSE(bare.community);
  REQUIRE_FALSE(bare.stale);
  REQUIRE_FALSE(bare.partial);
  REQUIRE(read(group_node(bare)) == bare);
}

TEST_CASE("the id is a whole group JID, its user part alone, or known from the question") {
  REQUIRE(read(group("120363000000000001@g.us")).group == team);
  REQUIRE(read(Node("group").set("id", team)).group == team);
  REQUIRE(read(Node("group").set("jid", team)).group == team);
  REQUIRE(read(group("15550000001-1500000000")).group == Jid("15550000001-1500000000", server::group));
  REQUIRE(read_group(Node("group"), team)->group == team);
  REQUIRE(read_group(group(), team)->group == team);
  for (const Node& node : {Node("group"), group(""), group("lid"), group("15550000001@s.whatsapp.net"), group("a b"),
                           group("@g.us"), Node("grp").set("id", team)}) {
    REQUIRE(read_group(node).error().code == Errc::malformed);
  }
  REQUIRE(read_group(group(), town).error().code == Errc::malformed);  // another group than was asked for
}

TEST_CASE("without a mode the first member tells it") {
  REQUIRE(read(group().add(row(lid(2)))).addressing_mode == AddressingMode::lid);
  REQUIRE(read(group().add(row(pn(2)))).addressing_mode == AddressingMode::phone_number);
  REQUIRE(read(group().set("addressing_mode", "pn").add(row(lid(2)))).addressing_mode == AddressingMode::phone_number);
  REQUIRE(read(group().set("addressing_mode", "x").add(row(lid(2)))).addressing_mode == AddressingMode::lid);
}

TEST_CASE("either name of a member comes from its JID or stands beside it, never from its label") {
  const GroupMetadata metadata = read(group()
                                          .add(row(lid(2)).set("phone_number", pn(2)))
                                          .add(row(pn(3)).set("lid", lid(3)))
                                          .add(row(lid(4)).set("display_name", "+15550000004"))
                                          .add(row(lid(5)).set("phone_number", lid(6)))
                                          .add(row(pn(6).with_device(3)).set("lid", pn(7))));
  REQUIRE(metadata.members.size() == 5);
  REQUIRE(metadata.members[0] == member(2));
  REQUIRE(metadata.members[1].pn == pn(3));
  REQUIRE(metadata.members[1].lid == lid(3));
  REQUIRE_FALSE(metadata.members[2].pn);
  REQUIRE(metadata.members[2].display_name == "+15550000004");
  REQUIRE_FALSE(metadata.members[3].pn);  // a LID is no phone number
  REQUIRE(metadata.members[4].jid == pn(6));
  REQUIRE_FALSE(metadata.members[4].lid);
}

TEST_CASE("a row that cannot be used is skipped and marks the list stale; one with an error is no member") {
  Node node = group();
  node.add(Node("participant").set("phone_number", pn(2)));
  node.add(row(team));
  node.add(row(server_jid()));
  node.add(Node("participant").set("jid", "somebody"));
  node.add(row(lid(3)));
  node.add(row(lid(3)).set("type", "admin"));  // the same once more
  node.add(row(lid(4)).set("error", "403"));
  node.add(row(lid(5)).set("error", "x"));
  const GroupMetadata metadata = read(node);
  REQUIRE(metadata.stale);
  REQUIRE(metadata.members == std::vector<Participant>{person(lid(3))});
  REQUIRE(metadata.not_added.size() == 2);
  REQUIRE(metadata.not_added[0].error == 403u);
  REQUIRE(metadata.not_added[1].error == 0u);  // a failure all the same
  REQUIRE_FALSE(read(group().add(row(lid(3)))).stale);
  REQUIRE(read(group().add(row(lid(3))).add(Node("missing_participant_identification"))).stale);
}

TEST_CASE("a size above the rows says that the list is a sample, an absurd one says nothing") {
  const auto sized = [](const char* size) { return read(group().set("size", size).add(row(lid(2)))); };
  REQUIRE(sized("42").size == 42);
  REQUIRE(sized("42").partial);
  REQUIRE_FALSE(sized("1").partial);
  for (const char* absurd : {"99999999999", "18446744073709551616", "-1", "", "1e3", "1000001"}) {
    INFO(absurd);
    REQUIRE(sized(absurd).size == 1);
    REQUIRE_FALSE(sized(absurd).partial);
  }
}

TEST_CASE("lists and texts over their bounds are no group, one at the bound is") {
  const auto with_rows = [](std::size_t count) {
    Node node = group();
    for (std::size_t i = 0; i < count; ++i) node.add(row(Jid(std::to_string(100000 + i), server::lid)));
    return read_group(node);
  };
  REQUIRE(with_rows(max_members)->members.size() == max_members);
  REQUIRE(with_rows(max_members + 1).error().code == Errc::too_large);

  const auto with_subject = [](std::size_t bytes) {
    return read_group(group().set("subject", std::string(bytes, 'a')));
  };
  REQUIRE(with_subject(1024)->subject.size() == 1024);
  REQUIRE(with_subject(1025).error().code == Errc::too_large);
  const auto with_text = [](const std::string& body) {
    return read_group(group().add(Node("description").set("id", "D1").add(Node("body").text(body))));
  };
  REQUIRE(with_text(std::string(8192, 'a'))->description.text->size() == 8192);
  REQUIRE(with_text(std::string(8193, 'a')).error().code == Errc::too_large);
  REQUIRE(with_text(std::string(8192, '\xff')).error().code == Errc::too_large);  // three times as long when shown
}

TEST_CASE("texts of a peer are made displayable") {
  const GroupMetadata metadata = read(
      group().set("subject", "a\nb\xff").add(Node("description").set("id", "D 1").add(Node("body").text("a\nb\xff"))));
  REQUIRE(metadata.subject == "a b\xEF\xBF\xBD");
  REQUIRE(metadata.description.text == "a\nb\xEF\xBF\xBD");
  REQUIRE(metadata.description.id.empty());  // no acceptable id
}

TEST_CASE("a description without body is none, and its id counts for the next edit") {
  const GroupMetadata metadata = read(group().add(Node("description").set("id", "D3").set("t", "1770000020")));
  REQUIRE_FALSE(metadata.description.text);
  REQUIRE(metadata.description.id == "D3");
  REQUIRE(read(group_node(metadata)) == metadata);
  REQUIRE_FALSE(read(group().add(Node("description").set("id", "D3").add(Node("body").text("")))).description.text);
}

TEST_CASE("settings that say nothing usable have their defaults") {
  const auto ephemeral = [](const char* expiration, const char* trigger) {
    return read(group().add(Node("ephemeral").set("expiration", expiration).set("trigger", trigger))).ephemeral;
  };
  REQUIRE(ephemeral("86400", "20") == Ephemeral{86400, 20});
  REQUIRE(ephemeral("2147483647", "0") == Ephemeral{2147483647, 0});
  REQUIRE(ephemeral("86400", "21") == Ephemeral{86400, {}});  // the trigger alone is refused
  for (const char* bad : {"2147483648", "-1", "", "x"}) REQUIRE(ephemeral(bad, "1") == Ephemeral{});

  const auto approval = [](Node join) {
    return read(group().add(Node("membership_approval_mode").add(std::move(join)))).join_approval;
  };
  REQUIRE(approval(Node("group_join").set("state", "on")));
  REQUIRE_FALSE(approval(Node("group_join").set("state", "off")));
  REQUIRE_FALSE(approval(Node("group_join")));
  REQUIRE_FALSE(approval(Node("x")));

  REQUIRE_FALSE(read(group().add(Node("member_add_mode").text("nobody"))).member_add);
  REQUIRE_FALSE(read(group().add(Node("linked_parent").set("jid", pn(2)))).linked_parent);
  REQUIRE_FALSE(read(group().add(Node("parent"))).community->approval_required);
  REQUIRE(read(group().add(Node("brand_new").set("x", "1"))) == read(group()));
  const auto lock = read(group().add(Node("growth_locked").set("expiration", "99999999999"))).growth_lock;
  REQUIRE(lock == GrowthLock{});
}
