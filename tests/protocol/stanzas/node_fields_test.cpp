#include "protocol/stanzas/node_fields.h"

#include <catch2/catch.hpp>

#include "protocol/text.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

constexpr std::uint64_t now = 1'700'000'000;
constexpr std::string_view broken = "\xff";
constexpr std::string_view replaced = "\xEF\xBF\xBD";

Node with(std::string_view value) { return Node("row").set("x", value); }

}  // namespace

TEST_CASE("an attribute that names somebody is a JID with a user") {
  REQUIRE(user_attr(with("491@s.whatsapp.net"), "x") == Jid("491", server::user));
  REQUIRE(user_attr(Node("row").set("x", Jid("7", server::lid, 3)), "x") == Jid("7", server::lid, 3));
  REQUIRE(user_attr(with("team@g.us"), "x"));
  REQUIRE_FALSE(user_attr(Node("row"), "x"));
  REQUIRE_FALSE(user_attr(with(""), "x"));
  REQUIRE_FALSE(user_attr(with("s.whatsapp.net"), "x"));
  REQUIRE_FALSE(user_attr(Node("row").set("x", server_jid()), "x"));
  REQUIRE_FALSE(user_attr(with("a@b@c"), "x"));
}

TEST_CASE("an account is named by number or LID, whichever is asked for, without device") {
  const Node phone = Node("row").set("x", Jid("491", server::user, 2)),
             lid = Node("row").set("x", Jid("7", server::lid, 2));
  REQUIRE(phone_attr(phone, "x") == Jid("491", server::user));
  REQUIRE(lid_attr(lid, "x") == Jid("7", server::lid));
  REQUIRE_FALSE(phone_attr(lid, "x"));
  REQUIRE_FALSE(lid_attr(phone, "x"));
  REQUIRE(phone_attr(Node("row").set("x", Jid("491", server::legacy_user)), "x") == Jid("491", server::user));
  REQUIRE_FALSE(phone_attr(with("team@g.us"), "x"));
  REQUIRE_FALSE(lid_attr(Node("row").set("x", Jid({}, server::lid)), "x"));
}

TEST_CASE("a line is displayable and cut between characters") {
  REQUIRE(line_attr(Node("row"), "x").empty());
  REQUIRE(line_attr(with("a\nb"), "x") == "a b");
  REQUIRE(line_attr(with(broken), "x") == replaced);
  REQUIRE(line_attr(with("a\xC3\xA9"), "x", 2) == "a");
  REQUIRE(line_attr(with(std::string(max_line_bytes + 1, 'a')), "x").size() == max_line_bytes);
  REQUIRE(line_attr(with(std::string(max_line_bytes, '\xff')), "x").size() <= max_line_bytes);
  REQUIRE(child_line(Node("list").add(Node("name").text("a\tb")), "name") == "a b");
  REQUIRE(child_line(Node("list"), "name").empty());
  REQUIRE(child_line(Node("list").add(Node("name").add(Node("x"))), "name").empty());
}

TEST_CASE("a paragraph keeps its lines and is cut between characters, also when broken bytes grow") {
  REQUIRE(paragraph("a\nb") == "a\nb");
  REQUIRE(paragraph("a\xC3\xA9", 2) == "a");
  REQUIRE(paragraph("a\xC3\xA9", 3) == "a\xC3\xA9");
  REQUIRE(paragraph("\xff\xff", 5) == replaced);
  REQUIRE(paragraph("\x80\x80\x80\x80", 2).size() <= 2);
  REQUIRE(paragraph(std::string(max_paragraph_bytes + 1, 'a')).size() == max_paragraph_bytes);
}

