// Channels through a real Session: which are known and told, what is asked of WhatsApp, posts in and out.
#include "sessions/channels/channels.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "protocol/messages/building.h"
#include "protocol/messages/content.h"
#include "protocol/messages/message_id.h"
#include "storage/channels.h"
#include "storage/chats.h"
#include "storage/messages.h"
#include "storage/outbox.h"
#include "tests/sessions/people_stanzas.h"

using namespace wharf;
using namespace wharf::test;
using events::ChannelUpdated;
using protocol::ChannelMetadata;
using protocol::ChannelRole;

namespace {

const Jid news("120363000000000009", "newsletter"), other("120363000000000010", "newsletter");

ChannelMetadata channel(const Jid& id, std::string name, ChannelRole role = ChannelRole::subscriber) {
  ChannelMetadata out;
  out.id = id;
  out.state = protocol::ChannelState::active;
  out.name = std::move(name);
  out.invite = "abcdefghijklmnop";
  out.subscribers = 3;
  out.role = role;
  out.muted = false;
  return out;
}

protocol::ChannelOperation operation(const Node& iq) {
  const auto query = protocol::read_mex_query(iq);
  REQUIRE(query);
  static const protocol::MexDocuments documents;  // its names are views into it
  const auto name = documents.operation(query->document);
  REQUIRE(name);
  auto read = protocol::read_channel_request({std::string(*name), query->variables});
  REQUIRE(read);
  return std::move(*read);
}

Node tells(const Node& iq, const std::optional<ChannelMetadata>& metadata) {
  return protocol::channel_answer(iq, operation(iq), metadata);
}

Node notice(const std::string& id, const protocol::NotificationEvent& event) {
  return protocol::notification_stanza({id, 1'700'000'000, Jid("15550000001", "s.whatsapp.net")}, event);
}

Node post(const std::string& id, std::uint64_t server_id, const std::string& text) {
  protocol::SeededRandom random{5};
  protocol::ChannelPost out;
  out.counts.server_id = server_id;
  out.id = id;
  out.type = "text";
  out.at = 1'700'000'001;
  out.message = protocol::quotable(protocol::build_message(text, {}, random).encoded);
  return protocol::channel_post_stanza(news, out);
}

struct Fixture : PeopleFixture {
  using PeopleFixture::PeopleFixture;
  std::vector<std::string> changes() {
    std::vector<std::string> out;
    for (const auto& told : told_of<ChannelUpdated>()) out.push_back(told.change);
    return out;
  }
  std::optional<storage::ChannelRow> kept(const Jid& id) { return storage::find_channel(store->reader(), row.id, id); }
  /// The account follows it, or has it.
  void know(const ChannelMetadata& metadata) {
    const auto list = ask(ListChannels{});
    REQUIRE(list.asked.size() == 1);
    hear(protocol::channels_answer(list.asked[0], {metadata}));
    REQUIRE(list.answer().has_value());
  }
};

using Changes = std::vector<std::string>;

/// The mex questions among these.
std::vector<Node> questions(std::vector<Node> nodes) {
  std::erase_if(nodes, [](const Node& node) { return !protocol::read_mex_query(node); });
  return nodes;
}

/// With what time the server's mark on channels is cleaned, "" when it is not.
std::string cleaned(const std::vector<Node>& nodes) {
  for (const Node& node : nodes)
    if (const Node* clean = node.child("clean"); clean != nullptr && clean->attr("type") == "newsletter_metadata")
      return clean->attr("timestamp");
  return {};
}

Node dirty(const char* timestamp) {
  return Node("ib").add(Node("dirty").set("type", "newsletter_metadata").set("timestamp", timestamp));
}

Node changed(const std::string& id, const Jid& which) {
  return notice(id, protocol::ChannelChanged{which, "NotificationNewsletterUpdate"});
}

SendMessage text_to(const Jid& chat) {
  SendMessage out = SessionFixture::text("hello");
  out.chat = chat;
  return out;
}

}  // namespace

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

TEST_CASE("a post is stored and told once, acked, without a receipt, and the channel is a chat and no contact") {
  Fixture f;
  f.know(channel(news, "News"));
  for (int times = 0; times < 2; ++times) {
    const auto answers = f.hear(post("3EB0AA", 101, "hello"));
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].is("ack"));
    CHECK_FALSE(answers[0].has("error"));
  }
  const auto row = storage::find_message(f.store->reader(), f.row.id, news, "3EB0AA");
  REQUIRE(row);
  CHECK(row->body == "hello");
  CHECK(row->author == news);
  CHECK_FALSE(row->from_me);
  CHECK(row->details == R"({"serverId":"101"})");
  CHECK(row->timestamp == 1'700'000'001'000);
  const auto told = f.told_of<events::NewMessage>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].message.push_name == "News");
  const auto chat = storage::find_chat(f.store->reader(), f.row.id, news);
  REQUIRE(chat);
  CHECK(chat->unread == 1);
  CHECK(chat->name == "News");
  CHECK_FALSE(f.contact(news));

  // Read here alone: channels take no receipts.
  const auto read = f.ask(MarkRead{news});
  CHECK(read.asked.empty());
  CHECK(storage::find_chat(f.store->reader(), f.row.id, news)->unread == 0);
}

