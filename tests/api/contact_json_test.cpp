// How people are shown. Each shape is what the OpenAPI document says of it.
#include "api/contact_json.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "tests/api/api_daemon.h"

using namespace wharf;
using namespace wharf::api;
using protocol::Jid;
using protocol::LastSeen;
using protocol::PictureState;
using sessions::NumberChecked;
using storage::Registered;
using test::check_documented;
namespace json = boost::json;

namespace {

const Jid ben("100000000000002", "lid"), ben_pn("15550000002", "s.whatsapp.net"), carl("100000000000003", "lid");
const events::PersonIds ben_ids{ben_pn, ben};

storage::ContactRow ben_row() {
  storage::ContactRow row;
  row.user = ben;
  row.push_name = "Benny";
  row.name = "Ben Jones";
  row.registered = Registered::yes;
  return row;
}

json::object shown(const storage::ContactRow& row, const events::PersonIds& ids, Dialect dialect = Dialect::openwa,
                   bool saved = true) {
  JsonWriter out;
  write_contact(out, row, ids, saved, dialect);
  json::object object = json::parse(out.view()).as_object();
  check_documented(object, schemas::contact);
  return object;
}

}  // namespace

TEST_CASE("a contact of the list is as the first API generation shows it, with both ids") {
  CHECK(
      shown(ben_row(), ben_ids) ==
      json::parse(
          R"({"id":"15550000002@c.us","lid":"100000000000002@lid","number":"15550000002","name":"Ben Jones","pushname":"Benny","isMyContact":true,"isWAContact":true})"));
  CHECK(shown(ben_row(), ben_ids, Dialect::gateway).at("id") == "15550000002@s.whatsapp.net");

  storage::ContactRow full = ben_row();
  full.verified_name = "Ben's Shop";
  full.username = "ben";
  full.about = "away";
  full.about_at = 1'700'000'000'000;
  full.picture_id = "77";
  const json::object all = shown(full, ben_ids);
  CHECK(all.at("verifiedName") == "Ben's Shop");
  CHECK(all.at("username") == "ben");
  CHECK(all.at("about") == "away");
  CHECK(all.at("aboutSetAt") == "2023-11-14T22:13:20Z");
  CHECK(all.at("pictureId") == "77");
}

TEST_CASE("a contact is called as the phone has it, else as it calls itself, else as a business") {
  storage::ContactRow row;
  row.user = carl;
  row.verified_name = "Shop";
  CHECK(shown(row, {{}, carl}).at("name") == "Shop");
  row.push_name = "Carl";
  CHECK(shown(row, {{}, carl}).at("name") == "Carl");
  row.name = "Carl the Baker";
  CHECK(shown(row, {{}, carl}).at("name") == "Carl the Baker");
  CHECK(shown(row, {{}, carl}).at("isMyContact") == true);
  CHECK(shown(row, {{}, carl}, Dialect::openwa, false).at("isMyContact") == false);
}

TEST_CASE("a contact whose number is not known has its LID alone, and nobody knows whether it is on WhatsApp") {
  storage::ContactRow row;
  row.user = carl;
  const json::object one = shown(row, {{}, carl});
  CHECK(one.at("id") == "100000000000003@lid");
  CHECK_FALSE(one.contains("number"));
  CHECK(one.at("name") == "");
  CHECK(one.at("pushname") == "");
  CHECK(one.at("isWAContact").is_null());
  row.registered = storage::Registered::no;
  CHECK(shown(row, {{}, carl}).at("isWAContact") == false);
  // And one whose LID is not known has its number, whoever says it.
  row.user = ben_pn;
  CHECK(shown(row, {}).at("number") == "15550000002");
}

