// Files between phones: really encrypted, uploaded, fetched and verified; and over a restart.

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "protocol/media/encrypted_file.h"
#include "protocol/media/sidecar.h"
#include "sandbox/phone/files.h"
#include "tests/sandbox/media_world.h"

namespace wharf::sandbox::test {

namespace fs = std::filesystem;
using protocol::Errc;
using protocol::MessageKind;
using Strings = std::vector<std::string>;

namespace {

/// The content of the message behind an entry of a phone.
protocol::IncomingMessage behind(MediaWorld& world, const std::string& phone, std::uint64_t number) {
  const auto kept = world.phones.row({RowKind::phone_message, phone, row_number(number, 8)});
  REQUIRE(kept);
  const auto text = std::string(protocol::as_text(*kept));
  const auto at = text.find("\"encoded\":\"") + 11;
  const auto encoded = protocol::from_base64(text.substr(at, text.find('"', at) - at));
  REQUIRE(encoded);
  return protocol::parse_message(*encoded).value();
}

std::string temporary(const std::string& name) {
  const auto path = fs::temp_directory_path() / ("wharf-" + name + "-" + std::to_string(::getpid()));
  fs::remove_all(path);
  return path.string();
}

}  // namespace

TEST_CASE("a picture goes from phone to phone and back, byte for byte") {
  MediaPair world;
  const std::string first = picture(70'000), second = picture(16, 7);
  const auto id = world.send(world.anna(), world.ben(), image(first, "look"));
  CHECK(state_of(world.anna(), id) == "loading");
  CHECK(with_id(world.anna(), id)->status == "pending");
  world.settle_all();

  const PhoneMessage& received = world.ben().messages().at(0);
  CHECK(received.id == id);
  CHECK(received.kind == "image");
  CHECK(received.text == "look");
  REQUIRE(received.media);
  CHECK(received.media->state == "ready");
  CHECK(received.media->failure.empty());
  CHECK(received.media->mimetype == "image/png");
  CHECK(received.media->size == first.size());
  CHECK(received.media->width == 640);
  CHECK(received.media->height == 480);
  CHECK(received.media->sha256 == protocol::to_hex(protocol::sha256(protocol::as_bytes(first))));
  CHECK(with_id(world.anna(), id)->status == "delivered");
  CHECK(with_id(world.anna(), id)->media->sha256 == received.media->sha256);
  CHECK((world.shown(world.ben(), id).value() == first));
  CHECK((world.shown(world.anna(), id).value() == first));

  const auto back = world.send(world.ben(), world.anna(), image(second));
  world.settle_all();
  CHECK((world.shown(world.anna(), back).value() == second));
  // What the host has is not what was sent, and names are its own.
  const auto files = world.store.list(0, 10);
  REQUIRE(files.size() == 2);
  CHECK(files[0].kind == "image");
  CHECK(files[0].bytes == protocol::encrypted_length(first.size()));
  CHECK(files[0].hash != protocol::sha256(protocol::as_bytes(first)));
  const auto said = std::get<protocol::MediaFile>(behind(world, "15550000002", 0).body);
  CHECK(said.url == "https://media.test:7443" + files[0].direct_path());
  CHECK(said.direct_path == files[0].direct_path());
  CHECK(said.key_at == world.clock.unix_ms() / 1000);
}

TEST_CASE("what is sealed about a file while that is uploaded is opened by who gets both") {
  MediaPair world;
  PhoneMedia media = image(picture(1'000), "look");
  // With a text, a document is a Message within one, and what it is sealed with stands beside that.
  media.kind = GENERATE(MessageKind::image, MessageKind::document);
  const auto id = world.send(world.anna(), world.ben(), media);
  REQUIRE(state_of(world.anna(), id) == "loading");
  Phone::Send react{world.ben().number(), {}, {}, {}};
  react.content = PhoneReaction{id, "+", true};
  REQUIRE(world.anna().send(react));
  world.settle_all();
  REQUIRE(world.ben().messages().size() == 2);
  CHECK(world.ben().messages()[1].kind == "reaction");
  CHECK(world.ben().messages()[1].text == "+");
}

TEST_CASE("a picture of a chat with a timer disappears with it") {
  MediaPair world;
  Phone::Send timer{world.ben().number(), {}, {}, {}};
  timer.content = PhoneTimer{604'800};
  REQUIRE(world.anna().send(timer));
  world.settle_all();
  const auto id = world.send(world.anna(), world.ben(), image(picture(1'000), "look"));
  world.settle_all();
  CHECK(with_id(world.anna(), id)->expires_after == 604'800);
  CHECK(with_id(world.ben(), id)->expires_after == 604'800);
  const auto traits = behind(world, "15550000002", 1).traits;
  CHECK(traits.expires_after_s == 604'800);
  CHECK(traits.expiry_set_at == world.clock.unix_ms() / 1000);
}

TEST_CASE("every kind of file arrives as that kind, with what belongs to it") {
  MediaPair world;
  using Kind = MessageKind;
  for (const Kind kind : {Kind::image, Kind::video, Kind::gif, Kind::video_note, Kind::audio, Kind::voice,
                          Kind::document, Kind::sticker}) {
    INFO(protocol::name(kind));
    PhoneMedia sent;
    sent.kind = kind;
    sent.bytes = picture(100'000, static_cast<unsigned>(kind));
    sent.seconds = 5;
    const bool captioned = kind == Kind::document || kind == Kind::video;
    if (captioned) sent.caption = "words";
    if (kind == Kind::document) sent.file_name = "a.pdf";
    const auto number = world.ben().messages().size();
    const auto id = world.send(world.anna(), world.ben(), sent);
    world.settle_all();
    const PhoneMessage* received = with_id(world.ben(), id);
    REQUIRE(received);
    CHECK(received->kind == protocol::name(kind));
    CHECK(received->text == (captioned ? "words" : ""));
    REQUIRE(received->media);
    CHECK(received->media->kind == protocol::name(kind));
    CHECK(received->media->state == "ready");
    CHECK_FALSE(received->media->mimetype.empty());
    CHECK(received->media->file_name == sent.file_name);
    CHECK((world.shown(world.ben(), id).value() == sent.bytes));
    const auto file = std::get<protocol::MediaFile>(behind(world, "15550000002", number).body);
    const bool streams = kind != Kind::image && kind != Kind::document && kind != Kind::sticker;
    CHECK(file.sidecar.size() == (streams ? 10 * protocol::sidecar_window_count(sent.bytes.size()) : 0));
    CHECK(file.seconds == (streams ? 5u : 0u));
  }
  auto once = image(picture(100));
  once.view_once = true;
  world.send(world.anna(), world.ben(), once);
  world.settle_all();
  CHECK(behind(world, "15550000002", world.ben().messages().size() - 1).traits.view_once);
  CHECK(world.ben().messages().back().media->state == "ready");
}

TEST_CASE("the pictures of an album name its head, and a restart keeps that") {
  const std::string directory = temporary("phone-album-test");
  std::map<RowKey, Bytes> rows;
  std::string id;
  const auto is_shown = [&](const Phone& phone) {
    REQUIRE(phone.messages().size() == 2);
    CHECK(phone.messages()[0].kind == "album");
    CHECK((phone.messages()[0].album == protocol::Album{1, 1}));
    CHECK(phone.messages()[1].album_id == id);
    CHECK(phone.messages()[1].media->state == "ready");
  };
  {
    MediaPair world(directory);
    Phone::Send head;
    head.to = "15550000002";
    head.content = protocol::Album{1, 1};
    id = world.anna().send(head).value();
    auto one = image(picture(100));
    one.album = id;
    world.send(world.anna(), world.ben(), one);
    world.settle_all();
    is_shown(world.anna());
    is_shown(world.ben());
    auto document = image(picture(100));
    document.kind = MessageKind::document;
    document.album = id;
    CHECK(world.anna().send(with_media("15550000002", document)).error().code == Errc::malformed);
    world.commit();
    rows = world.rows;
  }
  {
    MediaWorld later(directory);
    later.load(rows);
    is_shown(later.anna());
    is_shown(later.ben());
  }
  fs::remove_all(directory);
}

TEST_CASE("a picture may quote and mention") {
  MediaPair world;
  REQUIRE(world.anna().send({"15550000002", "before", {}, {}}));
  world.settle_all();
  auto send = with_media("15550000002", image(picture(100)));
  send.quoted_id = world.anna().messages()[0].id;
  send.mentions = {"15550000002"};
  REQUIRE(world.anna().send(send));
  world.settle_all();
  CHECK(world.ben().messages().back().quoted_id == send.quoted_id);
  CHECK(world.ben().messages().back().mentions == send.mentions);
  CHECK(protocol::parse_message(behind(world, "15550000002", 1).quote->message)->text == "before");
}

TEST_CASE("what is said behind a file waits for it, and other chats do not") {
  MediaPair world;
  Phone& cleo = world.phone("15550000003", "Cleo");
  const auto id = world.send(world.anna(), world.ben(), image(picture(100), "picture"));
  REQUIRE(world.anna().send({"15550000002", "behind it", {}, {}}));
  REQUIRE(world.anna().send({"15550000003", "elsewhere", {}, {}}));
  world.settle();  // no worker has done anything
  CHECK(world.ben().messages().empty());
  CHECK(texts(cleo) == Strings{"elsewhere"});
  world.settle_all();
  CHECK(texts(world.ben()) == Strings{"picture", "behind it"});
}

TEST_CASE("files of a companion are loaded by both phones, and one that is not what it says is refused") {
  MediaPair world;
  auto desk = linked_client(world, world.anna());
  world.settle_all();
  const auto sent = [&](const protocol::MediaContent& content, const std::string& id) {
    const auto message = protocol::build_message(content, {}, world.random);
    desk->send(desk->prepare("15550000002", message.encoded, id));
    world.settle_all();
  };
  auto file = upload(world, MessageKind::image, protocol::MediaKind::image, picture(300));
  sent(file.content, "C1");
  for (const Phone* phone : {&world.anna(), &world.ben()}) {
    CHECK(state_of(*phone, "C1") == "ready");
    CHECK((world.shown(*phone, "C1").value() == picture(300)));
  }
  CHECK(with_id(world.anna(), "C1")->from_me);
  CHECK(with_id(world.anna(), "C1")->device == desk->key.device);

  auto wrong = file.content;
  wrong.file.sha256[0] ^= 1;
  sent(wrong, "C2");
  wrong = file.content;
  wrong.file.key[0] ^= 1;
  sent(wrong, "C3");
  wrong = file.content;
  wrong.file.key.pop_back();
  sent(wrong, "C4");
  wrong = file.content;
  wrong.file.direct_path = wrong.file.direct_path.substr(0, wrong.file.direct_path.find('?'));
  sent(wrong, "C5");
  wrong.file.direct_path.clear();
  sent(wrong, "C6");
  for (const std::string id : {"C2", "C3", "C4", "C5", "C6"}) {
    INFO(id);
    CHECK(state_of(world.ben(), id) == "failed");
    CHECK_FALSE(failure_of(world.ben(), id).empty());
  }
  CHECK(failure_of(world.ben(), "C5").find("403") != std::string::npos);
  CHECK(world.shown(world.ben(), "C2").error().code == Errc::malformed);
  CHECK(world.shown(world.ben(), "C3").error().code == Errc::bad_mac);
}

TEST_CASE("what cannot be sent as a file is refused at once") {
  MediaPair world;
  const auto refused = [&](PhoneMedia media) {
    return world.anna().send(with_media("15550000002", std::move(media))).error().code;
  };
  CHECK(refused(image("")) == Errc::malformed);
  auto odd = image("x");
  odd.kind = MessageKind::poll;
  CHECK(refused(odd) == Errc::malformed);
  odd.kind = MessageKind::document;
  odd.view_once = true;
  CHECK(refused(odd) == Errc::malformed);
  CHECK(refused(image(std::string(PhoneMedia::max_bytes + 1, 'x'))) == Errc::too_large);
  CHECK(world.anna().messages().empty());

  PhoneWorld without;
  Phone& anna = without.phone("15550000001");
  (void)without.phone("15550000002");
  CHECK(anna.send(with_media("15550000002", image("x"))).error().code == Errc::closed);
}

TEST_CASE("a restart goes on with files that were on their way up and down, and keeps those that are shown") {
  const std::string directory = temporary("phone-media-test");
  const std::string bytes = picture(3'000'000);
  std::map<RowKey, Bytes> rows;
  std::string shown, going, coming;
  {
    MediaPair world(directory);
    shown = world.send(world.anna(), world.ben(), image(picture(500), "shown"));
    world.settle_all();
    coming = world.send(world.anna(), world.ben(), image(bytes, "coming"));
    world.until_shown(world.ben(), coming);
    going = world.send(world.ben(), world.anna(), image(bytes, "going"));
    world.settle();
    CHECK(state_of(world.ben(), going) == "loading");
    world.commit();
    rows = world.rows;
  }
  {
    MediaWorld later(directory);
    later.load(rows);
    CHECK(state_of(later.ben(), coming) == "loading");
    later.settle_all();
    CHECK(state_of(later.ben(), shown) == "ready");
    CHECK(with_id(later.ben(), shown)->media->sha256 ==
          protocol::to_hex(protocol::sha256(protocol::as_bytes(picture(500)))));
    CHECK((later.shown(later.ben(), shown).value() == picture(500)));
    CHECK(state_of(later.ben(), coming) == "ready");
    CHECK(state_of(later.anna(), going) == "ready");
    CHECK(with_id(later.ben(), going)->status == "delivered");
    CHECK((later.shown(later.anna(), going).value() == bytes));
    // Every row on the disk is what memory says.
    later.commit();
    for (const auto& [key, value] : later.rows) {
      INFO("row " << static_cast<int>(key.kind));
      CHECK((later.row(key) == value));
      CHECK((key.kind != RowKind::phone_sent || value.size() < 10'000));  // the file has left it
    }
  }
  fs::remove_all(directory);
}

TEST_CASE("phones keep so many encrypted files and no more, the oldest go") {
  PhoneFiles files;
  const auto hash = [](unsigned i) { return protocol::sha256(Bytes(1, static_cast<std::uint8_t>(i))); };
  for (unsigned i = 0; i < 5; ++i) files.keep(hash(i), Bytes(PhoneFiles::max_kept_file_bytes, 1));
  CHECK_FALSE(files.keeps(hash(0)));
  CHECK(files.keeps(hash(1)));
  CHECK(files.keeps(hash(4)));
  files.keep(hash(9), Bytes(PhoneFiles::max_kept_file_bytes + 1, 1));
  CHECK_FALSE(files.keeps(hash(9)));
}

}  // namespace wharf::sandbox::test