TEST_CASE("what is no post of its own is acked and not stored") {
  Fixture f;
  Node edited = post("3EB0AA", 101, "hello");
  edited.set("edit", "3");
  Node nameless("message");
  nameless.set("from", news).set("t", "1700000001").set("type", "text").set("server_id", std::uint64_t{7});
  nameless.set("id", "3EB0BB").add(Node("plaintext").bytes(protocol::Bytes{0xff, 0xff, 0xff}));
  for (const Node& message : {edited, nameless}) {
    const auto answers = f.hear(message);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].is("ack"));
  }
  CHECK(f.told_of<events::NewMessage>().empty());
  // What is lost is said.
  CHECK(std::any_of(f.logged.begin(), f.logged.end(),
                    [](const std::string& line) { return line.starts_with("post_unreadable message=3EB0BB "); }));
  Node large("message");
  large.set("from", news).set("t", "1700000001").set("type", "text").set("server_id", std::uint64_t{8});
  large.set("id", "3EB0CC").add(Node("plaintext").bytes(protocol::Bytes((4u << 20) + 1, 0x0a)));
  CHECK(f.hear(large).size() == 1);
  CHECK(std::count(f.logged.begin(), f.logged.end(), "message_too_large message=3EB0CC bytes=4194305") == 1);
}

TEST_CASE("a post that is edited or deleted shows so, is told once, and is no post of its own") {
  Fixture f;
  f.know(channel(news, "News"));
  f.hear(post("3EB0AA", 101, "hello"));
  const auto shown = [&f] { return *storage::find_message(f.store->reader(), f.row.id, news, "3EB0AA"); };
  Node edit = post("3EB0AA", 101, "hello, all");
  edit.set("edit", "3").set("t", "1700000050");
  for (int times = 0; times < 2; ++times) {
    const auto answers = f.hear(edit);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].is("ack"));
  }
  CHECK(shown().body == "hello, all");
  CHECK(shown().edited_at == 1'700'000'050'000);
  CHECK(shown().timestamp == 1'700'000'001'000);
  CHECK(shown().details == R"({"serverId":"101"})");
  CHECK(protocol::parse_message(shown().content)->text == "hello, all");
  const auto edits = f.told_of<events::MessageEdited>();
  REQUIRE(edits.size() == 1);
  CHECK(edits[0].body == "hello, all");
  CHECK(edits[0].about.target_id == "3EB0AA");
  CHECK(edits[0].about.chat == news);
  CHECK_FALSE(edits[0].about.from_me);
  // Their order is the server's, whatever the times say.
  Node back = post("3EB0AA", 101, "hello");
  back.set("edit", "3").set("t", "1700000040");
  f.hear(back);
  CHECK(shown().body == "hello");
  CHECK(shown().edited_at == 1'700'000'050'000);

  Node deletion("message");
  deletion.set("from", news).set("id", "3EB0AA").set("t", "1700000060").set("type", "text").set("edit", "8");
  deletion.set("server_id", std::uint64_t{101}).add(Node("plaintext"));
  for (int times = 0; times < 2; ++times) f.hear(deletion);
  CHECK(shown().body.empty());
  CHECK(shown().content.empty());
  CHECK(shown().revoked_at == 1'700'000'060'000);
  const auto gone = f.told_of<events::MessageRevoked>();
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].about.target_id == "3EB0AA");
  f.hear(edit);  // of what is gone
  CHECK(f.told_of<events::MessageEdited>().size() == 2);
  CHECK(f.told_of<events::NewMessage>().size() == 1);
}

