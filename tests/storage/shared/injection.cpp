#include "tests/storage/injection.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <variant>

namespace wharf::test {

namespace {

struct Injections {
  std::mutex mutex;
  std::map<std::int64_t, Injected> by_mark;  // marks are negative session ids
  static Injections& all() {
    static Injections injections;
    return injections;
  }
};

}  // namespace

void inject(storage::Changes& changes, Injected run) {
  static std::atomic<std::int64_t> last = 0;
  const std::int64_t mark = --last;
  {
    const std::lock_guard lock(Injections::all().mutex);
    Injections::all().by_mark.emplace(mark, std::move(run));
  }
  changes.add(storage::TouchSession{storage::SessionId{mark}, 0});
}

storage::Result<bool> run_injected(storage::Database& db, const storage::Change& change) {
  const auto* touch = std::get_if<storage::TouchSession>(&change);
  if (!touch || touch->session.value >= 0) return true;
  Injected run;
  {
    const std::lock_guard lock(Injections::all().mutex);
    const auto found = Injections::all().by_mark.find(touch->session.value);
    if (found == Injections::all().by_mark.end()) return false;
    run = std::move(found->second);
    Injections::all().by_mark.erase(found);
  }
  if (storage::Result<void> done = run(db); !done) return done.error();
  return false;
}

}  // namespace wharf::test
