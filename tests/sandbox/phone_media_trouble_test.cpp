// Files of phones when something goes wrong: a phone is off in the middle, the media host does what a test wants, or
// has the file no longer.

#include <catch2/catch.hpp>

#include "tests/sandbox/media_world.h"

namespace wharf::sandbox::test {

using protocol::Errc;
using Strings = std::vector<std::string>;

TEST_CASE("a phone that is switched off while its file is uploaded sends the message when it is on again") {
  MediaPair world;
  const auto id = world.send(world.anna(), world.ben(), image(picture(100), "picture"));
  REQUIRE(world.anna().send({"15550000002", "behind it", {}, {}}));
  world.settle();
  world.anna().power(false);
  world.settle_all();
  CHECK(world.ben().messages().empty());
  world.clock.advance(60'000);  // longer than a phone waits for any answer
  CHECK(with_id(world.anna(), id)->status == "pending");
  world.anna().power(true);
  world.settle_all();
  CHECK(texts(world.ben()) == Strings{"picture", "behind it"});
  CHECK(world.store.size() == 1);

  // Off and on before the upload ended.
  world.send(world.anna(), world.ben(), image(picture(100), "second"));
  world.anna().power(false);
  world.anna().power(true);
  REQUIRE(world.anna().send({"15550000002", "third", {}, {}}));
  world.settle_all();
  CHECK(texts(world.ben()) == Strings{"picture", "behind it", "second", "third"});
}

TEST_CASE("phones and the media host may end while files are on their way") {
  MediaWorld world;
  world.two_phones();
  {
    World other;
    Phones phones(other.network);
    phones.set_media_host(world.media);
    auto anna = phones.create("15550000007", "A"), ben = phones.create("15550000008", "B");
    REQUIRE((*anna)->send(with_media("15550000008", image(picture(100)))));
    other.clock.advance(0);
  }
  world.workers.settle();  // the upload of a phone that is no more
  CHECK(world.store.size() == 1);
  const auto id = world.anna().send(with_media("15550000002", image(picture(100))));
  REQUIRE(id);
  world.settle();
  world.media.reset();
  world.settle_all();
  CHECK(world.shown(world.ben(), *id).error().code == Errc::not_found);
  CHECK(world.anna().send(with_media("15550000002", image("x"))).error().code == Errc::closed);
}

TEST_CASE("a phone that is installed anew does not send what it was uploading") {
  MediaPair world;
  const auto id = world.send(world.anna(), world.ben(), image(picture(100), "old"));
  world.settle();
  world.anna().reinstall();
  REQUIRE(world.anna().send({"15550000002", "new", {}, {}}));
  world.workers.settle();  // the upload ends while the new message waits in the same chat
  world.settle_all();
  CHECK(texts(world.ben()) == Strings{"new"});
  CHECK(with_id(world.anna(), id)->status == "error");
  CHECK(state_of(world.anna(), id) == "failed");
}

TEST_CASE("an upload that fails fails its message, and the next one goes on") {
  MediaPair world;
  for (const auto what : {MediaFault::What::status, MediaFault::What::dead, MediaFault::What::cut}) {
    world.fault(what, MediaWay::upload);
    const auto id = world.send(world.anna(), world.ben(), image(picture(100)));
    REQUIRE(world.anna().send({"15550000002", "next", {}, {}}));
    world.settle_all();
    CHECK(with_id(world.anna(), id)->status == "error");
    CHECK_FALSE(with_id(world.anna(), id)->failure.empty());
    CHECK(state_of(world.anna(), id) == "failed");
    CHECK(with_id(world.ben(), id) == nullptr);
    CHECK(texts(world.ben()).back() == "next");
  }
  CHECK(world.ben().messages().size() == 3);
}

TEST_CASE("while the media host is busy phones wait with their files, and not for ever") {
  MediaPair world;
  world.workers.refuses = true;
  const auto id = world.send(world.anna(), world.ben(), image(picture(100)));
  world.settle_all();
  CHECK(with_id(world.anna(), id)->status == "pending");
  world.workers.refuses = false;
  world.clock.advance(100);
  world.settle_all();
  CHECK(state_of(world.ben(), id) == "ready");

  world.workers.refuses = true;
  const auto late = world.send(world.anna(), world.ben(), image(picture(100, 2)));
  world.clock.advance(10'000);
  world.settle_all();
  CHECK(with_id(world.anna(), late)->status == "error");
  CHECK(state_of(world.anna(), late) == "failed");

  world.workers.refuses = false;
  const auto third = world.send(world.anna(), world.ben(), image(picture(600'000, 3)));
  world.until_shown(world.ben(), third);
  world.workers.refuses = true;
  world.settle_all();
  CHECK(state_of(world.ben(), third) == "loading");
  world.workers.refuses = false;
  world.clock.advance(100);
  world.settle_all();
  // The piece that was under way when the workers refused was read; those behind it waited.
  CHECK(state_of(world.ben(), third) == "ready");
}

TEST_CASE("wrong bytes, a short file and a host that fails are seen, and shown as what they are") {
  MediaPair world;
  const auto failure = [&](MediaFault::What what, std::uint64_t bytes) {
    const auto id = world.send(world.anna(), world.ben(), image(picture(600'000)));
    world.fault(what, MediaWay::download, bytes);
    world.settle_all();
    CHECK(state_of(world.ben(), id) == "failed");
    CHECK(with_id(world.ben(), id)->media->sha256.empty());
    CHECK(with_id(world.ben(), id)->status == "received");
    CHECK(world.media->faults().rules().empty());
    return failure_of(world.ben(), id);
  };
  const auto clean = [&] {
    const auto id = world.send(world.anna(), world.ben(), image(picture(600'000)));
    world.settle_all();
    return state_of(world.ben(), id);
  };
  CHECK(clean() == "ready");
  const std::string flipped = failure(MediaFault::What::flip, 300'000);
  CHECK(flipped == "media file is not the announced one");
  CHECK_FALSE(failure(MediaFault::What::flip, 600'020).empty());  // in the MAC
  CHECK_FALSE(failure(MediaFault::What::truncate, 300'000).empty());
  CHECK(failure(MediaFault::What::truncate, 5) != flipped);
  CHECK(failure(MediaFault::What::cut, 300'000).find("broke off") != std::string::npos);
  CHECK(failure(MediaFault::What::status, 0).find("503") != std::string::npos);
  CHECK_FALSE(failure(MediaFault::What::dead, 0).empty());
  CHECK(clean() == "ready");
  // Faults that do not name the phones are for clients.
  MediaFault rule;
  rule.what = MediaFault::What::flip;
  world.media->faults().set({rule});
  CHECK(clean() == "ready");
  CHECK(world.media->faults().rules().size() == 1);
}

TEST_CASE("a file that is gone before the phone asks for it is missing, not awaited") {
  MediaPair world;
  Phone& ben = world.ben();
  const auto lost = [&](const std::function<void(const std::string&)>& lose) {
    ben.power(false);
    const auto id = world.send(world.anna(), ben, image(picture(100, static_cast<unsigned>(ben.messages().size()))));
    world.settle_all();
    lose(world.store.list(0, 100).back().id);
    ben.power(true);
    world.settle_all();
    CHECK(state_of(ben, id) == "failed");
    CHECK(world.shown(ben, id).error().code == Errc::not_found);
    return failure_of(ben, id);
  };
  CHECK(lost([&](const std::string& id) { CHECK(world.store.forget(id)); }).find("404") != std::string::npos);
  CHECK(lost([&](const std::string& id) { CHECK(world.store.expire(id)); }).find("410") != std::string::npos);
  CHECK(lost([&](const std::string&) { world.clock.advance(31LL * 86'400'000); }).find("410") != std::string::npos);
}

TEST_CASE("a phone that is switched off while it loads a file loads it when it is on again") {
  MediaPair world;
  const auto id = world.send(world.anna(), world.ben(), image(picture(3'000'000)));
  world.until_shown(world.ben(), id);
  REQUIRE(world.workers.step());  // the first piece came
  world.ben().power(false);
  world.settle_all();
  CHECK(state_of(world.ben(), id) == "loading");
  world.ben().power(true);
  world.settle_all();
  CHECK(state_of(world.ben(), id) == "ready");
  CHECK((world.shown(world.ben(), id).value() == picture(3'000'000)));
}

}  // namespace wharf::sandbox::test