TEST_CASE("what a page shows otherwise than it is stored was edited, and what only has counts was not") {
  Fixture f;
  f.know(channel(news, "News"));
  f.hear(post("3EB0AA", 101, "hello"));
  const auto seen = [](std::optional<std::string> text) {
    protocol::SeededRandom random{6};
    protocol::ChannelPost out;
    out.counts = {101, 7, {}};
    out.id = "3EB0AA";
    out.at = 1'700'000'001;
    if (text) out.message = protocol::quotable(protocol::build_message(*text, {}, random).encoded);
    return out;
  };
  protocol::ChannelPage page;
  page.channel = news;
  protocol::ChannelUpdatesPage since;
  since.channel = news;
  since.after = 100;
  const auto read_page = [&](const protocol::ChannelPost& now) {
    const auto read = f.ask(ReadPosts{page});
    f.hear(protocol::channel_history_answer(read.asked.at(0), news, std::vector{now}));
    CHECK(read.answer().has_value());
  };
  const auto read_updates = [&](const protocol::ChannelPost& now) {
    const auto read = f.ask(ReadPostUpdates{since});
    f.hear(protocol::channel_updates_answer(read.asked.at(0), news, std::vector{now}));
    CHECK(read.answer().has_value());
  };
  read_page(seen("hello"));
  read_updates(seen(std::nullopt));
  CHECK(f.told_of<events::MessageEdited>().empty());
  read_updates(seen("hello, all"));
  read_page(seen("hello, all"));
  REQUIRE(f.told_of<events::MessageEdited>().size() == 1);
  read_page(seen("hello, everybody"));
  const auto told = f.told_of<events::MessageEdited>();
  REQUIRE(told.size() == 2);
  CHECK(told[1].body == "hello, everybody");
  CHECK(storage::find_message(f.store->reader(), f.row.id, news, "3EB0AA")->body == "hello, everybody");
  CHECK(f.told_of<events::NewMessage>().size() == 1);
}

TEST_CASE("a text to an own channel leaves in clear, and its ack tells the server id") {
  Fixture f;
  f.know(channel(news, "News", ChannelRole::owner));
  SendMessage text = SessionFixture::text("hello, followers");
  text.chat = news;
  const auto sent = f.ask(text);
  REQUIRE(sent.answer().has_value());
  REQUIRE(sent.asked.size() == 1);
  const auto what = protocol::read_channel_message(sent.asked[0]);
  REQUIRE(what);
  const auto* published = std::get_if<protocol::PublishPost>(&*what);
  REQUIRE(published != nullptr);
  const auto content = protocol::parse_message(published->message);
  REQUIRE(content.has_value());
  CHECK(content->text == "hello, followers");
  CHECK_FALSE(content->secret);
  CHECK_FALSE(sent.asked[0].child("enc"));

  Node ack("ack");
  ack.set("class", "message").set("id", sent.answer()->id).set("from", news).set("t", "1700000001");
  ack.set("server_id", std::uint64_t{105});
  f.hear(ack);
  f.hear(ack);  // it comes again
  const auto row = storage::find_message(f.store->reader(), f.row.id, news, sent.answer()->id);
  REQUIRE(row);
  CHECK(row->ack == storage::AckLevel::server);
  CHECK(row->details == R"({"serverId":"105"})");
  const auto told = f.told_of<ChannelUpdated>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].change == "posted");
  CHECK(told[0].server_id == "105");
  CHECK(told[0].message_id == sent.answer()->id);
  CHECK(storage::load_outbox(f.store->reader(), f.row.id).empty());
  // The server shows it to who wrote it, too.
  f.hear(post(sent.answer()->id, 105, "hello, followers"));
  CHECK(f.told_of<events::NewMessage>().size() == 1);
}

