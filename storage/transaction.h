#pragma once
// The one place that begins and commits a writing transaction, and the savepoint inside it. So whatever is to stand
// between the rows and their commit (a record for a second machine) has one place to stand. For storage/*.cpp only.

#include <functional>

#include "storage/database.h"

namespace wharf::storage {

using Work = std::function<Result<void>()>;

/// BEGIN IMMEDIATE, `work`, COMMIT. Any failure, a ReadFailure or another exception of `work` too, leaves nothing of
/// it. Whoever keeps a Recall of the connection forgets it after a failure.
Result<void> in_transaction(Database& db, const Work& work);

/// `work` in a savepoint of its own: its failure, or exception, undoes what it did and nothing else. SQLite gives up
/// the whole transaction for some errors (a full disk); then Database::in_transaction() is false.
Result<void> in_savepoint(Database& db, const Work& work);

}  // namespace wharf::storage
