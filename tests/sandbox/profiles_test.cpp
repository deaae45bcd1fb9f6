// About, default timer, and what a usync tells of people. Specification 02 sections 7 and 10, 05 section 13, 06
// section 7.

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "sandbox/row_values.h"
#include "tests/sandbox/people_world.h"

namespace wharf::sandbox::test {

using protocol::AboutChanged;
using protocol::DefaultTimerChanged;
using protocol::PrivacyCategory;
using protocol::PrivacyValue;
using protocol::ProfileField;
using protocol::ProfileFields;

namespace {

struct Scene : PeopleWorld {
  std::string set_about(const std::string& text) { return error(ask(*desk, protocol::set_about_iq(id(), text))); }
  std::optional<protocol::About> about(Primary& viewer, const Bytes& token = {}) {
    return profile(viewer, {ProfileField::about}, {anna.account().lid_jid(), {}, token}).about;
  }
};

}  // namespace

TEST_CASE("an about text is told to contacts and own devices and shown to who may see it") {
  Scene s;
  const auto none = s.about(s.ben);
  REQUIRE(none);
  CHECK(none->text.empty());
  CHECK_FALSE(none->hidden);
  CHECK_FALSE(none->set_at);
  REQUIRE(s.set_about("on the road").empty());
  const auto seen = s.about(s.ben);
  REQUIRE(seen);
  CHECK(seen->text == "on the road");
  CHECK(seen->set_at == static_cast<std::uint64_t>(s.world.clock.unix_ms() / 1000));
  for (const auto& inbox : {&s.ben.inbox, s.bens->inbox.get()}) {
    const auto heard = told<AboutChanged>(*inbox, s.ben.account());
    REQUIRE(heard.size() == 1);
    CHECK(heard[0].jid == s.anna.account().pn_jid());
    CHECK(heard[0].about == "on the road");
    CHECK_FALSE(heard[0].own);
  }
  const auto own = told<AboutChanged>(s.anna.inbox, s.anna.account());
  REQUIRE(own.size() == 1);
  CHECK(own[0].own);
  CHECK(told<AboutChanged>(*s.desk->inbox, s.anna.account()).empty());
  CHECK(told<AboutChanged>(s.cleo.inbox, s.cleo.account()).empty());
  const auto newer = s.profile(s.ben, {ProfileField::text_status}, {s.anna.account().pn_jid()}).text_status;
  REQUIRE(newer);
  CHECK(newer->text == "on the road");

  // The default is contacts, and a token makes one.
  REQUIRE(s.about(s.cleo));
  CHECK(s.about(s.cleo)->hidden);
  CHECK(s.about(s.cleo)->text.empty());
  CHECK_FALSE(s.profile(s.cleo, {ProfileField::text_status}, {s.anna.account().pn_jid()}).text_status);
  CHECK(s.about(s.cleo, s.token(s.anna, s.cleo))->text == "on the road");
  s.set_privacy(s.anna, PrivacyCategory::about, PrivacyValue::none);
  CHECK(s.about(s.ben)->hidden);
  CHECK(s.about(s.anna)->text == "on the road");
  REQUIRE(s.set_about("").empty());
  CHECK(told<AboutChanged>(s.ben.inbox, s.ben.account()).size() == 1);
  s.set_privacy(s.anna, PrivacyCategory::about, PrivacyValue::all);
  CHECK_FALSE(s.about(s.cleo)->hidden);
  CHECK(s.about(s.cleo)->text.empty());
}

TEST_CASE("an about text of 139 characters is taken, a longer or broken one is refused") {
  Scene s;
  std::string longest;
  for (int i = 0; i < 139; ++i) longest += "\xc3\xa4";
  CHECK(s.set_about(longest).empty());
  CHECK(s.set_about(longest + "x") == "406");
  CHECK(s.set_about("\xff") == "406");
  CHECK(s.about(s.ben)->text == longest);
  CHECK(Scene::error(s.ask(*s.desk, protocol::iq_set(s.id(), "status"))) == "406");
}

TEST_CASE("a default timer is told to contacts and own devices and asked for") {
  Scene s;
  const auto set = [&s](std::uint32_t seconds) {
    return Scene::error(s.ask(*s.desk, protocol::set_default_timer_iq(s.id(), seconds)));
  };
  const auto shown = [&s](Primary& viewer) {
    return s.profile(viewer, {ProfileField::default_timer}, {s.anna.account().lid_jid()});
  };
  CHECK(shown(s.ben).default_timer_seconds == 0u);
  s.world.clock.advance(5'000);
  REQUIRE(set(604'800).empty());
  const auto now = static_cast<std::uint64_t>(s.world.clock.unix_ms() / 1000);
  CHECK(shown(s.cleo).default_timer_seconds == 604'800u);
  CHECK(shown(s.cleo).default_timer_at == now);
  CHECK(set(60) == "406");
  CHECK(shown(s.cleo).default_timer_seconds == 604'800u);
  const auto heard = told<DefaultTimerChanged>(*s.bens->inbox, s.ben.account());
  REQUIRE(heard.size() == 1);
  CHECK(heard[0] == DefaultTimerChanged{s.anna.account().pn_jid(), 604'800, now});
  const auto own = told<DefaultTimerChanged>(s.anna.inbox, s.anna.account());
  REQUIRE(own.size() == 1);
  CHECK(own[0] == DefaultTimerChanged{std::nullopt, 604'800, now});
  CHECK(told<DefaultTimerChanged>(*s.desk->inbox, s.anna.account()).empty());
  CHECK(told<DefaultTimerChanged>(s.cleo.inbox, s.cleo.account()).empty());
}

TEST_CASE("a usync tells of several people in the order and form of the question") {
  Scene s;
  const Bytes jpeg{0xff, 0xd8, 0xff, 0xe0, 1};
  const auto picture = protocol::read_picture_set(s.ask(s.ben, protocol::set_picture_iq(s.id(), std::nullopt, jpeg)));
  REQUIRE(picture);
  BusinessCard card;
  card.name.name = "Cleo's Shop";
  card.name.issuer = "smb:wa";
  card.name.level = "low";
  REQUIRE(s.world.network.set_business(s.cleo.number, card));
  const std::vector<protocol::ProfileTarget> asked{{std::nullopt, s.ben.number},
                                                   {std::nullopt, "15559999999"},
                                                   {std::nullopt, "123"},
                                                   {s.cleo.account().lid_jid(), {}},
                                                   {s.cleo.account().pn_jid(), {}},
                                                   {Jid("1", "lid"), {}},
                                                   {s.anna.account().pn_jid().with_device(7), {}}};
  const ProfileFields fields{ProfileField::contact, ProfileField::lid, ProfileField::business, ProfileField::picture,
                             ProfileField::username};
  const auto answer = protocol::read_profiles(s.ask(*s.desk, protocol::profile_query_iq(s.id(), "sid", fields, asked)));
  REQUIRE(answer);
  const auto& users = answer->users;
  REQUIRE(users.size() == asked.size());
  CHECK(answer->errors.empty());
  CHECK(users[0].jid == s.ben.account().pn_jid());
  CHECK(users[0].contact_query == "+" + s.ben.number);
  CHECK(users[0].contact_type == "in");
  CHECK(users[0].lid == s.ben.account().lid_jid());
  CHECK(users[0].picture_id == *picture);
  CHECK_FALSE(users[0].business);
  CHECK(users[0].username == "");
  CHECK(users[1].jid == Jid("15559999999", protocol::server::user));
  CHECK(users[1].contact_type == "out");
  CHECK_FALSE(users[1].lid);
  CHECK_FALSE(users[1].username);
  CHECK(users[2].jid.empty());
  CHECK(users[2].contact_query == "+123");
  CHECK(users[2].contact_type == "invalid");
  for (const std::size_t i : {3u, 4u}) {
    CHECK(users[i].jid == *asked[i].jid);
    CHECK(users[i].lid == s.cleo.account().lid_jid());
    REQUIRE(users[i].business);
    CHECK(users[i].business->name == "Cleo's Shop");
    CHECK(users[i].business->issuer == "smb:wa");
    CHECK(users[i].business->level == "low");
    CHECK_FALSE(users[i].picture_id);
    CHECK(users[i].contact_type.empty());
  }
  CHECK(users[5].jid == Jid("1", "lid"));
  CHECK_FALSE(users[5].lid);
  CHECK(users[6].jid == s.anna.account().pn_jid());

  // A picture that is hidden is not told of.
  s.set_privacy(s.ben, PrivacyCategory::profile_picture, PrivacyValue::contacts);
  const protocol::ProfileTarget ben{s.ben.account().lid_jid()};
  CHECK(s.profile(s.anna, {ProfileField::picture}, ben).picture_id == *picture);
  CHECK_FALSE(s.profile(s.cleo, {ProfileField::picture}, ben).picture_id);
}

TEST_CASE("what is no number is invalid, however it is written") {
  Scene s;
  const auto type_of = [&s](const std::string& text) {
    Node query("query"), list("list"), usync("usync");
    query.add(Node("contact"));
    list.add(Node("user").add(Node("contact").text(text)));
    usync.set("sid", "1").add(std::move(query)).add(std::move(list));
    const auto answer = s.ask(*s.desk, protocol::iq_get(s.id(), "usync").add(std::move(usync)));
    const auto& user = answer.child("usync")->child("list")->children().at(0);
    CHECK(user.child("contact")->text() == text);
    return user.child("contact")->attr("type");
  };
  CHECK(type_of("+1 (555) 000-0002") == "in");
  CHECK(type_of("+15550000002@c.us") == "in");
  CHECK(type_of("+15550000009") == "out");
  for (const auto* text : {"+0155500000", "+1234567890123456", "+555anna0002", "", "+"}) {
    INFO(text);
    CHECK(type_of(text) == "invalid");
  }
}

TEST_CASE("privacy takes the values of its table and answers all categories") {
  Scene s;
  const auto set = [&s](std::string_view name, std::string_view value) {
    Node category("category");
    category.set("name", name).set("value", value);
    return Scene::error(
        s.ask(*s.desk, protocol::iq_set(s.id(), "privacy").add(Node("privacy").add(std::move(category)))));
  };
  CHECK(set("profile", "contacts").empty());
  CHECK(set("online", "match_last_seen").empty());
  CHECK(set("profile", "everybody") == "400");
  CHECK(set("online", "none") == "400");
  CHECK(set("colour", "all") == "400");
  const auto all = protocol::read_privacy(s.ask(s.anna, protocol::privacy_iq(s.id())));
  REQUIRE(all);
  CHECK(all->size() == protocol::privacy_category_count);
  const auto value = [&all](PrivacyCategory category) {
    for (const auto& setting : *all)
      if (setting.category == category) return protocol::name(setting.value);
    return std::string_view();
  };
  CHECK(value(PrivacyCategory::profile_picture) == "contacts");
  CHECK(value(PrivacyCategory::online) == "match_last_seen");
  CHECK(value(PrivacyCategory::last_seen) == "all");
}

TEST_CASE("a category leaves out who is in its list, whose version every change must name") {
  Scene s;
  REQUIRE(s.set_about("on the road").empty());
  using protocol::PrivacyAddressing;
  const protocol::ExclusionListQuery query{PrivacyCategory::about, PrivacyAddressing::by_lid};
  const auto list = [&] {
    const auto told = protocol::read_exclusion_list(s.ask(s.anna, protocol::exclusion_list_iq(s.id(), query)));
    REQUIRE(told);
    REQUIRE(*told);
    return **told;
  };
  const auto change = [&s](protocol::ExclusionListQuery whose, const std::string& dhash, bool add, const Jid& jid) {
    return Scene::error(
        s.ask(*s.desk, protocol::change_exclusions_iq(s.id(), {whose, dhash, {{add, jid, std::nullopt, {}}}})));
  };
  const Jid bens = s.ben.account().lid_jid();
  CHECK(list() == protocol::ExclusionList{});
  CHECK_FALSE(s.about(s.ben)->hidden);
  REQUIRE(change(query, "", true, bens).empty());
  CHECK(s.about(s.ben)->hidden);
  CHECK_FALSE(s.about(s.anna)->hidden);
  CHECK(s.world.network.shown(s.anna.number).privacy.at("status") == "contact_blacklist");
  const auto changed = told<protocol::PrivacyChanged>(s.anna.inbox, s.anna.account());
  REQUIRE(changed.size() == 1);
  CHECK(changed[0].settings ==
        std::vector<protocol::PrivacySetting>{{PrivacyCategory::about, PrivacyValue::contact_blacklist}});
  const auto one = list();
  CHECK(one.users == std::vector<protocol::ExcludedUser>{{bens, {}}});
  CHECK_FALSE(one.dhash.empty());
  REQUIRE(s.set_about("somewhere").empty());
  CHECK(told<AboutChanged>(s.ben.inbox, s.ben.account()).size() == 1);

  CHECK(change(query, "", false, bens) == "409");
  CHECK(change(query, one.dhash, true, s.cleo.account().pn_jid()) == "400");
  const protocol::ExclusionListQuery by_number{PrivacyCategory::about, PrivacyAddressing::by_number};
  CHECK(change(by_number, one.dhash, false, bens) == "400");
  CHECK(Scene::error(s.ask(s.anna, protocol::exclusion_list_iq(s.id(), by_number))) == "400");
  CHECK(list() == one);

  LaterWorld later(s);
  const auto kept = protocol::read_exclusion_list(later.ask(s.anna.number, protocol::exclusion_list_iq("e", query)));
  REQUIRE(kept);
  CHECK(*kept == one);

  REQUIRE(change(query, one.dhash, false, bens).empty());
  CHECK(list().users.empty());
  CHECK_FALSE(s.about(s.ben)->hidden);
  CHECK(s.about(s.cleo)->hidden);  // no contact
}

TEST_CASE("about, default timer and privacy outlast the process, and rows of before are read") {
  Scene s;
  REQUIRE(s.set_about("on the road").empty());
  REQUIRE(Scene::error(s.ask(*s.desk, protocol::set_default_timer_iq(s.id(), 86'400))).empty());
  s.set_privacy(s.anna, PrivacyCategory::last_seen, PrivacyValue::none);
  LaterWorld later(s);
  const auto shown = later.world.network.shown(s.anna.number);
  CHECK(shown.about == "on the road");
  CHECK(shown.default_timer_s == 86'400);
  CHECK(shown.privacy.at("last") == "none");
  CHECK(shown.privacy.at("status") == "contacts");

  const RowKey key{RowKind::account, s.anna.number, {}};
  auto row = unpacked(later.disk.rows.at(key));
  for (const auto* newer : {"about_at", "timer", "timer_at"}) REQUIRE(row.erase(newer) == 1);
  World old;
  REQUIRE(old.network.restore(key, packed(row)));
  CHECK(old.network.shown(s.anna.number).about == "on the road");
  CHECK(old.network.shown(s.anna.number).default_timer_s == 0);
}

TEST_CASE("companions hear of the name that their phone takes") {
  Scene s;
  s.anna.send(protocol::presence("available", "Anna B."));
  const auto heard = told<protocol::OwnPushNameChanged>(*s.desk->inbox, s.anna.account());
  REQUIRE(heard.size() == 1);
  CHECK(heard[0].name == "Anna B.");
  CHECK(s.anna.account().name == "Anna B.");
  s.anna.send(protocol::presence("available", "Anna B."));
  CHECK(told<protocol::OwnPushNameChanged>(*s.desk->inbox, s.anna.account()).size() == 1);
  s.desk->send(protocol::presence("available", "Desk"));
  CHECK(s.anna.account().name == "Desk");
  CHECK(told<protocol::OwnPushNameChanged>(s.anna.inbox, s.anna.account()).empty());
}

}  // namespace wharf::sandbox::test
