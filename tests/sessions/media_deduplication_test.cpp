// A plain file is uploaded once: who sends it again announces the upload that is known, or waits for the one under way.
#include <catch2/catch.hpp>

#include "protocol/messages/media_location.h"
#include "tests/sessions/sent_files.h"

using namespace wharf;
using namespace wharf::sessions;
using namespace wharf::test;
using protocol::Node;
using namespace std::chrono_literals;

namespace {

/// The same plain file under another key, as every request seals its own.
SendMessage resealed(std::uint8_t mark, const Jid& to = ben, std::uint8_t file_mark = 1) {
  SendMessage out = picture(to, file_mark);
  auto& media = std::get<SendMedia>(out.content);
  media.content.file.enc_sha256.assign(32, mark);
  media.content.file.key.assign(32, mark + 1);
  media.upload = media_name(
      *protocol::read_media_reference(media.content.file.key, media.content.file.enc_sha256, media.content.file.sha256),
      protocol::MediaKind::image);
  return out;
}

MediaName name_of(const SendMessage& message) { return *std::get<SendMedia>(message.content).upload; }

struct Sent : Files {
  Sent() { go_online(); }
  explicit Sent(bool deduplicate) {
    settings.deduplicate_media = deduplicate;
    reopen();
    go_online();
  }
  /// Sends it and lets its upload succeed.
  std::string upload(const SendMessage& message) {
    const std::string id = (*send(message))->id;
    auto hosts = asks_for_hosts(last).empty() ? std::move(last) : answer_hosts(last);
    upload_ends(hosts, uploaded);
    return id;
  }
  /// The message whose upload of picture()'s file is known.
  std::optional<std::string> known() {
    storage::UploadKey file{{}, protocol::MediaKind::image};
    file.file_sha256.fill(1);
    return storage::find_upload(store->reader(), row.id, file);
  }
  std::size_t uploads_of(const SendMessage& message) {
    send(message);
    return all<StartUpload>(last).size();
  }
  StoredMedia stored(const std::string& id) {
    return *stored_media(storage::find_message_by_id(store->reader(), row.id, id, true)->content);
  }
};

}  // namespace

TEST_CASE("a file that was uploaded is announced again, with its key and its place, and the new copy goes") {
  Sent f;
  const std::string first = f.upload(picture());
  f.now_ms += 60'000;
  SendMessage again = resealed(50, carl);
  std::get<SendMedia>(again.content).content.caption = "for Carl";
  std::get<SendMedia>(again.content).content.file.thumbnail = {1, 2, 3};
  const std::string second = (*f.send(again))->id;
  CHECK(all<StartUpload>(f.last).empty());
  REQUIRE(messages(f.last).size() == 1);
  CHECK(messages(f.last)[0].attr("id") == second);

  const StoredMedia one = f.stored(first), other = f.stored(second);
  CHECK(other.reference.key == one.reference.key);
  CHECK(other.reference.hashes.file_enc_sha256 == one.reference.hashes.file_enc_sha256);
  CHECK(other.file.direct_path == uploaded.direct_path);
  CHECK(other.file.url == uploaded.url);
  CHECK(other.file.key_at == one.file.key_at);
  CHECK(other.file.thumbnail == protocol::Bytes{1, 2, 3});
  const auto text = storage::find_message_by_id(f.store->reader(), f.row.id, second, true)->body;
  CHECK(text == "for Carl");

  const auto released = all<ReleaseFile>(f.last);
  REQUIRE(released.size() == 1);
  CHECK(released[0]->name == name_of(again));
  CHECK_FALSE(released[0]->kept);
  CHECK(storage::pending_uploads(f.store->reader()).empty());
}

TEST_CASE("a turn that is lost with its commit leaves neither the message nor what it announced") {
  Sent f;
  f.upload(picture());
  f.send(resealed(50), false);
  f.reopen();
  CHECK(storage::load_outbox(f.store->reader(), f.row.id).size() == 1);
}

TEST_CASE("what the servers may have no more, or never had as this, is uploaded") {
  Sent f;
  const std::string first = f.upload(picture());
  REQUIRE(f.known() == first);
  SendMessage message = resealed(50);
  SECTION("15 days later") { f.now_ms += 15ll * 86'400'000; }
  SECTION("as another kind, whose keys are others") {
    std::get<SendMedia>(message.content).content.kind = protocol::MessageKind::document;
  }
  SECTION("another file") { message = resealed(50, ben, 2); }
  SECTION("its message was deleted") {
    f.tell(RemoveMessage{first});
    CHECK_FALSE(f.known());
  }
  SECTION("its chat was deleted") {
    f.tell(RemoveChat{ben});
    message.chat = carl;
  }
  SECTION("to be seen once") { std::get<SendMedia>(message.content).view_once = true; }
  SECTION("the servers say that it is gone") {
    auto asked = f.tell(FetchMedia{first});
    f.finish<StartDownload>(asked, Transferred<void>(TransferFailure{Why::gone, "404"}));
  }
  CHECK(f.uploads_of(message) == 1);
}

