// What holds files within their age, in a time that passes only when a test lets it: vault and folder on a real disk.
#include "sessions/media/media_upkeep.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <optional>

#include "tests/sessions/media_fixture.h"
#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;

namespace fs = std::filesystem;

namespace {

/// Files are made as such: what is in them is no matter here.
struct Rig : test::TransferRig {
  ~Rig() {
    upkeep.reset();
    folder.reset();
    cache.reset();
  }
  /// A file of the cache, for cache_from_disk().
  fs::path cached(std::size_t number, std::chrono::hours age) {
    return made(directory + "/cache/" + fmt::format("{:064x}", number), age);
  }
  /// Such as a start finds it.
  MediaVault& cache_from_disk() {
    cache.emplace(VaultSettings{directory, 1u << 30, 1u << 30, 1u << 30}, workers, random);
    REQUIRE(cache->open({}).has_value());
    return *cache;
  }
  /// A plain file of a session's folder, and the folder, which keeps files for two days.
  fs::path plain(const std::string& name, std::chrono::hours age) {
    const std::string of_session = root + "/anna/2025-06";
    fs::create_directories(of_session);
    std::ofstream(root + "/anna/.wharf").flush();
    return made(of_session + "/" + name, age);
  }
  void open_folder() {
    FolderSettings settings;
    settings.directory = root;
    settings.keep = 48h;
    folder.emplace(std::move(settings), MediaFolder::Ports{vault, workers, random, *rows.store, time});
    REQUIRE(folder->open().has_value());
    folder->begin(time.unix_ms());
    finish();
  }
  void start(MediaVault& of, std::chrono::hours keep) {
    upkeep.emplace(of, folder ? &*folder : nullptr, time, UpkeepSettings{keep});
    upkeep->start();
  }
  /// `age` before the time of this world.
  void age_to(const fs::path& file, std::chrono::hours age) const {
    const std::chrono::sys_time<std::chrono::milliseconds> now{std::chrono::milliseconds(time.unix_ms())};
    fs::last_write_time(
        file, std::chrono::time_point_cast<fs::file_time_type::duration>(std::chrono::file_clock::from_sys(now - age)));
  }
  void finish() {
    if (folder) until([&] { return !folder->busy(); });
    settle();
  }

  test::InlineStore rows;
  std::string root = directory + "/plain";
  std::optional<MediaVault> cache;
  std::optional<MediaFolder> folder;
  std::optional<MediaUpkeep> upkeep;

 private:
  fs::path made(const std::string& path, std::chrono::hours age) const {
    std::ofstream(path) << "ciphertext";
    age_to(path, age);
    return path;
  }
};

std::size_t files_of(const std::string& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), {}));
}

}  // namespace

TEST_CASE("what was used too long ago goes at the start, all of it, slice after slice") {
  Rig rig;
  const std::size_t old = 2 * MediaVault::sweep_batch + 1;
  for (std::size_t i = 0; i < old; ++i) rig.cached(i, 49h);
  const fs::path lately = rig.cached(old, 47h);
  rig.start(rig.cache_from_disk(), 48h);
  rig.until([&] { return files_of(rig.directory + "/cache") == 1; });
  rig.settle();
  CHECK(fs::exists(lately));
}

TEST_CASE("every hour there is another look, and not before") {
  Rig rig;
  const fs::path file = rig.cached(1, 1h), other = rig.cached(2, 1h);
  rig.start(rig.cache_from_disk(), 48h);
  rig.settle();
  for (const fs::path& next : {file, other}) {
    rig.age_to(next, 49h);
    rig.time.pass(MediaUpkeep::interval - 1ms);
    rig.settle();
    CHECK(fs::exists(next));
    rig.time.pass(1ms);
    rig.settle();
    CHECK_FALSE(fs::exists(next));
  }
}

TEST_CASE("without an age the cache keeps what it has, and the plain folder is looked at all the same") {
  Rig rig;
  const fs::path file = rig.cached(1, 24h * 365);
  rig.open_folder();
  const fs::path old = rig.plain("in-M1.bin", 49h), lately = rig.plain("in-M2.bin", 47h);
  rig.start(rig.cache_from_disk(), 0h);
  rig.finish();
  CHECK(fs::exists(file));
  CHECK_FALSE(fs::exists(old));
  REQUIRE(fs::exists(lately));
  rig.age_to(lately, 49h);
  rig.time.pass(MediaUpkeep::interval);
  rig.finish();
  CHECK_FALSE(fs::exists(lately));
}

TEST_CASE("a look that the workers refuse is made an hour later") {
  Rig rig;
  const fs::path file = rig.cached(1, 49h);
  MediaVault& cache = rig.cache_from_disk();
  {
    const test::HeldWorkers held(rig.workers);
    test::fill(rig.workers);
    rig.start(cache, 48h);
    CHECK(fs::exists(file));
  }
  rig.until(test::Emptied(rig.workers));
  rig.settle();
  CHECK(fs::exists(file));
  rig.time.pass(MediaUpkeep::interval);
  rig.settle();
  CHECK_FALSE(fs::exists(file));
}

TEST_CASE("the end ends it, also between two slices") {
  Rig rig;
  for (std::size_t i = 0; i <= MediaVault::sweep_batch; ++i) rig.cached(i, 49h);
  MediaVault& cache = rig.cache_from_disk();
  rig.start(cache, 48h);
  CHECK(rig.time.armed() == 1);
  rig.upkeep.reset();  // the first slice is on its way
  CHECK(rig.time.armed() == 0);
  rig.settle();
  CHECK(files_of(rig.directory + "/cache") == 1);
}
