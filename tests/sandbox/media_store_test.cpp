// The media host's files on a real disk, a virtual clock, and workers that run when the test says so.

#include "sandbox/media/media_store.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "sandbox/clock.h"
#include "sandbox/media/media_request.h"
#include "tests/sandbox/inline_workers.h"
#include "tests/support/printing.h"

using namespace wharf;
using namespace wharf::sandbox;
using namespace wharf::sandbox::test;
using protocol::Errc;
using protocol::Result;

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t day_ms = 86'400'000;

protocol::Digest32 hash_of(const std::string& text) { return protocol::sha256(protocol::as_bytes(text)); }

struct Room {
  std::string directory = (fs::temp_directory_path() / ("wharf-media-test-" + std::to_string(::getpid()))).string();
  VirtualClock clock;
  protocol::SeededRandom random{3};
  InlineWorkers workers;
  Changes changes;
  MediaSettings settings;
  std::unique_ptr<MediaStore> store;
  std::map<RowKey, protocol::Bytes> rows;

  Room() {
    fs::remove_all(directory);
    settings.directory = directory;
    changes.on_first = [] {};
  }
  ~Room() {
    store.reset();
    fs::remove_all(directory);
  }
  MediaStore& start() {
    store = std::make_unique<MediaStore>(settings, clock, random, workers, changes);
    return *store;
  }
  /// What the state file would hold, and a new life from it.
  MediaStore& restart() {
    for (auto& [key, value] : changes.take([this](const RowKey& key) { return store->row(key); })) {
      if (value) rows[key] = *value;
      else rows.erase(key);
    }
    start();
    for (const auto& [key, value] : rows) REQUIRE(store->restore(key, value));
    REQUIRE(store->restored());
    workers.settle();
    return *store;
  }
  Result<MediaFile> put(const std::string& kind, const std::string& text) {
    Result<MediaFile> kept = protocol::Error(Errc::not_ready, "");
    store->put(kind, text, [&](Result<MediaFile> result) { kept = std::move(result); });
    workers.settle();
    return kept;
  }
  Result<std::string> fetch(const std::string& path, std::uint64_t most = 1'000'000) {
    Result<std::string> got = protocol::Error(Errc::not_ready, "");
    store->fetch(path, most, [&](Result<std::string> result) { got = std::move(result); });
    workers.settle();
    return got;
  }
  Result<void> append(const MediaStore::Writing& writing, const std::string& text) {
    Result<void> done = protocol::Error(Errc::not_ready, "");
    store->append(writing, text, [&](Result<void> result) { done = std::move(result); });
    workers.settle();
    return done;
  }
  Result<MediaFile> finish(const MediaStore::Writing& writing) {
    Result<MediaFile> kept = protocol::Error(Errc::not_ready, "");
    store->finish(writing, [&](Result<MediaFile> result) { kept = std::move(result); });
    workers.settle();
    return kept;
  }
  std::size_t on_disk() const {
    if (!fs::exists(directory)) return 0;
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
  }
};

}  // namespace

TEST_CASE("a file is kept under its hash and fetched by its direct path, also after a restart") {
  Room world;
  world.start();
  const auto file = world.put("image", "ciphertext");
  REQUIRE(file);
  CHECK(file->hash == hash_of("ciphertext"));
  CHECK(file->direct_path().find('?') != std::string::npos);
  CHECK(world.fetch(file->direct_path()).value() == "ciphertext");
  CHECK(world.fetch(file->direct_path() + "&hash=x").value() == "ciphertext");
  CHECK(world.fetch(file->direct_path(), 9).error().code == Errc::too_large);
  CHECK(world.fetch("/v/t62/../../etc/passwd").error().code == Errc::not_found);
  CHECK((fs::status(world.directory).permissions() & fs::perms::all) == fs::perms::owner_all);

  // What the rows do not know goes; what is not ours stays.
  std::ofstream(world.directory + "/" + std::string(32, 'a')) << "never finished";
  std::ofstream(world.directory + "/readme") << "not ours";
  world.restart();
  CHECK(world.on_disk() == 2);
  CHECK(world.fetch(file->direct_path()).value() == "ciphertext");
  CHECK(world.store->find(file->direct_path())->signature == file->signature);
  CHECK(world.store->total_bytes() == 10);
  CHECK(world.put("image", "more").value().number == 2);

  // A row whose bytes are not all there is no file.
  fs::resize_file(world.directory + "/" + file->id, 5);
  world.restart();
  CHECK_FALSE(world.store->find(file->direct_path()));
  CHECK(world.store->size() == 1);
}

