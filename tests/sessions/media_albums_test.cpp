// Albums of a real Session: their pictures leave behind their head, and end with it.
#include <catch2/catch.hpp>

#include "tests/sessions/sent_files.h"
#include "tests/storage/counts.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Node;
using namespace wharf::test;

TEST_CASE("the pictures of an album leave behind its head, and name it") {
  Files f;
  f.go_online();
  SendMessages album;
  SendMessage head;
  head.chat = ben;
  head.content = protocol::Album{2, 0};
  head.message_id = "3EB0ALBUM0001";
  album.messages = {head, picture(ben, 1), picture(ben, 4)};
  const auto ask = [&] {
    std::optional<Outcome<std::vector<SentMessage>>> answer;
    f.last = f.tell(album, [&](Outcome<std::vector<SentMessage>> told) { answer = std::move(told); });
    REQUIRE((answer && answer->has_value()));
    return **answer;
  };
  const auto sent = ask();
  auto effects = std::move(f.last);
  f.last.clear();
  REQUIRE(sent.size() == 3);
  CHECK(sent[0].id == "3EB0ALBUM0001");
  const auto first = messages(effects);
  REQUIRE(first.size() == 1);  // the head waits for no file
  CHECK(first[0].attr("id") == sent[0].id);
  CHECK(first[0].attr("type") == "text");
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const auto row = storage::find_message_by_id(f.store->reader(), f.row.id, sent[i].id, true);
    REQUIRE(row);
    const auto content = protocol::parse_message(row->content);
    CHECK(content->traits.album == (i == 0 ? "" : sent[0].id));
    CHECK((row->details.find("\"albumId\":\"3EB0ALBUM0001\"") != std::string::npos) == (i != 0));
    CHECK(row->kind == (i == 0 ? "album" : "image"));
  }
  // The same request again is answered with all of it, and sends nothing.
  const auto again = ask();
  REQUIRE(again.size() == 3);
  CHECK((again[0].replayed && again[2].id == sent[2].id));
  CHECK(messages(f.last).empty());

  effects = f.answer_hosts(effects);
  REQUIRE(all<StartUpload>(effects).size() == 2);
  auto then = std::move(all<StartUpload>(effects)[0]->then);
  const auto uploaded_first = f.call([&] { then(uploaded); });
  const auto second = messages(uploaded_first);
  REQUIRE(second.size() == 1);
  CHECK(second[0].attr("id") == sent[1].id);
  const auto kept = storage::find_message_by_id(f.store->reader(), f.row.id, sent[1].id, true);
  CHECK(protocol::parse_message(kept->content)->traits.album == sent[0].id);  // its place has come into it

  SendMessage forward;
  forward.chat = carl;
  forward.content = Forward{sent[0].id};
  CHECK(f.send(forward)->error().code == Errc::unsupported);
}

