// The 45 group notifications of groups.json, both directions, with the events and acks that they give.
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>
#include <iostream>
#include <set>

#include "protocol/stanzas/ack.h"
#include "tests/protocol/groups/meaning.h"
#include "tests/support/node_json.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using namespace wharf::protocol::groups;
using namespace wharf::test;
using boost::json::object;

namespace {

constexpr std::uint64_t now = 1770001005;
constexpr std::size_t cases = 45;

OwnAccount own() {
  const auto& account = vectors("groups").at("own_account").as_object();
  return {Jid::parse(text(account, "pn")).value(), Jid::parse(text(account, "lid")).value()};
}

template <class Look>
std::size_t for_each_notification(Look look) {
  std::size_t count = 0;
  for (const auto& one : vectors("groups").at("vectors").as_array()) {
    if (text(one.as_object(), "kind") != "notification") continue;
    INFO(text(one.as_object(), "id"));
    look(one.as_object());
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("notifications of the vectors raise the events of the file") {
  const std::size_t count = for_each_notification([](const object& one) {
    const auto told = read_group_notification(node_from_hex(one.at("wire_hex")), now);
    REQUIRE(told);
    const auto events = meanings(events_of(*told, own()));
    INFO("raised " << boost::json::serialize(events));
    INFO("wanted " << boost::json::serialize(one.at("gateway_events")));
    REQUIRE(events == one.at("gateway_events"));
    REQUIRE(canonical(ack_for(node_from_json(one.at("node")), std::nullopt)) ==
            canonical(node_from_json(one.at("expected_ack"))));
  });
  std::cout << "groups.json: " << count << " notifications raise their events\n";
  REQUIRE(count == cases);
}

TEST_CASE("notifications of the vectors are built by the network") {
  // What these hold besides is not kept: a threshold, the trigger of a mark, an attribute nobody knows, a row without
  // JID; and one form of two is written.
  const std::set<std::string_view> other_form = {"n_multi", "n_flags", "n_unknown", "n_bad_row",
                                                 "n_join_request_single"};
  std::size_t same_stanza = 0;
  const std::size_t count = for_each_notification([&](const object& one) {
    const Node node = node_from_json(one.at("node"));
    auto told = read_group_notification(node, now);
    REQUIRE(told);
    const Node built = notification_node(*told);
    const auto decoded = decode_node(encode_node(built));
    REQUIRE(decoded);
    auto again = read_group_notification(*decoded, now);
    REQUIRE(again);
    again->stale = told->stale;
    REQUIRE(*again == *told);
    const bool same = canonical(built) == canonical(node);
    REQUIRE(same == !other_form.contains(text(one, "id")));
    if (same) ++same_stanza;
  });
  REQUIRE(count == cases);
  REQUIRE(same_stanza == cases - other_form.size());
}

TEST_CASE("only what could not be used makes the metadata stale") {
  const std::set<std::string_view> stale = {"n_bad_row"}, incomplete = {"n_missing_identification"};
  for_each_notification([&](const object& one) {
    const auto told = read_group_notification(node_from_json(one.at("node")), now);
    REQUIRE(told);
    REQUIRE(told->stale == stale.contains(text(one, "id")));
    REQUIRE(told->missing_identification == incomplete.contains(text(one, "id")));
  });
}
