// Files that are posted in channels: uploaded in clear, announced without a key, and of nobody else's use.
#include <functional>
#include <memory>

#include "protocol/channels/posts.h"
#include "protocol/messages/building.h"
#include "protocol/messages/wire.h"
#include "sessions/media/stored_media.h"
#include "tests/sessions/sent_files.h"

using namespace wharf;
using namespace wharf::sessions;
using namespace wharf::test;
using protocol::Node;

namespace {

const Jid news("120363000000000009", "newsletter");

protocol::UploadAnswer with_handle(std::string handle) {
  protocol::UploadAnswer answer = uploaded;
  answer.handle = std::move(handle);
  return answer;
}

protocol::PublishPost published(const Node& stanza) {
  const auto what = protocol::read_channel_message(stanza);
  REQUIRE(what.has_value());
  const auto* post = std::get_if<protocol::PublishPost>(&*what);
  REQUIRE(post != nullptr);
  return *post;
}

}  // namespace

TEST_CASE("a file for a channel is uploaded in clear, and posted with its handle and without its key") {
  Files f;
  f.go_online();
  const auto sent = f.send(picture(news));
  REQUIRE(sent->has_value());
  auto hosts = f.answer_hosts(f.last);
  const auto started = all<StartUpload>(hosts);
  REQUIRE(started.size() == 1);
  CHECK(started[0]->upload.plain.has_value());
  CHECK(started[0]->upload.bytes == 1'000);
  CHECK(started[0]->upload.sent_sha256[0] == 1);
  auto done = f.upload_ends(hosts, with_handle("handle-1"));
  const auto out = messages(done);
  REQUIRE(out.size() == 1);
  CHECK(out[0].attr("id") == (*sent)->id);
  CHECK(out[0].attr("type") == "media");
  const auto post = published(out[0]);
  CHECK(post.media_handle == "handle-1");
  CHECK(post.media_type == "image");
  const auto content = protocol::parse_message(post.message);
  REQUIRE(content.has_value());
  const auto* file = std::get_if<protocol::MediaFile>(&content->body);
  REQUIRE(file != nullptr);
  CHECK(file->key.empty());
  CHECK(file->enc_sha256.empty());
  CHECK(file->sha256.size() == 32);
  CHECK(file->direct_path == uploaded.direct_path);
  CHECK(content->text == "look");

  // Here it can be read, and nobody announces it once more.
  const auto row = storage::find_message_by_id(f.store->reader(), f.row.id, (*sent)->id, true);
  const auto stored = stored_media(*row);
  REQUIRE(stored.has_value());
  // Under the key that was made for it, by which it lies in the vault.
  CHECK(media_name(stored->reference, stored->kind) == *std::get<SendMedia>(picture(news).content).upload);
  CHECK_FALSE(on_servers(ben, stored->file, f.now_ms));  // nor if it lay elsewhere
  CHECK_FALSE(on_servers(news, stored->file, f.now_ms));
  SendMessage forward;
  forward.chat = ben;
  forward.content = Forward{(*sent)->id};
  CHECK(f.send(forward)->error().code == Errc::unsupported);
}

TEST_CASE("the same file for a person is uploaded by itself, encrypted") {
  Files f;
  f.go_online();
  f.send(picture(news));
  auto hosts = f.answer_hosts(f.last);
  f.upload_ends(hosts, with_handle("handle-1"));
  f.send(picture(ben));
  const auto started = all<StartUpload>(f.last);
  REQUIRE(started.size() == 1);
  CHECK_FALSE(started[0]->upload.plain.has_value());
  CHECK(started[0]->upload.bytes == 1'018);
}

TEST_CASE("a post whose file got no handle fails") {
  Files f;
  f.go_online();
  const auto sent = f.send(picture(news));
  auto hosts = f.answer_hosts(f.last);
  CHECK(messages(f.upload_ends(hosts, uploaded)).empty());
  CHECK_FALSE(f.error_of((*sent)->id).empty());
}

TEST_CASE("a handle outlasts the process while its post waits behind another one") {
  Files f;
  f.go_online();
  f.send(picture(news, 1));
  auto first = f.answer_hosts(f.last);
  REQUIRE(all<StartUpload>(first).size() == 1);
  const auto second = f.send(picture(news, 4));
  std::vector<Effect> effects = std::exchange(f.last, {});
  CHECK(messages(f.upload_ends(effects, with_handle("handle-2"))).empty());

  f.reopen();
  f.begin();
  auto again = f.answer_hosts(f.come_online());
  const auto out = messages(f.upload_ends(again, with_handle("handle-1")));
  REQUIRE(out.size() == 2);
  CHECK(published(out[0]).media_handle == "handle-1");
  CHECK(published(out[1]).media_handle == "handle-2");
  CHECK(out[1].attr("id") == (*second)->id);
}

TEST_CASE("the file of a post is announced to nobody, whatever key and time its author wrote") {
  protocol::MediaFile file;
  file.key.assign(32, 1);
  file.key_at = 1'700'000'000;
  file.direct_path = "/v/t62/x.enc?a=1";
  CHECK(on_servers(ben, file, 1'700'000'000'000));
  CHECK_FALSE(on_servers(news, file, 1'700'000'000'000));
}

namespace {

/// A post of `other` things about a picture, as followers get it.
Node posted_picture(const std::string& id, const std::function<void(protocol::MediaFile&)>& change = {}) {
  protocol::MediaContent content;
  content.kind = protocol::MessageKind::image;
  content.caption = "the pier";
  content.file.mimetype = "image/jpeg";
  content.file.length = 1'000;
  content.file.sha256.assign(32, 9);
  content.file.direct_path = "/v/plain.jpg?oe=1";
  if (change) change(content.file);
  protocol::SeededRandom random{5};
  protocol::ChannelPost post;
  post.counts.server_id = 101;
  post.id = id;
  post.type = "media";
  post.media_type = "image";
  post.at = 1'700'000'001;
  post.message = protocol::quotable(protocol::build_message(content, {}, random).encoded);
  return protocol::channel_post_stanza(news, post);
}

struct Follower : Files {
  Follower() { go_online(); }
  /// Asks for the file of a stored message; what begins by then.
  std::vector<Effect> fetch(const std::string& id) {
    answer.reset();
    auto effects = tell(FetchMedia{id}, [heard = heard](Outcome<> outcome) { *heard = std::move(outcome); });
    return asks_for_hosts(effects).empty() ? std::move(effects) : answer_hosts(effects);
  }
  StoredMedia stored(const std::string& id) {
    const auto row_here = storage::find_message(store->reader(), row.id, news, id);
    REQUIRE(row_here);
    const auto media = stored_media(*row_here);
    REQUIRE(media.has_value());
    return *media;
  }
  /// The session answers when it ends, too, and outlives what is declared here.
  std::shared_ptr<std::optional<Outcome<>>> heard = std::make_shared<std::optional<Outcome<>>>();
  std::optional<Outcome<>>& answer = *heard;
};

}  // namespace

TEST_CASE("the file of a received post is fetched in clear, under a key that only the vault has") {
  Follower f;
  f.stanza(posted_picture("3EB0AA"));
  const StoredMedia media = f.stored("3EB0AA");
  CHECK(media.plain);
  CHECK_FALSE(media.reference.hashes.file_enc_sha256);
  CHECK(media.reference.hashes.file_sha256[0] == 9);
  CHECK(media.reference.key != protocol::MediaKey{});

  auto begun = f.fetch("3EB0AA");
  auto started = all<StartDownload>(begun);
  REQUIRE(started.size() == 1);
  const MediaDownload& download = started[0]->download;
  CHECK(download.plain);
  CHECK(download.length == 1'000);
  CHECK(media_name(download.reference, download.kind) == media_name(media.reference, media.kind));
  REQUIRE(download.targets.size() == 1);
  CHECK(download.targets[0].host == "mmg.example.net");
  CHECK(download.targets[0].target == "/v/plain.jpg?oe=1&mms-type=image&__wa-mms=");

  SECTION("it is there") {
    f.finish<StartDownload>(begun, Transferred<void>());
    CHECK(f.answer->has_value());
  }
  SECTION("it is gone: no phone is asked for it") {
    const auto after = f.finish<StartDownload>(begun, Transferred<void>(TransferFailure{Why::gone, "404"}));
    CHECK(Fixture::sent(after).empty());
    REQUIRE(f.answer);
    CHECK(f.answer->error().code == Errc::not_found);
    CHECK(f.answer->error().subject == Subject::media);
  }
}

TEST_CASE("what the author of a post wrote as its key opens nothing here, and the key of another channel is another") {
  Follower f;
  f.stanza(posted_picture("3EB0AA"));
  f.stanza(posted_picture("3EB0BB", [](protocol::MediaFile& file) {
    file.key.assign(32, 3);
    file.enc_sha256.assign(32, 4);
    file.key_at = 1'700'000'000;
  }));
  CHECK(f.stored("3EB0BB").reference.key == f.stored("3EB0AA").reference.key);
  CHECK_FALSE(f.stored("3EB0BB").reference.hashes.file_enc_sha256);
  auto elsewhere = *storage::find_message(f.store->reader(), f.row.id, news, "3EB0AA");
  elsewhere.chat = Jid("120363000000000010", "newsletter");
  CHECK(stored_media(elsewhere)->reference.key != f.stored("3EB0AA").reference.key);
  elsewhere.chat = ben;  // a person's file has a key, or none that can be fetched
  CHECK(stored_media(elsewhere).error().code == Errc::malformed);
}

TEST_CASE("a post without a usable hash, or on a server of its author's choice, has no file that can be fetched") {
  Follower f;
  f.stanza(posted_picture("3EB0AA", [](protocol::MediaFile& file) { file.sha256.clear(); }));
  auto begun = f.fetch("3EB0AA");
  CHECK(all<StartDownload>(begun).empty());
  REQUIRE(f.answer);
  CHECK(f.answer->error().code == Errc::malformed);
  f.stanza(posted_picture("3EB0BB", [](protocol::MediaFile& file) {
    file.direct_path.clear();
    file.url = "https://evil.example/v/plain.jpg";
  }));
  begun = f.fetch("3EB0BB");
  CHECK(all<StartDownload>(begun).empty());
  REQUIRE(f.answer);
  CHECK(f.answer->error().code == Errc::malformed);
}

TEST_CASE("a picture that says where it stands by itself is asked for there, when that is a server of WhatsApp's") {
  Follower f;
  const auto targets = [&f](const std::string& id, std::string_view static_url) {
    auto post = *protocol::read_channel_post(posted_picture(id), 1'700'000'100);
    protocol::Bytes more;
    protocol::append_field(more, 29, protocol::as_bytes(static_url));
    protocol::append_field(*post.message, 3, more);  // merged with what is said of the picture
    f.stanza(protocol::channel_post_stanza(news, post));
    auto begun = f.fetch(id);
    REQUIRE(all<StartDownload>(begun).size() == 1);
    return all<StartDownload>(begun)[0]->download.targets;
  };
  using Targets = std::vector<protocol::DownloadTarget>;
  CHECK(targets("3EB0AA", "https://static.whatsapp.net/v/x.jpg?a=1") ==
        Targets{{"static.whatsapp.net", "/v/x.jpg?a=1"}});
  CHECK(targets("3EB0BB", "https://evil.example/v/x.jpg?a=1") ==
        Targets{{"mmg.example.net", "/v/plain.jpg?oe=1&mms-type=image&__wa-mms="}});
}

TEST_CASE("an own post that the cache has dropped comes back in clear under its own key") {
  Follower f;
  const auto sent = f.send(picture(news));
  auto hosts = f.answer_hosts(f.last);
  f.upload_ends(hosts, with_handle("handle-1"));
  auto begun = f.fetch((*sent)->id);
  const auto started = all<StartDownload>(begun);
  REQUIRE(started.size() == 1);
  CHECK(started[0]->download.plain);
  CHECK(started[0]->download.targets.at(0).target == "/v/t62/x.enc?a=1&mms-type=image&__wa-mms=");
  CHECK(media_name(started[0]->download.reference, started[0]->download.kind) ==
        *std::get<SendMedia>(picture(news).content).upload);
}

TEST_CASE("the file of a post that is not stored is fetched by what its page says, once for all who ask") {
  Follower f;
  const auto post = protocol::read_channel_post(posted_picture("3EB0AA"), 1'700'000'100);
  REQUIRE(post);
  REQUIRE(post->message);
  std::optional<Outcome<>> first, second, none;
  const auto ask = [&f](const FetchPostFile& wanted, std::optional<Outcome<>>& heard) {
    return f.tell(wanted, [&heard](Outcome<> outcome) { heard = std::move(outcome); });
  };
  auto begun = f.answer_hosts(ask(FetchPostFile{news, 101, *post->message}, first));
  REQUIRE(all<StartDownload>(begun).size() == 1);
  const MediaDownload& download = all<StartDownload>(begun)[0]->download;
  CHECK(download.plain);
  CHECK(download.targets.at(0).target == "/v/plain.jpg?oe=1&mms-type=image&__wa-mms=");
  CHECK(media_name(download.reference, download.kind) ==
        media_name(posted_media(news, *post->message)->reference, protocol::MediaKind::image));
  auto again = ask(FetchPostFile{news, 101, *post->message}, second);
  CHECK(all<StartDownload>(again).empty());
  f.finish<StartDownload>(begun, Transferred<void>());
  CHECK(first->has_value());
  CHECK(second->has_value());
  CHECK_FALSE(storage::find_message(f.store->reader(), f.row.id, news, "3EB0AA"));
  ask(FetchPostFile{news, 102, {}}, none);
  CHECK(none->error().code == Errc::not_found);
}

TEST_CASE("the picture of a channel is on the host that WhatsApp names") {
  std::optional<Outcome<std::string>> first, again, nowhere;
  Follower f;
  const auto ask = [&f](std::string path, std::optional<Outcome<std::string>>& heard) {
    return f.tell(LocatePicture{std::move(path)},
                  [&heard](Outcome<std::string> outcome) { heard = std::move(outcome); });
  };
  auto asked = ask("/v/picture.jpg?oe=1", first);
  REQUIRE_FALSE(first);
  f.answer_hosts(asked);
  REQUIRE(first);
  REQUIRE(first->has_value());
  CHECK(**first == "https://mmg.example.net/v/picture.jpg?oe=1");
  ask("/v/small.jpg", again);
  REQUIRE(again);
  CHECK(**again == "https://mmg.example.net/v/small.jpg");
  ask("v/../", nowhere);
  REQUIRE(nowhere);
  CHECK(nowhere->error().code == Errc::malformed);
}

TEST_CASE("files of posts are fetched unasked where the configuration says so") {
  Follower f;
  f.session->context().config.auto_download = AutoDownload{{"image"}, 2'000};
  auto effects = f.stanza(posted_picture("3EB0AA"));
  if (!asks_for_hosts(effects).empty()) effects = f.answer_hosts(effects);
  REQUIRE(all<StartDownload>(effects).size() == 1);
  CHECK(all<StartDownload>(effects)[0]->download.plain);
}

TEST_CASE("what can be seen once, and an upload of others, is not posted") {
  Files f;
  f.go_online();
  SendMessage once = picture(news);
  std::get<SendMedia>(once.content).view_once = true;
  CHECK(f.send(once)->error().code == Errc::not_implemented);
  SendMessage known = picture(news);
  std::get<SendMedia>(known.content).upload.reset();
  CHECK(f.send(known)->error().code == Errc::not_implemented);
}