TEST_CASE("a post waits for a connection like any message, and goes out unchanged after a cut") {
  Fixture f(false);
  SendMessage text = SessionFixture::text("later");
  text.chat = news;
  const auto sent = f.ask(text);
  REQUIRE(sent.answer().has_value());
  const auto messages_of = [](std::vector<Node> nodes) {
    std::erase_if(nodes, [](const Node& node) { return !node.is("message"); });
    return nodes;
  };
  const auto first = messages_of(f.go_online());
  REQUIRE(first.size() == 1);
  f.cut();
  const auto second = messages_of(f.go_online());
  REQUIRE(second.size() == 1);
  CHECK(second[0] == first[0]);
}

TEST_CASE("what a lost commit takes away comes again, and is told once") {
  Fixture f;
  f.know(channel(news, "News", ChannelRole::owner));
  const auto lost = [&f](Node node) {
    f.turn_of(StanzaArrived{std::move(node), f.session->link_epoch()}, false);
    f.reopen();
    f.begin();
    return f.go_online();
  };
  lost(post("3EB0AA", 101, "hello"));
  CHECK(f.told_of<events::NewMessage>().empty());
  f.hear(post("3EB0AA", 101, "hello"));
  CHECK(f.told_of<events::NewMessage>().size() == 1);

  SendMessage text = SessionFixture::text("to all");
  text.chat = news;
  const auto sent = f.ask(text);
  REQUIRE(sent.answer().has_value());
  Node ack("ack");
  ack.set("class", "message").set("id", sent.answer()->id).set("from", news).set("t", "1700000001");
  ack.set("server_id", std::uint64_t{105});
  const auto again = lost(ack);
  CHECK(std::any_of(again.begin(), again.end(),
                    [&](const Node& node) { return node.is("message") && node == sent.asked.at(0); }));
  CHECK(f.changes().empty());
  f.hear(ack);
  CHECK(f.changes() == Changes{"posted"});
  CHECK(storage::load_outbox(f.store->reader(), f.row.id).empty());

  lost(notice("n1", protocol::ChannelMuted{news, true}));
  f.hear(notice("n1", protocol::ChannelMuted{news, true}));
  CHECK(f.changes() == Changes{"posted", "muted"});
}

