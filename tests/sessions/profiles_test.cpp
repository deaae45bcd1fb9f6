// Profiles, pictures and what the account shows, through a real Session.
#include "sessions/people/profiles.h"

#include <catch2/catch.hpp>

#include "protocol/account/pictures.h"
#include "protocol/account/privacy.h"
#include "protocol/account/profile.h"
#include "tests/sessions/people_stanzas.h"

using namespace wharf;
using namespace wharf::test;
using protocol::PictureState;
using protocol::Profile;

namespace {

Profile of_ann(std::string about) {
  Profile profile;
  profile.jid = ann;
  profile.pn = ann_number;
  profile.contact_query = "+" + ann_number.user;
  profile.contact_type = "in";
  profile.about = protocol::About{std::move(about), false, 1'600'000'000};
  profile.picture_id = "77";
  return profile;
}

}  // namespace

TEST_CASE("a profile is asked for by number, kept, and told from what was known while there is no connection") {
  PeopleFixture f;
  const auto look = f.ask(LookAtContact{ann_number});
  REQUIRE(look.asked.size() == 1);
  const auto query = protocol::read_profile_query(look.asked[0]);
  REQUIRE(query);
  CHECK(query->users.at(0).phone == ann_number.user);
  f.hear(profiles(look.asked[0], {{of_ann("here")}, {}}));
  REQUIRE(look.answer().has_value());
  CHECK(look.answer()->fresh);
  CHECK(look.answer()->row.about == "here");
  CHECK(look.answer()->row.about_at == 1'600'000'000'000);
  CHECK(look.answer()->row.picture_id == "77");
  CHECK(look.answer()->ids.lid == ann);
  CHECK(f.told_of<events::ContactUpdated>().size() == 1);  // the LID; the rest is no change of what was known

  f.cut();
  const auto offline = f.ask(LookAtContact{ann});
  REQUIRE(offline.answer().has_value());
  CHECK_FALSE(offline.answer()->fresh);
  CHECK(offline.answer()->row.about == "here");
  CHECK(f.ask(LookAtContact{dan_number}).answer().error().code == Errc::not_ready);
}

TEST_CASE("somebody of whom the LID alone is known is asked for by that, and not whether anybody is there") {
  PeopleFixture f;
  const auto look = f.ask(LookAtContact{ann});
  const auto query = protocol::read_profile_query(look.asked.at(0));
  REQUIRE(query);
  CHECK(query->users.at(0).jid == ann);
  CHECK_FALSE(query->fields.has(protocol::ProfileField::contact));
}

TEST_CASE("nobody has this number") {
  PeopleFixture f;
  const auto look = f.ask(LookAtContact{ann_number});
  Profile out;
  out.contact_query = "+" + ann_number.user;
  out.contact_type = "out";
  f.hear(profiles(look.asked.at(0), {{out}, {}}));
  CHECK(look.answer().error().code == Errc::not_found);
  CHECK(look.answer().error().subject == Subject::contact);
}

TEST_CASE("a server that does not tell who is there invents nobody") {
  PeopleFixture f;
  Profile limited;
  limited.jid = ann_number;
  limited.errors = {{protocol::ProfileField::contact, 429, 60}};
  const auto look = f.ask(LookAtContact{ann_number});
  f.hear(profiles(look.asked.at(0), {{limited}, {}}));
  CHECK(look.answer().error().code == Errc::rate_limited);
  CHECK_FALSE(f.contact(ann_number));
  // The same said of all.
  const auto again = f.ask(LookAtContact{ann_number});
  f.hear(profiles(again.asked.at(0), {{}, {{protocol::ProfileField::contact, 429, 60}}}));
  CHECK(again.answer().error().code == Errc::rate_limited);
  // Who is known stays so, and is shown as what was known.
  const auto found = f.ask(LookAtContact{ann_number});
  f.hear(profiles(found.asked.at(0), {{of_ann("here")}, {}}));
  const auto limit = f.ask(LookAtContact{ann_number});
  limited.jid = ann;
  f.hear(profiles(limit.asked.at(0), {{limited}, {}}));
  REQUIRE(limit.answer().has_value());
  CHECK_FALSE(limit.answer()->fresh);
}

TEST_CASE("a LID of whom nothing is told is not kept, and nobody that is known") {
  PeopleFixture f;
  const auto look = f.ask(LookAtContact{ann});
  Profile nothing;
  nothing.jid = ann;
  f.hear(profiles(look.asked.at(0), {{nothing}, {}}));
  CHECK(look.answer().error().code == Errc::not_found);
  CHECK_FALSE(f.contact(ann));
}

TEST_CASE("who has left is known to be gone") {
  PeopleFixture f;
  const auto found = f.ask(LookAtContact{ann_number});
  f.hear(profiles(found.asked.at(0), {{of_ann("here")}, {}}));
  const auto gone = f.ask(LookAtContact{ann});
  Profile out;
  out.contact_query = "+" + ann_number.user;
  out.contact_type = "out";
  f.hear(profiles(gone.asked.at(0), {{out}, {}}));
  CHECK(gone.answer().error().code == Errc::not_found);
  CHECK(f.contact(ann)->registered == storage::Registered::no);
  CHECK(f.ask(CheckNumbers{{ann_number.user}}).asked.size() == 1);  // not from what was known
}

TEST_CASE("a number that the server corrects is the one that it names") {
  PeopleFixture f;
  const Jid typed("5521987654321", "s.whatsapp.net"), real("552187654321", "s.whatsapp.net");
  const auto look = f.ask(LookAtContact{typed});
  Profile profile = of_ann("oi");
  profile.jid = real;
  profile.pn.reset();
  profile.contact_query = "+" + typed.user;
  f.hear(profiles(look.asked.at(0), {{profile}, {}}));
  REQUIRE(look.answer().has_value());
  CHECK(look.answer()->row.user == real);
  CHECK_FALSE(f.contact(typed));
}

TEST_CASE("an answer about somebody else says nothing of who was asked for") {
  PeopleFixture f;
  const auto look = f.ask(LookAtContact{dan_number});
  f.hear(profiles(look.asked.at(0), {{of_ann("not me")}, {}}));
  CHECK(look.answer().error().code == Errc::not_found);
  CHECK_FALSE(f.contact(dan_number));
}

TEST_CASE("what is another than it was is told once") {
  PeopleFixture f;
  f.learn(ann_number, ann);
  for (const char* about : {"one", "one", "two"}) {
    const auto look = f.ask(LookAtContact{ann});
    f.hear(profiles(look.asked.at(0), {{of_ann(about)}, {}}));
  }
  const auto told = f.told_of<events::ContactUpdated>();
  REQUIRE(told.size() == 2);
  CHECK(told[1] == events::ContactUpdated{ann, {ann_number, ann}, events::ContactUpdated::Change::about, "two"});
}

TEST_CASE("a refused look tells what is known, else the reason") {
  PeopleFixture f;
  const auto first = f.ask(LookAtContact{ann_number});
  f.hear(error_of(first.asked.at(0), 429));
  CHECK(first.answer().error().code == Errc::rate_limited);
  const auto second = f.ask(LookAtContact{ann_number});
  f.hear(profiles(second.asked.at(0), {{of_ann("here")}, {}}));
  const auto third = f.ask(LookAtContact{ann_number});
  f.hear(error_of(third.asked.at(0), 429));
  REQUIRE(third.answer().has_value());
  CHECK_FALSE(third.answer()->fresh);
}

TEST_CASE("a picture is where WhatsApp has it, none, or hidden") {
  PeopleFixture f;
  f.learn(ann_number, ann);
  const auto get = f.ask(GetPicture{ann_number, true});
  const auto query = protocol::read_picture_query(get.asked.at(0));
  REQUIRE(query);
  CHECK(query->target == ann);
  CHECK(query->size == protocol::PictureSize::preview);
  PictureState there{PictureState::Kind::present, "78", "https://pps.whatsapp.net/v/78.jpg?oh=1", "/v/78.jpg?oh=1", ""};
  f.hear(protocol::picture_answer(get.asked[0], there));
  CHECK(get.answer()->state.url == there.url);
  CHECK(f.contact(ann)->picture_id == "78");

  const auto none = f.ask(GetPicture{ann});
  f.hear(error_of(none.asked.at(0), 404));
  CHECK(none.answer()->state.kind == PictureState::Kind::none);
  const auto hidden = f.ask(GetPicture{ann});
  f.hear(error_of(hidden.asked.at(0), 401));
  CHECK(hidden.answer()->state.kind == PictureState::Kind::hidden);
  const auto refused = f.ask(GetPicture{ann});
  f.hear(error_of(refused.asked.at(0), 500));
  CHECK(refused.answer().error().code == Errc::refused);
}

TEST_CASE("a number that nobody has shows no picture either, and is told as nobody's") {
  PeopleFixture f;
  const auto get = f.ask(GetPicture{dan_number});
  const auto looks = f.hear(error_of(get.asked.at(0), 404));
  REQUIRE(looks.size() == 1);
  CHECK_FALSE(get.answered());
  Profile out;
  out.contact_query = "+" + dan_number.user;
  out.contact_type = "out";
  f.hear(profiles(looks[0], {{out}, {}}));
  CHECK(get.answer().error().code == Errc::not_found);
  CHECK(get.answer().error().subject == Subject::contact);
  // Of who is there, it is a picture that is missing; and once that is known nobody is asked again.
  const auto first = f.ask(GetPicture{ann_number});
  const auto look = f.hear(error_of(first.asked.at(0), 404));
  f.hear(profiles(look.at(0), {{of_ann("here")}, {}}));
  CHECK(first.answer()->state.kind == PictureState::Kind::none);
  const auto second = f.ask(GetPicture{ann_number});
  CHECK(f.hear(error_of(second.asked.at(0), 404)).empty());
  CHECK(second.answer()->state.kind == PictureState::Kind::none);
}

TEST_CASE("a contact of whom nothing is known but that the presence is watched is nobody that is known") {
  PeopleFixture f;
  f.ask(WatchPresence{ann});
  REQUIRE(f.contact(ann));
  const auto look = f.ask(LookAtContact{ann});
  Profile nothing;
  nothing.jid = ann;
  f.hear(profiles(look.asked.at(0), {{nothing}, {}}));
  CHECK(look.answer().error().code == Errc::not_found);
  f.cut();
  CHECK(f.ask(LookAtContact{ann}).answer().error().code == Errc::not_ready);
}

TEST_CASE("the own account is called as it calls itself") {
  PeopleFixture f;
  f.session->context().device.push_name = "Anna";
  const Jid self("100000000000001", "lid");
  const auto look = f.ask(LookAtContact{self});
  Profile own;
  own.jid = self;
  own.contact_type = "in";
  own.contact_query = "+" + f.session->context().device.jid.user;
  own.about = protocol::About{"here", false, 1'600'000'000};
  f.hear(profiles(look.asked.at(0), {{own}, {}}));
  REQUIRE(look.answer().has_value());
  CHECK(look.answer()->row.push_name == "Anna");
  CHECK(look.answer()->row.about == "here");
}

TEST_CASE("the file of a picture is fetched from the servers of WhatsApp alone") {
  PeopleFixture f;
  const auto fetch = [&](const std::string& url) {
    const auto get = f.ask(GetPicture{ann, true, true});
    auto effects = f.stanza(protocol::picture_answer(
        get.asked.at(0), {PictureState::Kind::present, "78", url, "", "", protocol::PictureSize::preview}));
    // The hosts are asked for first, and are not told.
    for (const Node& node : f.sent(effects))
      if (node.child("media_conn")) effects = f.stanza(error_of(node, 500));
    return std::pair(get, std::move(effects));
  };
  auto [get, effects] = fetch("https://pps.whatsapp.net/v/78.jpg?oh=1");
  FetchSmallFile* file = nullptr;
  for (Effect& effect : effects)
    if (auto* found = std::get_if<FetchSmallFile>(&effect)) file = found;
  REQUIRE(file != nullptr);
  REQUIRE(file->file.targets.size() == 1);
  CHECK(file->file.targets[0] == protocol::DownloadTarget{"pps.whatsapp.net", "/v/78.jpg?oh=1"});
  CHECK(file->file.max_bytes == max_picture_bytes);
  f.call([&] { file->then(protocol::Bytes{0xff, 0xd8}); });
  CHECK(get.answer()->bytes == protocol::Bytes{0xff, 0xd8});

  // A foreign host is not asked: the picture is told without its file.
  auto [foreign, nothing] = fetch("https://example.com/78.jpg");
  CHECK(std::none_of(nothing.begin(), nothing.end(),
                     [](const Effect& effect) { return std::holds_alternative<FetchSmallFile>(effect); }));
  CHECK(foreign.answer()->bytes.empty());
  CHECK(foreign.answer()->state.id == "78");
}

TEST_CASE("what the account shows is set, and a refusal says why") {
  PeopleFixture f;
  const auto picture = f.ask(SetOwnPicture{{0xff, 0xd8, 0xff}});
  REQUIRE(protocol::read_picture_change(picture.asked.at(0)));
  f.hear(protocol::picture_set_answer(picture.asked[0], "5"));
  CHECK(picture.answer().value() == "5");
  const auto removed = f.ask(SetOwnPicture{});
  CHECK(protocol::read_picture_change(removed.asked.at(0))->jpeg.empty());
  f.hear(result_of(removed.asked[0]));
  CHECK(removed.answer().value().empty());
  const auto about = f.ask(SetAbout{"busy"});
  CHECK(protocol::read_about_change(about.asked.at(0)) == "busy");
  f.hear(result_of(about.asked[0]));
  CHECK(about.answer().has_value());
  const auto timer = f.ask(SetDefaultTimer{86'400});
  CHECK(protocol::read_default_timer_change(timer.asked.at(0)) == 86'400u);
  f.hear(error_of(timer.asked[0], 406));
  CHECK(timer.answer().error().code == Errc::malformed);
  CHECK(timer.answer().error().detail == "WhatsApp refused: refused (406)");
}

TEST_CASE("when WhatsApp says how long it has enough, who asked hears it, within a day") {
  PeopleFixture f;
  const std::pair<std::uint64_t, std::int64_t> rows[] = {{900, 900}, {9'000'000, 86'400}, {0, 0}};
  for (const auto& [said, heard] : rows) {
    const auto asking = f.ask(SetAbout{"busy"});
    const Node& query = asking.asked.at(0);
    Node error("error");
    error.set("code", "429").set("text", "rate-overlimit").set("backoff", said);
    Node answer("iq");
    answer.set("type", "error").set("id", query.attr("id")).set("from", query.attr("to"));
    f.hear(answer.add(std::move(error)));
    CHECK(asking.answer().error().code == Errc::rate_limited);
    CHECK(asking.answer().error().retry_after_s == heard);
  }
}

TEST_CASE("privacy settings change one after another, and what holds then is told") {
  using namespace protocol;
  PeopleFixture f;
  const PrivacySetting last{PrivacyCategory::last_seen, PrivacyValue::none},
      about{PrivacyCategory::about, PrivacyValue::contacts};
  const auto change = f.ask(ChangePrivacy{{last, about}});
  REQUIRE(change.asked.size() == 1);
  CHECK(read_privacy_change(change.asked[0]) == std::vector{last});
  auto next = f.hear(privacy_answer(change.asked[0], std::array{last}));
  CHECK(read_privacy_change(next.at(0)) == std::vector{about});
  next = f.hear(privacy_answer(next[0], std::array{about}));
  CHECK(next.at(0).attr("type") == "get");
  CHECK_FALSE(change.answered());
  f.hear(privacy_answer(next[0], std::array{last, about}));
  CHECK(change.answer().value() == std::vector{last, about});

  const auto refused = f.ask(ChangePrivacy{{last, about}});
  f.hear(error_of(refused.asked.at(0), 400));
  CHECK(refused.answer().error().code == Errc::malformed);
  CHECK(refused.answer().error().detail.starts_with("last: "));
}

TEST_CASE("whom a setting leaves out is changed against the list that is there, once more when that was another") {
  using namespace protocol;
  PeopleFixture f;
  f.learn(ann_number, ann);
  const ExclusionListQuery list{PrivacyCategory::last_seen, PrivacyAddressing::by_lid};
  const auto told = [&](const Node& query, const char* dhash, std::vector<ExcludedUser> users) {
    CHECK(read_exclusion_list_query(query) == list);
    return f.hear(exclusion_list_answer(query, list, {dhash, std::move(users)}));
  };
  const ExcludedUser ben{ben_lid, ""}, carl{carl_lid, ""};
  const auto change = f.ask(ChangeExcluded{PrivacyCategory::last_seen, {ann_number, ben_lid}, {carl_lid, dora_lid}});
  const auto first = told(change.asked.at(0), "d1", {ben, carl});
  const ExclusionListChange wanted{list, "d1", {{true, ann, ann_number}, {false, carl_lid, {}}}};
  CHECK(read_exclusions_change(first.at(0)) == wanted);  // who is in it, or out of it, stays so
  const auto again = told(f.hear(error_of(first[0], 409)).at(0), "d2", {ben});
  const ExclusionListChange rest{list, "d2", {{true, ann, ann_number}}};
  CHECK(read_exclusions_change(again.at(0)) == rest);
  SECTION("and the answer is the list as it is then") {
    const std::array holds{PrivacySetting{PrivacyCategory::last_seen, PrivacyValue::contact_blacklist}};
    const auto read = f.hear(privacy_answer(again[0], holds));
    CHECK_FALSE(change.answered());
    told(read.at(0), "d3", {ben, {ann, ""}});
    REQUIRE(change.answer().has_value());
    REQUIRE(change.answer()->size() == 2);
    CHECK(change.answer()->at(1) == Person{ann, {ann_number, ann}});
  }
  SECTION("not for ever") {
    CHECK(f.hear(error_of(again[0], 409)).empty());
    CHECK(change.answer().error().code == Errc::conflict);
  }
}

TEST_CASE("whoever has no LID that is known is looked up before being left out") {
  PeopleFixture f;
  const auto change = f.ask(ChangeExcluded{protocol::PrivacyCategory::about, {dan_number}, {}});
  REQUIRE(change.asked.size() == 1);
  CHECK(change.asked[0].attr("xmlns") == "usync");
  f.hear(result_of(change.asked[0]).add(Node("usync").add(Node("list"))));
  CHECK(change.answer().error().code == Errc::not_found);
  const auto read = f.ask(ReadExcluded{protocol::PrivacyCategory::about});
  f.hear(result_of(read.asked.at(0)).add(Node("privacy")));
  CHECK(read.answer().value().empty());
}

TEST_CASE("somebody is blocked by LID with the number beside it, and one without LID is looked up first") {
  PeopleFixture f;
  f.learn(ann_number, ann);
  const auto block = f.ask(BlockContact{ann_number, true});
  const auto change = protocol::read_block_change(block.asked.at(0));
  REQUIRE(change);
  CHECK(change->block);
  CHECK(change->jid == ann);
  CHECK(change->pn == ann_number);
  f.hear(protocol::block_list_answer(block.asked[0], {"d", {{ann, ""}}}));
  CHECK(block.answer().has_value());

  const auto unknown = f.ask(BlockContact{dan_number, true});
  REQUIRE(unknown.asked.size() == 1);
  CHECK(unknown.asked[0].attr("xmlns") == "usync");
  f.hear(result_of(unknown.asked[0]).add(Node("usync").add(Node("list"))));
  CHECK(unknown.answer().error().code == Errc::not_found);
}

TEST_CASE("who is blocked is told once, whoever blocks") {
  PeopleFixture f;
  f.learn(ann_number, ann);
  using Change = events::ContactUpdated::Change;
  const auto told = [&] {
    std::vector<Change> out;
    for (const auto& event : f.told_of<events::ContactUpdated>())
      if (event.user == ann && (event.change == Change::blocked || event.change == Change::unblocked))
        out.push_back(event.change);
    return out;
  };
  const auto elsewhere = [&](const Jid& who, const char* action, const char* id) {
    Node list("blocklist");
    list.set("action", "modify").set("dhash", id).add(Node("item").set("jid", who).set("action", action));
    Node notification("notification");
    notification.set("type", "account_sync").set("from", self_pn).set("id", id).set("t", "1700000001");
    f.hear(notification.add(std::move(list)));
  };
  const auto refused = f.ask(BlockContact{ann_number, true});
  f.hear(error_of(refused.asked.at(0), 400));
  CHECK(told().empty());
  const auto block = f.ask(BlockContact{ann_number, true});
  f.hear(protocol::block_list_answer(block.asked.at(0), {"d", {{ann, ""}}}));
  CHECK(told() == std::vector<Change>{Change::blocked});
  elsewhere(ann, "block", "b1");  // what we did comes back
  CHECK(told().size() == 1);
  elsewhere(ann_number, "unblock", "b2");
  elsewhere(ann, "unblock", "b2");
  elsewhere(ann, "block", "b3");
  CHECK(told() == std::vector<Change>{Change::blocked, Change::unblocked, Change::blocked});
}

TEST_CASE("an account that has no LID is blocked by its number") {
  PeopleFixture f;
  const auto block = f.ask(BlockContact{dan_number, true});
  Node device("device");
  device.set("id", std::uint64_t{0});
  Node user("user");
  user.set("jid", dan_number).add(Node("devices").add(Node("device-list").add(std::move(device))));
  const auto next = f.hear(result_of(block.asked.at(0)).add(Node("usync").add(Node("list").add(std::move(user)))));
  REQUIRE(next.size() == 1);
  CHECK(protocol::read_block_change(next[0])->jid == dan_number);
  const auto refused = f.ask(BlockContact{Jid("15550000019", "s.whatsapp.net"), true});
  f.hear(error_of(refused.asked.at(0), 429));
  CHECK(refused.answer().error().code == Errc::timed_out);
}

TEST_CASE("the block list names everybody once, under both names") {
  PeopleFixture f;
  f.learn(ann_number, ann);
  const auto list = f.ask(ListBlocked{});
  f.hear(protocol::block_list_answer(list.asked.at(0), {"d", {{ann, ""}, {ann_number, ""}, {dan_number, ""}}}));
  REQUIRE(list.answer().has_value());
  REQUIRE(list.answer()->size() == 2);
  CHECK(list.answer()->at(0) == Person{ann, {ann_number, ann}});
  CHECK(list.answer()->at(1).jid == dan_number);
}
