// Files of a real Session: a message waits for its upload and its chat behind it, a lost connection, a refusal or a
// restart in between does what it must; a file that the servers lost is asked of the phone.
#include <catch2/catch.hpp>

#include <algorithm>

#include "protocol/media/media_retry.h"
#include "protocol/messages/media_location.h"
#include "tests/sessions/sent_files.h"
#include "tests/storage/counts.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Node;
using namespace std::chrono_literals;

using namespace wharf::test;

TEST_CASE("a message with a file leaves when the file is uploaded, and its chat behind it; other chats do not wait") {
  Files f;
  f.go_online();
  const std::string id = (*f.send(picture()))->id;
  CHECK(messages(f.last).empty());
  auto hosts = f.answer_hosts(f.last);
  const auto started = all<StartUpload>(hosts);
  REQUIRE(started.size() == 1);
  CHECK(started[0]->upload.hosts == std::vector<std::string>{"mmg.example.net"});
  CHECK(started[0]->upload.auth == "token");
  CHECK(started[0]->upload.bytes == 1'018);

  const std::string behind = (*f.send(Fixture::text("behind")))->id;
  CHECK(messages(f.last).empty());
  SendMessage other = Fixture::text("elsewhere");
  other.chat = carl;
  f.send(other);
  CHECK(messages(f.last).size() == 1);

  f.now_ms += 60'000;  // the key was made before
  auto done = f.upload_ends(hosts, uploaded);
  const auto sent = messages(done);
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].attr("id") == id);
  CHECK(sent[1].attr("id") == behind);
  const auto stored = stored_media(storage::find_message_by_id(f.store->reader(), f.row.id, id, true)->content);
  CHECK(stored->file.direct_path == uploaded.direct_path);
  CHECK(stored->file.url == uploaded.url);
  CHECK(stored->file.key_at == f.now_ms / 1000);
  const auto released = all<ReleaseFile>(done);
  REQUIRE(released.size() == 1);
  CHECK(released[0]->kept);
  CHECK(storage::pending_uploads(f.store->reader()).empty());
}

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

TEST_CASE("a message whose file is not uploaded yet is not forwarded") {
  Files f;
  f.go_online();
  const std::string id = (*f.send(picture()))->id;
  SendMessage forward;
  forward.chat = carl;
  forward.content = Forward{id};
  auto hosts = f.answer_hosts(f.last);
  CHECK(f.send(forward)->error().code == Errc::unsupported);
  f.upload_ends(hosts, uploaded);
  CHECK(f.send(forward)->has_value());
  f.now_ms += std::int64_t{15} * 86'400'000;  // by then the servers may have lost it
  CHECK(f.send(forward)->error().code == Errc::unsupported);
}

TEST_CASE("a text waits behind the file of its chat though the chat has got another id meanwhile") {
  Files f;
  const Jid ben_lid("200000000000002", "lid");
  f.befriend(ben_lid);
  f.go_online();
  const std::string id = (*f.send(picture()))->id;
  auto hosts = f.answer_hosts(f.last);
  f.call([&] { f.session->directory().learn(ben, ben_lid); });
  const auto behind = f.send(Fixture::text("behind"));
  REQUIRE(behind->has_value());
  CHECK((*behind)->chat == ben_lid);
  CHECK(messages(f.last).empty());
  auto done = f.upload_ends(hosts, uploaded);
  const auto sent = messages(done);
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].attr("id") == id);
  CHECK(sent[1].attr("id") == (*behind)->id);
}

TEST_CASE("a text waits behind the file of its chat after a restart too, though their rows name the chat differently") {
  Files f;
  const Jid dora("15550000004", "s.whatsapp.net"), dora_lid("200000000000004", "lid");
  const auto to_dora = [&](const char* body) {
    SendMessage text = Fixture::text(body);
    text.chat = dora;
    return text;
  };
  f.go_online();
  const std::string first = (*f.send(to_dora("her devices are asked for")))->id;
  f.call([&] { f.session->directory().learn(dora, dora_lid); });
  const std::string file = (*f.send(picture(dora)))->id;  // into the lane that is being prepared
  f.cut();
  const std::string behind = (*f.send(to_dora("behind")))->id;
  const auto rows = storage::load_outbox(f.store->reader(), f.row.id);
  REQUIRE(rows.size() == 3);
  CHECK(rows[1].chat == dora);
  CHECK(rows[2].chat == dora_lid);

  f.befriend(dora_lid);
  f.reopen();
  f.begin();
  auto online = f.come_online();
  REQUIRE(messages(online).size() == 1);
  CHECK(messages(online)[0].attr("id") == first);
  auto started = f.answer_hosts(online);
  const auto sent = messages(f.upload_ends(started, uploaded));
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].attr("id") == file);
  CHECK(sent[1].attr("id") == behind);
}

