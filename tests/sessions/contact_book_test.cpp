// What is known of people, from what they say and what the server says of them, through a real Session.
#include "sessions/people/contact_book.h"

#include <array>
#include <catch2/catch.hpp>

#include "protocol/notifications/notification.h"
#include "tests/sessions/people_stanzas.h"

using namespace wharf;
using namespace wharf::test;
using Change = events::ContactUpdated::Change;

namespace {

struct Book : PeopleFixture {
  void say(const Jid& user, const std::string& name) { hear(Node("presence").set("from", user).set("name", name)); }
  std::vector<Node> notify(const protocol::NotificationEvent& event) {
    return hear(protocol::notification_stanza(
        {"n" + std::to_string(++number), 1'700'000'000, Jid("15550000001", "s.whatsapp.net")}, event));
  }
  std::vector<std::pair<Change, std::string>> changes() {
    std::vector<std::pair<Change, std::string>> out;
    for (const auto& told : told_of<events::ContactUpdated>()) out.emplace_back(told.change, told.text);
    return out;
  }
  int number = 0;
};

using Changes = std::vector<std::pair<Change, std::string>>;

}  // namespace

TEST_CASE("the name that somebody says is kept, and told when it is another than before") {
  Book f;
  f.say(ann, "Ann");
  f.say(ann, "Ann");
  CHECK(f.contact(ann)->push_name == "Ann");
  CHECK(f.contact(ann)->registered == storage::Registered::yes);
  CHECK(f.changes().empty());
  f.say(ann, "Annie");
  CHECK(f.changes() == Changes{{Change::push_name, "Annie"}});
  CHECK_FALSE(f.told_of<events::ContactUpdated>().at(0).own);
  f.say(ann, std::string(300, 'x'));
  CHECK(f.contact(ann)->push_name.size() <= 256);
  f.say(Jid("100000000000001", "lid"), "Me");
  CHECK_FALSE(f.contact(Jid("100000000000001", "lid")));
}

TEST_CASE("the own account is nobody's contact") {
  Book f;
  const Jid own("100000000000001", "lid");
  const auto look = f.ask(LookAtContact{own});
  protocol::Profile profile;
  profile.jid = own;
  profile.contact_query = "+15550000001";
  profile.contact_type = "in";
  profile.about = protocol::About{"busy", false, {}};
  f.hear(profiles(look.asked.at(0), {{profile}, {}}));
  CHECK(look.answer()->row.about == "busy");
  CHECK_FALSE(f.contact(own));
}

TEST_CASE("what was known of a number is of the LID when that becomes known") {
  Book f;
  f.say(ann_number, "Ann");
  f.ask(WatchPresence{ann_number});
  f.learn(ann_number, ann);
  CHECK_FALSE(f.contact(ann_number));
  REQUIRE(f.contact(ann));
  CHECK(f.contact(ann)->push_name == "Ann");
  CHECK(f.contact(ann)->watched);
}

TEST_CASE("what the LID said itself stays when the number of it becomes known") {
  Book f;
  f.say(ann_number, "Ann");
  f.say(ann, "Annie");
  f.learn(ann_number, ann);
  CHECK_FALSE(f.contact(ann_number));
  CHECK(f.contact(ann)->push_name == "Annie");
}

TEST_CASE("a pair of a whole address book is told only where something was known by the number") {
  Book f;
  f.say(ann_number, "Ann");
  f.call([&] {
    f.session->directory().learn_untold(ann_number, ann);
    f.session->directory().learn_untold(dan_number, Jid("200000000000008", "lid"));
  });
  CHECK(f.contact(ann)->push_name == "Ann");
  const auto told = f.told_of<events::ContactUpdated>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].change == Change::lid);
  CHECK(told[0].user == ann);
}

TEST_CASE("who was said to be gone and writes is there") {
  Book f;
  f.say(ann_number, "Ann");
  const auto check = f.ask(CheckNumbers{{ann_number.user}, true});
  protocol::Profile out;
  out.contact_query = "+" + ann_number.user;
  out.contact_type = "out";
  f.hear(profiles(check.asked.at(0), {{out}, {}}));
  CHECK(f.contact(ann_number)->registered == storage::Registered::no);
  f.say(ann_number, "Ann");
  CHECK(f.contact(ann_number)->registered == storage::Registered::yes);
}

TEST_CASE("a LID of another number is the same person, with all that was known") {
  Book f;
  f.learn(ann_number, ann);
  f.say(ann, "Ann");
  f.learn(dan_number, ann);
  REQUIRE(f.contact(ann));
  CHECK(f.contact(ann)->push_name == "Ann");
  CHECK(f.changes() == Changes{{Change::lid, ""}, {Change::number, ann_number.to_string()}});
}

TEST_CASE(
    "who becomes a business, is called otherwise and is none any more is told so, and an error of it says nothing") {
  Book f;
  f.learn(ann_number, ann);
  const auto look = [&](const std::string& business, bool by_check, std::vector<protocol::ProfileError> errors = {}) {
    protocol::Profile profile;
    profile.jid = ann_number;
    profile.contact_query = "+" + ann_number.user;
    profile.contact_type = "in";
    profile.errors = std::move(errors);
    if (!business.empty()) {
      profile.business.emplace();
      profile.business->name = business;
    }
    if (by_check) f.hear(profiles(f.ask(CheckNumbers{{ann_number.user}, true}).asked.at(0), {{profile}, {}}));
    else f.hear(profiles(f.ask(LookAtContact{ann}).asked.at(0), {{profile}, {}}));
    return f.contact(ann)->verified_name;
  };
  CHECK(look("Ann GmbH", false) == "Ann GmbH");
  CHECK(f.changes() == Changes{{Change::lid, ""}});  // the first look: nothing was known
  CHECK(look("Ann AG", false) == "Ann AG");
  CHECK(look("", false, {{protocol::ProfileField::business, 503, 0}}) == "Ann AG");
  CHECK(look("", false).empty());
  CHECK(look("", false).empty());
  CHECK(look("Ann again", true) == "Ann again");
  CHECK(f.changes() == Changes{{Change::lid, ""},
                               {Change::verified_name, "Ann AG"},
                               {Change::verified_name, ""},
                               {Change::verified_name, "Ann again"}});
}

TEST_CASE("a new picture and about text are kept and told once, though the notification comes twice") {
  Book f;
  f.learn(ann_number, ann);
  protocol::PictureChanged picture;
  picture.jid = ann;
  picture.picture_id = "9";
  protocol::AboutChanged about;
  about.jid = ann;
  about.about = "away";
  about.at = 1'699'000'000;
  for (int again = 0; again < 2; ++again) {
    const auto said = f.notify(picture);
    CHECK(std::any_of(said.begin(), said.end(), [](const Node& node) { return node.is("ack"); }));
    f.notify(about);
  }
  CHECK(f.contact(ann)->picture_id == "9");
  CHECK(f.contact(ann)->about == "away");
  const Changes once{{Change::lid, ""}, {Change::picture, "9"}, {Change::about, "away"}};
  CHECK(f.changes() == once);
  picture.removed = true;
  picture.picture_id.clear();
  f.notify(picture);
  CHECK(f.contact(ann)->picture_id.empty());
  CHECK(f.changes().back() == std::pair(Change::picture, std::string()));
}

TEST_CASE("several changes that come again in their order are not told again") {
  Book f;
  f.learn(ann_number, ann);
  const auto changes = [&](int first) {
    f.number = first;
    for (const char* id : {"9", "10"}) {
      protocol::PictureChanged picture;
      picture.jid = ann;
      picture.picture_id = id;
      f.notify(picture);
    }
    for (const std::uint64_t at : std::array<std::uint64_t, 2>{1'699'000'000, 1'699'000'005}) {
      protocol::AboutChanged about;
      about.jid = ann;
      about.about = "at " + std::to_string(at);
      about.at = at;
      f.notify(about);
    }
  };
  changes(20);
  const auto told = f.changes();
  CHECK(told.size() == 5);  // the LID, two pictures, two texts
  f.cut();
  f.go_online();
  changes(20);
  CHECK(f.changes() == told);
  CHECK(f.contact(ann)->picture_id == "10");
}

TEST_CASE("somebody whose LID was not known has another number with another LID") {
  Book f;
  const Jid moved("15550000009", "s.whatsapp.net"), moved_lid("200000000000009", "lid");
  f.say(ann_number, "Ann");
  protocol::ContactNumberChanged change{ann_number, moved, ann, moved_lid};
  f.notify(change);
  CHECK(f.contact(moved_lid)->push_name == "Ann");
  CHECK(f.changes().back() == std::pair(Change::number, ann_number.to_string()));
  CHECK_FALSE(f.contact(ann));
}

TEST_CASE("an account that is given its name shows itself then") {
  Book f;
  REQUIRE(f.session->view().push_name.empty());
  const auto said = f.notify(protocol::OwnPushNameChanged{"Harbour"});
  CHECK(std::any_of(said.begin(), said.end(),
                    [](const Node& node) { return node.is("presence") && node.attr("type") == "available"; }));
}

TEST_CASE("somebody has another number: what was known is of the new one, and told") {
  Book f;
  f.say(dan_number, "Dan");
  const Jid moved("15550000009", "s.whatsapp.net");
  protocol::ContactNumberChanged change;
  change.old_jid = dan_number;
  change.new_jid = moved;
  f.notify(change);
  f.notify(change);
  CHECK_FALSE(f.contact(dan_number));
  CHECK(f.contact(moved)->push_name == "Dan");
  CHECK(f.changes() == Changes{{Change::number, dan_number.to_string()}});
}

TEST_CASE("the own name is the one of the notification") {
  Book f;
  f.notify(protocol::OwnPushNameChanged{"Harbour"});
  CHECK(f.session->view().push_name == "Harbour");
  CHECK(storage::load_device(f.store->reader(), f.row.id)->push_name == "Harbour");
}

TEST_CASE("what the account shows is told when another device changes it, once, and kept in no contact") {
  Book f;
  f.notify(protocol::OwnPushNameChanged{"Harbour"});
  CHECK(f.changes().empty());  // its first one
  f.notify(protocol::OwnPushNameChanged{"Pier"});
  f.notify(protocol::OwnPushNameChanged{"Pier"});
  CHECK(f.changes() == Changes{{Change::push_name, "Pier"}});
  protocol::PictureChanged picture;
  picture.jid = Jid("15550000001", "s.whatsapp.net");
  picture.own = true;
  protocol::AboutChanged about;
  about.jid = picture.jid;
  about.own = true;
  f.notify(picture);
  f.number--;  // the same once more
  f.notify(picture);
  f.notify(about);
  CHECK(f.changes() == Changes{{Change::push_name, "Pier"}, {Change::picture, ""}, {Change::about, ""}});
  for (const auto& told : f.told_of<events::ContactUpdated>()) {
    CHECK(f.session->directory().is_own(told.user));
    CHECK(told.own);
  }
  CHECK_FALSE(f.contact(f.session->directory().canonical_user(picture.jid)));
}

TEST_CASE("the own name that was changed while the session was away is told at login") {
  Book f;
  f.notify(protocol::OwnPushNameChanged{"Harbour"});
  for (const char* name : {"Harbour", "Pier", "Pier"}) {
    f.cut();
    f.turn_of(LinkUp{{}, false, f.session->link_epoch()});
    f.stanza(Node("success").set("t", "1700000000").set("display_name", name));
  }
  CHECK(f.changes() == Changes{{Change::push_name, "Pier"}});
  CHECK(storage::load_device(f.store->reader(), f.row.id)->push_name == "Pier");
}

TEST_CASE("the new picture of a group is told once, and of a group that is not known not at all") {
  Book f;
  protocol::PictureChanged picture;
  picture.jid = crew;
  picture.author = ann;
  picture.picture_id = "4";
  f.notify(picture);
  CHECK(f.told_of<events::GroupUpdated>().empty());
  know(f, group_of(crew, {ann}));
  f.number = 5;
  f.notify(picture);
  f.number = 5;  // the same once more
  f.notify(picture);
  const auto told = f.told_of<events::GroupUpdated>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].field == "picture");
  CHECK(told[0].text == "4");
  CHECK(told[0].in.by == ann);
}

TEST_CASE("the next account knows nobody of this one") {
  Book f;
  f.say(ann, "Ann");
  const auto logout = f.ask(Logout{});
  f.hear(result_of(logout.asked.at(0)));
  REQUIRE(logout.answered());
  CHECK_FALSE(f.contact(ann));
}
