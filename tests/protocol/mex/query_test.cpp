#include "protocol/mex/query.h"

#include <catch2/catch.hpp>

#include "protocol/mex/fields.h"
#include "protocol/stanzas/iq.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

const MexDocuments documents;
const MexRequest fetch{"FetchNewsletter", Json::object().set("input", Json::object().set("key", "k"))};

Node result(std::string_view text) {
  return Node("iq").set("type", "result").set("id", "1").add(Node("result").text(text));
}
Error error(std::string_view text) { return read_mex_answer(result(text)).error(); }

}  // namespace

TEST_CASE("a request names the document of its operation, in the attribute and in the text") {
  const Node iq = mex_iq("1", documents, fetch).value();
  REQUIRE(iq.attr("xmlns") == "w:mex");
  REQUIRE(iq.attr("type") == "get");
  REQUIRE(iq.child("query")->attr("query_id") == "27456920720571478");
  REQUIRE(iq.child("query")->text() == R"({"variables":{"input":{"key":"k"}},"queryId":"27456920720571478"})");
  const MexQuery query = read_mex_query(decode_node(encode_node(iq)).value()).value();
  REQUIRE(documents.operation(query.document) == "FetchNewsletter");
  REQUIRE(query.variables == fetch.variables);
  REQUIRE(mex_iq("1", documents, {"FetchNewsletter", {}})->child("query")->text().starts_with(R"({"variables":{})"));
}

TEST_CASE("documents are data: replaced, added, and refused when they are no names and numbers") {
  MexDocuments own;
  REQUIRE(own.id("QueryCatalog") == "9916553288394782");
  REQUIRE(own.set("QueryCatalog", "17"));
  REQUIRE(own.id("QueryCatalog") == "17");
  REQUIRE(own.operation("17") == "QueryCatalog");
  REQUIRE_FALSE(own.operation("9916553288394782"));
  REQUIRE(own.set("Brand_New1", "18"));
  REQUIRE_FALSE(own.id("Unknown"));
  for (const auto& [name, id] : std::vector<std::pair<std::string, std::string>>{{"", "1"},
                                                                                 {"a b", "1"},
                                                                                 {"a-b", "1"},
                                                                                 {std::string(65, 'a'), "1"},
                                                                                 {"a", ""},
                                                                                 {"a", "1x"},
                                                                                 {"a", std::string(33, '1')}})
    REQUIRE_FALSE(own.set(name, id));
  std::size_t added = 0;
  while (own.set("Op" + std::to_string(added), "1")) ++added;
  REQUIRE(added == MexDocuments::max_operations - 42);  // 41 of the table and one of this test
  REQUIRE(own.set("QueryCatalog", "19"));               // full: what is there may still change
  REQUIRE(mex_iq("1", documents, {"Unknown", Json::object()}).error().code == Errc::unsupported);
}

TEST_CASE("no two operations of the table share a document") {
  for (const char* name : {"CreateNewsletter", "FetchAllNewslettersMetadata", "FetchNewsletterPendingInvites",
                           "FetchReachoutTimelock", "FetchGroupInfo", "BizQueryOrder", "UpdateTextStatus"})
    REQUIRE(documents.operation(documents.id(name).value()) == name);
}

TEST_CASE("what a network answers is read as it was meant") {
  const Node iq = mex_iq("1", documents, fetch).value();
  const Json data = Json::object().set("a", Json::array().push(std::uint64_t{1}));
  REQUIRE(read_mex_answer(decode_node(encode_node(mex_answer(iq, data))).value()).value() == data);
  REQUIRE(read_mex_answer(mex_answer(iq, Json::object())).value() == Json::object());
  const Error refused = read_mex_answer(mex_error_answer(iq, 404, "no such channel")).error();
  REQUIRE(refused.code == Errc::not_found);
  REQUIRE(refused.detail == "mex: 404 no such channel");
  REQUIRE(mex_error_code(mex_error_answer(iq, 403, "no")) == 403u);
  REQUIRE_FALSE(mex_error_code(mex_answer(iq, data)));
  REQUIRE_FALSE(mex_error_code(Node("iq").set("type", "error").add(Node("error").set("code", "404"))));
}

