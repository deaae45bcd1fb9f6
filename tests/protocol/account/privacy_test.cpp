#include "protocol/account/privacy.h"

#include <catch2/catch.hpp>

#include "protocol/stanzas/iq.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

using C = PrivacyCategory;
using V = PrivacyValue;
const Jid lid("900000000000002", server::lid), pn("15550000002", server::user);

Node wire(const Node& node) { return decode_node(encode_node(node)).value(); }
Node answer(Node child) { return Node("iq").set("type", "result").set("id", "1").add(std::move(child)); }
Node error(const char* code) {
  return Node("iq").set("type", "error").set("id", "1").add(Node("error").set("code", code));
}

}  // namespace

TEST_CASE("every name of a setting and of a value is read again") {
  for (std::uint8_t i = 0; i < privacy_category_count; ++i)
    REQUIRE(privacy_category(name(static_cast<C>(i))) == static_cast<C>(i));
  for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(V::on_standard); ++i)
    REQUIRE(privacy_value(name(static_cast<V>(i))) == static_cast<V>(i));
  REQUIRE_FALSE(privacy_category("cover_photo"));
  REQUIRE_FALSE(privacy_value("error"));
  REQUIRE(name(static_cast<C>(200)).empty());
  REQUIRE_FALSE(allowed({static_cast<C>(200), V::all}));
}

TEST_CASE("each setting takes the values of its row") {
  const auto takes = [](C category) {
    std::string out;
    for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(V::on_standard); ++i) {
      if (allowed({category, static_cast<V>(i)})) (out += name(static_cast<V>(i))) += ' ';
    }
    return out;
  };
  for (const C category : {C::last_seen, C::profile_picture, C::about, C::group_add, C::linked_profiles, C::pix})
    REQUIRE(takes(category) == "all contacts contact_blacklist none ");
  REQUIRE(takes(C::online) == "all match_last_seen ");
  REQUIRE(takes(C::read_receipts) == "all none ");
  REQUIRE(takes(C::call_add) == "all contacts known ");
  REQUIRE(takes(C::messages) == "all contacts ");
  REQUIRE(takes(C::defense) == "off on_standard ");
  REQUIRE(takes(C::stickers) == "contacts contact_allowlist none ");
}

TEST_CASE("settings are asked for, told and changed") {
  REQUIRE(privacy_iq("1").attr("type") == "get");
  REQUIRE(privacy_iq("1").child("privacy") != nullptr);
  const std::vector<PrivacySetting> all = {{C::last_seen, V::contacts}, {C::read_receipts, V::none}};
  REQUIRE(read_privacy(wire(privacy_answer(privacy_iq("1"), all))).value() == all);
  const PrivacySetting change{C::online, V::match_last_seen};
  REQUIRE(read_privacy_change(wire(set_privacy_iq("1", change))) == std::vector{change});
  REQUIRE_FALSE(read_privacy_change(set_privacy_iq("1", {C::online, V::none})));
  REQUIRE_FALSE(read_privacy_change(privacy_iq("1")));
  REQUIRE_FALSE(read_privacy_change(iq_set("1", "privacy").add(Node("tokens"))));
  REQUIRE_FALSE(read_privacy_change(iq_set("1", "privacy").add(Node("privacy"))));

  Node odd("privacy");
  odd.add(Node("category").set("name", "last").set("value", "error"));
  odd.add(Node("category").set("name", "cover_photo").set("value", "all"));
  odd.add(Node("category").set("name", "online").set("value", "all"));
  REQUIRE(read_privacy(answer(odd)).value() == std::vector{PrivacySetting{C::online, V::all}});
  REQUIRE(read_privacy(answer(Node("list"))).error().code == Errc::malformed);
  REQUIRE(read_privacy(error("429")).error().code == Errc::rate_limited);
}

TEST_CASE("an exclusion list is asked for and told in one addressing") {
  for (const auto addressing : {PrivacyAddressing::by_lid, PrivacyAddressing::by_number}) {
    const ExclusionListQuery query{C::about, addressing};
    const Node request = exclusion_list_iq("1", query);
    REQUIRE(request.child("privacy")->has("addressing_mode") == (addressing == PrivacyAddressing::by_lid));
    REQUIRE(read_exclusion_list_query(wire(request)) == query);
    const ExclusionList list{"17", {{lid, ""}, {Jid("3", server::lid), "anna"}}};
    REQUIRE(read_exclusion_list(wire(exclusion_list_answer(request, query, list))).value() == list);
  }
  // Unchanged, or kept in the other addressing.
  REQUIRE_FALSE(read_exclusion_list(answer(Node("privacy"))).value());
  REQUIRE(read_exclusion_list(answer(Node("other"))).error().code == Errc::malformed);
  Node many("list");
  for (int i = 0; i < 1001; ++i) many.add(Node("user").set("jid", lid));
  REQUIRE(read_exclusion_list(answer(Node("privacy").add(many))).error().code == Errc::malformed);
  REQUIRE_FALSE(read_exclusion_list_query(exclusion_list_iq("1", {C::online, PrivacyAddressing::by_lid})));
}

