// A companion asks its phone for a file that the media host no longer has. 04 section 6.

#include <catch2/catch.hpp>

#include "protocol/media/media_decryptor.h"
#include "protocol/media/media_retry.h"
#include "protocol/stanzas/ack.h"
#include "tests/sandbox/media_world.h"

namespace wharf::sandbox::test {

using protocol::MediaRetryAnswer;
using protocol::MediaRetryOutcome;

namespace {

/// Anna sent Ben a picture; the companion has lost its file.
struct Scene : MediaWorld {
  std::unique_ptr<Client> desk;
  std::string id;
  protocol::MediaFile file;  // as the message says
  protocol::MediaKey key{};
  bool from_me;
  const std::string bytes = picture(5'000);

  explicit Scene(bool of_anna) : from_me(of_anna) {
    two_phones();
    desk = linked_client(*this, of_anna ? anna() : ben());
    (void)desk->read_messages();
    id = anna().send(with_media("15550000002", image(bytes))).value();
    settle_all();
    for (const auto& content : desk->read_messages()) {
      if (const auto* found = std::get_if<protocol::MediaFile>(&content.body)) file = *found;
    }
    settle_all();
    REQUIRE(file.key.size() == 32);
    key = *protocol::exactly<32>(file.key);
  }
  Phone& own() { return from_me ? anna() : ben(); }
  void lose() { REQUIRE(store.forget(std::string(store.find(file.direct_path)->id))); }
  std::optional<protocol::RetriedMessage> rmr() {
    const Account& other = *network.find_account(std::string_view(from_me ? "15550000002" : "15550000001"));
    return protocol::RetriedMessage{other.lid_jid(), from_me, std::nullopt};
  }
  void ask() { ask(id, rmr(), key); }
  std::size_t unsettled = 0;  // what waited for the companion before it asked
  void ask(const std::string& message, const std::optional<protocol::RetriedMessage>& where,
           const protocol::MediaKey& with) {
    unsettled = network.queue_length(desk->key);
    desk->send(protocol::media_retry_receipt(message, desk->lid(), where, with, random));
    settle_all();
  }
  std::vector<Node> answers() const {
    std::vector<Node> out;
    for (const Node& node : desk->received) {
      if (node.is("notification") && node.attr("type") == "mediaretry") out.push_back(node);
    }
    return out;
  }
  /// The only answer, acked.
  MediaRetryAnswer answer() {
    const auto all = answers();
    REQUIRE(all.size() == 1);
    const auto read = protocol::read_media_retry_notification(all[0]);
    REQUIRE(read);
    CHECK(read->id == id);
    const auto opened = protocol::open_media_retry(*read, key);
    REQUIRE(opened);
    desk->send(protocol::ack_for(all[0], desk->lid()));
    desk->received.clear();
    settle_all();
    CHECK(network.queue_length(desk->key) == unsettled);
    CHECK(network.queue_length({own().number(), 0}) == 0);
    return *opened;
  }
  /// What is there at a direct path, decrypted with the message's key.
  std::string fetched(const std::string& path) {
    std::string out;
    store.fetch(path, 1u << 20, [&](protocol::Result<std::string> body) {
      REQUIRE(body);
      const auto reference = protocol::read_media_reference(file.key, file.enc_sha256, file.sha256);
      protocol::MediaDecryptor decryptor(*reference, protocol::MediaKind::image);
      Bytes plain;
      decryptor.update(protocol::as_bytes(*body), plain);
      REQUIRE(decryptor.finish(plain));
      out = protocol::as_text(plain);
    });
    settle_all();
    return out;
  }
};

}  // namespace

TEST_CASE("a phone uploads a file again that it sent or got, and tells the companion where") {
  for (const bool of_anna : {true, false}) {
    Scene s(of_anna);
    s.lose();
    s.ask();
    const auto answer = s.answer();
    CHECK(answer.outcome == MediaRetryOutcome::success);
    CHECK(answer.direct_path != s.file.direct_path);
    CHECK((s.fetched(answer.direct_path) == s.bytes));
    // The phone itself finds it as well.
    CHECK((s.shown(s.own(), s.id).value() == s.bytes));
    // And again, from the host's copy, under the path that it has.
    s.ask();
    CHECK(s.answer().direct_path == answer.direct_path);
  }
}

TEST_CASE("the answer names the account and the message as they were asked") {
  Scene s(true);
  s.ask();
  const auto all = s.answers();
  REQUIRE(all.size() == 1);
  CHECK(all[0].jid("from") == s.desk->lid().user_jid());
  CHECK_FALSE(all[0].has("to"));
  CHECK(all[0].number("t") == static_cast<std::uint64_t>(s.clock.unix_ms() / 1000));
  CHECK(protocol::read_media_retry_notification(all[0])->message == s.rmr());
}

TEST_CASE("a phone that is off is asked when it is on, and an absent companion hears when it is back") {
  Scene s(true);
  s.lose();
  s.own().power(false);
  s.ask();
  CHECK(s.answers().empty());
  s.network.detach(s.desk->key, *s.desk);
  s.own().power(true);
  s.settle_all();
  CHECK(s.answers().empty());
  CHECK(s.network.queue_length(s.desk->key) == s.unsettled + 1);
  protocol::ParsedClientPayload login;
  login.username = std::stoull(s.desk->key.phone);
  login.device = s.desk->key.device;
  REQUIRE(s.network.login(s.desk->keys.noise.pub, login, *s.desk));
  s.settle_all();
  CHECK((s.fetched(s.answer().direct_path) == s.bytes));
}

TEST_CASE("a phone that is switched off while it uploads again answers later") {
  Scene s(true);
  s.lose();
  s.unsettled = s.network.queue_length(s.desk->key);
  s.desk->send(protocol::media_retry_receipt(s.id, s.desk->lid(), s.rmr(), s.key, s.random));
  s.settle();
  s.own().power(false);
  s.settle_all();
  CHECK(s.answers().empty());
  s.own().power(true);
  s.settle_all();
  CHECK(s.answer().outcome == MediaRetryOutcome::success);
}

TEST_CASE("what a phone does not know, no longer has or cannot open it says so") {
  Scene s(true);
  const auto code = [&] {
    const auto all = s.answers();
    REQUIRE(all.size() == 1);
    const auto read = protocol::read_media_retry_notification(all[0]);
    REQUIRE(read);
    s.desk->received.clear();
    return read->error_code;
  };
  s.ask("3EB0UNKNOWN", s.rmr(), s.key);
  CHECK(code() == 2u);
  auto other_chat = s.rmr();
  other_chat->chat = s.network.find_account(std::string_view("15550000001"))->lid_jid();
  s.ask(s.id, other_chat, s.key);
  CHECK(code() == 2u);
  auto not_mine = s.rmr();
  not_mine->from_me = false;
  s.ask(s.id, not_mine, s.key);
  CHECK(code() == 2u);
  s.ask(s.id, std::nullopt, s.key);  // a history blob
  CHECK(code() == 2u);
  auto wrong = s.key;
  wrong[0] ^= 1;
  s.ask(s.id, s.rmr(), wrong);
  CHECK(code() == 3u);
  const auto text = s.anna().send({"15550000002", "no file", {}, {}}).value();
  s.settle_all();
  (void)s.desk->read_messages();
  s.desk->received.clear();
  s.ask(text, s.rmr(), s.key);
  CHECK(code() == 2u);
}

TEST_CASE("a test chooses what the phone answers, also over a restart") {
  Scene s(true);
  s.own().set_media_retry(MediaRetryMode::not_found);
  s.ask();
  CHECK(s.answer().outcome == MediaRetryOutcome::not_found);
  s.own().set_media_retry(MediaRetryMode::general_error);
  s.ask();
  CHECK(s.answer().outcome == MediaRetryOutcome::general_error);
  s.own().set_media_retry(MediaRetryMode::silent);
  s.ask();
  CHECK(s.answers().empty());
  CHECK(s.network.queue_length({s.own().number(), 0}) == 0);
  s.commit();
  Disk disk;
  for (const auto& [key, value] : s.rows) {
    if (key.kind != RowKind::media) disk.rows[key] = value;
  }
  PhoneWorld later;
  REQUIRE(disk.load(later.network, later.phones));
  Inbox inbox;
  protocol::ParsedClientPayload login;
  login.username = std::stoull(s.desk->key.phone);
  login.device = s.desk->key.device;
  REQUIRE(later.network.login(s.desk->keys.noise.pub, login, inbox));
  const auto asked = protocol::media_retry_receipt(s.id, s.desk->lid(), s.rmr(), s.key, s.random);
  later.network.handle(s.desk->key, asked);
  later.settle();
  CHECK(inbox.last("notification") == nullptr);
  // Without a media host nothing can be uploaded.
  later.phones.find(s.own().number())->set_media_retry(MediaRetryMode::upload);
  later.network.handle(s.desk->key, asked);
  later.settle();
  REQUIRE(inbox.last("notification"));
  CHECK(inbox.last("notification")->child("error")->number("code") == 0u);
}

TEST_CASE("only a phone answers, and only its own companions") {
  Scene s(true);
  const auto forged = protocol::media_retry_error(s.id, s.desk->lid(), 1, s.rmr(), MediaRetryOutcome::not_found);
  Node of_companion = forged;
  s.desk->send(of_companion.set("to", s.desk->lid()));
  Node of_stranger = forged;
  s.network.handle({"15550000002", 0}, of_stranger.set("to", s.desk->lid()));
  Node of_another_type = forged;
  s.network.handle({"15550000001", 0}, of_another_type.set("to", s.desk->lid()).set("type", "encrypt"));
  s.settle_all();
  CHECK(s.answers().empty());
  Node to_itself = forged;
  s.network.handle({"15550000001", 0}, to_itself.set("to", s.desk->lid().user_jid()));
  CHECK(s.network.queue_length({"15550000001", 0}) == 0);
}

}  // namespace wharf::sandbox::test
