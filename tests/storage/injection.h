#pragma once
// Code in the middle of a turn: SQL that a change cannot say, a failure, a writer that is held up. It rides in Changes
// as a change of no row (a session that cannot be), and Store::Settings::before_change runs it there.

#include <functional>
#include <utility>

#include "storage/changes.h"
#include "storage/database.h"

namespace wharf::test {

using Injected = std::function<storage::Result<void>(storage::Database&)>;

void inject(storage::Changes& changes, Injected run);

/// Into the rows of a turn (sessions::Records).
template <class Rows>
void inject_into(Rows& rows, Injected run) {
  storage::Changes changes;
  inject(changes, std::move(run));
  rows.append(std::move(changes));
}

/// For Store::Settings::before_change.
storage::Result<bool> run_injected(storage::Database& db, const storage::Change& change);

}  // namespace wharf::test
