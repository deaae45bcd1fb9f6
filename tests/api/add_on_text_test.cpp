// What was said about a message, as it is shown with it: both ids of everybody who said it.
#include "api/add_on_text.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include <algorithm>

#include "api/schemas.h"
#include "tests/api/api_daemon.h"

using namespace wharf;
using namespace wharf::api;
using protocol::Jid;
using test::check_documented;

namespace json = boost::json;

namespace {

const Jid ben("100000000000002", "lid"), ben_pn("15550000002", "s.whatsapp.net"),
    carl_pn("15550000003", "s.whatsapp.net");
const Jid dora("100000000000004", "lid");

/// Of Ben both ids are known, of Carl the number, of Dora the LID.
events::PersonIds ids_of(const Jid& user) {
  if (user == ben || user == ben_pn) return {ben_pn, ben};
  return {};
}

storage::MessageRow about(const Jid& author, const std::string& kind, const std::string& body,
                          const std::string& details) {
  storage::MessageRow row;
  row.chat = Jid("120363000000000001", "g.us");
  row.author = author;
  row.kind = kind;
  row.body = body;
  row.details = details;
  row.target_id = "3EB0AA";
  row.timestamp = 1'700'000'000'000;
  row.ack = storage::AckLevel::delivered;
  return row;
}

storage::MessageRow poll() {
  storage::MessageRow row =
      about(ben, "poll", "", R"({"poll":{"name":"When?","selectableCount":1,"options":["now"]}})");
  row.target_id.clear();
  row.id = "3EB0AA";
  return row;
}

}  // namespace

TEST_CASE("reactions and votes name both ids of who gave them, as far as they are known") {
  const std::vector<storage::MessageRow> said = {about(ben, "reaction", "x", ""), about(carl_pn, "reaction", "y", ""),
                                                 about(ben_pn, "poll_vote", "", R"({"selectedOptions":["now"]})"),
                                                 about(carl_pn, "poll_vote", "", R"({"selectedOptions":["now"]})"),
                                                 about(dora, "poll_vote", "", R"({"selectedOptions":["now"]})")};
  for (const Dialect dialect : {Dialect::openwa, Dialect::gateway}) {
    JsonWriter out;
    write_message_with_add_ons(out, poll(), said, std::nullopt, ids_of, "one", dialect, false);
    const json::value shown = json::parse(out.view());
    check_documented(shown, schemas::message);
    const bool gateway = dialect == Dialect::gateway;
    const json::string bens(gateway ? "15550000002@s.whatsapp.net" : "15550000002@c.us");
    const json::string carls(gateway ? "15550000003@s.whatsapp.net" : "15550000003@c.us");
    // In the order of their LIDs, then of their numbers.
    std::vector<std::pair<json::value, json::value>> reactions;
    for (const json::value& one : shown.at("reactions").as_array())
      reactions.emplace_back(one.at("from"),
                             one.as_object().contains("fromLid") ? one.at("fromLid") : json::value(nullptr));
    const std::pair<json::value, json::value> by_ben(bens, json::value("100000000000002@lid"));
    const std::pair<json::value, json::value> by_carl(carls, json::value(nullptr));
    REQUIRE(reactions.size() == 2);
    CHECK(std::count(reactions.begin(), reactions.end(), by_ben) == 1);
    CHECK(std::count(reactions.begin(), reactions.end(), by_carl) == 1);
    const json::value& option = shown.at("pollResults").at("options").at(0);
    const json::array voters = option.at("voters").as_array(), lids = option.at("voterLids").as_array();
    REQUIRE(voters.size() == 3);
    REQUIRE(lids.size() == 3);
    for (std::size_t i = 0; i < voters.size(); ++i) {
      if (voters[i] == json::value(bens)) CHECK(lids[i] == "100000000000002@lid");
      else CHECK(lids[i] == voters[i]);  // the one id that is known
    }
  }
}

TEST_CASE("answers to an event name both ids of who gave them") {
  const std::string going = R"({"response":"going","extraGuests":1})";
  JsonWriter out;
  write_event_answers(out, {about(ben, "event_answer", "", going), about(carl_pn, "event_answer", "", going)}, ids_of,
                      Dialect::openwa);
  const json::value shown = json::parse(out.view());
  CHECK(shown.at("going") == 2);
  for (const json::value& one : shown.at("answers").as_array()) {
    if (one.at("from") == "15550000002@c.us") CHECK(one.at("fromLid") == "100000000000002@lid");
    else CHECK_FALSE(one.as_object().contains("fromLid"));
  }
}