TEST_CASE("an upload that fails at once begins the next ones once") {
  Files f;
  f.go_online();
  f.send(picture());
  auto known = f.answer_hosts(f.last);
  f.upload_ends(known, uploaded);
  f.cut();
  const std::string first = (*f.send(picture(ben, 10)))->id;
  f.send(picture(ben, 20));
  f.send(picture(ben, 30));
  storage::Changes revoked;  // its content is gone before anything could be asked
  revoked.add(storage::RevokeMessage{f.row.id, ben, first, true, 5});
  f.store->commit(std::move(revoked), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  std::vector<Input> up;
  up.emplace_back(LinkUp{{}, false, f.session->link_epoch()});
  f.turn(std::move(up));
  auto success = f.stanza(Node("success").set("t", "1700000000").set("lid", Jid("100000000000001", "lid", 3)));
  std::vector<Effect> online;
  for (const Node& node : Fixture::sent(success)) {
    if (node.child("active")) online = f.stanza(Node("iq").set("id", node.attr("id")).set("type", "result"));
  }
  CHECK(all<StartUpload>(online).size() == 2);
}

TEST_CASE("a restart begins the upload again, in the old order") {
  Files f;
  f.go_online();
  const std::string id = (*f.send(picture()))->id;
  f.answer_hosts(f.last);
  const std::string behind = (*f.send(Fixture::text("behind")))->id;
  CHECK(storage::pending_uploads(f.store->reader()).size() == 1);

  f.reopen();
  f.begin();
  auto online = f.come_online();
  CHECK(messages(online).empty());
  auto started = f.answer_hosts(online);
  const auto sent = messages(f.upload_ends(started, uploaded));
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].attr("id") == id);
  CHECK(sent[1].attr("id") == behind);
}

TEST_CASE("a refused token is asked for anew, once at once") {
  Files f;
  f.go_online();
  f.send(picture());
  auto first = f.answer_hosts(f.last);
  auto refused = f.upload_ends(first, TransferFailure{Why::not_allowed, "401"});
  auto second = f.answer_hosts(refused, "fresh");
  REQUIRE(all<StartUpload>(second).size() == 1);
  CHECK(all<StartUpload>(second)[0]->upload.auth == "fresh");
  auto again = f.upload_ends(second, TransferFailure{Why::not_allowed, "401"});
  CHECK(asks_for_hosts(again).empty());
  f.steady += 2s;
  auto later = f.answer_hosts(f.turn({}), "the third");
  REQUIRE(all<StartUpload>(later).size() == 1);
  CHECK(all<StartUpload>(later)[0]->upload.auth == "the third");
}

TEST_CASE("a file that is refused fails its message alone") {
  Files f;
  f.go_online();
  const std::string id = (*f.send(picture()))->id;
  auto hosts = f.answer_hosts(f.last);
  const std::string behind = (*f.send(Fixture::text("behind")))->id;
  auto done = f.upload_ends(hosts, TransferFailure{Why::refused, "the media server answered 413"});
  CHECK(f.error_of(id) == "the media server answered 413");
  const auto sent = messages(done);
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].attr("id") == behind);
  REQUIRE(all<ReleaseFile>(done).size() == 1);
  CHECK_FALSE(all<ReleaseFile>(done)[0]->kept);
}

TEST_CASE("servers that fail are tried further apart, and not for ever") {
  Files f;
  f.go_online();
  const std::string id = (*f.send(picture()))->id;
  auto effects = f.answer_hosts(f.last);
  std::size_t tries = 0;
  net::SteadyTime last_try = f.steady;
  std::chrono::nanoseconds longest_pause{0};
  for (int step = 0; step < 2'000 && f.error_of(id).empty(); ++step) {
    if (!asks_for_hosts(effects).empty()) effects = f.answer_hosts(effects);
    if (!all<StartUpload>(effects).empty()) {
      ++tries;
      longest_pause = std::max<std::chrono::nanoseconds>(longest_pause, f.steady - last_try);
      last_try = f.steady;
      effects = f.upload_ends(effects, TransferFailure{Why::temporary, "503"});
    } else {
      f.steady += 5s;
      effects = f.stanza(Node("presence"));  // the connection lives
    }
  }
  CHECK(tries == Uploads::max_attempts);
  CHECK(longest_pause > 500s);
  CHECK(f.error_of(id) == "the file could not be uploaded: 503");
}

