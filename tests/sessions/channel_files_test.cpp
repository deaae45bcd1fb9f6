// Files that are posted in channels: uploaded in clear, announced without a key, and of nobody else's use.
#include "protocol/channels/posts.h"
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
  const auto stored = stored_media(row->content);
  REQUIRE(stored.has_value());
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