TEST_CASE("the same bytes of a kind have one file, which lives on") {
  Room world;
  world.start();
  const auto first = world.put("image", "same");
  world.clock.advance(10 * day_ms);
  const auto again = world.put("image", "same");
  REQUIRE(again);
  CHECK(again->direct_path() == first->direct_path());
  CHECK(again->expires_ms == first->expires_ms + 10 * day_ms);
  CHECK(world.on_disk() == 1);
  CHECK(world.store->total_bytes() == 4);
  CHECK(world.put("video", "same")->direct_path() != first->direct_path());

  // After half of the signature's time a path that holds for a whole life is a new one.
  world.clock.advance(25 * day_ms);
  const auto later = world.put("image", "same");
  CHECK(later->direct_path() != first->direct_path());
  CHECK(world.store->find_hash("image", hash_of("same"))->id == later->id);
  CHECK(world.store->total_bytes() == 12);  // the first two live until day 40
}

TEST_CASE("a file expires on the network's clock: its bytes at once, its entry with its signature") {
  Room world;
  world.start();
  const auto image = world.put("image", "picture"), history = world.put("md-msg-hist", "history");
  REQUIRE(image);
  REQUIRE(history);
  const auto status = [&](const MediaFile& file) {
    return judge_download(world.store->find(file.path()), file.query(), world.clock.unix_ms());
  };
  world.clock.advance(14 * day_ms);
  world.workers.settle();
  CHECK(status(*history) == 410);
  CHECK(status(*image) == 200);
  CHECK(world.on_disk() == 1);
  world.restart();
  CHECK(status(*history) == 410);
  CHECK(world.store->total_bytes() == 7);
  world.clock.advance(16 * day_ms);
  CHECK(status(*image) == 410);
  CHECK(world.store->total_bytes() == 0);
  CHECK(world.fetch(image->path()).error().code == Errc::not_found);
  world.clock.advance(30 * day_ms);
  CHECK(world.store->size() == 0);
  CHECK(status(*image) == 404);
}

TEST_CASE("files are expired and forgotten when somebody says so") {
  Room world;
  world.start();
  const auto one = world.put("image", "one"), two = world.put("image", "two");
  CHECK(world.store->expire(one->id));
  CHECK(world.store->find(one->path())->gone);
  CHECK(world.store->forget(two->id));
  CHECK_FALSE(world.store->find(two->path()));
  CHECK_FALSE(world.store->forget(two->id));
  CHECK_FALSE(world.store->expire("../x"));
  CHECK(world.on_disk() == 0);
  world.restart();
  CHECK(world.store->find(one->path())->gone);
  CHECK(world.store->size() == 1);
  // Uploaded again it is a new file.
  CHECK(world.put("image", "one")->direct_path() != one->direct_path());
}

TEST_CASE("the oldest make room, and what can never fit is refused") {
  Room world;
  world.settings.max_total_bytes = 100;
  world.settings.max_file_bytes = 120;
  world.start();
  const auto first = world.put("image", std::string(40, 'a')), second = world.put("image", std::string(40, 'b'));
  const auto third = world.put("image", std::string(40, 'c'));
  REQUIRE(third);
  CHECK_FALSE(world.store->find(first->path()));
  CHECK(world.store->find(second->path()));
  CHECK(world.store->total_bytes() == 80);
  CHECK(world.on_disk() == 2);
  CHECK(world.put("image", std::string(121, 'd')).error().code == Errc::too_large);
  CHECK(world.put("image", std::string(101, 'e')).error().code == Errc::storage_full);

  // What is being written counts, and goes for nobody.
  const auto writing = world.store->begin("video", std::nullopt);
  REQUIRE(writing);
  REQUIRE(world.append(*writing, std::string(90, 'f')));
  CHECK(world.store->size() == 0);
  CHECK(world.put("image", std::string(20, 'g')).error().code == Errc::storage_full);
  world.store->discard(*writing);
  world.workers.settle();
  CHECK(world.store->total_bytes() == 0);
  CHECK(world.on_disk() == 0);

  world.settings.max_files = 2;
  world.start();
  const auto a = world.put("image", "a");
  world.put("image", "b").value();
  world.put("image", "c").value();
  CHECK(world.store->size() == 2);
  CHECK_FALSE(world.store->find(a->path()));
}