TEST_CASE("just before 14 days are over it is announced again") {
  Sent f;
  f.upload(picture());
  f.now_ms += 14ll * 86'400'000 - 2'000;
  CHECK(f.uploads_of(resealed(50)) == 0);
}

TEST_CASE("what can be seen once serves no other message") {
  Sent f;
  SendMessage once = picture();
  std::get<SendMedia>(once.content).view_once = true;
  f.upload(once);
  CHECK(f.uploads_of(resealed(50)) == 1);
}

TEST_CASE("switched off, each message has its own upload") {
  Sent f(false);
  f.upload(picture());
  CHECK(f.uploads_of(resealed(50)) == 1);
}

TEST_CASE("messages with a file that is being uploaded wait for it, and announce it") {
  Sent f;
  const std::string first = (*f.send(picture()))->id;
  auto started = f.answer_hosts(f.last);
  REQUIRE(all<StartUpload>(started).size() == 1);
  const std::string second = (*f.send(resealed(50, carl)))->id;
  CHECK(all<StartUpload>(f.last).empty());
  CHECK(f.uploads_of(resealed(60, carl, 9)) == 1);  // another file does not wait

  SECTION("it ends well") {
    const auto done = f.upload_ends(started, uploaded);
    const auto sent = messages(done);
    REQUIRE(sent.size() == 2);
    CHECK(sent[0].attr("id") == first);
    CHECK(sent[1].attr("id") == second);
    CHECK(f.stored(second).reference.key == f.stored(first).reference.key);
  }
  SECTION("it is too large for the servers: all of them fail") {
    f.upload_ends(started, TransferFailure{Why::too_large, "the media server answered 413"});
    CHECK(f.error_of(first) == "the media server answered 413");
    CHECK(f.error_of(second) == "the media server answered 413");
  }
  SECTION("its file is lost here: the next one has its own") {
    auto next = f.upload_ends(started, TransferFailure{Why::local, "the file is not there any more"});
    const auto begun = all<StartUpload>(next);
    REQUIRE(begun.size() == 1);
    CHECK(begun[0]->upload.file == name_of(resealed(50, carl)));
    CHECK(f.error_of(second).empty());
  }
  SECTION("the servers refuse what was sent of it, which may be damaged in it alone: the next one has its own") {
    auto next = f.upload_ends(started, TransferFailure{Why::refused, "the media server answered 400"});
    CHECK(f.error_of(first) == "the media server answered 400");
    REQUIRE(all<StartUpload>(next).size() == 1);
    const auto sent = messages(f.upload_ends(next, uploaded));
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].attr("id") == second);
  }
  SECTION("its attempts are used up: the next one has all of its own") {
    for (int step = 0; step < 2'000 && f.error_of(first).empty(); ++step) {
      if (!asks_for_hosts(started).empty()) started = f.answer_hosts(started);
      if (!all<StartUpload>(started).empty()) {
        started = f.upload_ends(started, TransferFailure{Why::temporary, "503"});
      } else {
        f.steady += 5s;
        started = f.stanza(Node("presence"));  // the connection lives
      }
    }
    CHECK_FALSE(f.error_of(first).empty());
    CHECK(f.error_of(second).empty());
    if (!asks_for_hosts(started).empty()) started = f.answer_hosts(started);
    REQUIRE(all<StartUpload>(started).size() == 1);
    CHECK(messages(f.upload_ends(started, uploaded)).size() == 1);
  }
  SECTION("it is cancelled: the next one goes in its place") {
    auto next = f.tell(CancelMessage{first});
    const auto begun = all<StartUpload>(next);
    REQUIRE(begun.size() == 1);
    CHECK(begun[0]->upload.file == name_of(resealed(50, carl)));
    const auto sent = messages(f.upload_ends(next, uploaded));
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].attr("id") == second);
  }
  SECTION("the one that waits is cancelled") {
    f.tell(CancelMessage{second});
    CHECK(messages(f.upload_ends(started, uploaded)).size() == 1);
  }
  SECTION("a restart comes between: one upload, both are sent") {
    f.reopen();
    f.begin();
    auto online = f.come_online();
    auto again = f.answer_hosts(online);
    const auto begun = all<StartUpload>(again);
    REQUIRE(begun.size() == 2);  // of two files, three messages
    std::vector<std::string> sent;
    for (StartUpload* each : begun) {
      const auto then = std::make_shared<decltype(each->then)>(std::move(each->then));
      const auto effects = f.call([then]() mutable { (*then)(uploaded); });
      for (const Node& node : messages(effects)) sent.push_back(node.attr("id"));
    }
    REQUIRE(sent.size() == 3);
    CHECK(std::ranges::count(sent, first) == 1);
    CHECK(std::ranges::count(sent, second) == 1);
    CHECK(f.stored(second).reference.key == f.stored(first).reference.key);
  }
}

