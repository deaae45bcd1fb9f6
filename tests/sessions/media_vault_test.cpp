// The vault on a real disk and real threads: what goes in comes out, in pieces and ranges; what is not whole, not
// verified or not needed is not there.
#include "sessions/media/media_vault.h"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <optional>

#include "net/loop.h"
#include "net/worker_pool.h"
#include "tests/sessions/media_fixture.h"
#include "tests/support/loop.h"
#include "tests/support/media_files.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Bytes;
using protocol::Errc;
using protocol::MediaKind;
using protocol::Result;

namespace fs = std::filesystem;

namespace {

struct Rig {
  Rig() { open({}); }
  ~Rig() {
    vault.reset();
    fs::remove_all(directory);
  }
  void open(const std::set<MediaName>& needed, std::uint64_t cache = 1u << 30) {
    vault.reset();
    vault.emplace(VaultSettings{directory, cache, max_spool, max_file}, workers, random);
    REQUIRE(vault->open(needed).has_value());
  }
  /// Runs the loop until it calls back.
  template <class T, class Start>
  Result<T> wait(Start start) {
    std::optional<Result<T>> out;
    start([&out](Result<T> result) { out.emplace(std::move(result)); });
    REQUIRE(test::run_until(loop, [&] { return out.has_value(); }));
    return std::move(*out);
  }
  Result<void> append(MediaWriter& writer, std::string bytes) {
    return wait<void>([&](auto done) { writer.append(std::move(bytes), std::move(done)); });
  }
  SealedMedia put(const std::string& plain, MediaKind kind = MediaKind::image, std::size_t piece = 1'000) {
    const auto writer = vault->write(kind, protocol::Sidecar::none);
    for (std::size_t at = 0; at < plain.size(); at += piece)
      REQUIRE(append(*writer, plain.substr(at, piece)).has_value());
    return *wait<SealedMedia>([&](auto done) { writer->finish(std::move(done)); });
  }
  Result<std::shared_ptr<MediaReader>> read(const protocol::MediaReference& reference, MediaKind kind) {
    return wait<std::shared_ptr<MediaReader>>([&](auto done) { vault->read(reference, kind, std::move(done)); });
  }
  Result<void> receive(const Bytes& file, const protocol::MediaReference& reference, MediaKind kind,
                       bool in_clear = false) {
    const auto receiver = in_clear ? vault->receive_plain(reference, kind) : vault->receive(reference, kind);
    for (std::size_t at = 0; at < file.size(); at += 777) {
      const std::string piece(
          protocol::as_text(protocol::ByteView(file).subspan(at, std::min<std::size_t>(777, file.size() - at))));
      const auto taken = wait<void>([&](auto done) { receiver->append(piece, std::move(done)); });
      if (!taken) return taken;
    }
    return wait<void>([&](auto done) { receiver->finish(std::move(done)); });
  }
  std::size_t files(const char* below) const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory + "/" + below), {}));
  }
  bool settles(const char* below, std::size_t wanted) {
    return test::run_until(loop, [&] { return files(below) == wanted; });
  }
  SealedMedia kept(const std::string& plain) {
    const SealedMedia file = put(plain);
    vault->keep(file.name());
    REQUIRE(test::run_until(loop, [&] { return vault->holds(file.name()); }));
    return file;
  }

  std::uint64_t max_file = 1u << 30, max_spool = 1u << 30;
  std::string directory =
      (fs::temp_directory_path() / ("wharf-vault-" + std::to_string(::getpid()) + "-" + std::to_string(++count)))
          .string();
  net::asio::io_context loop{1};
  net::WorkerPool workers{loop.get_executor(), 2};
  protocol::SeededRandom random{7};
  std::optional<MediaVault> vault;
  static inline int count = 0;
};

/// As long as it lives every job is refused.
class RefusingWorkers {
 public:
  explicit RefusingWorkers(Rig& rig) : rig_(rig) {
    for (auto& thread : held_) thread.emplace(rig.workers);
    test::fill(rig.workers);
  }
  ~RefusingWorkers() {
    for (auto& thread : held_) thread.reset();
    CHECK(test::run_until(rig_.loop, test::Emptied(rig_.workers)));
  }
  RefusingWorkers(const RefusingWorkers&) = delete;
  RefusingWorkers& operator=(const RefusingWorkers&) = delete;

