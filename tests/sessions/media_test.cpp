// Files of a real Session: a message waits for its upload and its chat behind it, a lost connection, a refusal or a
// restart in between does what it must.
#include <catch2/catch.hpp>

#include "tests/sessions/sent_files.h"

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
