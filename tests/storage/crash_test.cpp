// Commit before effect at the level of the store: whatever completed is there after SIGKILL, no turn in part.

#include <signal.h>
#include <sys/wait.h>

#include <random>

#include "storage/chats.h"
#include "storage/messages.h"
#include "storage/outbox.h"
#include "storage/peers.h"
#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;

namespace {

const SessionId session{1};
const Jid chat("chat", "lid");

/// A turn writes five rows in five tables, all named by its number.
Changes numbered_turn(std::int64_t number) {
  Changes changes;
  const std::string id = std::to_string(number);
  changes.add(InsertMessage{test::message_row(session, chat, id, number), true, std::nullopt});
  changes.add(PutRatchet{session, Jid(id, "lid"), protocol::Bytes(1'000, 1)});
  changes.add(PutIdentity{session, Jid(id, "lid"), protocol::PublicKey{}});
  OutboxRow outbox;
  outbox.session = session;
  outbox.row = number;
  outbox.chat = chat;
  outbox.message_id = id;
  changes.add(InsertOutbox{outbox});
  changes.emit(NewEvent(session, "message", id, "{}", number));
  return changes;
}

/// Commits turns from `next` on, 32 in flight, and writes the number of each completed one to the pipe. Never returns.
[[noreturn]] void run_child(const std::string& path, std::int64_t next, int progress) {
  test::HandLoop loop;
  Store::Settings settings;
  settings.path = path;
  settings.synchronous = Synchronous::full;
  settings.post = [&loop](std::function<void()> call) { loop.post(std::move(call)); };
  auto store = Store::open(settings);
  if (!store) ::_exit(2);
  int in_flight = 0;
  for (;;) {
    for (; in_flight < 32; ++in_flight, ++next) {
      (*store)->commit(numbered_turn(next), [&in_flight, progress, number = next](Result<void> result) {
        --in_flight;
        if (!result) ::_exit(3);
        if (::write(progress, &number, sizeof number) != sizeof number) ::_exit(4);
      });
    }
    loop.run_one();
  }
}

}  // namespace

TEST_CASE("after SIGKILL every completed turn is there and every turn is whole") {
  test::TemporaryFolder folder;
  const std::string path = folder.file("crash.sqlite");
  std::mt19937 random(20261121);
  std::int64_t completed = 0;
  for (int kill_number = 0; kill_number < 20; ++kill_number) {
    INFO("kill " << kill_number);
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const std::int64_t first = completed + 1'000'000 * kill_number + 1;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      run_child(path, first, ends[1]);
    }
    ::close(ends[1]);
    // The moment is a number of completions, plus an amount of work of this process that no completion marks.
    const std::int64_t until = std::uniform_int_distribution<std::int64_t>(1, 400)(random);
    std::vector<std::int64_t> done;
    std::int64_t number = 0;
    while (static_cast<std::int64_t>(done.size()) < until && ::read(ends[0], &number, sizeof number) == sizeof number) {
      done.push_back(number);
    }
    for (std::uint64_t spin = random() % 200'000; spin > 0; --spin) asm volatile("");
    REQUIRE(::kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    while (::read(ends[0], &number, sizeof number) == sizeof number) done.push_back(number);
    ::close(ends[0]);
    REQUIRE(static_cast<std::int64_t>(done.size()) >= until);
    completed += static_cast<std::int64_t>(done.size());

    Store::Settings settings;
    settings.path = path;
    const auto store = test::open_store(settings);
    Database& db = store->reader();
    for (const std::int64_t turn : done) {
      if (!has_message(db, session, chat, std::to_string(turn))) FAIL("completed turn " << turn << " is lost");
    }
    // Every turn has its row in each table: equal counts, and no row without its message.
    const std::int64_t messages = test::count(db, "SELECT count(*) FROM message");
    CHECK(messages >= completed);
    CHECK(
        test::count(db,
                    "SELECT count(*) FROM message m JOIN outbox o ON o.message_id = m.id JOIN event e ON e.lane = m.id"
                    " JOIN jid j ON j.user = m.id JOIN ratchet r ON r.key = (1 << 32) + j.id"
                    " JOIN identity i ON i.key = (1 << 32) + j.id") == messages);
    for (const char* table : {"outbox", "event", "ratchet", "identity"}) {
      CHECK(test::count(db, std::string("SELECT count(*) FROM ") + table) == messages);
    }
    CHECK(find_chat(db, session, chat)->unread == messages);
    CHECK(test::count(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'") == 1);
  }
}