TEST_CASE("a contact that was asked for has its picture, when there is one that is shown") {
  sessions::ContactView contact;
  contact.row = ben_row();
  contact.ids = ben_ids;
  contact.fresh = true;
  sessions::PictureView picture;
  picture.state.kind = PictureState::Kind::present;
  picture.state.id = "77";
  picture.state.url = "https://pps.example/77.jpg";
  picture.bytes = {0xff, 0xd8, 0xff};
  json::object one = json::parse(contact_json(contact, &picture, Dialect::openwa)).as_object();
  check_documented(one, schemas::contact_details);
  CHECK(one.at("profilePicThumbObj") ==
        json::parse(R"({"eurl":"https://pps.example/77.jpg","id":"77","img":"data:image/jpeg;base64,/9j/"})"));
  CHECK(one.at("fresh") == true);
  CHECK(one.at("isBusiness") == false);
  CHECK(one.at("pushname") == "Benny");

  picture.bytes.clear();  // its file could not be fetched
  one = json::parse(contact_json(contact, &picture, Dialect::openwa)).as_object();
  CHECK(one.at("profilePicThumbObj") == json::parse(R"({"eurl":"https://pps.example/77.jpg","id":"77"})"));

  for (const auto kind : {PictureState::Kind::none, PictureState::Kind::hidden}) {
    picture.state = {};
    picture.state.kind = kind;
    CHECK_FALSE(
        json::parse(contact_json(contact, &picture, Dialect::openwa)).as_object().contains("profilePicThumbObj"));
  }
  contact.fresh = false;
  contact.row.verified_name = "Shop";
  one = json::parse(contact_json(contact, nullptr, Dialect::gateway)).as_object();
  check_documented(one, schemas::contact_details);
  CHECK_FALSE(one.contains("profilePicThumbObj"));
  CHECK(one.at("fresh") == false);
  CHECK(one.at("isBusiness") == true);
  CHECK(one.at("id") == "15550000002@s.whatsapp.net");
}

TEST_CASE("an about text is shown with its time, and as empty when there is none") {
  sessions::ContactView contact;
  contact.row = ben_row();
  contact.ids = ben_ids;
  json::value one = json::parse(about_json(contact, Dialect::openwa));
  check_documented(one, schemas::about);
  CHECK(
      one ==
      json::parse(
          R"({"id":"15550000002@c.us","lid":"100000000000002@lid","number":"15550000002","about":"","fresh":false})"));
  contact.row.about = "away";
  contact.row.about_at = 1'700'000'000'000;
  one = json::parse(about_json(contact, Dialect::gateway));
  check_documented(one, schemas::about);
  CHECK(
      one ==
      json::parse(
          R"({"id":"15550000002@s.whatsapp.net","lid":"100000000000002@lid","number":"15550000002","about":"away","setAt":"2023-11-14T22:13:20Z","fresh":false})"));
}

TEST_CASE("checked numbers stand as they were given and in that order, whatever was asked of them once") {
  const std::vector<AskedNumber> asked = {
      {"+1 555 000 0002", "15550000002"}, {"15550000009", "15550000009"}, {"15550000002@c.us", "15550000002"},
      {"15550000008", "15550000008"},     {"1234567", "1234567"},         {"15550000007", "15550000007"}};
  using Result = NumberChecked::Result;
  const std::vector<NumberChecked> answers = {
      {"1234567", Result::invalid, {}, ""},
      {"15550000002", Result::registered, sessions::Person{ben, ben_ids}, "Shop"},
      {"15550000009", Result::unregistered, {}, ""},
      {"15550000008", Result::unanswered, {}, ""}};
  const json::array rows = json::parse(checked_numbers_json(asked, answers, Dialect::openwa)).as_array();
  for (const json::value& row : rows) check_documented(row, schemas::checked_number);
  CHECK(
      rows ==
      json::parse(
          R"([{"number":"+1 555 000 0002","exists":true,"status":"registered","id":"15550000002@c.us","lid":"100000000000002@lid","verifiedName":"Shop"},
              {"number":"15550000009","exists":false,"status":"unregistered"},
              {"number":"15550000002@c.us","exists":true,"status":"registered","id":"15550000002@c.us","lid":"100000000000002@lid","verifiedName":"Shop"},
              {"number":"15550000008","exists":null,"status":"unanswered"},
              {"number":"1234567","exists":false,"status":"invalid"},
              {"number":"15550000007","exists":null,"status":"unanswered"}])"));
  CHECK(json::parse(checked_numbers_json(asked, answers, Dialect::gateway)).at(0).at("id") ==
        "15550000002@s.whatsapp.net");
}

TEST_CASE("blocked contacts are shown under both names") {
  const json::array rows =
      json::parse(blocked_contacts_json({{ben, ben_ids}, {carl, {{}, carl}}}, Dialect::openwa)).as_array();
  for (const json::value& row : rows) check_documented(row, schemas::blocked_contact);
  CHECK(rows == json::parse(R"([{"id":"15550000002@c.us","lid":"100000000000002@lid","number":"15550000002"},
                                {"id":"100000000000003@lid","lid":"100000000000003@lid"}])"));
}

TEST_CASE("a presence is what was told of it, in the unit of the dialect") {
  sessions::PresenceView view;
  view.who = {ben, ben_ids};
  const auto shown_as = [&](Dialect dialect) {
    json::value one = json::parse(contact_presence_json(view, dialect));
    check_documented(one, schemas::contact_presence);
    return one;
  };
  CHECK(
      shown_as(Dialect::openwa) ==
      json::parse(
          R"({"id":"15550000002@c.us","lid":"100000000000002@lid","number":"15550000002","state":"unknown","lastSeenHidden":false,"watched":false})"));
  view.available = true;
  view.told_at = 1'700'000'000'123;
  view.watched = true;
  CHECK(
      shown_as(Dialect::openwa) ==
      json::parse(
          R"({"id":"15550000002@c.us","lid":"100000000000002@lid","number":"15550000002","state":"available","lastSeenHidden":false,"toldAt":1700000000,"watched":true})"));
  view.available = false;
  view.last = {LastSeen::Kind::at, 1'699'999'000};
  CHECK(shown_as(Dialect::openwa).at("lastSeen") == 1'699'999'000);
  CHECK(
      shown_as(Dialect::gateway) ==
      json::parse(
          R"({"id":"15550000002@s.whatsapp.net","lid":"100000000000002@lid","number":"15550000002","state":"unavailable","lastSeen":1699999000000,"lastSeenHidden":false,"toldAt":1700000000123,"watched":true})"));
  view.last = {LastSeen::Kind::hidden, 0};
  CHECK(shown_as(Dialect::openwa).at("lastSeenHidden") == true);
  CHECK_FALSE(shown_as(Dialect::openwa).as_object().contains("lastSeen"));
}
