// Profile pictures: who sets, sees and hears of them. Specification 05 section 13 (item 3), 06 sections 5 and 12.

#include <catch2/catch.hpp>

#include "tests/sandbox/people_world.h"

namespace wharf::sandbox::test {

using protocol::PictureChanged;
using protocol::PictureQuery;
using protocol::PictureSize;
using protocol::PrivacyCategory;
using protocol::PrivacyValue;
using Kind = protocol::PictureState::Kind;

namespace {

const Bytes first{0xff, 0xd8, 0xff, 0xe0, 1}, second{0xff, 0xd8, 0xff, 0xe1, 2, 3};

struct Scene : PeopleWorld {
  Jid annas() { return anna.account().pn_jid(); }
  PictureQuery query(PictureSize size = PictureSize::image) { return {anna.account().lid_jid(), size}; }
  std::string set(const Bytes& jpeg) {
    const auto id_set = protocol::read_picture_set(ask(*desk, protocol::set_picture_iq(id(), std::nullopt, jpeg)));
    REQUIRE(id_set);
    return *id_set;
  }
  std::vector<PictureChanged> heard(const Inbox& inbox, Primary& who) {
    return told<PictureChanged>(inbox, who.account());
  }
};

}  // namespace

TEST_CASE("a profile picture is served until there is another, and who has a chat with the account hears of it") {
  Scene s;
  CHECK(s.picture(s.ben, s.query()).kind == Kind::none);
  const auto id = s.set(first);

  for (const auto& inbox : {&s.ben.inbox, s.bens->inbox.get()}) {
    const auto heard = s.heard(*inbox, s.ben);
    REQUIRE(heard.size() == 1);
    CHECK(heard[0].jid == s.annas());
    CHECK(heard[0].author == s.annas());
    CHECK(heard[0].picture_id == id);
    CHECK_FALSE(heard[0].removed);
    CHECK_FALSE(heard[0].own);
  }
  const auto own = s.heard(s.anna.inbox, s.anna);
  REQUIRE(own.size() == 1);
  CHECK(own[0].own);
  CHECK(s.heard(*s.desk->inbox, s.anna).empty());  // it did it
  CHECK(s.heard(s.cleo.inbox, s.cleo).empty());

  const auto seen = s.picture(s.ben, s.query(PictureSize::preview));
  REQUIRE(seen.kind == Kind::present);
  CHECK(seen.id == id);
  CHECK(seen.size == PictureSize::preview);
  CHECK(seen.url == "https://127.0.0.1:443" + seen.direct_path);
  CHECK(seen.direct_path.find(s.anna.number) == std::string::npos);
  REQUIRE(s.world.network.media(seen.direct_path));
  CHECK(*s.world.network.media(seen.direct_path) == first);
  CHECK(s.picture(s.cleo, {s.annas()}).id == id);  // all may see it, by number too
  CHECK(s.picture(s.ben, {s.annas(), PictureSize::image, id}).kind == Kind::unchanged);

  const auto next = s.set(second);  // within the same second
  CHECK(next != id);
  CHECK(s.world.network.media(seen.direct_path) == nullptr);
  const auto newer = s.picture(s.ben, {s.annas(), PictureSize::image, id});
  REQUIRE(newer.kind == Kind::present);
  CHECK(*s.world.network.media(newer.direct_path) == second);
  CHECK(s.world.network.media("/pps/" + s.anna.account().lid + "_x.jpg") == nullptr);

  CHECK(Scene::error(s.ask(s.anna, protocol::remove_picture_iq(s.id(), std::nullopt))).empty());
  CHECK(s.picture(s.ben, s.query()).kind == Kind::none);
  CHECK(s.world.network.media(newer.direct_path) == nullptr);
  const auto heard = s.heard(*s.bens->inbox, s.ben);
  REQUIRE(heard.size() == 3);
  CHECK(heard[2].removed);
  CHECK(heard[2].picture_id.empty());
  CHECK(s.heard(*s.desk->inbox, s.anna).size() == 1);  // the phone removed it
  CHECK(Scene::error(s.ask(s.anna, protocol::remove_picture_iq(s.id(), std::nullopt))).empty());
  CHECK(s.heard(*s.bens->inbox, s.ben).size() == 3);  // there was none
}

TEST_CASE("what is no picture, too large or somebody else's is refused") {
  Scene s;
  const auto refused = [&s](const std::optional<Jid>& target, const Bytes& jpeg) {
    return Scene::error(s.ask(*s.desk, protocol::set_picture_iq(s.id(), target, jpeg)));
  };
  CHECK(refused(std::nullopt, protocol::to_bytes("no picture")) == "406");
  CHECK(refused(std::nullopt, {}) == "406");
  Bytes large = first;
  large.resize((1u << 20) + 1);
  CHECK(refused(std::nullopt, large) == "406");
  CHECK(s.picture(s.ben, s.query()).kind == Kind::none);
  CHECK(s.heard(*s.bens->inbox, s.ben).empty());
  large.pop_back();
  CHECK(refused(std::nullopt, large).empty());
  CHECK(refused(s.ben.account().lid_jid(), first) == "401");
  CHECK(s.picture(s.anna, {s.ben.account().lid_jid()}).kind == Kind::none);
  CHECK(refused(s.anna.account().lid_jid(), first).empty());

  CHECK(Scene::error(s.ask(s.ben, protocol::iq_get(s.id(), "w:profile:picture").add(Node("picture")))) == "400");
  CHECK(s.picture(s.ben, {Jid("15559999999", protocol::server::user)}).kind == Kind::none);
}

TEST_CASE("privacy and the block list hide a picture, and its changes") {
  Scene s;
  s.set(first);
  s.set_privacy(s.anna, PrivacyCategory::profile_picture, PrivacyValue::contacts);
  CHECK(s.picture(s.ben, s.query()).kind == Kind::present);
  CHECK(s.picture(s.cleo, s.query()).kind == Kind::hidden);
  auto shown = s.query();
  shown.token = s.token(s.anna, s.cleo);
  CHECK(s.picture(s.cleo, shown).kind == Kind::present);
  shown.target = s.ben.account().lid_jid();
  s.set_privacy(s.ben, PrivacyCategory::profile_picture, PrivacyValue::contacts);
  CHECK(s.picture(s.cleo, shown).kind == Kind::hidden);  // it is a token of another

  s.set_privacy(s.anna, PrivacyCategory::profile_picture, PrivacyValue::none);
  CHECK(s.picture(s.ben, s.query()).kind == Kind::hidden);
  CHECK(s.picture(s.anna, s.query()).kind == Kind::present);
  const auto before = s.heard(*s.bens->inbox, s.ben).size();
  s.set(second);
  CHECK(s.heard(*s.bens->inbox, s.ben).size() == before);
  CHECK_FALSE(s.heard(s.anna.inbox, s.anna).empty());

  s.set_privacy(s.anna, PrivacyCategory::profile_picture, PrivacyValue::all);
  s.block(s.anna, s.ben);
  CHECK(s.picture(s.ben, s.query()).kind == Kind::hidden);
  s.set(first);
  CHECK(s.heard(*s.bens->inbox, s.ben).size() == before);
}

TEST_CASE("who blocked an account hears nothing of its picture") {
  Scene s;
  s.block(s.ben, s.anna);
  s.set(first);
  CHECK(s.heard(*s.bens->inbox, s.ben).empty());
}

TEST_CASE("a picture outlasts the process, and whoever was away hears of it until it is acked") {
  Scene s;
  const auto id = s.set(first);
  REQUIRE(Scene::error(s.ask(s.ben, protocol::set_picture_iq(s.id(), std::nullopt, second))).empty());
  s.bens->disconnect();
  const auto next = s.set(second);
  REQUIRE(Scene::error(s.ask(s.ben, protocol::remove_picture_iq(s.id(), std::nullopt))).empty());
  LaterWorld later(s);
  const PictureQuery query{s.annas(), PictureSize::image, id};
  const auto seen = protocol::read_picture_answer(later.ask(s.ben.number, protocol::picture_iq("p", query)), query);
  REQUIRE(seen);
  CHECK(seen->id == next);
  REQUIRE(later.world.network.media(seen->direct_path));
  CHECK(*later.world.network.media(seen->direct_path) == second);
  const PictureQuery bens{s.ben.account().pn_jid()};
  const auto none = protocol::read_picture_answer(later.ask(s.ben.number, protocol::picture_iq("q", bens)), bens);
  REQUIRE(none);
  CHECK(none->kind == Kind::none);

  const auto log_in = [&](bool acks) {
    Inbox inbox;
    REQUIRE(later.world.network.login(s.bens->keys.noise.pub, s.bens->login_payload(), inbox));
    later.world.network.handle(s.bens->key, protocol::offline_batch_ib(100));
    const auto heard = told<PictureChanged>(inbox, s.ben.account());
    for (const auto& stanza : inbox.tagged("notification")) {
      if (acks) later.world.network.handle(s.bens->key, *protocol::notification_ack(stanza));
    }
    later.world.network.detach(s.bens->key, inbox);
    return heard;
  };
  const auto heard = log_in(false);
  REQUIRE_FALSE(heard.empty());
  CHECK(log_in(true) == heard);
  const auto is_next = [&next](const PictureChanged& change) { return change.picture_id == next; };
  CHECK(std::any_of(heard.begin(), heard.end(), is_next));
  CHECK(log_in(true).empty());
}

TEST_CASE("a damaged picture is refused") {
  World world;
  Primary anna(world, "15550000001");
  const RowKey key{RowKind::account_picture, anna.number, {}};
  CHECK_FALSE(world.network.restore(key, Bytes(8)));
  CHECK_FALSE(world.network.restore(key, Bytes(64, 1)));
  CHECK_FALSE(world.network.restore({RowKind::account_picture, "15550000009", {}}, Bytes(64, 1)));
  CHECK_FALSE(world.network.restore({RowKind::business, anna.number, {}}, protocol::encode_node(Node("business"))));
}

}  // namespace wharf::sandbox::test