TEST_CASE("a chat that is deleted takes its uploads with it") {
  Files f;
  f.go_online();
  f.send(picture());
  auto hosts = f.answer_hosts(f.last);
  const auto number = all<StartUpload>(hosts).at(0)->number;
  auto removed = f.tell(RemoveChat{ben});
  REQUIRE(all<CancelTransfer>(removed).size() == 1);
  CHECK(all<CancelTransfer>(removed)[0]->number == number);
  REQUIRE(all<ReleaseFile>(removed).size() == 1);
  CHECK_FALSE(all<ReleaseFile>(removed)[0]->kept);
  f.send(Fixture::text("a new beginning"));
  CHECK(messages(f.last).size() == 1);
}

TEST_CASE("a session that is removed takes its files with it") {
  Files f;
  f.go_online();
  f.send(picture());
  f.answer_hosts(f.last);
  auto asked = f.tell(RemoveSession());
  std::vector<Effect> removed = std::move(asked);
  for (const Node& node : Fixture::sent(removed)) {
    if (node.child("remove-companion-device"))
      removed = f.stanza(Node("iq").set("id", node.attr("id")).set("type", "result"));
  }
  const auto released = all<ReleaseFile>(removed);
  REQUIRE(released.size() == 1);
  CHECK_FALSE(released[0]->kept);
}

namespace {

/// A received image, and somebody who wants it.
struct Wanted : Files {
  Wanted() {
    go_online();
    protocol::MediaContent content = std::get<SendMedia>(picture().content).content;
    content.file.direct_path = "/v/old.enc?oe=1";
    content.file.url = "https://mmg.example.net/v/old.enc?oe=1";
    storage::MessageRow message;
    message.session = row.id;
    message.chat = ben;
    message.author = ben;
    message.id = "3EB0THEIRS";
    message.kind = "image";
    message.content = protocol::build_message(content, {}, random).encoded;
    key = *protocol::exactly<32>(content.file.key);
    storage::Changes changes;
    changes.add(storage::InsertMessage{std::move(message), true, std::nullopt});
    store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  }
  std::vector<Effect> fetch() {
    auto asked = tell(FetchMedia{"3EB0THEIRS"}, [this](Outcome<> outcome) { answer = std::move(outcome); });
    return asks_for_hosts(asked).empty() ? std::move(asked) : answer_hosts(asked);
  }
  std::vector<Effect> download_ends(std::vector<Effect>& effects, Transferred<void> result) {
    return finish<StartDownload>(effects, std::move(result));
  }
  Node notification(protocol::MediaRetryOutcome outcome, const protocol::MediaKey& with) {
    protocol::MediaRetryAnswer said;
    said.outcome = outcome;
    if (outcome == protocol::MediaRetryOutcome::success) said.direct_path = "/v/new.enc?oe=2";
    return protocol::media_retry_notification("3EB0THEIRS", session->context().device.jid.user_jid(), 1'700'000'000,
                                              protocol::RetriedMessage{ben, false, std::nullopt}, said, with, random);
  }
  static std::vector<Node> requests(const std::vector<Effect>& effects) {
    auto nodes = sent(effects);
    std::erase_if(nodes, [](const Node& node) { return node.attr("type") != "server-error"; });
    return nodes;
  }
  protocol::MediaKey key{};
  std::optional<Outcome<>> answer;
};

}  // namespace

TEST_CASE("one download serves all who want a file") {
  Wanted f;
  auto started = f.fetch();
  std::optional<Outcome<>> second;
  auto joined = f.tell(FetchMedia{"3EB0THEIRS"}, [&](Outcome<> outcome) { second = std::move(outcome); });
  CHECK(all<StartDownload>(joined).empty());
  const auto& targets = all<StartDownload>(started).at(0)->download.targets;
  REQUIRE(!targets.empty());
  CHECK(targets[0].host == "mmg.example.net");
  CHECK(targets[0].target.starts_with("/v/old.enc?oe=1&hash="));
  f.download_ends(started, {});
  REQUIRE((f.answer && second));
  CHECK((f.answer->has_value() && second->has_value()));
}

