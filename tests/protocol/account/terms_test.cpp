#include "protocol/account/terms.h"

#include <catch2/catch.hpp>

#include "protocol/stanzas/iq.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

Node wire(const Node& node) { return decode_node(encode_node(node)).value(); }
Node answer(Node child) { return Node("iq").set("type", "result").set("id", "1").add(std::move(child)); }

}  // namespace

TEST_CASE("notices are asked about, told and accepted in two forms") {
  const std::vector<std::string> ids = {std::string(terms::follow_channel), std::string(terms::create_channel)};
  const Node request = terms_iq("1", ids);
  REQUIRE(read_terms_request(wire(request)) == TermsRequest{false, ids});
  const Terms told{{{ids[0], true}, {ids[1], false}}, 3600};
  REQUIRE(read_terms(wire(terms_answer(request, told))).value() == told);
  Node silent = answer(Node("tos").add(Node("notice").set("id", "1")).add(Node("notice")));
  REQUIRE(read_terms(silent).value() == Terms{{{"1", true}}, std::nullopt});

  REQUIRE(read_terms_request(wire(accept_terms_iq("1", "7"))) == TermsRequest{true, {"7"}});
  const Node bare = iq_set("1", "tos").add(Node("notice").set("id", "7").set("stage", "5"));
  REQUIRE(read_terms_request(bare) == TermsRequest{true, {"7"}});
  REQUIRE_FALSE(read_terms_request(iq_get("1", "tos")));
  REQUIRE_FALSE(read_terms_request(iq_get("1", "status")));
  REQUIRE(read_terms(answer(Node("other"))).error().code == Errc::malformed);
  Node many("tos");
  for (int i = 0; i < 1001; ++i) many.add(Node("notice"));
  REQUIRE(read_terms(answer(many)).error().code == Errc::malformed);
}
