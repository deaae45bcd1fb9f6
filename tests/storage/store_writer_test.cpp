// Store::Settings::writer: a store without a thread, whose batches somebody else runs.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/messages.h"
#include "storage/search_index.h"
#include "storage/sessions.h"
#include "storage/store.h"
#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::storage;

namespace {

/// A loop that runs when it is told to.
struct Loop {
  std::vector<std::function<void()>> posted, steps;
  std::string path =
      (std::filesystem::temp_directory_path() / ("wharf-store-writer-" + std::to_string(::getpid()) + ".sqlite"))
          .string();
  bool fails = false;
  UnixMs now = 1'764'000'000'000;

  Loop() { remove(); }
  ~Loop() { remove(); }
  void remove() const {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
  }
  std::unique_ptr<Store> open() {
    Store::Settings settings;
    settings.path = path;
    settings.post = [this](std::function<void()> run) { posted.push_back(std::move(run)); };
    settings.writer = [this](std::function<void()> step) { steps.push_back(std::move(step)); };
    settings.unix_ms = [this] { return now; };
    settings.before_change = [this](Database&, const Change&) -> Result<bool> {
      if (fails) return Error(protocol::Errc::storage_full, "full");
      return true;
    };
    auto store = Store::open(std::move(settings));
    REQUIRE(store.has_value());
    return std::move(*store);
  }
  static void run(std::vector<std::function<void()>>& waiting) {
    for (const auto& each : std::exchange(waiting, {})) each();
  }
  static Changes session(std::int64_t id) {
    SessionRow row;
    row.id = SessionId{id};
    row.name = "s" + std::to_string(id);
    Changes changes;
    changes.add(InsertSession{row});
    return changes;
  }
};

}  // namespace

TEST_CASE_METHOD(Loop, "turns wait for the writer's step, which makes one batch of them; completions are posted") {
  auto store = open();
  int done = 0;
  for (int id = 1; id <= 3; ++id) store->commit(session(id), [&](Result<void> result) { done += result ? 1 : 100; });
  CHECK(steps.size() == 1);
  CHECK(load_sessions(store->reader()).empty());
  run(steps);
  CHECK(load_sessions(store->reader()).size() == 3);
  CHECK(done == 0);
  run(posted);
  CHECK(done == 3);
  CHECK(steps.empty());
}

TEST_CASE_METHOD(Loop, "what no step has written is lost with the store, what one has written is kept") {
  {
    auto store = open();
    store->commit(session(1), nullptr);
    run(steps);
    store->commit(session(2), nullptr);
  }
  steps.clear();
  posted.clear();
  auto store = open();
  const auto kept = load_sessions(store->reader());
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].name == "s1");
}

TEST_CASE_METHOD(Loop, "a ping is answered by a step and probes a store that failed; flush runs what waits") {
  auto store = open();
  fails = true;
  store->commit(session(1), nullptr);
  run(steps);
  CHECK_FALSE(store->healthy());
  fails = false;
  bool well = false;
  store->ping([&](bool healthy) { well = healthy; });
  run(steps);
  run(posted);
  CHECK(well);
  store->commit(session(2), nullptr);
  store->flush();
  CHECK(load_sessions(store->reader()).size() == 1);
}

TEST_CASE_METHOD(Loop, "the index of words is swept when somebody asks for a look, by the clock of the settings") {
  auto store = open();
  const SessionId anna{1};
  const protocol::Jid chat("1", "lid");
  const auto settle = [&] {
    while (!steps.empty() || !posted.empty()) {
      run(steps);
      run(posted);
    }
  };
  const auto look = [&] {
    store->look_at_sweep();
    CHECK(steps.size() == 1);
    settle();
  };
  const auto revoke = [&](const char* id) {
    Changes changes;
    changes.add(RevokeMessage{anna, chat, id, false, 3'000});
    store->commit(std::move(changes), nullptr);
    settle();
  };
  store->commit(session(1), nullptr);
  for (const char* id : {"M1", "M2"}) {
    Changes changes;
    changes.add(InsertMessage{test::message_row(anna, chat, id, 1'000), true, std::nullopt});
    store->commit(std::move(changes), nullptr);
  }
  settle();
  look();  // they go into the index first
  revoke("M1");
  REQUIRE(sweep_waits(store->reader(), now));
  look();
  revoke("M2");
  CHECK_FALSE(sweep_waits(store->reader(), now));
  now += sweep_interval_ms;
  CHECK(sweep_waits(store->reader(), now));
  look();
  CHECK_FALSE(sweep_waits(store->reader(), now + sweep_interval_ms));
}