TEST_CASE("the file of a message that is named with its chat is that one's, and its new place too") {
  Wanted f;
  const auto row_in = [&](const Jid& chat) {
    return *storage::find_message(f.store->reader(), f.row.id, chat, "3EB0THEIRS");
  };
  storage::MessageRow other = row_in(ben);
  other.chat = other.author = carl;
  other.content = protocol::with_media_place(other.content, {"", "/v/carl.enc?oe=1", ""});
  storage::Changes changes;
  changes.add(storage::InsertMessage{std::move(other), true, std::nullopt});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });

  const auto fetch = [&](const Jid& chat, std::optional<Outcome<>>& answer) {
    return f.tell(FetchMedia{"3EB0THEIRS", chat}, [&](Outcome<> outcome) { answer = std::move(outcome); });
  };
  auto started = fetch(ben, f.answer);
  if (!asks_for_hosts(started).empty()) started = f.answer_hosts(started);
  CHECK(all<StartDownload>(started).at(0)->download.targets.at(0).target.starts_with("/v/old.enc?oe=1&hash="));
  std::optional<Outcome<>> of_carl, of_nobody;
  fetch(carl, of_carl);
  REQUIRE(of_carl);
  CHECK(of_carl->error().code == Errc::rate_limited);
  fetch(Jid("15550000009", "s.whatsapp.net"), of_nobody);
  REQUIRE(of_nobody);
  CHECK(of_nobody->error().code == Errc::not_found);

  f.download_ends(started, TransferFailure{Why::gone, "404"});
  auto again = f.stanza(f.notification(protocol::MediaRetryOutcome::success, f.key));
  f.download_ends(again, {});
  CHECK(f.answer->has_value());
  CHECK(stored_media(row_in(ben).content)->file.direct_path == "/v/new.enc?oe=2");
  CHECK(stored_media(row_in(carl).content)->file.direct_path == "/v/carl.enc?oe=1");
  auto next = fetch(carl, of_carl);
  CHECK(all<StartDownload>(next).at(0)->download.targets.at(0).target.starts_with("/v/carl.enc?oe=1&hash="));
  f.download_ends(next, {});
  CHECK(of_carl->has_value());
}

TEST_CASE("a file that is gone is asked of the phone, and its new place is kept") {
  Wanted f;
  auto started = f.fetch();
  auto asked = f.download_ends(started, TransferFailure{Why::gone, "404"});
  const auto requests = Wanted::requests(asked);
  REQUIRE(requests.size() == 1);
  const auto request = protocol::read_media_retry_receipt(requests[0]);
  REQUIRE(request.has_value());
  CHECK(request->message == protocol::RetriedMessage{ben, false, std::nullopt});
  CHECK(protocol::check_media_retry_request(*request, f.key).has_value());

  SECTION("it has it") {
    // What was sealed with another key is nobody's answer.
    protocol::MediaKey other = f.key;
    other[0] ^= 1;
    auto forged = f.stanza(f.notification(protocol::MediaRetryOutcome::success, other));
    CHECK(all<StartDownload>(forged).empty());
    auto again = f.stanza(f.notification(protocol::MediaRetryOutcome::success, f.key));
    REQUIRE(all<StartDownload>(again).size() == 1);
    CHECK(all<StartDownload>(again)[0]->download.targets.at(0).target.starts_with("/v/new.enc?oe=2&hash="));
    const auto stored =
        stored_media(storage::find_message_by_id(f.store->reader(), f.row.id, "3EB0THEIRS", false)->content);
    CHECK(stored->file.direct_path == "/v/new.enc?oe=2");
    CHECK(stored->file.url.empty());
    // Gone again: the phone is not asked a second time.
    auto end = f.download_ends(again, TransferFailure{Why::gone, "404"});
    CHECK(Wanted::requests(end).empty());
    REQUIRE(f.answer);
    CHECK(f.answer->error().subject == Subject::media);
    CHECK(f.answer->error().code == Errc::not_found);
  }
  SECTION("it has it no more") {
    f.stanza(f.notification(protocol::MediaRetryOutcome::not_found, f.key));
    REQUIRE(f.answer);
    CHECK(f.answer->error().code == Errc::not_found);
  }
  SECTION("it could not") {
    f.stanza(f.notification(protocol::MediaRetryOutcome::general_error, f.key));
    REQUIRE(f.answer);
    CHECK(f.answer->error().code == Errc::network);
  }
  SECTION("it does not answer") {
    f.steady += 59s;
    f.turn({});
    CHECK_FALSE(f.answer);
    f.steady += 1s;
    f.turn({});
    REQUIRE(f.answer);
    CHECK(f.answer->error().code == Errc::timed_out);
  }
  SECTION("the connection ends") {
    test::reconnect(f);
    REQUIRE(f.answer);
    CHECK(f.answer->error().code == Errc::network);
  }
}

TEST_CASE("a notification that nobody asked for changes nothing") {
  Wanted f;
  auto effects = f.stanza(f.notification(protocol::MediaRetryOutcome::success, f.key));
  CHECK(all<StartDownload>(effects).empty());
  const auto stored =
      stored_media(storage::find_message_by_id(f.store->reader(), f.row.id, "3EB0THEIRS", false)->content);
  CHECK(stored->file.direct_path == "/v/old.enc?oe=1");
}
