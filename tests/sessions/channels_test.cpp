// Channels through a real Session: which are known and told, and what is asked of WhatsApp.
#include "sessions/channels/channels.h"

#include <algorithm>

#include "tests/sessions/channel_stanzas.h"

using namespace wharf;
using namespace wharf::test;
using events::ChannelUpdated;
using protocol::ChannelMetadata;
using protocol::ChannelRole;
using Fixture = ChannelFixture;
using Changes = std::vector<std::string>;

TEST_CASE("the list of channels is asked for once a connection, kept, and told from what is known without one") {
  Fixture f;
  const auto list = f.ask(ListChannels{});
  REQUIRE(list.asked.size() == 1);
  CHECK(std::holds_alternative<protocol::FetchFollowedChannels>(operation(list.asked[0])));
  f.hear(protocol::channels_answer(list.asked[0], {channel(news, "News"), channel(other, "Other")}));
  REQUIRE(list.answer().has_value());
  CHECK(list.answer()->fresh);
  CHECK(list.answer()->channels.size() == 2);
  CHECK(f.changes().empty());  // of the first list nothing is news

  const auto again = f.ask(ListChannels{});
  CHECK(again.asked.empty());
  CHECK(again.answer()->fresh);

  f.cut();
  const auto offline = f.ask(ListChannels{});
  CHECK_FALSE(offline.answer()->fresh);
  REQUIRE(offline.answer()->channels.size() == 2);
  CHECK(offline.answer()->channels[0] == channel(news, "News"));
  const auto one = f.ask(AskChannel{protocol::FetchChannel{other}});
  REQUIRE(one.answer().has_value());
  CHECK_FALSE(one.answer()->fresh);
  CHECK(one.answer()->metadata.name == "Other");
  CHECK(f.ask(AskChannel{protocol::FollowChannel{other}}).answer().error().code == Errc::not_ready);
}

TEST_CASE("a later list tells what has come and gone, and what is called dirty is asked for again") {
  Fixture f;
  f.know(channel(news, "News"));
  const auto asked = f.hear(dirty("5"));
  REQUIRE(questions(asked).size() == 1);
  CHECK(cleaned(asked).empty());
  const auto list = f.ask(ListChannels{}), another = f.ask(ListChannels{});
  CHECK(list.asked.empty());  // one question answers all
  CHECK_FALSE(list.answered());
  const auto after = f.hear(protocol::channels_answer(questions(asked)[0], {channel(other, "Other")}));
  CHECK(list.answer()->fresh);
  CHECK(another.answer()->channels == std::vector<ChannelMetadata>{channel(other, "Other")});
  CHECK(cleaned(after) == "5");
  CHECK(f.changes() == Changes{"followed", "unfollowed"});
  CHECK_FALSE(f.kept(news));
  CHECK(f.kept(other));
  CHECK(f.ask(ListChannels{}).asked.empty());
}

TEST_CASE("what is called dirty is not clean before its list has come") {
  Fixture f;
  f.know(channel(news, "News"));
  REQUIRE(questions(f.hear(dirty("5"))).size() == 1);
  CHECK(cleaned(f.later(33s)).empty());  // no answer
  const auto list = f.ask(ListChannels{});
  REQUIRE(questions(list.asked).size() == 1);
  CHECK(questions(f.hear(dirty("6"))).empty());
  // The list may be older than what made them dirty again.
  const auto again = f.hear(protocol::channels_answer(list.asked[0], {channel(news, "News")}));
  CHECK(cleaned(again).empty());
  REQUIRE(questions(again).size() == 1);
  CHECK(cleaned(f.hear(protocol::channels_answer(questions(again)[0], {channel(news, "News")}))) == "6");
}

