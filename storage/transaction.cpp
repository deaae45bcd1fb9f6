#include "storage/transaction.h"

#include <exception>
#include <string>

#include "storage/statement.h"

namespace wharf::storage {

namespace {

constexpr const char* begin = "BEGIN IMMEDIATE";
constexpr const char* commit = "COMMIT";
constexpr const char* rollback = "ROLLBACK";
constexpr const char* begin_part = "SAVEPOINT part";
constexpr const char* end_part = "RELEASE part";
constexpr const char* undo_part = "ROLLBACK TO part";

Result<void> run(Database& db, const char* sql) { return Statement(db, sql).run(); }

Result<void> outcome_of(const Work& work) {
  try {
    return work();
  } catch (const ReadFailure& unreadable) {
    return unreadable.error;
  } catch (const std::exception& exception) {
    return Error(Errc::internal, std::string("a turn threw: ") + exception.what());
  }
}

}  // namespace

Result<void> in_transaction(Database& db, const Work& work) {
  if (Result<void> begun = run(db, begin); !begun) return begun;
  Result<void> result = outcome_of(work);
  if (result && !db.in_transaction()) result = Error(Errc::storage, "SQLite rolled the transaction back");
  if (result) result = run(db, commit);
  if (!result && db.in_transaction()) (void)run(db, rollback);
  return result;
}

Result<void> in_savepoint(Database& db, const Work& work) {
  if (Result<void> begun = run(db, begin_part); !begun) return begun;
  Result<void> result = outcome_of(work);
  if (result) result = run(db, end_part);
  if (result) return result;
  // ROLLBACK TO leaves the savepoint open: both statements, or the transaction could commit half a turn.
  const bool undone = db.in_transaction() && run(db, undo_part) && run(db, end_part);
  if (!undone && db.in_transaction()) (void)run(db, rollback);
  return result;
}

}  // namespace wharf::storage