TEST_CASE("a body that is not what its token says leaves nothing behind") {
  Room world;
  world.start();
  const auto writing = world.store->begin("image", hash_of("right"));
  REQUIRE(world.append(*writing, "wro"));
  REQUIRE(world.append(*writing, "ng"));
  CHECK(world.finish(*writing).error().code == Errc::malformed);
  world.workers.settle();
  CHECK(world.store->total_bytes() == 0);
  CHECK(world.store->size() == 0);
  CHECK(world.on_disk() == 0);
}

TEST_CASE("an upload that broke off is resumed where it stopped, for an hour") {
  Room world;
  world.start();
  const auto hash = hash_of("first second");
  auto writing = world.store->begin("video", hash);
  bool written = false;
  world.store->append(*writing, "first ", [&](Result<void> result) { written = result.has_value(); });
  world.store->pause(*writing);  // while the piece is being written
  CHECK(world.store->unfinished("video", hash) == 0);
  world.workers.settle();
  CHECK(written);
  CHECK(world.store->unfinished("video", hash) == 6);
  CHECK(world.store->resume("video", hash, 5).error().code == Errc::conflict);
  CHECK(world.store->resume("image", hash, 6).error().code == Errc::not_found);
  writing = world.store->resume("video", hash, 6);
  REQUIRE(writing);
  CHECK(world.store->resume("video", hash, 6).error().code == Errc::not_found);  // one at a time
  REQUIRE(world.append(*writing, "second"));
  const auto file = world.finish(*writing);
  REQUIRE(file);
  CHECK(world.fetch(file->direct_path()).value() == "first second");
  CHECK(world.store->total_bytes() == 12);

  const auto other = world.store->begin("video", hash_of("x"));
  REQUIRE(world.append(*other, "half"));
  world.store->pause(*other);
  CHECK(world.store->total_bytes() == 16);
  world.clock.advance(3'600'000);
  world.workers.settle();
  CHECK(world.store->unfinished("video", hash_of("x")) == 0);
  CHECK(world.store->total_bytes() == 12);
  CHECK(world.on_disk() == 1);
}

TEST_CASE("a disk that fails and workers that are busy are told, and cost nothing") {
  Room world;
  world.start();
  REQUIRE(world.put("image", "before"));
  world.workers.refuses = true;
  CHECK(world.put("image", "busy").error().code == Errc::rate_limited);
  world.workers.refuses = false;
  CHECK(world.store->total_bytes() == 6);
  fs::remove_all(world.directory);
  CHECK(world.put("image", "after").error().code == Errc::storage);
  CHECK(world.store->total_bytes() == 6);
  CHECK(world.fetch(world.store->list(0, 1).at(0).path()).error().code == Errc::storage);
}

TEST_CASE("a store without a directory keeps its files in a private one, until its end") {
  Room world;
  world.settings.directory.clear();
  fs::create_directory(world.directory);
  const char* set = std::getenv("TMPDIR");
  const std::string usual = set ? set : "";
  ::setenv("TMPDIR", world.directory.c_str(), 1);
  world.start();
  CHECK(world.on_disk() == 0);
  CHECK(world.fetch(world.put("image", "x")->path()).value() == "x");
  CHECK(world.on_disk() == 1);
  // A completion that comes after the end finds nobody.
  bool called = false;
  world.store->put("image", "late", [&](Result<MediaFile>) { called = true; });
  world.store.reset();
  world.workers.settle();
  CHECK_FALSE(called);
  CHECK(world.on_disk() == 0);
  if (set) ::setenv("TMPDIR", usual.c_str(), 1);
  else ::unsetenv("TMPDIR");
}

TEST_CASE("damaged rows stop the start") {
  Room world;
  world.start();
  REQUIRE(world.put("image", "x"));
  world.restart();
  auto [key, value] = *world.rows.begin();
  std::string text(protocol::as_text(value));
  const auto id = text.find(world.store->list(0, 1).at(0).id);
  REQUIRE(id != std::string::npos);
  text.replace(id, 3, "../");
  world.start();
  CHECK(world.store->restore(key, protocol::as_bytes(text)).error().code == Errc::malformed);
  CHECK(world.store->restore(key, protocol::as_bytes("{}")).error().code == Errc::malformed);
  CHECK(world.store->restore(key, protocol::as_bytes("x")).error().code == Errc::malformed);
  CHECK(world.store->size() == 0);
}
