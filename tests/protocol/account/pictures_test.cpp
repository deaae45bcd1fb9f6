#include "protocol/account/pictures.h"

#include <catch2/catch.hpp>

#include "protocol/stanzas/iq_reading.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

const Jid user("15550000002", server::user), group("120363000000000001", server::group);

Node answer(Node child) { return Node("iq").set("type", "result").set("id", "1").add(std::move(child)); }
Node error(const char* code) {
  return Node("iq").set("type", "error").set("id", "1").add(Node("error").set("code", code).set("text", "no"));
}
PictureQuery query(std::string known_id = {}) {
  PictureQuery out;
  out.target = user;
  out.known_id = std::move(known_id);
  return out;
}
PictureState::Kind kind(const Node& node, std::string known_id = {}) {
  return read_picture_answer(node, query(std::move(known_id))).value().kind;
}
Errc refusal(const Node& node, std::string known_id = {}) {
  return read_picture_answer(node, query(std::move(known_id))).error().code;
}
Node wire(const Node& node) { return decode_node(encode_node(node)).value(); }

}  // namespace

TEST_CASE("a picture is asked for of the server, about its target") {
  PictureQuery asked = query("17");
  asked.token = {1, 2};
  const Node iq = picture_iq("1", asked);
  REQUIRE(iq.jid("to") == server_jid());
  REQUIRE(iq.jid("target") == user);
  REQUIRE(iq.attr("xmlns") == "w:profile:picture");
  REQUIRE(iq.child("picture")->attr("query") == "url");
  REQUIRE(iq.child("picture")->child("tctoken") != nullptr);  // a child of it: beside it some servers do not see it
  REQUIRE(read_picture_query(wire(iq)) == asked);
}

TEST_CASE("every part of a query is read again, and a group is asked for without a token") {
  PictureQuery asked;
  asked.target = group;
  asked.size = PictureSize::preview;
  asked.invite = "AbCdEfGhIj";
  asked.common_group = Jid("120363000000000002", server::group);
  REQUIRE(read_picture_query(wire(picture_iq("1", asked))) == asked);
  PictureQuery with_token = asked;
  with_token.token = {1};
  REQUIRE(picture_iq("1", with_token) == picture_iq("1", asked));
  Node beside = picture_iq("1", query()).add(Node("tctoken").bytes(Bytes{7}));
  REQUIRE(read_picture_query(beside)->token == Bytes{7});
}

TEST_CASE("what a server answers is read as it was meant") {
  PictureState present;
  present.kind = PictureState::Kind::present;
  present.id = "17";
  present.url = "https://pps.whatsapp.net/v/x.jpg?ccb=1";
  present.direct_path = "/v/x.jpg?ccb=1";
  present.hash = "abc";
  present.size = PictureSize::preview;
  const Node request = picture_iq("1", query("16"));
  REQUIRE(read_picture_answer(wire(picture_answer(request, present)), query("16")).value() == present);
  for (const auto said : {PictureState::Kind::unchanged, PictureState::Kind::none, PictureState::Kind::hidden}) {
    PictureState state;
    state.kind = said;
    REQUIRE(read_picture_answer(wire(picture_answer(request, state)), query("16")).value() == state);
  }
}

TEST_CASE("hidden, none and unchanged are said in many ways") {
  using Kind = PictureState::Kind;
  REQUIRE(kind(error("401")) == Kind::hidden);
  REQUIRE(kind(error("404")) == Kind::none);
  REQUIRE(kind(answer(Node("picture").add(Node("error").set("code", "401")))) == Kind::hidden);
  REQUIRE(kind(answer(Node("picture").add(Node("error").set("code", "404")))) == Kind::none);
  REQUIRE(kind(answer(Node("picture").set("status", "204"))) == Kind::none);
  REQUIRE(kind(answer(Node("picture").set("status", "304"))) == Kind::unchanged);
  REQUIRE(kind(answer(Node("picture").set("id", "17")), "17") == Kind::unchanged);
  REQUIRE(kind(Node("iq").set("type", "result"), "17") == Kind::unchanged);
}

TEST_CASE("an answer without picture to who knows none, and other errors, are errors") {
  REQUIRE(refusal(Node("iq").set("type", "result")) == Errc::malformed);
  REQUIRE(refusal(answer(Node("picture").set("id", "17"))) == Errc::malformed);
  REQUIRE(refusal(answer(Node("picture").set("url", "https://x"))) == Errc::malformed);
  REQUIRE(refusal(answer(Node("picture").set("id", "1").set("url", "https://x y"))) == Errc::malformed);
  REQUIRE(refusal(answer(Node("picture").set("id", "1").set("url", std::string(4097, 'x')))) == Errc::malformed);
  REQUIRE(refusal(Node("message"), "17") == Errc::malformed);
  REQUIRE(refusal(error("429")) == Errc::rate_limited);
  REQUIRE(refusal(error("403"), "17") == Errc::refused);
  REQUIRE(refusal(answer(Node("picture").add(Node("error").set("code", "429")))) == Errc::rate_limited);
}

TEST_CASE("a picture is set and removed, of oneself and of a group") {
  const Bytes jpeg = {0xff, 0xd8, 0xff};
  const Node own = set_picture_iq("1", std::nullopt, jpeg);
  REQUIRE_FALSE(own.has("target"));
  REQUIRE(own.child("picture")->attr("type") == "image");
  auto change = read_picture_change(wire(own));
  REQUIRE(change->jpeg == jpeg);
  REQUIRE_FALSE(change->group);
  change = read_picture_change(wire(set_picture_iq("1", group, jpeg)));
  REQUIRE(change->group == group);
  const Node removal = remove_picture_iq("1", group);
  REQUIRE(removal.children().empty());
  change = read_picture_change(wire(removal));
  REQUIRE(change->jpeg.empty());
  REQUIRE(change->group == group);

  REQUIRE(read_picture_set(wire(picture_set_answer(own, "17"))).value() == "17");
  REQUIRE(read_picture_set(answer(Node("picture"))).error().code == Errc::malformed);
  REQUIRE(read_picture_set(answer(Node("other"))).error().code == Errc::malformed);
  REQUIRE(read_picture_set(error("406")).error().code == Errc::refused);
  REQUIRE(result_only(iq_result(removal), "picture").has_value());
}

TEST_CASE("requests that are none, name nobody or carry too much are not read") {
  REQUIRE_FALSE(read_picture_query(picture_iq("1", query()).set("target", "nobody")));
  REQUIRE_FALSE(read_picture_query(picture_iq("1", query()).set("xmlns", "w:g2")));
  REQUIRE_FALSE(read_picture_query(set_picture_iq("1", std::nullopt, Bytes{1})));
  REQUIRE_FALSE(read_picture_change(picture_iq("1", query())));
  REQUIRE_FALSE(read_picture_change(set_picture_iq("1", std::nullopt, {})));  // not taken for a removal
  REQUIRE_FALSE(read_picture_change(set_picture_iq("1", std::nullopt, Bytes(1024 * 1024 + 1))));
  REQUIRE_FALSE(read_picture_change(remove_picture_iq("1", group).set("target", "nobody")));
}