TEST_CASE("a list that changes run into each time is asked for further and further apart") {
  Fixture f;
  f.know(channel(news, "News"));
  const auto lists = [](std::vector<Node> nodes) {
    nodes = questions(std::move(nodes));
    std::erase_if(nodes, [](const Node& node) {
      return !std::holds_alternative<protocol::FetchFollowedChannels>(operation(node));
    });
    return nodes;
  };
  auto asked = lists(f.hear(dirty("5")));
  int changes = 0;
  // What comes between the question and its answer.
  const auto answered = [&] {
    REQUIRE(asked.size() == 1);
    CHECK(lists(f.hear(changed("n" + std::to_string(++changes), news))).empty());
    return lists(f.hear(protocol::channels_answer(asked[0], {channel(news, "News")})));
  };
  asked = answered();  // once more at once
  CHECK(answered().empty());
  CHECK(lists(f.hear(dirty("6"))).empty());
  CHECK(lists(f.later(900ms)).empty());
  asked = lists(f.later(200ms));
  CHECK(answered().empty());
  CHECK(lists(f.later(1900ms)).empty());
  asked = lists(f.later(200ms));
  REQUIRE(asked.size() == 1);
  CHECK(cleaned(f.hear(protocol::channels_answer(asked[0], {channel(news, "News")}))) == "6");
  // Then it begins anew.
  asked = lists(f.hear(dirty("7")));
  CHECK(answered().size() == 1);
}

TEST_CASE("a channel is not taken for left when rows of the list could not be read") {
  Fixture f;
  f.know(channel(news, "News"));
  const auto asked = questions(f.hear(dirty("5")));
  REQUIRE(asked.size() == 1);
  protocol::Json rows = protocol::Json::array();
  rows.push(protocol::channel_metadata_json(channel(other, "Other"))).push(protocol::Json::object().set("id", 5u));
  f.hear(protocol::mex_answer(asked[0], protocol::Json::object().set("xwa2_newsletter_subscribed", rows)));
  CHECK(f.kept(news));
  CHECK(f.kept(other));
  CHECK(f.changes() == Changes{"followed"});
  CHECK(std::count(f.logged.begin(), f.logged.end(), "channel_list_cut read=1") == 1);
}

