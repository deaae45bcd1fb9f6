// People over the control API: what a phone shows of itself, and what it was told of others.

#include <algorithm>

#include "protocol/account/pictures.h"
#include "protocol/account/profile.h"
#include "protocol/business/catalog.h"
#include "protocol/notifications/notification.h"
#include "sandbox/phone/people.h"
#include "sandbox/shown_account.h"
#include "tests/sandbox/control_world.h"
#include "tests/sandbox/disk.h"

namespace wharf::sandbox::test {

namespace {

const std::string anna = "/sandbox/v1/phones/15550000001", ben = "/sandbox/v1/phones/15550000002";
constexpr const char* picture = R"({"data":"/9j/4AAQSkY="})";

/// Anna and Ben have a chat, Anna has a companion.
struct Scene : Api {
  std::unique_ptr<Client> desk;
  Scene() {
    two_phones();
    desk = linked_client(*this, *phones.find("15550000001"));
    data("POST", anna + "/messages", R"({"to":"15550000002","text":"hello"})", 202);
    desk->send(protocol::presence("available", "Anna"));
    settle();
  }
  /// The companion asks; what it was answered is not looked at.
  void ask(const Node& iq) {
    desk->send(iq);
    settle();
  }
  void refused(const std::string& target, const std::string& body, const std::string& field) {
    INFO(target << " " << body);
    const auto problem = error(call("POST", target, body), 400);
    REQUIRE(problem.at("details").as_object().contains(field));
  }
  json::array seen(const std::string& phone, std::string_view kind = {}) {
    json::array all;
    const auto rows = data("GET", phone + "/seen");
    for (const auto& row : rows.as_array()) {
      if (kind.empty() || row.at("kind") == json::string(kind)) all.push_back(row);
    }
    return all;
  }
  /// The newest of a kind; fails the test when there is none.
  json::value newest(const std::string& phone, std::string_view kind) {
    const auto all = seen(phone, kind);
    REQUIRE_FALSE(all.empty());
    return all.back();
  }
  const Node* last_at_desk(std::string_view tag) const {
    const auto found =
        std::find_if(desk->received.rbegin(), desk->received.rend(), [tag](const Node& node) { return node.is(tag); });
    return found == desk->received.rend() ? nullptr : &*found;
  }
};

}  // namespace

TEST_CASE("what a phone sets of itself over the control API is shown and told to its contacts") {
  Scene s;
  const auto before = s.data("GET", anna);
  CHECK(before.at("about") == "");
  CHECK(before.at("pictureId").is_null());
  CHECK(before.at("blocked").as_array().empty());
  CHECK(before.at("privacy").at("status") == "contacts");
  CHECK(before.at("defaultTimer") == 0);
  CHECK(before.at("available") == true);
  CHECK(before.at("business").is_null());

  const auto set = s.data("POST", anna + "/picture", picture);
  CHECK(s.data("POST", anna + "/about", R"({"text":"on the road"})").at("text") == "on the road");
  CHECK(s.data("POST", anna + "/default-timer", R"({"seconds":86400})").at("seconds") == 86'400);
  const auto privacy = s.data("POST", anna + "/privacy", R"({"last":"none","online":"match_last_seen"})");
  CHECK(privacy.at("last") == "none");
  CHECK(privacy.at("online") == "match_last_seen");
  CHECK(privacy.at("profile") == "all");
  CHECK(s.data("POST", anna + "/block", R"({"phone":"+1 555 000 0002","on":true})").at("blocked") ==
        json::array{"15550000002"});
  CHECK(s.data("POST", anna + "/name", R"({"name":"Anna B."})").at("name") == "Anna B.");
  CHECK(before.at("contacts").as_object().empty());
  const std::string saves = anna + "/contacts";
  CHECK(s.data("POST", saves, R"({"phone":"15550000002","name":"Benny"})").at("name") == "Benny");
  CHECK(s.data("GET", anna).at("contacts").at("15550000002") == "Benny");
  CHECK(s.data("POST", saves, R"({"phone":"15550000002","name":null})").at("name").is_null());
  CHECK(s.data("GET", anna).at("contacts").as_object().empty());
  s.error(s.call("POST", saves, R"({"phone":"15550000009","name":"Nobody"})"), 404);

  const auto shown = s.data("GET", anna);
  CHECK(shown.at("pictureId") == set.at("id"));
  CHECK(shown.at("about") == "on the road");
  CHECK(shown.at("defaultTimer") == 86'400);
  CHECK(shown.at("privacy") == privacy);
  CHECK(shown.at("blocked") == json::array{"15550000002"});
  CHECK(shown.at("name") == "Anna B.");
  const auto heard = s.seen(ben);
  REQUIRE(heard.size() == 3);
  CHECK(heard[0].at("kind") == "picture");
  CHECK(heard[0].at("from") == "15550000001");
  CHECK(heard[0].at("chat") == "15550000001");
  CHECK(heard[0].at("pictureId") == set.at("id"));
  CHECK(heard[1].at("kind") == "about");
  CHECK(heard[1].at("about") == "on the road");
  CHECK(heard[2].at("kind") == "defaultTimer");
  CHECK(heard[2].at("seconds") == 86'400);
  CHECK(s.seen(anna).empty());  // of itself it is not told

  CHECK(s.data("POST", anna + "/block", R"({"phone":"15550000002","on":false})").at("blocked").as_array().empty());
  CHECK(s.data("POST", anna + "/picture", R"({"data":null})").at("id").is_null());
  CHECK(s.data("GET", anna).at("pictureId").is_null());
  CHECK(s.newest(ben, "picture").at("pictureId").is_null());
  s.data("POST", anna + "/messages", R"({"to":"15550000002","text":"again"})", 202);
  CHECK(s.data("GET", anna).at("name") == "Anna B.");
}

TEST_CASE("a companion hears of what its phone sets") {
  Scene s;
  s.desk->received.clear();
  s.data("POST", anna + "/picture", picture);
  s.data("POST", anna + "/about", R"({"text":"away"})");
  s.data("POST", anna + "/default-timer", R"({"seconds":604800})");
  s.data("POST", anna + "/privacy", R"({"profile":"none"})");
  s.data("POST", anna + "/name", R"({"name":"Anna B."})");
  std::vector<protocol::NotificationEvent> heard;
  const Account& account = *s.network.find_account("15550000001");
  const protocol::NotificationReader reader{account.pn_jid(), account.lid_jid(), 0};
  for (const auto& stanza : s.desk->received) {
    if (!stanza.is("notification")) continue;
    for (auto& event : protocol::read_notification(stanza, reader)) heard.push_back(std::move(event));
  }
  REQUIRE(heard.size() == 5);
  CHECK(std::get<protocol::PictureChanged>(heard[0]).own);
  CHECK(std::get<protocol::AboutChanged>(heard[1]).own);
  CHECK(std::get<protocol::DefaultTimerChanged>(heard[2]).seconds == 604'800);
  CHECK(std::get<protocol::PrivacyChanged>(heard[3]).settings ==
        std::vector<protocol::PrivacySetting>{
            {protocol::PrivacyCategory::profile_picture, protocol::PrivacyValue::none}});
  CHECK(std::get<protocol::OwnPushNameChanged>(heard[4]).name == "Anna B.");
}

TEST_CASE("what requests about people may not contain is named field by field") {
  Scene s;
  s.refused(anna + "/picture", "{}", "data");
  s.refused(anna + "/picture", R"({"data":"no base64!"})", "data");
  s.refused(anna + "/picture", R"({"data":" "})", "data");
  s.error(s.call("POST", anna + "/picture", R"({"data":"aGVsbG8="})"), 422);
  s.refused(anna + "/about", "{}", "text");
  s.refused(anna + "/about", R"({"text":")" + std::string(140, 'x') + R"("})", "text");
  s.refused(anna + "/default-timer", R"({"seconds":60})", "seconds");
  s.refused(anna + "/default-timer", R"({"seconds":-1})", "seconds");
  s.refused(anna + "/privacy", R"({"last":"everybody"})", "last");
  s.refused(anna + "/privacy", R"({"online":"none","last":"all"})", "online");
  s.refused(anna + "/privacy", "{}", "body");
  s.refused(anna + "/privacy?strict=true", R"({"last":"all","colour":"all"})", "colour");
  s.refused(anna + "/block", R"({"phone":"15550000002"})", "on");
  s.refused(anna + "/block", R"({"phone":"anna","on":true})", "phone");
  s.error(s.call("POST", anna + "/block", R"({"phone":"15550000099","on":true})"), 404);
  s.refused(anna + "/name", R"({"name":""})", "name");
  s.refused(anna + "/contacts", R"({"phone":"15550000002"})", "name");
  s.refused(anna + "/contacts", R"({"phone":"15550000002","name":"a\nb"})", "name");
  s.refused(anna + "/contacts", R"({"name":"Ben"})", "phone");
  s.refused(anna + "/name", R"({"name":")" + std::string(26, 'x') + R"("})", "name");
  s.refused(anna + "/name", R"({"name":"a@b"})", "name");
  s.refused(anna + "/presence", R"({"available":"yes"})", "available");
  s.refused(anna + "/watch", R"({"to":"15550000002"})", "on");
  s.refused(anna + "/trust", R"({"to":"ben"})", "to");
  s.error(s.call("POST", anna + "/trust", R"({"to":"15550000099"})"), 404);
  s.error(s.call("POST", anna + "/watch", R"({"to":"15550000099","on":true})"), 404);
  s.error(s.call("GET", "/sandbox/v1/phones/15550000099/seen"), 404);
  const auto after = s.data("GET", anna);
  CHECK(after.at("privacy").at("last") == "all");
  CHECK(after.at("pictureId").is_null());
}

TEST_CASE("a phone that is off sets nothing and watches nobody") {
  Scene s;
  s.data("POST", anna + "/power", R"({"on":false})");
  for (const auto& [what, body] :
       {std::pair{"/picture", picture}, std::pair{"/about", R"({"text":"x"})"},
        std::pair{"/privacy", R"({"last":"none"})"}, std::pair{"/name", R"({"name":"x"})"},
        std::pair{"/contacts", R"({"phone":"15550000002","name":"x"})"},
        std::pair{"/presence", R"({"available":false})"}, std::pair{"/watch", R"({"to":"15550000002","on":true})"},
        std::pair{"/trust", R"({"to":"15550000002"})"}, std::pair{"/block", R"({"phone":"15550000002","on":true})"}}) {
    INFO(what);
    CHECK(s.error(s.call("POST", anna + what, body), 503).at("code") == "UNAVAILABLE");
  }
  s.data("POST", anna + "/power", R"({"on":true})");
  const auto shown = s.data("GET", anna);
  CHECK(shown.at("about") == "");
  CHECK(shown.at("available") == true);
  CHECK(shown.at("privacy").at("last") == "all");
}

TEST_CASE("a phone sees what a companion does: online, offline, typing, recording, a new picture and about") {
  Scene s;
  s.data("POST", anna + "/presence", R"({"available":false})");  // the companion alone
  s.desk->send(protocol::presence("unavailable", "Anna"));
  CHECK(s.data("POST", ben + "/watch", R"({"to":"15550000001","on":true})") ==
        json::parse(R"({"to":"15550000001","on":true})"));
  auto presence = s.seen(ben, "presence");
  REQUIRE(presence.size() == 1);
  CHECK(presence[0].at("from") == "15550000001");
  CHECK(presence[0].at("available") == false);
  CHECK(presence[0].at("lastSeen") == s.clock.unix_ms() / 1000);
  CHECK(presence[0].at("lastSeenHidden") == false);
  s.clock.advance(3'000);
  s.desk->send(protocol::presence("available", "Anna"));
  s.settle();
  presence = s.seen(ben, "presence");
  REQUIRE(presence.size() == 2);
  CHECK(presence[1].at("available") == true);
  CHECK(presence[1].at("lastSeen").is_null());
  CHECK(presence[1].at("at") == s.clock.unix_ms() / 1000);

  const Jid bens = s.network.find_account("15550000002")->lid_jid();
  using protocol::ChatState;
  for (const auto state : {ChatState::composing, ChatState::recording, ChatState::paused})
    s.ask(protocol::chat_state(bens, state));
  const auto states = s.seen(ben, "chatState");
  REQUIRE(states.size() == 3);
  CHECK(states[0].at("state") == "composing");
  CHECK(states[0].at("chat") == "15550000001");
  CHECK(states[1].at("state") == "recording");
  CHECK(states[2].at("state") == "paused");
  CHECK(states[2].at("from") == "15550000001");

  const Bytes jpeg{0xff, 0xd8, 0xff, 0xe0, 1};
  s.ask(protocol::set_picture_iq("p", std::nullopt, jpeg));
  s.ask(protocol::set_about_iq("a", "from the desk"));
  CHECK(s.newest(ben, "picture").at("pictureId") == s.data("GET", anna).at("pictureId"));
  CHECK(s.newest(ben, "about").at("about") == "from the desk");

  s.data("POST", anna + "/privacy", R"({"last":"none"})");
  s.desk->send(protocol::presence("unavailable", "Anna"));
  s.settle();
  const auto hidden = s.newest(ben, "presence");
  CHECK(hidden.at("available") == false);
  CHECK(hidden.at("lastSeen").is_null());
  CHECK(hidden.at("lastSeenHidden") == true);

  const auto count = s.seen(ben, "presence").size();
  s.data("POST", ben + "/watch", R"({"to":"15550000001","on":false})");
  s.desk->send(protocol::presence("available", "Anna"));
  s.settle();
  CHECK(s.seen(ben, "presence").size() == count);
}

TEST_CASE("a companion sees what a phone does: away and back, recording and paused") {
  Scene s;
  const Jid bens = s.network.find_account("15550000002")->lid_jid();
  s.ask(protocol::presence_subscription(bens));
  REQUIRE(s.last_at_desk("presence"));
  CHECK(protocol::read_presence(*s.last_at_desk("presence"), 0)->available);
  CHECK(s.data("POST", ben + "/presence", R"({"available":false})").at("available") == false);
  CHECK_FALSE(protocol::read_presence(*s.last_at_desk("presence"), 0)->available);
  CHECK(s.data("GET", ben).at("available") == false);
  s.data("POST", ben + "/power", R"({"on":false})");
  s.data("POST", ben + "/power", R"({"on":true})");
  CHECK_FALSE(protocol::read_presence(*s.last_at_desk("presence"), 0)->available);  // it stays so
  s.data("POST", ben + "/presence", R"({"available":true})");
  CHECK(protocol::read_presence(*s.last_at_desk("presence"), 0)->available);
  for (const auto* state : {"recording", "composing", "paused"}) {
    s.data("POST", ben + "/typing", R"({"to":"15550000001","state":")" + std::string(state) + R"("})");
    const auto* stanza = s.last_at_desk("chatstate");
    REQUIRE(stanza);
    const auto seen = protocol::read_chat_state(*stanza);
    REQUIRE(seen);
    CHECK(seen->chat == bens);
    CHECK((seen->state == protocol::ChatState::recording) == (std::string_view(state) == "recording"));
    CHECK((seen->state == protocol::ChatState::paused) == (std::string_view(state) == "paused"));
  }
}

TEST_CASE("a phone asks again for those whom it watches when it comes back") {
  Scene s;
  Disk::watch(s.network);
  s.data("POST", ben + "/watch", R"({"to":"15550000001","on":true})");
  auto count = s.seen(ben, "presence").size();
  s.data("POST", ben + "/power", R"({"on":false})");
  s.data("POST", ben + "/power", R"({"on":true})");
  CHECK(s.seen(ben, "presence").size() == ++count);
  s.data("POST", ben + "/presence", R"({"available":false})");
  s.data("POST", ben + "/presence", R"({"available":true})");
  CHECK(s.seen(ben, "presence").size() == ++count);
}

TEST_CASE("whom a phone watches, and that it is away, outlasts the process") {
  PhoneWorld world;
  Disk::watch(world.network);
  Disk disk;
  Phone& watcher = world.phone("15550000002", "Ben");
  Phone& away = world.phone("15550000001", "Anna");
  const auto ignore = [](const protocol::Result<Node>&) {};
  watcher.watch(*world.network.find_account("15550000001"), true, ignore);
  away.show_available(false, ignore);
  world.settle();
  disk.commit(world.network, world.phones);
  PhoneWorld later;
  REQUIRE(disk.load(later.network, later.phones));
  later.settle();
  CHECK_FALSE(later.phones.find("15550000001")->available());
  const auto& seen = later.phones.find("15550000002")->seen();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].from == "15550000001");
  CHECK_FALSE(std::get<SeenPresence>(seen[0].what).available);
}

TEST_CASE("a phone keeps the newest 256 of what it was told") {
  Scene s;
  const Jid bens = s.network.find_account("15550000002")->lid_jid();
  for (int i = 0; i < 300; ++i)
    s.desk->send(protocol::chat_state(bens, i < 299 ? protocol::ChatState::composing : protocol::ChatState::paused));
  s.settle();
  s.settle();
  const auto seen = s.seen(ben);
  REQUIRE(seen.size() == 256);
  CHECK(seen.back().at("state") == "paused");
}

TEST_CASE("an account becomes a business over the control API, and is none any more") {
  Scene s;
  const auto made = s.data("POST", anna + "/business",
                           R"({"name":"Anna's Shop","level":"low","description":"Bread","address":"1 Main Street",
                               "email":"a@shop.example","websites":["https://shop.example"],"latitude":52,"longitude":13.5,
                               "categories":[{"id":"1","name":"Bakery"}],"timezone":"Europe/Berlin",
                               "hours":[{"day":"tue","mode":"specific_hours","opens":480,"closes":1080}],
                               "products":[{"id":"a","name":"Bread","price":3500,"currency":"EUR",
                                            "images":["https://shop.example/a.jpg"]},{"id":"b","name":"Cake"}]})");
  CHECK(made == json::parse(R"({"name":"Anna's Shop","products":2})"));
  CHECK(s.data("GET", anna).at("business") == made);
  const auto* card = s.network.shown("15550000001").business;
  REQUIRE(card);
  CHECK(card->name.issuer == "smb:wa");
  CHECK(card->profile.latitude == 52.0);
  REQUIRE(card->profile.hours.size() == 1);
  CHECK(card->profile.hours[0] ==
        protocol::BusinessHours{protocol::Weekday::tue, protocol::BusinessHours::Mode::specific_hours, 480, 1'080});
  CHECK(card->products[0].price_thousandths == 3'500u);
  CHECK(card->products[0].images.at(0).url == "https://shop.example/a.jpg");
  std::vector<std::string> heard;
  for (const auto& row : s.seen(ben, "business")) heard.emplace_back(row.at("what").as_string());
  CHECK(heard == std::vector<std::string>{"name", "profile", "catalogue"});

  s.refused(anna + "/business", "{}", "name");
  s.refused(anna + "/business", R"({"name":"x","products":[{"id":"a","name":"A"},{"id":"a","name":"B"}]})",
            "products[1].id");
  s.refused(anna + "/business", R"({"name":"x","products":[{"id":"a"}]})", "products[0].name");
  s.refused(anna + "/business", R"({"name":"x","websites":["ftp://x"]})", "websites[0]");
  s.refused(anna + "/business", R"({"name":"x","hours":[{"day":"someday","mode":"open_24h"}]})", "hours[0].day");
  CHECK(s.data("GET", anna).at("business") == made);
  CHECK(s.data("POST", anna + "/business", R"({"name":null})").is_null());
  CHECK(s.data("GET", anna).at("business").is_null());
  CHECK(s.newest(ben, "business").at("what") == "removed");
}

}  // namespace wharf::sandbox::test