TEST_CASE("a file that is known waits for no upload that is under way") {
  Sent f;
  f.upload(picture());
  CHECK(f.uploads_of(resealed(60, carl, 8)) == 1);
  CHECK(f.uploads_of(resealed(70, carl, 9)) == 1);
  CHECK(f.uploads_of(resealed(80, carl, 10)) == 0);  // so many at once
  f.send(resealed(50));
  CHECK(messages(f.last).size() == 1);
}

TEST_CASE("many messages that wait for one file go on in turns of a bounded size") {
  Sent f;
  f.send(picture());
  auto started = f.answer_hosts(f.last);
  constexpr std::size_t many = 3 * Uploads::looked_at_once + 5;
  for (std::size_t i = 0; i < many; ++i) f.send(resealed(static_cast<std::uint8_t>(50 + i), carl));
  auto effects = f.upload_ends(started, uploaded);
  std::size_t released = all<ReleaseFile>(effects).size() - 1;  // one is of the upload itself
  CHECK(released == 2 * Uploads::looked_at_once);               // by the result, and by what fell due with it
  CHECK(f.session->next_deadline() <= f.steady);
  effects = f.turn({});
  CHECK(all<ReleaseFile>(effects).size() == Uploads::looked_at_once);
  effects = f.turn({});
  CHECK(all<ReleaseFile>(effects).size() == many - 3 * Uploads::looked_at_once);
  CHECK(storage::pending_uploads(f.store->reader()).empty());
}

TEST_CASE("what many wait for and is too large ends in turns of a bounded size") {
  Sent f;
  f.send(picture());
  auto started = f.answer_hosts(f.last);
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < Uploads::looked_at_once + 2; ++i)
    ids.push_back((*f.send(resealed(static_cast<std::uint8_t>(50 + i), carl)))->id);
  auto next = f.upload_ends(started, TransferFailure{Why::too_large, "413"});
  const auto failed = [&] {
    return static_cast<std::size_t>(
        std::count_if(ids.begin(), ids.end(), [&](const std::string& id) { return !f.error_of(id).empty(); }));
  };
  CHECK(failed() == Uploads::looked_at_once);
  REQUIRE(all<StartUpload>(next).size() == 1);
  f.upload_ends(next, TransferFailure{Why::too_large, "413"});
  CHECK(failed() == ids.size());
}

TEST_CASE("only a file uploaded within two weeks, by a clock near ours, is on the servers") {
  constexpr std::int64_t now_s = 1'700'000'000, day_s = 86'400;
  protocol::MediaFile file;
  file.direct_path = "/v/f";
  const auto known = [&](std::int64_t key_at) {
    file.key_at = key_at;
    return on_servers(ben, file, now_s * 1'000);
  };
  CHECK(known(now_s));
  CHECK(known(now_s - 14 * day_s + 1));
  CHECK_FALSE(known(now_s - 14 * day_s));
  CHECK(known(now_s + day_s));
  CHECK_FALSE(known(now_s + day_s + 1));
  CHECK_FALSE(known(now_s + 3'650 * day_s));
  file.direct_path.clear();
  CHECK_FALSE(known(now_s));
}

TEST_CASE("what is deleted for everyone is announced no more, and its plain file goes with the message") {
  Files f;
  f.settings.copies_media = true;
  f.reopen();
  f.go_online();
  const std::string id = (*f.send(picture()))->id;
  auto hosts = asks_for_hosts(f.last).empty() ? std::move(f.last) : f.answer_hosts(f.last);
  auto done = f.upload_ends(hosts, uploaded);
  storage::UploadKey file{{}, protocol::MediaKind::image};
  file.file_sha256.fill(1);
  REQUIRE(storage::find_upload(f.store->reader(), f.row.id, file) == id);

  SendMessage revoke;
  revoke.content = RevokeSent{id};
  f.stanza(ack(id));
  const auto revoked = f.send(revoke);
  REQUIRE(revoked->has_value());
  f.stanza(ack((*revoked)->id));
  CHECK(storage::find_message_by_id(f.store->reader(), f.row.id, id, true)->content.empty());
  CHECK_FALSE(storage::find_upload(f.store->reader(), f.row.id, file));

  const auto row = storage::find_message_by_id(f.store->reader(), f.row.id, id, true);
  auto removed = f.tell(RemoveMessage{id});
  REQUIRE(all<RemoveFromFolder>(removed).size() == 1);
  const storage::FolderRemoval expected{f.row.name, id, true, row->timestamp, row->created_at};
  CHECK(all<RemoveFromFolder>(removed)[0]->removal == expected);
  const auto recorded = storage::load_folder_removals(f.store->reader(), 0, 9);
  REQUIRE(recorded.size() == 1);
  CHECK(recorded[0].removal == expected);

  f.cut();
  f.tell(RemoveSession());
  CHECK(storage::load_folder_removals(f.store->reader(), 0, 9).back().removal ==
        storage::FolderRemoval{f.row.name, {}, false, 0, 0});
}