TEST_CASE("of several errors the summary counts, else the first with a code, else the first") {
  const auto of = [](std::string_view errors) {
    return error(R"({"data":{"x":1},"errors":[)" + std::string(errors) + "]}").detail;
  };
  const std::string plain = R"({"message":"plain"})";
  const std::string coded = R"({"message":"coded","extensions":{"error_code":"429"}})";
  const std::string summary = R"({"message":"sum","extensions":{"error_code":403,"is_summary":true}})";
  REQUIRE(of(plain + "," + coded + "," + summary) == "mex: 403 sum");
  REQUIRE(of(plain + "," + coded) == "mex: 429 coded");
  REQUIRE(of(plain) == "mex: 500 plain");
  REQUIRE(of("5") == "mex: 500");
  REQUIRE(error(R"({"errors":[)" + coded + "]}").code == Errc::rate_limited);
  REQUIRE(error(R"({"errors":[{"message":"x\ny\u0000"}]})").detail == "mex: 500 x y\xEF\xBF\xBD");
}

TEST_CASE("a document that is gone says that the table wants an update") {
  REQUIRE(error(R"({"errors":[{"message":"Document 17 Not Found"}]})").code == Errc::unsupported);
  const Node refused =
      Node("iq").set("type", "error").add(Node("error").set("code", "404").set("text", "document not found"));
  REQUIRE(read_mex_answer(refused).error().code == Errc::unsupported);
  REQUIRE(error(R"({"errors":[{"message":"not found","extensions":{"error_code":404}}]})").code == Errc::not_found);
}

TEST_CASE("answers that are no JSON, hold no data or come in the binary form are errors") {
  REQUIRE(error("").code == Errc::malformed);
  REQUIRE(error("{}").code == Errc::malformed);
  REQUIRE(error(R"({"data":null})").code == Errc::malformed);
  REQUIRE(error(R"({"data":[]})").code == Errc::malformed);
  REQUIRE(error(R"({"data":null,"errors":[]})").code == Errc::malformed);
  REQUIRE(read_mex_answer(result(R"({"data":{},"errors":null})")).has_value());
  REQUIRE(read_mex_answer(result(R"({"data":{},"errors":[]})")).has_value());
  // Errors in another form than a list are no success.
  for (const char* odd : {R"({"message":"x"})", "{}", R"("x")", "true"})
    REQUIRE(error(R"({"data":{},"errors":)" + std::string(odd) + "}").detail == "mex: 500");
  REQUIRE(error("{\"data\":{\"x\":\"" + std::string(1024 * 1024, 'x') + "\"}}").code == Errc::too_large);
  REQUIRE(read_mex_answer(Node("iq").set("type", "result")).error().code == Errc::malformed);
  Node argo = Node("iq").set("type", "result").add(Node("result").set("format", "argo").text("{}"));
  REQUIRE(read_mex_answer(argo).error().code == Errc::unsupported);
  const Node limited = Node("iq").set("type", "error").add(Node("error").set("code", "429"));
  REQUIRE(read_mex_answer(limited).error().code == Errc::rate_limited);
}

TEST_CASE("requests that cannot be read are none") {
  const auto query = [](std::string_view text) {
    return read_mex_query(iq_get("1", "w:mex").add(Node("query").set("query_id", "1").text(text)));
  };
  REQUIRE(query(R"({"variables":{}})"));
  for (const char* bad : {"", "{}", "[]", R"({"variables":[]})", R"({"variables":null})", "{"})
    REQUIRE_FALSE(query(bad));
  REQUIRE_FALSE(read_mex_query(iq_get("1", "w:mex")));
  REQUIRE_FALSE(read_mex_query(mex_iq("1", documents, fetch)->set("xmlns", "w:g2")));
}

TEST_CASE("members are read as fields are") {
  const Json json = parse_json(as_bytes(R"({"pn":"1@s.whatsapp.net","lid":"1@lid","ch":"1@newsletter","server":"lid",
                                            "bad":"x@y","number":5,"line":"a\nb"})"))
                        .value();
  REQUIRE(user_in(json, "pn") == Jid("1", server::user));
  REQUIRE(lid_in(json, "lid") == Jid("1", server::lid));
  REQUIRE_FALSE(lid_in(json, "pn"));
  REQUIRE(channel_in(json, "ch") == Jid("1", server::newsletter));
  REQUIRE_FALSE(channel_in(json, "lid"));
  for (const char* name : {"server", "bad", "number", "absent"}) REQUIRE_FALSE(user_in(json, name));
  REQUIRE(line_in(json, "line") == "a b");
  REQUIRE(line_in(json, "line", 1) == "a");
  REQUIRE(line_in(json, "number").empty());
}
