#include "protocol/stanzas/app_state_sync.h"

#include <catch2/catch.hpp>

using namespace wharf::protocol;

namespace {

Node answer(Node collection) {
  return Node("iq").set("type", "result").set("id", "1").add(Node("sync").add(std::move(collection)));
}

Node of(std::string_view name) { return Node("collection").set("name", name).set("version", std::uint64_t{7}); }

}  // namespace

TEST_CASE("a collection is asked for as a whole, from a version, and with a patch on it") {
  const Node whole = app_state_iq("1", {"regular", 0, true, {}});
  CHECK(whole.attr("xmlns") == "w:sync:app:state");
  CHECK(whole.attr("type") == "set");
  const Node* collection = whole.child("sync")->child("collection");
  REQUIRE(collection);
  CHECK(collection->attr("name") == "regular");
  CHECK(collection->attr("version") == "0");
  CHECK(collection->attr("return_snapshot") == "true");
  CHECK_FALSE(collection->child("patch"));
  const Node patch = app_state_iq("1", {"regular", 7, false, {1, 2}});
  CHECK(patch.child("sync")->child("collection")->attr("return_snapshot") == "false");
  CHECK(to_bytes(patch.child("sync")->child("collection")->child_data("patch").value()) == Bytes{1, 2});
}

TEST_CASE("an answer is read: snapshot, patches in either place, more of them, an error of the collection") {
  const auto patches = read_app_state(answer(of("regular")
                                                 .set("has_more_patches", "true")
                                                 .add(Node("snapshot").bytes(Bytes{9}))
                                                 .add(Node("patches").add(Node("patch").bytes(Bytes{1})))),
                                      "regular");
  REQUIRE(patches.has_value());
  CHECK(patches->named);
  CHECK(patches->version == 7);
  CHECK(patches->snapshot == Bytes{9});
  CHECK(patches->patches == std::vector<Bytes>{{1}});
  CHECK(patches->more);
  CHECK_FALSE(patches->error);
  const auto below = read_app_state(answer(of("regular").add(Node("patch").bytes(Bytes{2}))), "regular");
  REQUIRE(below.has_value());
  CHECK(below->patches == std::vector<Bytes>{{2}});
  CHECK_FALSE(below->more);
  const auto refused = read_app_state(
      answer(of("regular").set("type", "error").add(Node("error").set("code", "409").set("text", "conflict"))),
      "regular");
  REQUIRE(refused.has_value());
  CHECK(refused->error == 409u);
  CHECK(refused->error_text == "conflict");
  CHECK(read_app_state(answer(of("regular").set("type", "error")), "regular")->error == 0u);
  const auto other = read_app_state(answer(of("regular_low")), "regular");
  REQUIRE(other.has_value());
  CHECK_FALSE(other->named);
  CHECK(other->version == 0);
  CHECK(read_app_state(Node("iq").set("type", "result"), "regular").error().code == Errc::malformed);
  Node many("patches");
  for (std::size_t i = 0; i <= max_patches_in_answer; ++i) many.add(Node("patch").bytes(Bytes{1}));
  CHECK(read_app_state(answer(of("regular").add(std::move(many))), "regular").error().code == Errc::too_large);
}