TEST_CASE("a change of exclusions names the version it was made on") {
  ExclusionListChange change{{C::last_seen, PrivacyAddressing::by_lid}, "17", {}};
  change.changes = {{true, lid, pn, ""}, {false, Jid("3", server::lid), std::nullopt, "anna"}};
  const Node iq = change_exclusions_iq("1", change);
  REQUIRE(iq.child("privacy")->child("category")->attr("value") == "contact_blacklist");
  REQUIRE(read_exclusions_change(wire(iq)) == change);
  REQUIRE_FALSE(read_privacy_change(iq));  // two requests that look alike
  change.dhash.clear();
  const Node first = change_exclusions_iq("1", change);
  REQUIRE(first.child("privacy")->child("category")->attr("dhash") == "none");
  REQUIRE(read_exclusions_change(first) == change);
  REQUIRE(read_privacy(error("409")).error().code == Errc::conflict);

  const auto with_row = [&](Node row) {
    Node category("category");
    category.set("name", "last").set("value", "contact_blacklist").set("dhash", "1").add(std::move(row));
    return read_exclusions_change(iq_set("1", "privacy").add(Node("privacy").add(category))).has_value();
  };
  REQUIRE(with_row(Node("user").set("jid", lid).set("action", "add")));
  REQUIRE_FALSE(with_row(Node("user").set("jid", lid).set("action", "mute")));
  REQUIRE_FALSE(with_row(Node("user").set("action", "add")));
  REQUIRE_FALSE(with_row(Node("item").set("jid", lid).set("action", "add")));
  REQUIRE_FALSE(read_exclusions_change(set_privacy_iq("1", {C::last_seen, V::contact_blacklist})));
}

TEST_CASE("the block list is asked for and told with its version, with or without a list around it") {
  REQUIRE(is_block_list_query(block_list_iq("1")));
  REQUIRE_FALSE(is_block_list_query(privacy_iq("1")));
  const BlockList list{"17", {{lid, "anna"}, {pn, ""}}};
  REQUIRE(read_block_list(wire(block_list_answer(block_list_iq("1"), list))).value() == list);
  const Node bare = answer(Node("item").set("jid", lid)).add(Node("item").set("jid", "x")).add(Node("other"));
  REQUIRE(read_block_list(bare).value() == BlockList{"", {{lid, ""}}, 1});
  REQUIRE(read_block_list(Node("iq").set("type", "result")).value().users.empty());
  REQUIRE(read_block_list(error("403")).error().code == Errc::refused);
  Node many("list");
  for (int i = 0; i < 20'001; ++i) many.add(Node("item"));
  REQUIRE(read_block_list(answer(many)).error().code == Errc::malformed);
}

TEST_CASE("to block a LID takes exactly one thing beside it, to unblock nothing") {
  BlockChange change;
  change.block = true;
  change.jid = lid;
  const auto beside = [&] {
    const Node item = block_iq("1", change).children().at(0);
    std::string out;
    for (const Attr& attr : item.attrs)
      if (attr.key != "action" && attr.key != "jid") out += attr.key + "=" + item.attr(attr.key) + " ";
    return out;
  };
  REQUIRE(beside() == "unknown_identifier=true ");
  change.display_name = "Anna";
  REQUIRE(beside() == "display_name=Anna ");
  REQUIRE(read_block_change(wire(block_iq("1", change))) == change);
  change.username = "anna";
  REQUIRE(beside() == "username=anna ");
  change.pn = pn;
  REQUIRE(beside() == "pn_jid=15550000002@s.whatsapp.net ");
  change.username.clear();
  change.display_name.clear();
  REQUIRE(read_block_change(wire(block_iq("1", change))) == change);
  change.block = false;
  REQUIRE(beside().empty());
  change.block = true;
  change.jid = pn;  // an account without LIDs
  REQUIRE(beside().empty());

  REQUIRE_FALSE(read_block_change(block_list_iq("1")));
  REQUIRE_FALSE(read_block_change(iq_set("1", "blocklist").add(Node("item").set("jid", lid).set("action", "x"))));
  REQUIRE_FALSE(read_block_change(iq_set("1", "blocklist").add(Node("item").set("action", "block"))));
}
