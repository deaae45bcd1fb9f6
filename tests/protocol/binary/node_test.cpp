#include "protocol/binary/node.h"

#include <catch2/catch.hpp>

#include "tests/support/printing.h"

using namespace wharf::protocol;

TEST_CASE("a stanza is built top-down and read back") {
  Node child("participant");
  child.set("jid", Jid("1", server::user, 3)).set("count", std::uint64_t{7});
  Node node("iq");
  node.set("id", "1.2-3").set("to", server_jid()).add(child).add(Node("meta"));

  REQUIRE(node.is("iq"));
  REQUIRE(node.attr("to") == "s.whatsapp.net");
  REQUIRE(node.attr("absent").empty());
  REQUIRE(node.has("id"));
  REQUIRE_FALSE(node.has("absent"));
  REQUIRE(node.children().size() == 2);
  REQUIRE(node.children("participant").size() == 1);
  REQUIRE(node.child("participant")->jid("jid") == Jid("1", server::user, 3));
  REQUIRE(node.child("participant")->number("count") == 7u);
  REQUIRE(node.child("absent") == nullptr);
  REQUIRE(node.data().empty());
}

TEST_CASE("set replaces the value of a key and keeps its place") {
  Node node("a");
  node.set("x", "1").set("y", "2").set("x", "3");
  REQUIRE(node.attrs.size() == 2);
  REQUIRE(node.attrs[0] == Attr{"x", std::string("3")});
}

TEST_CASE("bytes are no children and children are no bytes") {
  Node node("a");
  node.text("content");
  REQUIRE(node.text() == "content");
  REQUIRE(node.children().empty());
  node.add(Node("b"));
  REQUIRE(node.data().empty());
  REQUIRE(node.children().size() == 1);
  REQUIRE(node.child_data("b").has_value());
  REQUIRE_FALSE(node.child_data("c").has_value());
}

TEST_CASE("of duplicate attributes the last is read") {
  Node node("a");
  node.attrs = {{"x", std::string("1")}, {"x", std::string("2")}};
  REQUIRE(node.attr("x") == "2");
}

TEST_CASE("a number is plain decimal below 2^63") {
  const auto number = [](std::string_view text) { return Node("a").set("n", text).number("n"); };
  REQUIRE(number("0") == 0u);
  REQUIRE(number("9223372036854775807") == 9223372036854775807u);
  for (std::string_view bad :
       {"", "-1", "+1", "1 ", " 1", "1.0", "0x1", "9223372036854775808", "99999999999999999999"}) {
    INFO(bad);
    REQUIRE_FALSE(number(bad));
  }
  REQUIRE_FALSE(Node("a").number("n"));
}

TEST_CASE("a JID is read from a JID and from text") {
  REQUIRE(Node("a").set("j", "1:2@lid").jid("j") == Jid("1", server::lid, 2));
  REQUIRE_FALSE(Node("a").set("j", "1:2@nowhere").jid("j"));
}

TEST_CASE("the summary shows no content, is bounded and stays on one line") {
  Node node("message");
  node.set("id", "AB\nCD").add(Node("enc").bytes(as_bytes("secret")));
  const std::string text = summary(node);
  REQUIRE(text == "<message id=\"AB?CD\"><enc>[6 bytes]</></>");
  for (int i = 0; i < 1000; ++i) node.add(Node("enc"));
  REQUIRE(summary(node, 100).size() == 103);
}