TEST_CASE("an album ends with its head: cancelled, deleted here, or deleted for everyone") {
  Files f;
  const bool scheduled = GENERATE(false, true);
  f.go_online();
  SendMessages album;
  SendMessage head;
  head.chat = ben;
  head.content = protocol::Album{2, 0};
  head.message_id = "3EB0ALBUM0001";
  album.messages = {head, picture(ben, 1), picture(ben, 4)};
  if (scheduled) {
    for (SendMessage& one : album.messages) one.send_at = f.now_ms + 3'600'000;
  }
  std::optional<Outcome<std::vector<SentMessage>>> answer;
  auto effects = f.tell(album, [&](Outcome<std::vector<SentMessage>> told) { answer = std::move(told); });
  REQUIRE((answer && answer->has_value()));
  const auto sent = **answer;
  const auto row = [&](std::size_t i) {
    return storage::find_message_by_id(f.store->reader(), f.row.id, sent[i].id, true);
  };
  SECTION("cancelled") {
    if (!scheduled) return;  // the head of the other is on its way
    std::optional<Outcome<SentMessage>> cancelled;
    f.tell(CancelMessage{sent[0].id}, [&](Outcome<SentMessage> done) { cancelled = std::move(done); });
    REQUIRE((cancelled && cancelled->has_value()));
    for (std::size_t i = 0; i < sent.size(); ++i) CHECK(row(i)->error == "cancelled before it was sent");
    CHECK(storage::count_outbox(f.store->reader(), f.row.id) == 0);
  }
  SECTION("deleted here") {
    f.tell(RemoveMessage{sent[0].id});
    for (std::size_t i = 0; i < sent.size(); ++i) CHECK_FALSE(row(i));
    CHECK(storage::count_outbox(f.store->reader(), f.row.id) == (scheduled ? 0 : 1));  // the head, to its ack
  }
  SECTION("deleted for everyone") {
    if (scheduled) return;
    f.stanza(test::ack(sent[0].id));
    effects = f.answer_hosts(effects);
    for (int i = 0; i < 2; ++i) {
      auto then = std::move(all<StartUpload>(effects)[static_cast<std::size_t>(i)]->then);
      for (const Node& out : messages(f.call([&] { then(uploaded); }))) f.stanza(test::ack(out.attr("id")));
    }
    SendMessage revoke;
    revoke.chat = ben;
    revoke.content = RevokeSent{sent[0].id};
    REQUIRE(f.send(revoke)->has_value());
    const auto revokes = messages(f.last);
    REQUIRE(revokes.size() == 3);
    for (const Node& out : revokes) {
      CHECK(out.attr("edit") == "7");
      f.stanza(test::ack(out.attr("id")));
    }
    for (std::size_t i = 0; i < sent.size(); ++i) CHECK(row(i)->revoked_at != 0);
  }
}

TEST_CASE("no picture of an album slips out while the album ends") {
  Files f;
  f.go_online();
  SendMessages album;
  SendMessage head;
  head.chat = ben;
  head.content = protocol::Album{2, 0};
  head.message_id = "3EB0ALBUM0001";
  album.messages = {head, picture(ben, 1), picture(ben, 4)};
  auto effects = f.tell(album, [](const Outcome<std::vector<SentMessage>>&) {});
  f.stanza(test::ack("3EB0ALBUM0001"));
  effects = f.answer_hosts(effects);
  auto second = std::move(all<StartUpload>(effects)[1]->then);
  CHECK(messages(f.call([&] { second(uploaded); })).empty());  // it waits behind the first
  SECTION("deleted here") { CHECK(messages(f.tell(RemoveMessage{"3EB0ALBUM0001"})).empty()); }
  SECTION("deleted for everyone") {
    SendMessage revoke;
    revoke.chat = ben;
    revoke.content = RevokeSent{"3EB0ALBUM0001"};
    REQUIRE(f.send(revoke)->has_value());
    const auto sent = messages(f.last);
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].attr("edit") == "7");
  }
}

TEST_CASE("an album is deleted for everyone whole or not at all, whatever room the queue has") {
  Files f;
  f.go_online();
  SendMessages album;
  SendMessage head;
  head.chat = ben;
  head.content = protocol::Album{2, 0};
  head.message_id = "3EB0ALBUM0001";
  album.messages = {head, picture(ben, 1), picture(ben, 4)};
  std::vector<SentMessage> sent;
  auto effects = f.tell(album, [&](Outcome<std::vector<SentMessage>> told) { sent = *told; });
  REQUIRE(sent.size() == 3);
  f.stanza(test::ack("3EB0ALBUM0001"));
  effects = f.answer_hosts(effects);
  SendMessage revoke;
  revoke.chat = ben;
  revoke.content = RevokeSent{"3EB0ALBUM0001"};
  revoke.message_id = "3EB0REVOKE001";
  const auto revoked = [&](std::size_t i) {
    return storage::find_message_by_id(f.store->reader(), f.row.id, sent[i].id, true)->revoked_at != 0;
  };
  SECTION("its pictures were sent, and wait for a revoke each") {
    for (std::size_t i = 0; i < 2; ++i) {
      auto then = std::move(all<StartUpload>(effects)[i]->then);
      for (const Node& out : messages(f.call([&] { then(uploaded); }))) f.stanza(test::ack(out.attr("id")));
    }
    f.settings.max_queued_messages = 2;
    CHECK(f.send(revoke)->error().code == Errc::rate_limited);
    CHECK(messages(f.last).empty());
    CHECK(storage::count_outbox(f.store->reader(), f.row.id) == 0);
    f.settings.max_queued_messages = 3;
    REQUIRE(f.send(revoke)->has_value());
    const auto revokes = messages(f.last);
    REQUIRE(revokes.size() == 3);
    for (const Node& out : revokes) f.stanza(test::ack(out.attr("id")));
    for (std::size_t i = 0; i < 3; ++i) CHECK(revoked(i));
  }
  SECTION("its pictures were not sent, and need none") {
    f.settings.max_queued_messages = 2;  // the two are in it
    CHECK(f.send(revoke)->error().code == Errc::rate_limited);
    CHECK(storage::count_outbox(f.store->reader(), f.row.id) == 2);
    f.settings.max_queued_messages = 3;
    REQUIRE(f.send(revoke)->has_value());
    CHECK(messages(f.last).size() == 1);
    CHECK(storage::count_outbox(f.store->reader(), f.row.id) == 1);
  }
}

