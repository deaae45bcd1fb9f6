// What the document says of the data of events (api/schemas_events.cpp) beside what is rendered.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

#include <algorithm>

#include "api/dialect.h"
#include "events/event.h"
#include "tests/api/api_daemon.h"

using namespace wharf;
using namespace wharf::api;
using protocol::Jid;
using test::check_documented;

namespace json = boost::json;

namespace {

const Jid ben("100000000000002", "lid"), ben_pn("15550000002", "s.whatsapp.net"), team("120363000000000001", "g.us");
const events::PersonIds both{ben_pn, ben};

json::value rendered(const events::Event& told, Dialect dialect) {
  storage::Event event;
  static_cast<storage::NewEvent&>(event) = storage::NewEvent({1}, told, 5);
  event.id = 1;
  event.session_name = "one";
  return json::parse(event_text(event, &told, dialect, {})).at("data");
}

/// In both dialects.
void check_all(const events::Event& told, const Schema& schema) {
  for (const Dialect dialect : {Dialect::openwa, Dialect::gateway}) check_documented(rendered(told, dialect), schema);
}

/// The choices of a field.
std::vector<std::string> choices(const Schema& schema, std::string_view name) {
  std::vector<std::string> out;
  for (const Field& field : schema.fields) {
    if (field.name != name) continue;
    std::string_view left = field.one_of;
    while (!left.empty()) {
      out.emplace_back(left.substr(0, left.find('|')));
      left.remove_prefix(std::min(left.size(), out.back().size() + 1));
    }
  }
  return out;
}

json::value example_of(std::string_view event) {
  for (const schemas::EventData& told : schemas::event_data())
    if (told.event == event) return json::parse(told.example);
  return nullptr;
}

events::CallChanged call() {
  events::CallChanged out;
  out.id = "4E6F0C2A91D7B3E85A11";
  out.chat = out.caller = ben;
  out.chat_ids = out.caller_ids = both;
  out.state = "ringing";
  out.at = 1'795'900'000'000;
  return out;
}

events::PresenceChanged presence() {
  events::PresenceChanged out;
  out.chat = out.user = ben;
  out.chat_ids = out.user_ids = both;
  out.state = "unavailable";
  out.last_seen = 1'795'899'940'000;
  out.at = 1'795'900'000'000;
  return out;
}

}  // namespace

TEST_CASE("a call is told as the document says, in every state") {
  CHECK(rendered(call(), Dialect::openwa) == example_of("call"));
  const auto states = choices(schemas::call_data, "state");
  REQUIRE(states.size() == 8);
  for (const std::string& state : states) {
    events::CallChanged told = call();
    told.state = state;
    check_all(told, schemas::call_data);
    told.chat = team;
    told.chat_ids = {};
    told.is_group = told.video = told.offline = told.from_me = true;
    told.reason = "timeout";
    check_all(told, schemas::call_data);
  }
}

TEST_CASE("a presence is told as the document says, in every state") {
  CHECK(rendered(presence(), Dialect::openwa) == example_of("presence"));
  const auto states = choices(schemas::presence_data, "state");
  REQUIRE(states.size() == 5);
  for (const std::string& state : states) {
    events::PresenceChanged told = presence();
    told.state = state;
    check_all(told, schemas::presence_data);
    told.last_seen.reset();
    told.last_seen_hidden = true;
    told.chat = team;
    told.chat_ids = {};
    check_all(told, schemas::presence_data);
  }
}

TEST_CASE("what is new of a contact is told as the document says, whatever it is") {
  using Change = events::ContactUpdated::Change;
  CHECK(rendered(events::ContactUpdated{ben, both, Change::push_name, "Ben"}, Dialect::openwa) ==
        example_of("contact.updated"));
  const auto named = choices(schemas::contact_updated_data, "change");
  std::size_t seen = 0;
  for (const Change change :
       {Change::identity, Change::lid, Change::push_name, Change::picture, Change::about, Change::number, Change::name,
        Change::blocked, Change::unblocked, Change::verified_name}) {
    CHECK(std::count(named.begin(), named.end(), name(change)) == 1);
    ++seen;
    const std::string text = change == Change::number ? "15550000003@s.whatsapp.net" : "x";
    check_all(events::ContactUpdated{ben, both, change, text}, schemas::contact_updated_data);
    if (change != Change::number) check_all(events::ContactUpdated{ben, {}, change, ""}, schemas::contact_updated_data);
  }
  CHECK(seen == named.size());
  const events::ContactUpdated own{ben, both, Change::push_name, "Harbour", true};
  check_all(own, schemas::contact_updated_data);
  for (const Dialect dialect : {Dialect::openwa, Dialect::gateway}) CHECK(rendered(own, dialect).at("own").as_bool());
}

TEST_CASE("who has seen a status post is told as the document says") {
  const events::StatusViewed viewed{"3EB0AA", ben, both, 1'795'900'000'000};
  CHECK(rendered(viewed, Dialect::openwa) == example_of("status.viewed"));
  check_all(viewed, schemas::status_viewed_data);
  check_all(events::StatusViewed{"3EB0AA", ben_pn, {}, 0}, schemas::status_viewed_data);
  const json::object gateway = rendered(viewed, Dialect::gateway).as_object();
  CHECK(gateway.at("messageId") == "3EB0AA");
  CHECK(gateway.at("id") == "15550000002@s.whatsapp.net");
  CHECK(gateway.at("viewedAt") == 1'795'900'000'000);
}

TEST_CASE("in a group, from is the group and author the person, of whatever is said about a message") {
  events::About about;
  about.id = "3EB0BB";
  about.target_id = "3EB0AA";
  about.chat = team;
  about.author = ben;
  about.author_ids = both;
  events::PresenceChanged writing = presence();
  writing.chat = team;
  writing.chat_ids = {};
  const events::Event all[] = {events::Reacted{about, "x"},     events::MessageEdited{about, "x", {}},
                               events::MessageRevoked{about},   events::PollVoted{about, {}},
                               events::MessagePinned{about, 0}, writing};
  for (const events::Event& told : all) {
    const json::object openwa = rendered(told, Dialect::openwa).as_object();
    INFO(json::serialize(openwa));
    CHECK(openwa.at("chatId") == "120363000000000001@g.us");
    CHECK(openwa.at("from") == "120363000000000001@g.us");
    CHECK_FALSE(openwa.contains("fromLid"));
    CHECK(openwa.at("author") == "15550000002@c.us");
    CHECK(openwa.at("authorLid") == "100000000000002@lid");
    CHECK(openwa.at("isGroup") == true);
    const json::object gateway = rendered(told, Dialect::gateway).as_object();
    CHECK(gateway.at("chatJid") == "120363000000000001@g.us");
    CHECK(gateway.at("senderJid") == "15550000002@s.whatsapp.net");
    CHECK_FALSE(gateway.contains("from"));
  }
  about.chat = ben;
  about.chat_ids = both;
  const json::object direct = rendered(events::Reacted{about, "x"}, Dialect::openwa).as_object();
  CHECK(direct.at("from") == "15550000002@c.us");
  CHECK(direct.at("fromLid") == "100000000000002@lid");
  CHECK(direct.at("isGroup") == false);
  about.from_me = true;
  about.author = Jid("15550000001", "s.whatsapp.net");
  about.author_ids = {};
  CHECK(rendered(events::Reacted{about, "x"}, Dialect::openwa).at("from") == "15550000001@c.us");
}