 private:
  Rig& rig_;
  std::array<std::optional<test::HeldWorkers>, 2> held_;  // the threads of the rig
};

std::string plaintext(std::size_t length) { return std::string(protocol::as_text(test::generated_plaintext(length))); }

}  // namespace

TEST_CASE("what is put into the vault is encrypted as the media servers want it, and reads back in any range") {
  Rig rig;
  for (const std::size_t length : {0u, 1u, 15u, 16u, 17u, 4'096u, 70'001u}) {
    const std::string plain = plaintext(length);
    const SealedMedia sealed = rig.put(plain);
    CHECK(sealed.digest.file_length == length);
    // An independent pass over the same key gives the same file.
    const auto expected =
        test::encrypt_media(protocol::expand_media_key(sealed.key, MediaKind::image), protocol::as_bytes(plain));
    std::ifstream file(rig.directory + "/outgoing/" + protocol::to_hex(sealed.name()), std::ios::binary);
    const std::string stored{std::istreambuf_iterator<char>(file), {}};
    CHECK(stored == protocol::as_text(expected.file));
    CHECK(sealed.digest.file_enc_sha256 == expected.digest.file_enc_sha256);

    const auto reader = rig.read(sealed.reference(), MediaKind::image);
    REQUIRE(reader.has_value());
    REQUIRE((*reader)->length() == length);
    for (const auto& [begin, end] : {std::pair<std::size_t, std::size_t>{0, length},
                                     {length / 2, length},
                                     {length / 3, length / 2},
                                     {length, length},
                                     {0, std::min<std::size_t>(length, 1)}}) {
      const auto piece = rig.wait<std::string>([&](auto done) { (*reader)->read(begin, end, done); });
      REQUIRE(piece.has_value());
      CHECK(*piece == plain.substr(begin, end - begin));
    }
  }
  CHECK(rig.files("writing") == 0);
}

