// Posts of channels through a real Session: in and out, what is said of one, and their pages.
#include "sessions/channels/channels.h"

#include <algorithm>

#include "protocol/messages/content.h"
#include "protocol/messages/message_id.h"
#include "sessions/channels/channel_posting.h"
#include "storage/chats.h"
#include "storage/messages.h"
#include "storage/outbox.h"
#include "tests/sessions/channel_stanzas.h"

using namespace wharf;
using namespace wharf::test;
using events::ChannelUpdated;
using protocol::ChannelRole;
using Fixture = ChannelFixture;
using Changes = std::vector<std::string>;

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
  CHECK(shown().details == R"({"serverId":"101"})");
  const auto gone = f.told_of<events::MessageRevoked>();
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].about.target_id == "3EB0AA");
  f.hear(edit);  // of what is gone
  CHECK(f.told_of<events::MessageEdited>().size() == 2);
  CHECK(f.told_of<events::NewMessage>().size() == 1);
}

TEST_CASE("who follows a channel is told how its posts are reacted to, not that nobody may") {
  Fixture f;
  f.know(channel(news, "News"));
  f.hear(post("3EB0AA", 101, "hello"));
  SendMessage react;
  react.chat = news;
  react.content = React{"3EB0AA", "👍"};
  const auto heard = f.send(std::move(react));
  REQUIRE((heard && !heard->has_value()));
  CHECK(heard->error().code == protocol::Errc::not_implemented);
  CHECK(heard->error().detail.find("/messages/101/reactions") != std::string::npos);
}

TEST_CASE("the server id of a post is read where it is written, and not in what people have written") {
  CHECK(server_id_in(with_server_id({}, 101)) == 101u);
  CHECK(server_id_in(with_server_id(R"({"x":"y"})", 7)) == 7u);
  for (const char* none : {"", "{}", R"({"preview":{"title":"\"serverId\":\"7\"}"}})", R"({"serverId":"7","x":"y"})",
                           R"({"serverId":""})", R"({"serverId":"7a"})", R"({"serverId":"99999999999999999999"})"}) {
    INFO(none);
    CHECK_FALSE(server_id_in(none));
  }
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
  SendMessage next = text;
  std::string next_id;
  Asked<SendMessage> asked{std::move(next), [&](Outcome<SentMessage> taken) { next_id = taken->id; }};
  f.turn_of(CommandArrived{std::move(asked), "req-1"});
  f.hear(ack.set("id", next_id).set("server_id", std::uint64_t{106}));
  std::vector<std::string> requests;
  for (const storage::Event& entry : storage::read_events(f.store->reader(), {}))
    if (entry.name == "channel_update") requests.push_back(storage::value_of(entry).value()->request_id);
  CHECK(requests == std::vector<std::string>{"", "req-1"});

  lost(notice("n1", protocol::ChannelMuted{news, true}));
  f.hear(notice("n1", protocol::ChannelMuted{news, true}));
  CHECK(f.changes() == Changes{"posted", "posted", "muted"});
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