TEST_CASE("no picture of an album slips out when its head is deleted in the turn in which all of it was accepted") {
  Files f;
  f.go_online();
  // A file that was uploaded before waits for nothing but the picture before it.
  const std::string known = (*f.send(picture(ben, 4)))->id;
  auto hosts = f.answer_hosts(f.last);
  f.upload_ends(hosts, uploaded);
  f.stanza(test::ack(known));
  SendMessages album;
  SendMessage head;
  head.chat = ben;
  head.content = protocol::Album{2, 0};
  head.message_id = "3EB0ALBUM0001";
  album.messages = {head, picture(ben, 1), picture(ben, 4)};
  const bool as_their_ids = GENERATE(true, false);  // the order of acceptance is that of the ids
  album.messages[1].message_id = as_their_ids ? "3EB0AAAA0001" : "3EB0ZZZZ0001";
  album.messages[2].message_id = as_their_ids ? "3EB0ZZZZ0001" : "3EB0AAAA0001";
  std::vector<Input> inputs;
  inputs.push_back(
      Fixture::asked(album, [](const Outcome<std::vector<SentMessage>>& sent) { REQUIRE(sent.has_value()); }));
  inputs.push_back(
      Fixture::asked(RemoveMessage{"3EB0ALBUM0001"}, [](const Outcome<>& removed) { REQUIRE(removed.has_value()); }));
  const auto sent = messages(f.turn(std::move(inputs)));
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].attr("id") == "3EB0ALBUM0001");  // it was sealed before
}

TEST_CASE("an album that ends in the turn in which it began sends none of its pictures") {
  Files f;
  f.go_online();
  for (char round = '1'; round <= '8'; ++round) {  // whatever ids the pictures get
    INFO("round " << round);
    SendMessage head;
    head.chat = ben;
    head.content = protocol::Album{2, 0};
    head.message_id = std::string("3EB0ALBUM000") + round;
    // The second waits for nothing but the first.
    SendMessage known = picture(ben, 4);
    auto& media = std::get<SendMedia>(known.content);
    media.content.file.direct_path = "/v/t62/known.enc";
    media.upload.reset();
    std::vector<Input> inputs;
    inputs.push_back(Fixture::asked(SendMessages{{head, picture(ben, 1), known}}, {}));
    inputs.push_back(Fixture::asked(RemoveMessage{*head.message_id}, {}));
    const auto sent = messages(f.turn(std::move(inputs)));
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].attr("id") == *head.message_id);
    CHECK(storage::count_outbox(f.store->reader(), f.row.id) == 1);  // the head, to its ack
    CHECK(storage::page_messages(f.store->reader(), f.row.id, ben, 10, std::nullopt).messages.empty());
    CHECK(messages(f.stanza(test::ack(*head.message_id))).empty());
  }
}
