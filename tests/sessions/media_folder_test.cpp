// The plain media folder on a real disk: what is written under which name, what is kept, and what goes.
#include "sessions/media/media_folder.h"

#include <catch2/catch.hpp>

#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "sessions/media/folder_files.h"
#include "tests/sessions/media_fixture.h"
#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::sessions;

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t november_ms = 1'795'000'000'000;  // 2026-11-18
constexpr std::int64_t day_ms = 86'400'000;

struct Rig : test::TransferRig {
  Rig() { open(); }
  ~Rig() { folder.reset(); }
  void open(std::uint64_t max_bytes = 0, std::chrono::hours keep = {}) {
    make(max_bytes, keep);
    const auto opened = folder->open();
    INFO((opened ? "" : opened.error().detail));
    REQUIRE(opened.has_value());
    folder->begin(now_ms());
    finish();
  }
  void make(std::uint64_t max_bytes = 0, std::chrono::hours keep = {}) {
    folder.reset();
    FolderSettings settings;
    settings.directory = root;
    settings.max_bytes = max_bytes;
    settings.keep = keep;
    settings.extension = [](protocol::ByteView head) -> std::string {
      return protocol::as_text(head).starts_with("JPEG") ? ".jpg" : "";
    };
    settings.extensions = {".jpg"};
    folder.emplace(std::move(settings), MediaFolder::Ports{vault, workers, random, *rows.store, time});
  }
  static std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  SealedMedia kept(const std::string& plain) { return put(protocol::to_bytes(protocol::as_bytes(plain))); }
  void copy(const SealedMedia& file, const std::string& id, const std::string& session = "anna",
            std::int64_t sent_ms = november_ms) {
    folder->copy({session, id, false, sent_ms, file.reference(), file.kind});
  }
  /// What a turn commits.
  void record(const storage::FolderRemoval& removal) {
    rows.turn([&](storage::Changes& changes) { changes.add(storage::PutFolderRemoval{removal}); });
  }
  void remove(const storage::FolderRemoval& removal) {
    record(removal);
    folder->remove(removal);
  }
  /// What is thrown away where nothing is expected to be removed: a table that is not there cannot be read.
  void rename_table(const std::string& from, const std::string& to) {
    rows.turn([&](storage::Changes& changes) {
      test::inject(changes, [sql = "ALTER TABLE " + from + " RENAME TO " + to](storage::Database& db) {
        return db.execute(sql.c_str());
      });
    });
  }
  std::size_t recorded() { return storage::load_folder_removals(rows.db(), 0, 1'000).size(); }
  void finish() {
    until([&] { return !folder->busy(); });
    settle();
  }
  std::set<std::string> files() const {
    std::set<std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(root))
      if (entry.is_regular_file() && entry.path().filename() != ".wharf")
        out.insert(fs::relative(entry.path(), root).string());
    return out;
  }
  std::string text(const std::string& name) const {
    std::ifstream file(root + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void age(const std::string& name, std::chrono::hours by) const {
    fs::last_write_time(root + "/" + name, fs::file_time_type::clock::now() - by);
  }

  test::InlineStore rows;
  std::string root = directory + "/plain";
  std::optional<MediaFolder> folder;
};

using Names = std::set<std::string>;

/// As long as it lives this process can open no file.
class NoDescriptors {
 public:
  NoDescriptors() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    rlimit none = before_;
    none.rlim_cur = 0;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("names in the folder are of safe characters, whoever chose them") {
  CHECK(folder_name("3EB0ABC_-.x") == "3EB0ABC_-.x");
  for (const char* bad : {"", ".", "..", ".hidden", "a/b", "../x", "a\\b", "a b", "a\nb", "\xC3\xA4"}) {
    INFO(bad);
    const std::string name = folder_name(bad);
    CHECK(name.size() == 33);
    CHECK(name.front() == '~');
    CHECK(name.find_first_not_of("~0123456789abcdef") == std::string::npos);
  }
  CHECK(folder_name("a/b") != folder_name("a\\b"));
  CHECK(folder_name(std::string(64, 'a')) == std::string(64, 'a'));
  CHECK(folder_name(std::string(65, 'a')).front() == '~');
  for (const char* bad : {"", ".", "jpg", ".JPG", ".a/b", ".tar.gz", ".abcdefghijklmnop"})
    CHECK(folder_extension(bad) == ".bin");
  CHECK(folder_extension(".jpg") == ".jpg");
  CHECK(folder_month(0) == "1970-01");
  CHECK(folder_month(-1) == "1970-01");
  CHECK(folder_month(INT64_MAX) == "9999-12");
  CHECK(folder_month(1'772'323'199'999) == "2026-02");
  CHECK(folder_month(1'772'323'200'000) == "2026-03");
  for (const char* path : {"/a/c", "/a/./b/../c/", "/a//c"}) CHECK(whole_path(path) == "/a/c");
  CHECK(whole_path("plain/") == (fs::current_path() / "plain").string());
}

TEST_CASE("a file of the vault is written in plain, whole, for its owner alone") {
  Rig rig;
  const std::string large = "JPEG" + std::string(protocol::as_text(test::generated_plaintext(2'500'000)));
  rig.copy(rig.kept(large), "M1");
  rig.copy(rig.kept("text"), "../evil", "ben");
  rig.copy(rig.kept(""), "M2");
  rig.finish();
  const std::string evil = "ben/2026-11/in-" + folder_name("../evil") + ".bin";
  CHECK(rig.files() == Names{"anna/2026-11/in-M1.jpg", "anna/2026-11/in-M2.bin", evil});
  CHECK(rig.text("anna/2026-11/in-M1.jpg") == large);
  CHECK(rig.text(evil) == "text");
  const auto mode = [&](const std::string& name) {
    struct stat status {};
    REQUIRE(::stat((rig.root + name).c_str(), &status) == 0);
    return status.st_mode & 0777;
  };
  CHECK(mode("/anna/2026-11/in-M1.jpg") == 0600);
  for (const char* each : {"", "/anna", "/anna/2026-11", "/.writing"}) CHECK(mode(each) == 0700);
  CHECK(rig.folder->counts().written == 3);
  CHECK(rig.folder->counts().failed == 0);
}

TEST_CASE("a name that is taken keeps its file") {
  Rig rig;
  rig.copy(rig.kept("first"), "M");
  rig.copy(rig.kept("second"), "M");
  rig.finish();
  CHECK(rig.text("anna/2026-11/in-M.bin") == "first");
  CHECK(rig.folder->counts().there == 1);
}

TEST_CASE("the vault keeps a file until its copy is made") {
  Rig rig;
  const SealedMedia file = rig.kept("of a message");
  rig.copy(file, "M");
  bool released = false;
  rig.folder->after_copies(file.name(), [&] {
    released = true;
    rig.vault.drop(file.name());
  });
  CHECK_FALSE(released);
  rig.finish();
  CHECK(released);
  CHECK(rig.text("anna/2026-11/in-M.bin") == "of a message");
  bool at_once = false;
  rig.folder->after_copies(file.name(), [&] { at_once = true; });
  CHECK(at_once);
}

TEST_CASE("what cannot be written fails alone and is counted, and the next one is written") {
  Rig rig;
  SealedMedia gone = rig.kept("gone");
  rig.vault.drop(gone.name());
  rig.settle();
  rig.copy(gone, "M1");
  bool released = false;
  rig.folder->after_copies(gone.name(), [&] { released = true; });
  std::ofstream(rig.root + "/anna") << "a file in the way";
  rig.copy(rig.kept("no directory"), "M2");
  rig.copy(rig.kept("fine"), "M3", "ben");
  rig.finish();
  CHECK(released);
  CHECK(rig.folder->counts().failed == 2);
  CHECK(rig.text("ben/2026-11/in-M3.bin") == "fine");
  CHECK(fs::is_empty(rig.root + "/.writing"));
}

TEST_CASE("so many copies wait, and one more is counted as failed") {
  Rig rig;
  const SealedMedia file = rig.kept("x");
  const test::HeldWorkers held(rig.workers);
  rig.copy(file, "running");
  for (std::size_t i = 0; i < MediaFolder::max_waiting; ++i) rig.copy(file, "M");
  CHECK(rig.folder->counts().failed == 0);
  rig.copy(file, "too many");
  CHECK(rig.folder->counts().failed == 1);
}

TEST_CASE("over its size the folder gives up the oldest month, and of it what was written first") {
  Rig rig;
  rig.open(1'000);
  const std::string hundred(100, 'x');
  rig.copy(rig.kept(hundred), "A", "anna", november_ms - 60 * day_ms);
  rig.copy(rig.kept(hundred), "B", "ben", november_ms - 60 * day_ms);
  rig.copy(rig.kept(hundred), "C", "anna", november_ms - 30 * day_ms);
  rig.finish();
  rig.age("anna/2026-09/in-A.bin", std::chrono::hours(1));
  rig.age("ben/2026-09/in-B.bin", std::chrono::hours(2));
  rig.age("anna/2026-10/in-C.bin", std::chrono::hours(3));
  rig.copy(rig.kept(std::string(850, 'y')), "D");
  rig.finish();
  CHECK(rig.files() == Names{"anna/2026-10/in-C.bin", "anna/2026-11/in-D.bin"});
  rig.copy(rig.kept(std::string(1'001, 'z')), "E");
  rig.finish();
  CHECK(rig.files() == Names{"anna/2026-10/in-C.bin", "anna/2026-11/in-D.bin"});
  CHECK(rig.folder->counts().failed == 1);
  CHECK_FALSE(fs::exists(rig.root + "/anna/2026-09"));

  rig.open(900);  // a start with a smaller bound
  CHECK(rig.files() == Names{"anna/2026-11/in-D.bin"});
}

TEST_CASE("what was written longer ago than it is kept goes, at a start and with a sweep") {
  Rig rig;
  rig.copy(rig.kept("1"), "M1");
  rig.copy(rig.kept("2"), "M2");
  rig.copy(rig.kept("3"), "M3", "ben");
  rig.finish();
  rig.age("anna/2026-11/in-M1.bin", std::chrono::hours(49));
  rig.open(0, std::chrono::hours(48));
  CHECK(rig.files() == Names{"anna/2026-11/in-M2.bin", "ben/2026-11/in-M3.bin"});
  rig.age("ben/2026-11/in-M3.bin", std::chrono::hours(49));
  rig.folder->sweep(Rig::now_ms());
  rig.finish();
  CHECK(rig.files() == Names{"anna/2026-11/in-M2.bin"});
}

TEST_CASE("a deleted message takes its file along, written or not yet; its neighbours stay") {
  Rig rig;
  for (const char* id : {"M1", "M10", "M1.x"}) rig.copy(rig.kept(id), id);
  rig.copy(rig.kept("of Ben"), "M1", "ben");
  rig.finish();
  rig.remove({"anna", "M1", false, november_ms + day_ms, 0});  // the server's clock is a little ahead
  rig.settle();
  CHECK(rig.files() == Names{"anna/2026-11/in-M10.bin", "anna/2026-11/in-M1.x.bin", "ben/2026-11/in-M1.bin"});

  SECTION("it waits") {
    rig.copy(rig.kept("running"), "M2");
    rig.copy(rig.kept("waiting"), "M3");
    rig.remove({"anna", "M3", false, november_ms, 0});
    rig.remove({"anna", "M2", false, november_ms, 0});
    rig.finish();
    CHECK(rig.files() == Names{"anna/2026-11/in-M10.bin", "anna/2026-11/in-M1.x.bin", "ben/2026-11/in-M1.bin"});
  }
  SECTION("a session") {
    rig.copy(rig.kept("running"), "M2");
    rig.remove({"anna", "", false, 0, 0});
    rig.finish();
    CHECK(rig.files() == Names{"ben/2026-11/in-M1.bin"});
    CHECK_FALSE(fs::exists(rig.root + "/anna"));
  }
}

TEST_CASE("a start removes what the database remembers as removed, and nothing else by its name") {
  Rig rig;
  rig.copy(rig.kept("1"), "M1");
  rig.copy(rig.kept("2"), "M2");
  rig.copy(rig.kept("3"), "M3", "ben");
  rig.copy(rig.kept("4"), "M4", "carl");
  rig.finish();
  std::ofstream(rig.root + "/.writing/half") << "half";
  // Killed behind the commit.
  rig.folder.reset();
  rig.record({"anna", "M1", false, november_ms, 0});
  rig.record({"ben", "", false, 0, 0});
  CHECK(rig.files().size() == 5);
  rig.open();
  // No row tells of any session: this database is as new as one of another daemon.
  CHECK(rig.files() == Names{"anna/2026-11/in-M2.bin", "carl/2026-11/in-M4.bin"});
  CHECK_FALSE(fs::exists(rig.root + "/ben"));
  CHECK(rig.recorded() == 0);
}

TEST_CASE("what is removed is gone before a copy of the same name is written") {
  Rig rig;
  rig.copy(rig.kept("old"), "M1");
  rig.finish();
  rig.remove({"anna", "", false, 0, 0});
  rig.copy(rig.kept("of the next session of this name"), "M2");
  rig.finish();
  CHECK(rig.files() == Names{"anna/2026-11/in-M2.bin"});
  CHECK(rig.recorded() == 0);
}

TEST_CASE("many removals go in jobs of a bounded size, all of them") {
  Rig rig;
  rig.copy(rig.kept("1"), "M1");
  rig.finish();
  for (std::size_t i = 0; i < 2 * MediaFolder::removals_at_once; ++i)
    rig.record({"anna", "other", false, november_ms, 0});
  rig.remove({"anna", "M1", false, november_ms, 0});
  rig.finish();
  CHECK(rig.files().empty());
  CHECK(rig.recorded() == 0);
}

TEST_CASE("a folder of another database is refused, and keeps what it has") {
  Rig rig;
  rig.copy(rig.kept("1"), "M1");
  rig.finish();
  Rig other;
  other.folder.reset();
  other.root = rig.root;
  other.make();
  const auto opened = other.folder->open();
  REQUIRE(opened.has_error());
  CHECK(opened.error().code == protocol::Errc::conflict);
  CHECK(opened.error().detail.find("another database") != std::string::npos);

  // Nothing is written or removed there, and whoever sends does not wait.
  other.folder->begin(Rig::now_ms());
  other.copy(other.kept("2"), "M2");
  CHECK(other.folder->counts().failed == 1);
  other.remove({"anna", "M1", false, november_ms, 0});
  other.settle();
  CHECK(rig.files() == Names{"anna/2026-11/in-M1.bin"});
  CHECK(other.recorded() == 1);  // for a start with its own folder
}

TEST_CASE("a directory that was there is taken when it is empty or ours, and else left as it is") {
  Rig rig;
  rig.folder.reset();
  rig.root = rig.directory + "/other";
  fs::create_directory(rig.root);
  fs::permissions(rig.root, fs::perms(0755));
  rig.make();
  SECTION("somebody's files are in it") {
    std::ofstream(rig.root + "/wedding.jpg") << "somebody's";
    REQUIRE(rig.folder->open().has_error());
    CHECK(rig.files() == Names{"wedding.jpg"});
    CHECK_FALSE(fs::exists(rig.root + "/.wharf"));
    CHECK(fs::status(rig.root).permissions() == fs::perms(0755));
  }
  SECTION("it is empty") {
    REQUIRE(rig.folder->open().has_value());
    CHECK(fs::status(rig.root).permissions() == fs::perms(0755));
    rig.open();  // and once more, as our own
  }
  SECTION("a start ended between the directory and its mark") {
    std::ofstream(rig.root + "/.wharf").flush();
    rig.open();
    CHECK(rig.text(".wharf") == storage::installation_id(rig.rows.db()));
  }
  SECTION("it is a link") {
    fs::rename(rig.root, rig.root + "-else");
    fs::create_directory_symlink(rig.root + "-else", rig.root);
    CHECK(rig.folder->open().has_error());
  }
}

TEST_CASE("a session never takes a directory that was not made for it, nor removes it") {
  Rig rig;
  fs::create_directories(rig.root + "/anna/2026-11");
  std::ofstream(rig.root + "/anna/2026-11/in-M1.bin") << "somebody's";
  fs::permissions(rig.root + "/anna", fs::perms(0755));
  fs::create_directory(rig.root + "/ben");  // a kill between it and its mark
  rig.copy(rig.kept("1"), "M2");
  rig.copy(rig.kept("2"), "M3", "ben");
  rig.finish();
  CHECK(rig.folder->counts().failed == 1);
  rig.remove({"anna", "M1", false, november_ms, 0});
  rig.remove({"anna", "", false, 0, 0});
  rig.finish();
  CHECK(rig.files() == Names{"anna/2026-11/in-M1.bin", "ben/2026-11/in-M3.bin"});
  CHECK_FALSE(fs::exists(rig.root + "/anna/.wharf"));
  CHECK(fs::status(rig.root + "/anna").permissions() == fs::perms(0755));
}

TEST_CASE("the two sides of a conversation may have one id") {
  Rig rig;
  rig.copy(rig.kept("of another"), "M1");
  const SealedMedia own = rig.kept("JPEG of ours");
  rig.folder->copy({"anna", "M1", true, november_ms, own.reference(), own.kind});
  rig.finish();
  CHECK(rig.files() == Names{"anna/2026-11/in-M1.bin", "anna/2026-11/out-M1.jpg"});
  rig.remove({"anna", "M1", true, november_ms, 0});
  rig.finish();
  CHECK(rig.files() == Names{"anna/2026-11/in-M1.bin"});
}

TEST_CASE("a message is removed from the month of its composing too") {
  Rig rig;
  rig.copy(rig.kept("1"), "M1", "anna", november_ms);
  rig.finish();
  rig.remove({"anna", "M1", false, november_ms + 90 * day_ms, november_ms});
  rig.finish();
  CHECK(rig.files().empty());
}

TEST_CASE("copies that the workers refuse are made when they have time again") {
  Rig rig;
  const SealedMedia one = rig.kept("1"), other = rig.kept("2");
  {
    const test::HeldWorkers held(rig.workers);
    test::fill(rig.workers);
    rig.copy(one, "M1");
    rig.copy(other, "M2");
    rig.remove({"anna", "M0", false, november_ms, 0});
    CHECK(rig.folder->counts().failed == 0);
    CHECK(rig.recorded() == 1);
  }
  rig.until(test::Emptied(rig.workers));
  rig.settle();
  CHECK(rig.files().empty());
  rig.time.pass(MediaFolder::pause);
  rig.finish();
  CHECK(rig.files() == Names{"anna/2026-11/in-M1.bin", "anna/2026-11/in-M2.bin"});
  CHECK(rig.recorded() == 0);
}

TEST_CASE("a start removes nothing of a size that is not its own") {
  Rig rig;
  rig.copy(rig.kept("2"), "M2", "ben");
  rig.finish();
  fs::create_directories(rig.root + "/holidays/2026-11");
  std::ofstream(rig.root + "/holidays/2026-11/a.jpg") << "somebody's";
  rig.open(1);
  CHECK(rig.files() == Names{"holidays/2026-11/a.jpg", "ben/2026-11/in-M2.bin"});
}

TEST_CASE("a mark may be written by hand, as editors and shells end a line") {
  Rig rig;
  rig.copy(rig.kept("1"), "M1");
  rig.finish();
  rig.folder.reset();
  const std::string end = GENERATE(as<std::string>(), "", "\n", "\r\n", " \n\n");
  std::ofstream(rig.root + "/.wharf") << storage::installation_id(rig.rows.db()) << end;
  rig.open();
  rig.copy(rig.kept("2"), "M2");
  rig.remove({"anna", "M1", false, november_ms, 0});
  rig.finish();
  CHECK(rig.files() == Names{"anna/2026-11/in-M2.bin"});
}

TEST_CASE("what is to be removed is read again when it could not be, and copies go on behind it") {
  Rig rig;
  rig.copy(rig.kept("0"), "M0");
  rig.finish();
  const bool at_start = GENERATE(false, true);
  if (at_start) {
    rig.make();
    REQUIRE(rig.folder->open().has_value());
  }
  rig.record({"anna", "M0", false, november_ms, 0});
  rig.rename_table("folder_removal", "away");
  if (at_start) rig.folder->begin(Rig::now_ms());
  else rig.folder->remove({"anna", "M0", false, november_ms, 0});
  const SealedMedia file = rig.kept("1");
  rig.copy(file, "M1");
  bool released = false;
  rig.folder->after_copies(file.name(), [&] { released = true; });
  rig.time.pass(MediaFolder::pause);  // once more in vain
  rig.settle();
  CHECK_FALSE(released);
  rig.rename_table("away", "folder_removal");
  rig.time.pass(2 * MediaFolder::pause);
  rig.finish();
  CHECK(released);
  CHECK(rig.files() == Names{"anna/2026-11/in-M1.bin"});
  CHECK(rig.recorded() == 0);
}

TEST_CASE("a copy waits while nobody can tell whether something of its name is to be removed") {
  Rig rig;
  rig.rename_table("folder_removal", "away");
  rig.copy(rig.kept("1"), "M1");
  rig.settle();
  CHECK(rig.files().empty());
  CHECK(rig.folder->counts().failed == 0);
  SECTION("which is soon") {
    rig.rename_table("away", "folder_removal");
    rig.time.pass(MediaFolder::pause);
    rig.finish();
    CHECK(rig.files() == Names{"anna/2026-11/in-M1.bin"});
  }
  SECTION("and fails when that takes long: the vault waits for it") {
    rig.time.pass(63 * MediaFolder::pause);
    CHECK(rig.folder->counts().failed == 1);
    rig.rename_table("away", "folder_removal");
    rig.copy(rig.kept("2"), "M2");
    rig.time.pass(32 * MediaFolder::pause);
    rig.finish();
    CHECK(rig.files() == Names{"anna/2026-11/in-M2.bin"});
  }
}

TEST_CASE("a database that cannot be read at the start ends no start") {
  Rig rig;
  rig.make();
  rig.rename_table(GENERATE(as<std::string>(), "installation", "media_folder", "folder_removal"), "away");
  REQUIRE(rig.folder->open().has_error());
  rig.folder->begin(Rig::now_ms());
  rig.copy(rig.kept("1"), "M1");
  CHECK(rig.folder->counts().failed == 1);
  CHECK_FALSE(rig.folder->busy());
}

TEST_CASE("a session that was removed while the folder was away takes nothing of the next one of its name along") {
  Rig rig;
  rig.copy(rig.kept("old"), "M1");
  rig.finish();
  fs::rename(rig.root, rig.root + "-away");
  rig.remove({"anna", "", false, 0, 0});
  rig.finish();
  CHECK(rig.recorded() == 1);
  const auto back = [&] { fs::rename(rig.root + "-away", rig.root); };
  SECTION("its first file removes what is left") {
    rig.copy(rig.kept("too early"), "M2");
    rig.finish();
    CHECK(rig.folder->counts().failed == 1);
    CHECK_FALSE(fs::exists(rig.root));
    back();
    rig.copy(rig.kept("new"), "M3");
    rig.finish();
    CHECK(rig.recorded() == 0);
    CHECK(rig.files() == Names{"anna/2026-11/in-M3.bin"});
    rig.open();
    CHECK(rig.files() == Names{"anna/2026-11/in-M3.bin"});
  }
  SECTION("the next start does") {
    back();
    rig.open();
    CHECK(rig.recorded() == 0);
    CHECK_FALSE(fs::exists(rig.root + "/anna"));
  }
  SECTION("the next sweep does") {
    back();
    rig.folder->sweep(Rig::now_ms());
    rig.finish();
    CHECK(rig.recorded() == 0);
    CHECK_FALSE(fs::exists(rig.root + "/anna"));
  }
}

TEST_CASE("a file is not written while one of its name could not be removed; others are") {
  Rig rig;
  const std::string in_the_way = rig.root + "/anna/2026-11/in-M1.bin";
  fs::create_directories(in_the_way);  // no file to be unlinked
  std::ofstream(rig.root + "/anna/.wharf").flush();
  rig.remove({"anna", "M1", false, november_ms, 0});
  rig.copy(rig.kept("early"), "M1");
  rig.copy(rig.kept("other"), "M2");
  rig.finish();
  CHECK(rig.recorded() == 1);
  CHECK(rig.folder->counts().failed == 1);
  CHECK(rig.files() == Names{"anna/2026-11/in-M2.bin"});
  fs::remove(in_the_way);
  rig.copy(rig.kept("late"), "M1");
  rig.finish();
  CHECK(rig.recorded() == 0);
  rig.open();
  CHECK(rig.text("anna/2026-11/in-M1.bin") == "late");
}

TEST_CASE("a folder that nobody could look at is asked again: it is not known whose it is") {
  Rig rig;
  rig.copy(rig.kept("old"), "M1");
  rig.finish();
  {
    const NoDescriptors none;
    rig.remove({"anna", "", false, 0, 0});
    rig.settle();
  }
  CHECK(rig.recorded() == 1);
  rig.time.pass(MediaFolder::pause);
  rig.finish();
  CHECK(rig.recorded() == 0);
  CHECK_FALSE(fs::exists(rig.root + "/anna"));
}

TEST_CASE("a folder that nobody can look at for long holds nothing up, and what is to be removed waits for a sweep") {
  Rig rig;
  rig.copy(rig.kept("old"), "M1");
  rig.finish();
  const SealedMedia file = rig.kept("2");
  bool released = false;
  {
    const NoDescriptors none;
    rig.remove({"anna", "M1", false, november_ms, 0});
    rig.copy(file, "M2", "ben");
    rig.folder->after_copies(file.name(), [&] { released = true; });
    for (int i = 0; i < 10 && !released; ++i) {
      rig.settle();
      rig.time.pass(32 * MediaFolder::pause);
    }
    CHECK(released);  // it failed
    CHECK_FALSE(rig.folder->busy());
  }
  CHECK(rig.recorded() == 1);
  rig.folder->sweep(Rig::now_ms());
  rig.finish();
  CHECK(rig.recorded() == 0);
  CHECK(rig.files().empty());
}

TEST_CASE("what took the place of the folder while it ran is left alone") {
  Rig rig;
  rig.open(0, std::chrono::hours(48));
  fs::rename(rig.root, rig.root + "-away");
  const bool marked = GENERATE(false, true);  // another installation's, or what lies below a volume
  Rig other;
  other.copy(other.kept("theirs"), "M1");
  other.finish();
  other.age("anna/2026-11/in-M1.bin", std::chrono::hours(49));
  other.folder.reset();
  if (!marked) fs::remove(other.root + "/.wharf");
  fs::rename(other.root, rig.root);
  rig.copy(rig.kept("ours"), "M2");
  rig.finish();
  rig.folder->sweep(Rig::now_ms());
  rig.finish();
  CHECK(rig.folder->counts().failed == 1);
  CHECK(rig.files() == Names{"anna/2026-11/in-M1.bin"});
}

TEST_CASE("a folder that was used before is not made anew where it is not mounted") {
  Rig rig;
  rig.copy(rig.kept("1"), "M1");
  rig.copy(rig.kept("2"), "M2", "ben");
  rig.finish();
  rig.folder.reset();
  fs::rename(rig.root, rig.root + "-volume");
  // Killed behind the commits.
  rig.record({"anna", "M1", false, november_ms, 0});
  rig.record({"ben", "", false, 0, 0});
  const auto refused = [&] {
    rig.make();
    const auto opened = rig.folder->open();
    REQUIRE(opened.has_error());
    CHECK(opened.error().code == protocol::Errc::conflict);
    CHECK(opened.error().detail.find("is its volume mounted?") != std::string::npos);
    CHECK(opened.error().detail.find(storage::installation_id(rig.rows.db())) != std::string::npos);
    rig.folder->begin(Rig::now_ms());
    CHECK(rig.recorded() == 2);
    rig.folder.reset();
  };
  SECTION("nothing is there") {
    refused();
    rig.root += "/";  // the same one
    refused();
    rig.root.pop_back();
    CHECK_FALSE(fs::exists(rig.root));
    fs::rename(rig.root + "-volume", rig.root);
    rig.open();
    CHECK(rig.recorded() == 0);
    CHECK(rig.files().empty());
  }
  SECTION("the directory that it is mounted on") {
    fs::create_directory(rig.root);
    refused();
    CHECK(fs::is_empty(rig.root));
  }
  SECTION("an operator begins anew") {
    fs::create_directory(rig.root);
    std::ofstream(rig.root + "/.wharf") << storage::installation_id(rig.rows.db()) << "\n";
    rig.open();
    CHECK(rig.recorded() == 0);
    rig.copy(rig.kept("3"), "M3", "ben");
    rig.finish();
    CHECK(rig.files() == Names{"ben/2026-11/in-M3.bin"});
  }
}

TEST_CASE("nothing that was to be removed before is ended in the run that made the folder") {
  Rig rig;
  rig.copy(rig.kept("1"), "M1");
  rig.copy(rig.kept("2"), "M2", "ben");
  rig.finish();
  rig.folder.reset();
  // As an earlier release left it: it remembers no folder.
  rig.rows.turn([](storage::Changes& changes) {
    test::inject(changes,
                 [](storage::Database& db) { return db.execute("DELETE FROM media_folder WHERE path <> ''"); });
  });
  rig.record({"anna", "M1", false, november_ms, 0});
  rig.record({"ben", "", false, 0, 0});
  fs::rename(rig.root, rig.root + "-volume");
  rig.open();
  CHECK(rig.recorded() == 2);
  SECTION("what is removed in this run is") {
    rig.copy(rig.kept("3"), "M3");
    rig.copy(rig.kept("4"), "M4", "ben");  // it would go with the session's removal
    rig.finish();
    CHECK(rig.files() == Names{"anna/2026-11/in-M3.bin"});
    CHECK(rig.folder->counts().failed == 1);
    rig.remove({"anna", "M3", false, november_ms, 0});
    rig.folder->sweep(Rig::now_ms());
    rig.finish();
    CHECK(rig.files().empty());
    CHECK(rig.recorded() == 2);
  }
  SECTION("the next start with its volume does it") {
    fs::remove_all(rig.root);
    fs::rename(rig.root + "-volume", rig.root);
    rig.open();
    CHECK(rig.recorded() == 0);
    CHECK(rig.files().empty());
  }
}