TEST_CASE("what leads elsewhere when it is cut is read whole or not at all") {
  REQUIRE(whole_line("https://a.test/1") == "https://a.test/1");
  REQUIRE(whole_line(std::string(max_line_bytes, 'a')).size() == max_line_bytes);
  REQUIRE(whole_line(std::string(max_line_bytes + 1, 'a')).empty());
  REQUIRE(whole_line("a\nb", 3) == "a b");
  REQUIRE(whole_line(broken, 3) == replaced);
  REQUIRE(whole_line(broken, 2).empty());
  REQUIRE(whole_line("").empty());
}

TEST_CASE("a number is digits alone and no more than a row can hold") {
  REQUIRE(decimal("0") == 0);
  REQUIRE(decimal("9223372036854775807") == 9'223'372'036'854'775'807u);
  for (const char* bad : {"", "9223372036854775808", "18446744073709551617", "-1", "+1", " 1", "1 ", "1x", "0x1"}) {
    CAPTURE(bad);
    REQUIRE_FALSE(decimal(bad));
    REQUIRE_FALSE(with(bad).number("x"));  // attributes are read by the same rule
  }
}

TEST_CASE("a token is kept as it is, or not at all") {
  REQUIRE(token_attr(with("3EB0/+="), "x") == "3EB0/+=");
  REQUIRE(token_attr(with(std::string(max_id_bytes, 'a')), "x").size() == max_id_bytes);
  REQUIRE(token_attr(with(std::string(max_id_bytes + 1, 'a')), "x").empty());
  REQUIRE(token_attr(with("a b"), "x").empty());
  REQUIRE(token_attr(with("\xC3\xA9"), "x").empty());
  REQUIRE(token_attr(Node("row"), "x").empty());
}

TEST_CASE("an expiration fits in 31 bits") {
  REQUIRE(expiration_attr(with("0"), "x") == 0);
  REQUIRE(expiration_attr(with("2147483647"), "x") == 2147483647u);
  for (const char* bad : {"2147483648", "18446744073709551617", "-1", "1.5", "soon", ""}) {
    REQUIRE_FALSE(expiration_attr(with(bad), "x"));
  }
  REQUIRE(expiration_attr(Node("ephemeral").set("expiration", "86400")) == 86400u);
}

TEST_CASE("a time more than a day ahead of the clock is now") {
  REQUIRE(time_attr(with(std::to_string(now + day_seconds)), "x", now) == now + day_seconds);
  REQUIRE(time_attr(with(std::to_string(now + day_seconds + 1)), "x", now) == now);
  REQUIRE(time_attr(with("9223372036854775807"), "x", now) == now);
  REQUIRE(time_attr(with("0"), "x", now) == 0);
  REQUIRE_FALSE(time_attr(with("then"), "x", now));
  REQUIRE_FALSE(time_attr(Node("row"), "x", now));
}

TEST_CASE("a list of a thousand rows is read, one of more is not") {
  Node list("list");
  for (std::size_t i = 0; i < max_list_rows; ++i) list.add(Node("row"));
  REQUIRE(within_rows(list));
  REQUIRE_FALSE(within_rows(list.add(Node("row"))));
}

TEST_CASE("the depth of a tree is counted below its root") {
  Node tree("root");
  REQUIRE_FALSE(deeper_than(tree, 0));
  for (std::size_t i = 0; i < max_nesting; ++i) tree = Node("x").add(Node("leaf")).add(std::move(tree));
  REQUIRE_FALSE(deeper_than(tree, max_nesting));
  REQUIRE(deeper_than(tree, max_nesting - 1));
}

TEST_CASE("what is absent or empty is not written") {
  Node node("row");
  put(node, "a", "");
  put(node, "b", std::optional<Jid>());
  put(node, "c", std::optional<std::uint64_t>());
  REQUIRE(node == Node("row"));
  put(put(put(node, "a", "1"), "b", std::optional(Jid("7", server::lid))), "c", std::optional<std::uint64_t>(0));
  REQUIRE(node == Node("row").set("a", "1").set("b", Jid("7", server::lid)).set("c", std::uint64_t{0}));
}