TEST_CASE("how many follow a channel is written when it is much another number, and is no news") {
  Fixture f;
  auto told = channel(news, "News");
  told.subscribers = 1'000;
  f.know(told);
  const auto before = f.kept(news);
  const auto learn = [&](std::uint64_t subscribers) {
    f.now_ms += 1'000;
    told.subscribers = subscribers;
    const auto fetch = f.ask(AskChannel{protocol::FetchChannel{news}});
    f.hear(tells(fetch.asked.at(0), told));
    CHECK(fetch.answer()->metadata.subscribers == subscribers);
  };
  learn(1'005);
  CHECK(f.kept(news) == before);
  learn(1'100);
  CHECK(f.kept(news) != before);
  CHECK(f.changes().empty());
}

TEST_CASE("what is told before the session is online is asked for when it is") {
  Fixture f;
  f.know(channel(news, "News"));
  f.cut();
  f.turn_of(LinkUp{{}, false, f.session->link_epoch()});
  const auto login = f.hear(Node("success").set("t", "1700000000").set("lid", Jid("100000000000001", "lid", 3)));
  // The backlog: it is acked, and does not come again. The account was made an admin here, and made a channel there.
  CHECK(questions(f.hear(changed("n1", news))).empty());
  CHECK(questions(f.hear(notice("n2", protocol::ChannelJoined{other}))).empty());
  CHECK(f.changes() == Changes{"followed"});
  std::vector<Node> asked;
  for (const Node& node : login)
    if (node.child("active")) asked = questions(f.hear(Node("iq").set("id", node.attr("id")).set("type", "result")));
  REQUIRE(asked.size() == 2);
  CHECK(f.ask(text_to(news)).answer().has_value());
  CHECK(f.ask(text_to(other)).answer().has_value());
  f.hear(tells(asked[0], channel(news, "Newer", ChannelRole::admin)));
  f.hear(tells(asked[1], channel(other, "Mine", ChannelRole::owner)));
  CHECK(f.changes() == Changes{"followed", "metadata", "metadata"});
  f.cut();
  CHECK(questions(f.go_online()).empty());
}

TEST_CASE("what a notification has left open is asked for again after a cut and after a crash") {
  Fixture f;
  f.know(channel(news, "News"));
  REQUIRE(questions(f.hear(changed("n1", news))).size() == 1);
  f.cut();
  CHECK(questions(f.go_online()).size() == 1);
  f.reopen();
  f.begin();
  auto asked = questions(f.go_online());
  REQUIRE(asked.size() == 1);
  // An answer that tells no role leaves it open.
  f.hear(tells(asked[0], channel(news, "Newer", ChannelRole::guest)));
  f.cut();
  asked = questions(f.go_online());
  REQUIRE(asked.size() == 1);
  f.hear(tells(asked[0], channel(news, "Newer")));
  f.cut();
  CHECK(questions(f.go_online()).empty());
  CHECK(f.changes() == Changes{"metadata"});
}

TEST_CASE("of many channels that have changed a few are asked for at a time") {
  Fixture f;
  std::vector<ChannelMetadata> many;
  for (int i = 0; i < 9; ++i)
    many.push_back(channel(Jid("12036300000000010" + std::to_string(i), "newsletter"), "N" + std::to_string(i)));
  const auto list = f.ask(ListChannels{});
  f.hear(protocol::channels_answer(list.asked.at(0), many));
  std::vector<Node> asked;
  const auto take = [&](const std::vector<Node>& nodes) {
    for (Node& node : questions(nodes)) asked.push_back(std::move(node));
  };
  for (const ChannelMetadata& one : many) take(f.hear(changed("n" + one.name, one.id)));
  CHECK(asked.size() == 4);
  for (std::size_t i = 0; i < asked.size() && i < many.size(); ++i) take(f.hear(tells(asked[i], many[i])));
  CHECK(asked.size() == 9);
}

TEST_CASE("a role that was told over an earlier connection does not forbid a post") {
  Fixture f;
  f.know(channel(news, "News"));
  CHECK(f.ask(text_to(news)).answer().error().code == Errc::forbidden);
  f.cut();
  CHECK(f.ask(text_to(news)).answer().has_value());
  f.go_online();
  f.know(channel(news, "News"));
  CHECK(f.ask(text_to(news)).answer().error().code == Errc::forbidden);
  f.hear(changed("n1", news));
  CHECK(f.ask(text_to(news)).answer().has_value());
}

TEST_CASE("what was left or deleted is answered as that, and takes no post until it is there again") {
  Fixture f;
  f.know(channel(news, "News"));
  // The server may name no more than the channel, or tell the role of before.
  ChannelMetadata bare;
  bare.id = news;
  for (const ChannelMetadata& told : {bare, channel(news, "News")}) {
    const auto leave = f.ask(AskChannel{protocol::UnfollowChannel{news}});
    f.hear(tells(leave.asked.at(0), told));
    REQUIRE(leave.answer().has_value());
    CHECK(leave.answer()->metadata.role == ChannelRole::guest);
    CHECK_FALSE(leave.answer()->metadata.muted);
    const auto late = f.ask(text_to(news));
    CHECK(late.answer().error().code == Errc::forbidden);
    CHECK(late.answer().error().detail == "the account has left the channel");
  }
  CHECK(f.changes() == Changes{"unfollowed"});
  // Made an admin there, by a notification that tells no role.
  f.hear(notice("n1", protocol::ChannelJoined{news}));
  CHECK(f.ask(text_to(news)).answer().has_value());
  f.hear(notice("n2", protocol::ChannelLeft{news, "GUEST"}));
  CHECK(f.ask(text_to(news)).answer().error().code == Errc::forbidden);

  const auto create = f.ask(AskChannel{protocol::CreateChannel{"Mine", {}, {}}});
  f.hear(tells(create.asked.at(0), channel(other, "Mine", ChannelRole::owner)));
  const auto remove = f.ask(AskChannel{protocol::DeleteChannel{other}});
  f.hear(tells(remove.asked.at(0), std::nullopt));
  const auto late = f.ask(text_to(other));
  CHECK(late.answer().error().code == Errc::not_found);
  CHECK(late.answer().error().subject == Subject::channel);
  // Of another connection's word nothing is known: WhatsApp decides.
  f.cut();
  CHECK(f.ask(text_to(other)).answer().has_value());
}

TEST_CASE("a list that was asked for before a channel was left does not bring it back") {
  Fixture f;
  const auto list = f.ask(ListChannels{});
  const auto follow = f.ask(AskChannel{protocol::FollowChannel{other}});
  f.hear(tells(follow.asked.at(0), channel(other, "Other")));
  f.hear(protocol::channels_answer(list.asked.at(0), {channel(news, "News")}));
  CHECK(f.kept(other));
  CHECK_FALSE(f.kept(news));
  CHECK(f.changes() == Changes{"followed"});
  CHECK_FALSE(list.answer()->fresh);
  CHECK(f.ask(ListChannels{}).asked.size() == 1);  // once more
}

TEST_CASE("what is done to a channel is told once, whatever notification follows") {
  Fixture f;
  const auto create = f.ask(AskChannel{protocol::CreateChannel{"Mine", "what happens", {}}});
  CHECK(std::get<protocol::CreateChannel>(operation(create.asked.at(0))).name == "Mine");
  f.hear(tells(create.asked[0], channel(news, "Mine", ChannelRole::owner)));
  REQUIRE(create.answer().has_value());
  CHECK(create.answer()->metadata.role == ChannelRole::owner);
  f.hear(notice("n1", protocol::ChannelJoined{news}));
  CHECK(f.changes() == Changes{"created"});

  protocol::UpdateChannel rename{news, "Ours"};
  const auto update = f.ask(AskChannel{rename});
  auto renamed = channel(news, "Ours", ChannelRole::owner);
  f.hear(tells(update.asked.at(0), renamed));
  // The notification has it read again, and nothing is another.
  const auto read = f.hear(notice("n2", protocol::ChannelChanged{news, "NotificationNewsletterUpdate"}));
  REQUIRE_FALSE(read.empty());
  f.hear(tells(read.front(), renamed));
  CHECK(f.changes() == Changes{"created", "metadata"});

  const auto remove = f.ask(AskChannel{protocol::DeleteChannel{news}});
  f.hear(tells(remove.asked.at(0), std::nullopt));
  REQUIRE(remove.answer().has_value());
  CHECK(remove.answer()->metadata.state == protocol::ChannelState::deleted);
  CHECK(remove.answer()->metadata.role == ChannelRole::unknown);
  CHECK(remove.answer()->metadata.name == "Ours");
  f.hear(notice("n3", protocol::ChannelLeft{news, "GUEST"}));
  CHECK(f.changes() == Changes{"created", "metadata", "deleted"});
  CHECK_FALSE(f.kept(news));
}

TEST_CASE("a channel that is followed elsewhere is known at once, and by its name when that was asked for") {
  Fixture f;
  const auto read = f.hear(notice("n1", protocol::ChannelJoined{news}));
  f.hear(notice("n1", protocol::ChannelJoined{news}));  // it comes again
  CHECK(f.changes() == Changes{"followed"});
  REQUIRE(f.kept(news));
  f.hear(tells(read.front(), channel(news, "News")));
  CHECK(f.changes() == Changes{"followed", "metadata"});
  f.hear(notice("n2", protocol::ChannelMuted{news, true}));
  f.hear(notice("n2", protocol::ChannelMuted{news, true}));
  CHECK(f.changes() == Changes{"followed", "metadata", "muted"});
  f.hear(notice("n3", protocol::ChannelMuted{other, true}));  // of one that is not followed
  CHECK(f.changes().size() == 3);
}

TEST_CASE("a channel that changes while it is read is read again") {
  Fixture f;
  f.know(channel(news, "News"));
  const auto first = f.hear(notice("n1", protocol::ChannelChanged{news, "NotificationNewsletterUpdate"}));
  const auto second = f.hear(notice("n2", protocol::ChannelChanged{news, "NotificationNewsletterUpdate"}));
  CHECK(std::none_of(second.begin(), second.end(), [](const Node& node) { return node.is("iq"); }));
  const auto again = f.hear(tells(first.front(), channel(news, "News 1")));
  REQUIRE(again.size() == 1);
  f.hear(tells(again[0], channel(news, "News 2")));
  const auto told = f.told_of<ChannelUpdated>();
  REQUIRE(told.size() == 2);
  CHECK(told[1].name == "News 2");
}

TEST_CASE("an answer about another channel, none, and silence are refusals") {
  Fixture f;
  const auto wrong = f.ask(AskChannel{protocol::FollowChannel{news}});
  f.hear(tells(wrong.asked.at(0), channel(other, "Other")));
  CHECK(wrong.answer().error().code == Errc::malformed);
  CHECK_FALSE(f.kept(other));
  const auto none = f.ask(AskChannel{protocol::FetchChannel{news}});
  f.hear(tells(none.asked.at(0), std::nullopt));
  CHECK(none.answer().error().code == Errc::not_found);
  CHECK(none.answer().error().subject == Subject::channel);
  for (const auto& [code, means] :
       {std::pair{403u, Errc::forbidden}, std::pair{404u, Errc::not_found}, std::pair{429u, Errc::rate_limited},
        std::pair{400u, Errc::malformed}, std::pair{500u, Errc::network}, std::pair{451u, Errc::refused}}) {
    const auto refused = f.ask(AskChannel{protocol::FetchChannel{news}});
    f.hear(protocol::mex_error_answer(refused.asked.at(0), code, "no"));
    CHECK(refused.answer().error().subject == Subject::channel);
    CHECK(refused.answer().error().code == means);
    CHECK(refused.answer().error().detail.find(std::to_string(code)) != std::string::npos);
  }
  const auto outdated = f.ask(AskChannel{protocol::FetchChannel{news}});
  f.hear(protocol::mex_error_answer(outdated.asked.at(0), 404, "document not found"));
  CHECK(outdated.answer().error().code == Errc::refused);
  const auto silent = f.ask(AskChannel{protocol::FetchChannel{news}});
  f.later(33s);
  CHECK(silent.answer().error().code == Errc::timed_out);
}

TEST_CASE("a refusal says what the role of the account in the channel makes of it") {
  Fixture f;
  const auto list = f.ask(ListChannels{});
  ChannelMetadata owned = channel(news, "News"), followed = channel(other, "Other");
  owned.role = ChannelRole::owner;
  followed.role = ChannelRole::subscriber;
  f.hear(protocol::channels_answer(list.asked.at(0), {owned, followed}));
  const auto refused = [&](ChannelRequest request) {
    const auto asking = f.ask(AskChannel{std::move(request)});
    f.hear(protocol::mex_error_answer(asking.asked.at(0), 403, "Forbidden"));
    CHECK(asking.answer().error().code == Errc::forbidden);
    return asking.answer().error().detail;
  };
  CHECK(refused(protocol::UnfollowChannel{news}).starts_with("who owns the channel cannot leave it"));
  CHECK(refused(protocol::DeleteChannel{other}).starts_with("only who owns the channel"));
  protocol::UpdateChannel update;
  update.channel = other;
  update.name = "Mine";
  CHECK(refused(update).starts_with("only admins"));
  // Of what the role does not explain the server's word stands alone.
  CHECK(refused(protocol::UnfollowChannel{other}).find("role") == std::string::npos);
  CHECK(refused(protocol::UnfollowChannel{other}).find("Forbidden") != std::string::npos);
}

TEST_CASE("channels are of the account: the next one knows none of them") {
  Fixture f;
  f.know(channel(news, "News"));
  const auto logout = f.ask(Logout{});
  f.hear(Node("iq").set("id", logout.asked.at(0).attr("id")).set("type", "result"));
  CHECK_FALSE(f.kept(news));
}
