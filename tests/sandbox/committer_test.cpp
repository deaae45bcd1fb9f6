// The state file and the rule that nothing leaves before it is on disk.

#include "sandbox/committer.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "net/loop.h"
#include "net/worker_pool.h"
#include "tests/support/printing.h"

using namespace wharf;
using namespace wharf::sandbox;
using protocol::Bytes;

namespace {

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "wharf-state-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const char* name) const { return (path / name).string(); }
};

std::map<RowKey, Bytes> content(StateFile& file) {
  std::map<RowKey, Bytes> rows;
  REQUIRE(file.read([&](const RowKey& key, protocol::ByteView value) {
    rows[key] = protocol::to_bytes(value);
    return true;
  }));
  return rows;
}

RowKey key(const std::string& name) { return {RowKind::account, name, {}}; }

/// A loop, a file and the rows of the turn that is going on.
struct Kept {
  explicit Kept(const std::string& path) {
    auto opened = StateFile::open(path);
    REQUIRE(opened);
    committer = std::make_unique<Committer>(scheduler, std::make_unique<net::WorkerPool>(loop.get_executor(), 1),
                                            std::move(*opened), [this] {
                                              ++commits;
                                              return std::exchange(rows, {});
                                            });
  }
  void change(const std::string& name) {
    rows.push_back({key(name), Bytes{1, 2, 3}});
    committer->changed();
  }
  void say(const std::string& text) {
    committer->after_commit([this, text] { said.push_back(text); });
  }
  void run() {
    loop.restart();
    loop.run();
  }
  net::asio::io_context loop;
  net::LoopScheduler scheduler{loop};
  std::vector<RowChange> rows;
  std::vector<std::string> said;
  int commits = 0;
  std::unique_ptr<Committer> committer;
};

}  // namespace

TEST_CASE("a state file is for its owner alone, keeps its rows in order and knows what is not one") {
  Folder folder;
  const auto path = folder.file("state");
  std::ofstream(path).close();
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  {
    auto file = StateFile::open(path);
    REQUIRE(file);
    REQUIRE((*file)->write({{key("b"), Bytes{2}}, {key("a"), Bytes()}, {key("c"), Bytes{3}}}));
    REQUIRE((*file)->write(
        {{key("c"), std::nullopt}, {key("b"), Bytes{4}}, {{RowKind::server, "", std::string("n\0m", 3)}, Bytes{5}}}));
    CHECK(content(**file) == std::map<RowKey, Bytes>{{{RowKind::server, "", std::string("n\0m", 3)}, Bytes{5}},
                                                     {key("a"), Bytes()},
                                                     {key("b"), Bytes{4}}});
    struct stat info {};
    for (const auto& entry : std::filesystem::directory_iterator(folder.path)) {
      REQUIRE(::stat(entry.path().c_str(), &info) == 0);
      CHECK((info.st_mode & 0777) == 0600);
    }
    const auto second = StateFile::open(path);
    REQUIRE_FALSE(second);
    CHECK(second.error().detail.find("locked") != std::string::npos);
  }
  CHECK(StateFile::open(path));
  std::ofstream(folder.file("json")) << "{\"network\":\"...\",\"phones\":{}} and more than a SQLite header would be";
  CHECK(StateFile::open(folder.file("json")).error().detail.find("not a sandbox state file") != std::string::npos);
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(folder.file("other").c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "CREATE TABLE t (a)", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(other);
  CHECK(StateFile::open(folder.file("other")).error().detail.find("another program") != std::string::npos);
  CHECK_FALSE(StateFile::open(folder.file("no/such/folder")));
}

TEST_CASE("effects wait for the commit of all that changed in their turn, and keep their order") {
  Folder folder;
  Kept kept(folder.file("state"));
  kept.say("first");  // before the change: it may know of it all the same
  kept.change("a");
  kept.say("second");
  CHECK(kept.said.empty());
  kept.loop.run_one();  // the cut: the write is on its way, nothing was said
  CHECK(kept.commits == 1);
  CHECK(kept.said.empty());
  kept.change("b");  // while the first is being written: one more commit for both
  kept.say("third");
  kept.change("c");
  CHECK(kept.commits == 1);
  kept.run();
  CHECK(kept.said == std::vector<std::string>{"first", "second", "third"});
  kept.say("nothing changed");
  kept.run();
  CHECK(kept.said.size() == 4);
  kept.change("d");
  kept.say("fifth");
  kept.committer->finish();
  CHECK(kept.said.back() == "fifth");
  kept.say("after the end");
  CHECK(kept.said.back() == "after the end");
  auto file = StateFile::open(folder.file("state"));
  REQUIRE(file);
  CHECK(content(**file).size() == 4);
}

TEST_CASE("an effect that changes something does not let the next effect out before that is kept") {
  Folder folder;
  Kept kept(folder.file("state"));
  std::vector<std::string> order;
  kept.committer->after_commit([&] {
    kept.change("a");
    kept.committer->after_commit([&] { order.push_back(kept.rows.empty() ? "kept" : "not kept"); });
  });
  kept.run();
  CHECK(order == std::vector<std::string>{"kept"});
  kept.committer->finish();
  auto file = StateFile::open(folder.file("state"));
  CHECK(content(**file).contains(key("a")));
}

TEST_CASE("while the disk refuses nothing is said, and when it takes the rows again everything is") {
  Folder folder;
  Kept kept(folder.file("state"));
  kept.change("a");
  kept.say("kept");
  kept.run();
  // No file of this process may grow: every write of SQLite fails as on a full disk.
  struct rlimit before {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit full = before;
  full.rlim_cur = 0;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &full) == 0);
  kept.change("b");
  kept.say("not yet");
  kept.loop.restart();
  REQUIRE(kept.loop.run_one() == 1);  // the cut
  REQUIRE(kept.loop.run_one() == 1);  // the refused write is back
  CHECK(kept.said == std::vector<std::string>{"kept"});
  const bool ends = GENERATE(false, true);
  if (ends) kept.committer->finish();
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, ignored);
  if (!ends) {
    kept.run();
    CHECK(kept.said == std::vector<std::string>{"kept", "not yet"});
    kept.committer->finish();
  }
  CHECK((kept.said.size() == 1) == ends);
  auto file = StateFile::open(folder.file("state"));
  REQUIRE(file);
  CHECK(content(**file).contains(key("b")) != ends);
}