TEST_CASE("no plaintext reaches the disk") {
  Rig rig;
  const std::string secret = "the quick brown fox jumps over the lazy dog";
  std::string plain;
  while (plain.size() < 50'000) plain += secret;
  rig.put(plain);
  for (const auto& entry : fs::recursive_directory_iterator(rig.directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string stored{std::istreambuf_iterator<char>(file), {}};
    CHECK(stored.find("quick brown") == std::string::npos);
  }
}

TEST_CASE("what comes in clear is encrypted before it is written, and is there when its hash is right") {
  Rig rig;
  for (const std::size_t length : {0u, 1u, 16u, 777u, 70'001u}) {
    const Bytes plain = test::generated_plaintext(length);
    protocol::Sha256Stream hash;
    hash.update(plain);
    const protocol::MediaReference reference{test::vector_media_key(), {std::nullopt, hash.finish()}};
    REQUIRE(rig.receive(plain, reference, MediaKind::document, true).has_value());
    const MediaName name = media_name(reference, MediaKind::document);
    CHECK(rig.vault->holds(name));
    const auto reader = rig.read(reference, MediaKind::document);
    REQUIRE(reader.has_value());
    REQUIRE((*reader)->length() == length);
    const auto whole = rig.wait<std::string>([&](auto done) { (*reader)->read(0, length, done); });
    CHECK(*whole == protocol::as_text(plain));
    std::ifstream file(rig.directory + "/cache/" + protocol::to_hex(name), std::ios::binary);
    const std::string stored{std::istreambuf_iterator<char>(file), {}};
    const auto keys = protocol::expand_media_key(reference.key, MediaKind::document);
    CHECK(stored == protocol::as_text(test::encrypt_media(keys, plain).file));
    CHECK(rig.files("writing") == 0);

    Bytes other = plain;
    other.push_back(1);
    protocol::MediaReference wrong = reference;
    wrong.key[0] ^= 1;
    CHECK(rig.receive(other, wrong, MediaKind::document, true).error().code == Errc::bad_mac);
    CHECK_FALSE(rig.vault->holds(media_name(wrong, MediaKind::document)));
    CHECK(rig.settles("writing", 0));
  }
}

TEST_CASE("what comes in clear is bounded by its own length, and none of it lies on the disk on the way") {
  Rig rig;
  rig.max_file = 50'000;
  rig.open({});
  const std::string secret = "the quick brown fox jumps over the lazy dog";
  std::string plain;
  while (plain.size() < 49'000) plain += secret;
  const auto receiver = rig.vault->receive_plain({test::vector_media_key(), {}}, MediaKind::document);
  REQUIRE(rig.wait<void>([&](auto done) { receiver->append(plain, std::move(done)); }).has_value());
  REQUIRE(rig.files("writing") == 1);
  for (const auto& entry : fs::directory_iterator(rig.directory + "/writing")) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string stored{std::istreambuf_iterator<char>(file), {}};
    CHECK(stored.size() >= 48'000);
    CHECK(stored.find("quick brown") == std::string::npos);
  }
  const auto more = rig.wait<void>([&](auto done) { receiver->append(std::string(1'100, 'a'), std::move(done)); });
  CHECK(more.error().code == Errc::too_large);
}

TEST_CASE("a writer that is given up leaves nothing") {
  Rig rig;
  auto writer = rig.vault->write(MediaKind::document, protocol::Sidecar::none);
  REQUIRE(rig.append(*writer, "half of it").has_value());
  CHECK(rig.files("writing") == 1);
  writer.reset();
  CHECK(rig.settles("writing", 0));
}

TEST_CASE("a file over the limit is refused, and says so again") {
  Rig rig;
  rig.max_file = 1'000;
  rig.open({});
  const auto writer = rig.vault->write(MediaKind::document, protocol::Sidecar::none);
  REQUIRE(rig.append(*writer, std::string(1'000, 'a')).has_value());
  CHECK(rig.append(*writer, "b").error().code == Errc::too_large);
  const auto finished = rig.wait<SealedMedia>([&](auto done) { writer->finish(std::move(done)); });
  CHECK(finished.error().code == Errc::too_large);
  CHECK(rig.files("outgoing") == 0);
}

TEST_CASE("what waits for its upload has a bound together, and room again when some of it has gone") {
  Rig rig;
  rig.max_spool = 3'000;
  rig.open({});
  const SealedMedia first = rig.put(std::string(1'000, 'a')), second = rig.put(std::string(1'000, 'b'));
  auto third = rig.vault->write(MediaKind::document, protocol::Sidecar::none);
  REQUIRE(rig.append(*third, std::string(900, 'c')).has_value());
  CHECK(rig.append(*third, std::string(200, 'c')).error().code == Errc::storage_full);
  third.reset();
  SECTION("the half of one that was given up") { rig.put(std::string(1'000, 'd')); }
  SECTION("one that was dropped") {
    rig.put(std::string(900, 'd'));
    rig.vault->drop(first.name());
    rig.put(std::string(1'000, 'e'));
  }
  SECTION("one that was uploaded") {
    rig.put(std::string(900, 'd'));
    rig.vault->keep(second.name());
    REQUIRE(test::run_until(rig.loop, [&] { return rig.vault->holds(second.name()); }));
    rig.put(std::string(1'000, 'e'));
  }
  SECTION("it counts over a restart") {
    rig.open({first.name(), second.name()});
    third = rig.vault->write(MediaKind::document, protocol::Sidecar::none);
    CHECK(rig.append(*third, std::string(1'000, 'c')).error().code == Errc::storage_full);
  }
}

TEST_CASE("a start keeps what is needed and removes what is not") {
  Rig rig;
  const SealedMedia needed = rig.put("needed"), orphan = rig.put("of a request that died");
  auto half = rig.vault->write(MediaKind::document, protocol::Sidecar::none);
  REQUIRE(rig.append(*half, "half").has_value());
  std::ofstream(rig.directory + "/writing/left-by-a-crash") << "x";
  half.reset();
  REQUIRE(rig.settles("writing", 1));
  rig.open({needed.name()});
  CHECK(rig.files("writing") == 0);
  CHECK(rig.files("outgoing") == 1);
  CHECK(rig.read(needed.reference(), needed.kind).has_value());
  CHECK(rig.read(orphan.reference(), orphan.kind).error().code == Errc::not_found);
}

TEST_CASE("a received file is there once every check has passed, and not before") {
  Rig rig;
  const Bytes plain = test::generated_plaintext(40'000);
  const auto key = test::vector_media_key();
  const auto good = test::encrypt_media(protocol::expand_media_key(key, MediaKind::video), plain);
  const protocol::MediaReference reference{key, good.hashes()};
  const MediaName name = media_name(reference, MediaKind::video);

  SECTION("whole") {
    REQUIRE(rig.receive(good.file, reference, MediaKind::video).has_value());
    CHECK(rig.vault->holds(name));
    const auto whole = rig.wait<std::string>(
        [&](auto done) { rig.vault->load(reference, MediaKind::video, 1u << 20, std::move(done)); });
    CHECK(*whole == protocol::as_text(plain));
    const auto small = rig.wait<std::string>(
        [&](auto done) { rig.vault->load(reference, MediaKind::video, 39'999, std::move(done)); });
    CHECK(small.error().code == Errc::too_large);
  }
  SECTION("another byte") {
    Bytes bad = good.file;
    bad[20'000] ^= 1;
    CHECK(rig.receive(bad, reference, MediaKind::video).error().code == Errc::bad_mac);
    CHECK_FALSE(rig.vault->holds(name));
  }
  SECTION("cut short") {
    Bytes bad(good.file.begin(), good.file.end() - 16);
    CHECK(rig.receive(bad, reference, MediaKind::video).error().code == Errc::bad_mac);
    CHECK_FALSE(rig.vault->holds(name));
  }
  SECTION("announced with another plaintext") {
    protocol::MediaReference lie = reference;
    lie.hashes.file_sha256[0] ^= 1;
    CHECK(rig.receive(good.file, lie, MediaKind::video).error().code == Errc::malformed);
    CHECK_FALSE(rig.vault->holds(media_name(lie, MediaKind::video)));
  }
  rig.settles("writing", 0);
  CHECK(rig.files("writing") == 0);
}

TEST_CASE("a message with another key does not open what was verified for this one") {
  Rig rig;
  const SealedMedia sealed = rig.put("a picture");
  protocol::MediaReference forged = sealed.reference();
  forged.key[0] ^= 1;
  CHECK(rig.read(forged, sealed.kind).error().code == Errc::not_found);
  CHECK(rig.read(sealed.reference(), MediaKind::document).error().code == Errc::not_found);
}

TEST_CASE("the cache gives up what was used longest ago") {
  Rig rig;
  rig.open({}, 3 * protocol::encrypted_length(1'000));
  std::vector<SealedMedia> files;
  const auto keep = [&](const std::string& text) {
    files.push_back(rig.put(text + std::string(1'000 - text.size(), '.')));
    rig.vault->keep(files.back().name());
    REQUIRE(test::run_until(rig.loop, [&] { return rig.vault->holds(files.back().name()); }));
  };
  for (const char* text : {"one", "two", "three"}) keep(text);
  REQUIRE(rig.read(files[0].reference(), files[0].kind).has_value());  // "two" is the oldest now
  keep("four");
  CHECK(rig.vault->holds(files[0].name()));
  CHECK_FALSE(rig.vault->holds(files[1].name()));
  CHECK(rig.vault->holds(files[2].name()));
  CHECK(rig.settles("cache", 3));
  CHECK(rig.read(files[1].reference(), files[1].kind).error().code == Errc::not_found);
}

TEST_CASE("a sweep removes what was not used for so long, in slices, and nothing that waits for its upload") {
  Rig rig;
  const auto age = [&](const char* below, const SealedMedia& file, std::chrono::hours by) {
    fs::last_write_time(rig.directory + "/" + below + "/" + protocol::to_hex(file.name()),
                        fs::file_time_type::clock::now() - by);
  };
  const auto sweep = [&] {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    return rig.wait<bool>([&](auto done) { rig.vault->sweep(now_ms, 48 * 3'600'000, std::move(done)); });
  };
  CHECK_FALSE(*sweep());
  const SealedMedia waits = rig.put("waits"), old = rig.put("old"), lately = rig.put("lately");
  age("outgoing", old, std::chrono::hours(90));  // waited long: its use is its upload
  for (const SealedMedia* file : {&old, &lately}) {
    rig.vault->keep(file->name());
    REQUIRE(test::run_until(rig.loop, [&] { return rig.vault->holds(file->name()); }));
  }
  age("outgoing", waits, std::chrono::hours(90));
  CHECK_FALSE(*sweep());
  CHECK(rig.files("cache") == 2);

  age("cache", old, std::chrono::hours(49));
  rig.open({waits.name()});  // a start takes the times from the disk
  CHECK_FALSE(*sweep());
  CHECK_FALSE(rig.vault->holds(old.name()));
  CHECK(rig.vault->holds(lately.name()));
  CHECK(rig.files("cache") == 1);
  CHECK(rig.files("outgoing") == 1);

  // One that a wrong clock left a use in the future stands in nobody's way, and ages from now on.
  const SealedMedia ahead = rig.put("ahead");
  rig.vault->keep(ahead.name());
  REQUIRE(test::run_until(rig.loop, [&] { return rig.vault->holds(ahead.name()); }));
  age("cache", ahead, std::chrono::hours(-9'000));
  age("cache", lately, std::chrono::hours(-9'001));
  rig.open({waits.name()});
  age("cache", lately, std::chrono::hours(49));
  CHECK_FALSE(*sweep());
  CHECK(rig.vault->holds(ahead.name()));
  CHECK_FALSE(rig.vault->holds(lately.name()));
  const auto aged = fs::last_write_time(rig.directory + "/cache/" + protocol::to_hex(ahead.name()));
  CHECK(aged <= fs::file_time_type::clock::now());
  age("cache", ahead, std::chrono::hours(49));
  CHECK_FALSE(*sweep());
  CHECK_FALSE(rig.vault->holds(ahead.name()));
  CHECK(rig.files("cache") == 0);

  const SealedMedia used = rig.put("used");
  rig.vault->keep(used.name());
  REQUIRE(test::run_until(rig.loop, [&] { return rig.vault->holds(used.name()); }));
  age("cache", used, std::chrono::hours(49));
  REQUIRE(rig.read(used.reference(), used.kind).has_value());  // a use
  CHECK_FALSE(*sweep());
  CHECK(rig.vault->holds(used.name()));

  for (std::size_t i = 0; i <= MediaVault::sweep_batch; ++i) {
    const SealedMedia file = rig.put(std::to_string(i));
    rig.vault->keep(file.name());
    REQUIRE(test::run_until(rig.loop, [&] { return rig.vault->holds(file.name()); }));
    age("cache", file, std::chrono::hours(50));
  }
  rig.open({});
  CHECK(*sweep());
  CHECK(rig.files("cache") == 2);
  CHECK_FALSE(*sweep());
  CHECK(rig.files("cache") == 1);
}

TEST_CASE("an uploaded file that cannot be kept goes, and its room with it") {
  Rig rig;
  rig.max_spool = 1'500;
  rig.open({});
  const SealedMedia file = rig.put(plaintext(1'000));
  fs::remove_all(rig.directory + "/cache");
  rig.vault->keep(file.name());
  REQUIRE(rig.settles("outgoing", 0));
  CHECK_FALSE(rig.vault->holds(file.name()));
  const auto next = rig.vault->write(MediaKind::image, protocol::Sidecar::none);
  CHECK(rig.append(*next, plaintext(1'000)).has_value());
}

TEST_CASE("what the workers refuse is an error, and leaves neither a file nor its room behind") {
  Rig rig;
  rig.max_spool = 2'500;
  rig.open({});
  const SealedMedia uploaded = rig.put(std::string(1'000, 'a')), dropped = rig.put(std::string(1'000, 'b'));
  const SealedMedia old = rig.kept("long ago");
  auto half = rig.vault->write(MediaKind::document, protocol::Sidecar::none);
  REQUIRE(rig.append(*half, "half").has_value());
  auto other_half = rig.vault->write(MediaKind::document, protocol::Sidecar::none);
  REQUIRE(rig.append(*other_half, "half").has_value());
  {
    const RefusingWorkers refusing(rig);
    // Told inside the call: nobody waits for what was never begun.
    const auto refused = [](const auto& start) {
      bool told = false;
      start([&told](const auto& result) {
        told = true;
        CHECK(result.error().code == Errc::rate_limited);
      });
      CHECK(told);
    };
    refused([&](auto done) { half->append("more", done); });
    refused([&](auto done) { half->append("and more", done); });
    refused([&](auto done) { half->finish(done); });
    refused([&](auto done) { rig.vault->read(old.reference(), old.kind, done); });
    refused([&](auto done) { rig.vault->load(old.reference(), old.kind, 1'000, done); });
    refused([&](auto done) { rig.vault->open_encrypted(uploaded.name(), done); });
    refused([&](auto done) { rig.vault->sweep(std::int64_t{1} << 42, 1, done); });
    CHECK(rig.vault->holds(old.name()));  // neither the sweep nor the reading has lost it
    CHECK(rig.files("cache") == 1);

    // What is removed is removed all the same, and what cannot be moved into the cache goes.
    rig.vault->drop(dropped.name());
    rig.vault->keep(uploaded.name());
    CHECK(rig.files("outgoing") == 0);
    CHECK_FALSE(rig.vault->holds(uploaded.name()));
    other_half.reset();
    half.reset();
    CHECK(rig.files("writing") == 0);
  }
  CHECK(rig.read(old.reference(), old.kind).has_value());
  rig.put(std::string(2'400, 'c'));
  CHECK(rig.files("outgoing") == 1);
}

TEST_CASE("a file whose name somebody else removed is not here any more") {
  Rig rig;
  const SealedMedia file = rig.kept("soon gone");
  fs::remove(rig.directory + "/cache/" + protocol::to_hex(file.name()));
  CHECK(rig.vault->holds(file.name()));
  CHECK(rig.read(file.reference(), file.kind).error().code == Errc::not_found);
  CHECK_FALSE(rig.vault->holds(file.name()));
}

TEST_CASE("a file is read as it lies on the servers, waiting for its upload or kept behind it") {
  Rig rig;
  const SealedMedia file = rig.put(plaintext(5'000));
  const bool kept = GENERATE(false, true);
  if (kept) {
    rig.vault->keep(file.name());
    REQUIRE(test::run_until(rig.loop, [&] { return rig.vault->holds(file.name()); }));
  }
  const auto opened = rig.wait<std::shared_ptr<MediaVault::Encrypted>>(
      [&](auto done) { rig.vault->open_encrypted(file.name(), std::move(done)); });
  REQUIRE(opened.has_value());
  const auto bytes = static_cast<std::size_t>(protocol::encrypted_length(5'000));
  std::string whole;
  while (whole.size() < bytes) {
    const auto piece = rig.wait<std::string>([&](auto done) {
      rig.vault->read_encrypted(*opened, whole.size(), std::min<std::size_t>(999, bytes - whole.size()),
                                std::move(done));
    });
    REQUIRE(piece.has_value());
    whole += *piece;
  }
  CHECK(protocol::sha256(protocol::as_bytes(whole)) == file.digest.file_enc_sha256);
  const auto beyond =
      rig.wait<std::string>([&](auto done) { rig.vault->read_encrypted(*opened, bytes - 1, 2, std::move(done)); });
  CHECK(beyond.error().code == Errc::storage);
}

TEST_CASE("nothing is told behind the end of the vault") {
  Rig rig;
  const SealedMedia file = rig.put("secret");
  bool told = false;
  {
    const test::HeldWorkers one(rig.workers), other(rig.workers);
    rig.vault->read(file.reference(), file.kind, [&](const auto&) { told = true; });
    rig.vault->keep(file.name());
    rig.vault.reset();
  }
  REQUIRE(rig.settles("cache", 1));
  bool after = false;
  REQUIRE(rig.workers.run([] {}, [&] { after = true; }));
  REQUIRE(test::run_until(rig.loop, [&] { return after; }));
  test::run_ready(rig.loop);
  CHECK_FALSE(told);
}

TEST_CASE("a file larger than the cache is there until the next one comes") {
  Rig rig;
  rig.open({}, 100);
  const auto key = test::vector_media_key();
  const Bytes plain = test::generated_plaintext(5'000);
  const auto file = test::encrypt_media(protocol::expand_media_key(key, MediaKind::image), plain);
  const protocol::MediaReference reference{key, file.hashes()};
  REQUIRE(rig.receive(file.file, reference, MediaKind::image).has_value());
  CHECK(rig.read(reference, MediaKind::image).has_value());
  const SealedMedia next = rig.put("x");
  rig.vault->keep(next.name());
  REQUIRE(test::run_until(rig.loop, [&] { return rig.vault->holds(next.name()); }));
  CHECK_FALSE(rig.vault->holds(media_name(reference, MediaKind::image)));
}

TEST_CASE("a file removed while it is read is read to its end") {
  Rig rig;
  const SealedMedia sealed = rig.put(plaintext(100'000));
  const auto reader = *rig.read(sealed.reference(), sealed.kind);
  rig.vault->drop(sealed.name());
  REQUIRE(rig.settles("outgoing", 0));
  const auto piece = rig.wait<std::string>([&](auto done) { reader->read(50'000, 100'000, done); });
  CHECK(*piece == plaintext(100'000).substr(50'000));
}