TEST_CASE("what channels do not take, and who may not post, is refused before it is queued") {
  Fixture f;
  f.know(channel(news, "News"));
  SendMessage text = SessionFixture::text("me too");
  text.chat = news;
  const auto follower = f.ask(text);
  CHECK(follower.answer().error().code == Errc::forbidden);
  CHECK(follower.answer().error().subject == Subject::chat);

  SendMessage place;
  place.chat = other;
  place.content = protocol::Location();
  CHECK(f.ask(place).answer().error().code == Errc::not_implemented);
  SendMessage quoting = SessionFixture::text("so");
  quoting.chat = other;
  quoting.quoted_id = "3EB0AA";
  CHECK(f.ask(quoting).answer().error().code == Errc::not_implemented);
  SendMessage timer;
  timer.chat = other;
  timer.content = SetDisappearing{86'400};
  CHECK(f.ask(timer).answer().error().code == Errc::unsupported);
  f.hear(post("3EB0AA", 101, "hello"));
  f.hear(changed("n1", news));  // so that its role forbids nothing
  SendMessage reaction;
  reaction.content = React{"3EB0AA", "👍"};
  CHECK(f.ask(reaction).answer().error().code == Errc::not_implemented);
  CHECK(storage::load_outbox(f.store->reader(), f.row.id).empty());
}

TEST_CASE("reactions and views are answered by the server's ack, its refusal, silence and a cut") {
  Fixture f;
  const auto answered = [](const Node& stanza, unsigned error) {
    Node ack("ack");
    ack.set("class", stanza.tag).set("id", stanza.attr("id")).set("from", news).set("t", "1700000001");
    if (error != 0) ack.set("error", std::uint64_t{error});
    return ack;
  };
  const auto like = f.ask(ReactInChannel{news, 101, "👍"});
  REQUIRE(like.asked.size() == 1);
  const auto what = protocol::read_channel_message(like.asked[0]);
  REQUIRE(what);
  CHECK(std::get<protocol::ReactToPost>(*what) == protocol::ReactToPost{101, "👍"});
  CHECK_FALSE(like.answered());
  f.hear(answered(like.asked[0], 0));
  CHECK(like.answer().has_value());

  const auto taken_back = f.ask(ReactInChannel{news, 101, ""});
  f.hear(answered(taken_back.asked.at(0), 404));
  CHECK(taken_back.answer().error().code == Errc::not_found);

  CHECK(taken_back.answer().error().subject == Subject::channel);  // of one that is not known here
  f.know(channel(other, "Other"));
  const auto nowhere = f.ask(ReactInChannel{other, 999, "👍"});
  f.hear(answered(nowhere.asked.at(0), 404));
  CHECK(nowhere.answer().error().code == Errc::not_found);
  CHECK(nowhere.answer().error().subject == Subject::message);
  const auto forbidden = f.ask(ReactInChannel{other, 101, "👍"});
  f.hear(answered(forbidden.asked.at(0), 403));
  CHECK(forbidden.answer().error().subject == Subject::channel);

  const auto view = f.ask(ViewPosts{news, {101, 102}});
  const auto views = protocol::read_channel_view_receipt(view.asked.at(0));
  REQUIRE(views);
  CHECK(views->server_ids == std::vector<std::uint64_t>{101, 102});
  f.hear(answered(view.asked[0], 0));
  CHECK(view.answer().has_value());

  const auto cut = f.ask(ReactInChannel{news, 103, "👍"});
  f.cut();
  CHECK(cut.answer().error().code == Errc::timed_out);
  CHECK(f.ask(ReactInChannel{news, 104, "👍"}).answer().error().code == Errc::not_ready);
  f.go_online();
  const auto silent = f.ask(ReactInChannel{news, 102, "👍"});
  f.later(33s);
  CHECK(silent.answer().error().code == Errc::timed_out);
}

TEST_CASE("pages of posts are read from the server, and counts are told as they change, once each") {
  Fixture f;
  protocol::ChannelPage page;
  page.channel = news;
  page.before = 110;
  const auto read = f.ask(ReadPosts{page});
  const auto query = protocol::read_channel_history_query(read.asked.at(0));
  REQUIRE(query);
  CHECK(query->before == 110u);
  protocol::ChannelPost one;
  one.counts = {101, 7, {{"👍", 2}}};
  one.id = "3EB0AA";
  const std::vector<protocol::ChannelPost> posts = {one};
  f.hear(protocol::channel_history_answer(read.asked[0], news, posts));
  REQUIRE(read.answer().has_value());
  CHECK(*read.answer() == posts);

  protocol::ChannelUpdatesPage since;
  since.channel = news;
  since.since = 1'700'000'000;
  since.after = 100;
  const auto updates = f.ask(ReadPostUpdates{since});
  const auto asked = protocol::read_channel_updates_query(updates.asked.at(0));
  REQUIRE(asked);
  CHECK(*asked == since);
  f.hear(protocol::channel_updates_answer(updates.asked[0], news, posts));
  CHECK(*updates.answer() == posts);

  const auto watch = f.ask(WatchChannel{news});
  f.hear(protocol::channel_live_answer(watch.asked.at(0), 300));
  CHECK(*watch.answer() == 300);
  f.hear(notice("n1", protocol::ChannelMessageUpdated{news, {101, 8, {{"👍", 3}}}}));
  f.hear(notice("n1", protocol::ChannelMessageUpdated{news, {101, 8, {{"👍", 3}}}}));
  f.hear(notice("n2", protocol::ChannelMessageUpdated{news, {101, 9, {{"👍", 3}}}}));
  const auto told = f.told_of<ChannelUpdated>();
  REQUIRE(told.size() == 2);
  CHECK(told[0] == ChannelUpdated{news, "counts", "", "", "101", 8, R"([{"emoji":"👍","count":3}])", f.now_ms});
  CHECK(told[1].views == 9);
}

TEST_CASE("channels are of the account: the next one knows none of them") {
  Fixture f;
  f.know(channel(news, "News"));
  const auto logout = f.ask(Logout{});
  f.hear(Node("iq").set("id", logout.asked.at(0).attr("id")).set("type", "result"));
  CHECK_FALSE(f.kept(news));
}
