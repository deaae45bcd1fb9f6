#pragma once
// Code in the middle of a turn: SQL that a change cannot say, a failure, a writer that is held up. It rides in Changes
// as a change of no row (a session that cannot be), and Store::Settings::before_change runs it there.

#include <atomic>
#include <functional>
#include <map>
#include <mutex>

#include "storage/changes.h"
#include "storage/database.h"

namespace wharf::test {

using Injected = std::function<storage::Result<void>(storage::Database&)>;

struct Injections {
  std::mutex mutex;
  std::map<std::int64_t, Injected> by_mark;  // marks are negative session ids
  static Injections& all() {
    static Injections injections;
    return injections;
  }
};

inline void inject(storage::Changes& changes, Injected run) {
  static std::atomic<std::int64_t> last = 0;
  const std::int64_t mark = --last;
  {
    const std::lock_guard lock(Injections::all().mutex);
    Injections::all().by_mark.emplace(mark, std::move(run));
  }
  changes.add(storage::TouchSession{storage::SessionId{mark}, 0});
}

/// Into the rows of a turn (sessions::Records).
template <class Rows>
void inject_into(Rows& rows, Injected run) {
  storage::Changes changes;
  inject(changes, std::move(run));
  rows.append(std::move(changes));
}

/// For Store::Settings::before_change.
inline storage::Result<bool> run_injected(storage::Database& db, const storage::Change& change) {
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
