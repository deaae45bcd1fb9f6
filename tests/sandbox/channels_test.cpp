// Channels of the simulated network: what clients ask by mex and in the namespace newsletter, posts and who gets them,
// and what outlasts the process. Specification 05 section 8.

#include <catch2/catch.hpp>

#include <algorithm>

#include "protocol/channels/operations.h"
#include "protocol/channels/posts.h"
#include "protocol/messages/building.h"
#include "protocol/mex/query.h"
#include "protocol/stanzas/ack.h"
#include "sandbox/network/channels/channel_store.h"
#include "tests/sandbox/people_world.h"

namespace wharf::sandbox::test {

namespace {

using protocol::ChannelMetadata;
using protocol::ChannelRole;

Bytes text(std::string_view body) {
  protocol::SeededRandom random{3};
  return protocol::quotable(protocol::build_message(std::string(body), {}, random).encoded);
}

/// Anna's companion `desk` has a channel, Ben's companion `bens` follows it.
struct Scene : PeopleWorld {
  Jid news;
  Scene() {
    const auto made = mex(*desk, protocol::CreateChannel{"News", "what happens", {}});
    REQUIRE(made);
    news = made->id;
    REQUIRE(mex(*bens, protocol::FollowChannel{news}));
  }
  Node asked(Companion& who, const protocol::ChannelOperation& operation) {
    const auto iq = protocol::mex_iq(id(), protocol::MexDocuments(), protocol::channel_request(operation));
    REQUIRE(iq);
    return ask(who, *iq);
  }
  protocol::Result<ChannelMetadata> mex(Companion& who, const protocol::ChannelOperation& operation) {
    return protocol::read_channel_answer(asked(who, operation));
  }
  std::vector<ChannelMetadata> list(Companion& who) {
    const auto told = protocol::read_channels_answer(asked(who, protocol::FetchFollowedChannels()));
    REQUIRE(told);
    return told->channels;
  }
  /// The ack of what is said in the channel.
  Node say(Companion& who, const std::string& message_id, const protocol::ChannelSend& what) {
    who.send(protocol::channel_message(message_id, news, what));
    const Node* ack = who.inbox->last("ack");
    REQUIRE(ack != nullptr);
    REQUIRE(ack->attr("id") == message_id);
    return *ack;
  }
  std::vector<protocol::ChannelPost> page(Companion& who, std::uint64_t count, std::optional<std::uint64_t> before = {},
                                          std::optional<std::uint64_t> after = {}) {
    protocol::ChannelPage asked;
    asked.channel = news;
    asked.count = count;
    asked.before = before;
    asked.after = after;
    const auto posts =
        protocol::read_channel_history(ask(who, protocol::channel_history_iq(id(), asked)), 2'000'000'000);
    REQUIRE(posts);
    return *posts;
  }
  std::vector<protocol::ChannelPost> received(Companion& who) {
    std::vector<protocol::ChannelPost> out;
    for (const Node& node : who.inbox->tagged("message"))
      if (auto post = protocol::read_channel_post(node, 2'000'000'000)) out.push_back(std::move(*post));
    return out;
  }
};

}  // namespace

TEST_CASE("a channel is made, looked at by id and link, followed, listed, changed, muted, left and deleted") {
  Scene s;
  const auto own = s.mex(*s.desk, protocol::FetchChannel{s.news});
  REQUIRE(own);
  CHECK(own->name == "News");
  CHECK(own->description == "what happens");
  CHECK(own->role == ChannelRole::owner);
  CHECK(own->subscribers == 1u);
  const auto by_link = s.mex(*s.bens, protocol::FetchChannel{own->invite});
  REQUIRE(by_link);
  CHECK(by_link->id == s.news);
  CHECK(by_link->role == ChannelRole::subscriber);
  CHECK(s.list(*s.bens).size() == 1);
  CHECK(s.list(*s.desk).size() == 1);

  CHECK_FALSE(s.mex(*s.bens, protocol::UpdateChannel{s.news, "Mine"}));
  const auto renamed = s.mex(*s.desk, protocol::UpdateChannel{s.news, "Old news"});
  REQUIRE(renamed);
  CHECK(renamed->name == "Old news");
  const auto told_of_change = told<protocol::ChannelChanged>(*s.bens->inbox, s.ben.account());
  REQUIRE(told_of_change.size() == 1);
  CHECK(told_of_change[0].channel == s.news);
  CHECK(told<protocol::ChannelChanged>(*s.desk->inbox, s.anna.account()).empty());  // it has its answer

  s.asked(*s.bens, protocol::MuteChannel{s.news, true, false});
  CHECK(s.mex(*s.bens, protocol::FetchChannel{s.news})->muted == true);
  CHECK_FALSE(s.mex(*s.desk, protocol::UnfollowChannel{s.news}));  // its owner cannot leave it
  REQUIRE(s.mex(*s.bens, protocol::UnfollowChannel{s.news}));
  CHECK(s.list(*s.bens).empty());
  s.asked(*s.desk, protocol::DeleteChannel{s.news});
  CHECK(s.mex(*s.bens, protocol::FetchChannel{s.news}).error().code == protocol::Errc::not_found);
  CHECK(s.list(*s.desk).empty());
}

TEST_CASE("a post gets a server id, goes to who follows, once, and only admins post") {
  Scene s;
  const auto first = s.say(*s.desk, "3EB0AA", protocol::PublishPost{text("hello"), {}, {}});
  const auto server_id = protocol::acked_server_id(first);
  REQUIRE(server_id);
  CHECK_FALSE(first.has("error"));
  auto got = s.received(*s.bens);
  REQUIRE(got.size() == 1);
  CHECK(got[0].id == "3EB0AA");
  CHECK(got[0].counts.server_id == *server_id);
  CHECK(got[0].message == text("hello"));
  CHECK_FALSE(got[0].own);
  CHECK(s.received(*s.desk).empty());

  CHECK(protocol::acked_server_id(s.say(*s.desk, "3EB0AA", protocol::PublishPost{text("hello"), {}, {}})) == server_id);
  CHECK(s.received(*s.bens).size() == 1);
  CHECK(s.say(*s.bens, "3EB0BB", protocol::PublishPost{text("me too"), {}, {}}).attr("error") == "403");
  REQUIRE(s.world.network.set_channel_admin(s.ben.number, s.news, true));
  CHECK_FALSE(s.say(*s.bens, "3EB0CC", protocol::PublishPost{text("me too"), {}, {}}).has("error"));
  CHECK(s.received(*s.desk).size() == 1);
}

TEST_CASE("a post waits for a companion that is away until it is acked") {
  Scene s;
  s.bens->disconnect();
  const auto before = s.world.network.queue_length(s.bens->key);
  s.say(*s.desk, "3EB0AA", protocol::PublishPost{text("hello"), {}, {}});
  CHECK(s.world.network.queue_length(s.bens->key) == before + 1);
  REQUIRE(s.bens->login());
  s.bens->send(protocol::offline_batch_ib(100));
  REQUIRE(s.received(*s.bens).size() == 1);
  s.bens->send(protocol::ack_for(*s.bens->inbox->last("message"), s.bens->pn()));
  CHECK(s.world.network.queue_length(s.bens->key) == before);
}

TEST_CASE("pages are cut by server ids, and show edits, deletions, reactions and views") {
  Scene s;
  std::vector<std::uint64_t> ids;
  for (const char* name : {"3EB0A1", "3EB0A2", "3EB0A3"})
    ids.push_back(protocol::acked_server_id(s.say(*s.desk, name, protocol::PublishPost{text(name), {}, {}})).value());
  CHECK(std::is_sorted(ids.begin(), ids.end()));
  const auto server_ids = [](const std::vector<protocol::ChannelPost>& posts) {
    std::vector<std::uint64_t> out;
    for (const auto& post : posts) out.push_back(post.counts.server_id);
    return out;
  };
  CHECK(server_ids(s.page(*s.bens, 2)) == std::vector{ids[1], ids[2]});
  CHECK(server_ids(s.page(*s.bens, 9, ids[1])) == std::vector{ids[0]});
  CHECK(server_ids(s.page(*s.bens, 9, {}, ids[1])) == std::vector{ids[2]});

  CHECK_FALSE(s.say(*s.desk, "3EB0A1", protocol::EditPost{text("edited")}).has("error"));
  CHECK_FALSE(s.say(*s.desk, "3EB0A2", protocol::DeletePost()).has("error"));
  CHECK_FALSE(s.say(*s.bens, "r1", protocol::ReactToPost{ids[0], "👍"}).has("error"));
  CHECK(s.say(*s.bens, "r2", protocol::ReactToPost{999'999, "👍"}).attr("error") == "404");
  s.bens->send(protocol::channel_view_receipt("v1", s.news, std::vector{ids[0], ids[2]}));
  CHECK(s.bens->inbox->last("ack")->attr("class") == "receipt");
  s.bens->send(protocol::channel_view_receipt("v2", s.news, std::vector{ids[0]}));  // no second view
  const auto posts = s.page(*s.desk, 9);
  REQUIRE(posts.size() == 3);
  CHECK(posts[0].message == text("edited"));
  CHECK(posts[0].own);
  CHECK(posts[0].counts.views == 1u);
  CHECK(posts[0].counts.reactions == std::vector<protocol::ReactionCount>{{"👍", 1}});
  CHECK_FALSE(posts[1].message);
  CHECK(posts[2].counts.views == 1u);
  s.world.clock.advance(60'000);
  s.say(*s.bens, "r3", protocol::ReactToPost{ids[0], ""});
  CHECK(s.page(*s.desk, 9)[0].counts.reactions.empty());
  protocol::ChannelUpdatesPage asked;
  asked.channel = s.news;
  asked.after = ids[0] - 1;
  asked.since = static_cast<std::uint64_t>(s.world.clock.unix_ms() / 1000);
  const auto changed =
      protocol::read_channel_updates(s.ask(*s.desk, protocol::channel_updates_iq(s.id(), asked)), 2'000'000'000);
  REQUIRE(changed);
  CHECK(server_ids(*changed) == std::vector{ids[0]});
}

TEST_CASE("edits and deletions go to who follows under the id of their post, and not to the device that made them") {
  Scene s;
  s.say(*s.desk, "3EB0A1", protocol::PublishPost{text("hello"), {}, {}});
  s.world.clock.advance(60'000);
  const auto changes = [](Companion& who) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const Node& node : who.inbox->tagged("message"))
      if (node.has("edit")) out.emplace_back(node.attr("edit"), node.attr("id"));
    return out;
  };
  using Changes = std::vector<std::pair<std::string, std::string>>;
  s.say(*s.desk, "3EB0A1", protocol::EditPost{text("edited")});
  REQUIRE(changes(*s.bens) == Changes{{"3", "3EB0A1"}});
  auto got = s.received(*s.bens);
  REQUIRE(got.size() == 2);
  CHECK(got[1].message == text("edited"));
  CHECK(got[1].counts.server_id == got[0].counts.server_id);
  CHECK(got[1].at > got[0].at);
  s.say(*s.desk, "3EB0A1", protocol::DeletePost());
  CHECK(changes(*s.bens) == Changes{{"3", "3EB0A1"}, {"8", "3EB0A1"}});
  CHECK_FALSE(s.received(*s.bens)[2].message);
  CHECK(changes(*s.desk).empty());

  const auto by_phone = s.world.network.post_in_channel(s.anna.number, s.news, "by phone").value();
  REQUIRE(s.world.network.edit_in_channel(s.news, by_phone, "by phone, edited"));
  REQUIRE(s.world.network.delete_in_channel(s.news, by_phone));
  REQUIRE(s.world.network.delete_in_channel(s.news, by_phone));  // it is
  CHECK(changes(*s.desk).size() == 2);
  CHECK(changes(*s.bens).size() == 4);
  CHECK(s.world.network.edit_in_channel(s.news, by_phone, "again").error().code == protocol::Errc::refused);
  CHECK(s.world.network.edit_in_channel(s.news, 999'999, "x").error().code == protocol::Errc::not_found);
  CHECK(s.world.network.delete_in_channel(Jid("1", "newsletter"), by_phone).error().code == protocol::Errc::not_found);
}

TEST_CASE("who watches a channel hears of counts until its time is over") {
  Scene s;
  const auto server_id =
      protocol::acked_server_id(s.say(*s.desk, "3EB0AA", protocol::PublishPost{text("hello"), {}, {}})).value();
  s.say(*s.bens, "r1", protocol::ReactToPost{server_id, "👍"});
  const auto heard = [&] { return told<protocol::ChannelMessageUpdated>(*s.desk->inbox, s.anna.account()); };
  CHECK(heard().empty());
  CHECK(protocol::read_channel_live(s.ask(*s.desk, protocol::channel_live_iq(s.id(), s.news))).value() == 300);
  s.say(*s.bens, "r2", protocol::ReactToPost{server_id, "🙏"});
  REQUIRE(heard().size() == 1);
  CHECK(heard()[0].counts.reactions == std::vector<protocol::ReactionCount>{{"🙏", 1}});
  s.say(*s.bens, "r3", protocol::ReactToPost{server_id, "🙏"});  // as it was
  CHECK(heard().size() == 1);
  s.world.clock.advance(301'000);
  s.say(*s.bens, "r4", protocol::ReactToPost{server_id, "👍"});
  CHECK(heard().size() == 1);
}

TEST_CASE("what other clients ask by older ids of documents is answered, what is not simulated stays empty") {
  Scene s;
  Node query("query");
  query.set("query_id", "8823471724422422").text(R"({"variables":{"input":{"name":"Second"}}})");
  Node iq = protocol::iq_get("q1", "w:mex");
  const auto made = protocol::read_channel_answer(s.ask(*s.desk, iq.add(std::move(query))));
  REQUIRE(made);
  CHECK(made->name == "Second");
  CHECK(s.list(*s.desk).size() == 2);
  CHECK(protocol::read_mex_answer(s.asked(*s.desk, protocol::FetchInsights{s.news, {}})));
}

TEST_CASE("channels, followers, posts and their counts outlast the process, deleted ones leave no row") {
  Scene s;
  const auto server_id =
      protocol::acked_server_id(s.say(*s.desk, "3EB0AA", protocol::PublishPost{text("hello"), {}, {}})).value();
  s.say(*s.bens, "r1", protocol::ReactToPost{server_id, "👍"});
  const auto second = s.world.network.create_channel(s.cleo.number, "Gone", "");
  REQUIRE(second);
  REQUIRE(s.world.network.post_in_channel(s.cleo.number, *second, "bye"));
  {
    LaterWorld before(s);
    CHECK(std::count_if(before.disk.rows.begin(), before.disk.rows.end(),
                        [](const auto& row) { return row.first.kind == RowKind::channel_post; }) == 2);
    const Channel* channel = before.world.network.find_channel(s.news);
    REQUIRE(channel != nullptr);
    CHECK(channel->name == "News");
    CHECK(channel->owner == s.anna.number);
    CHECK(channel->members.contains(s.ben.number));
    REQUIRE(channel->posts.contains(server_id));
    CHECK(channel->posts.at(server_id).message == text("hello"));
    CHECK(channel->posts.at(server_id).reactions.at(s.ben.number) == "👍");
    CHECK(before.world.network.post_in_channel(s.anna.number, s.news, "next").value() == server_id + 1);
  }
  const Jid gone = *second;
  const auto refused = s.world.network.update_channel(s.ben.number, gone, "Mine", std::nullopt);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == protocol::Errc::refused);
  s.asked(*s.desk, protocol::DeleteChannel{s.news});
  LaterWorld later(s);
  CHECK(later.world.network.find_channel(s.news) == nullptr);
  CHECK(later.world.network.channels().size() == 1);
  CHECK(std::count_if(later.disk.rows.begin(), later.disk.rows.end(),
                      [](const auto& row) { return row.first.kind == RowKind::channel_post; }) == 1);
}

}  // namespace wharf::sandbox::test
