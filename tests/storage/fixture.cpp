#include "tests/storage/fixture.h"

#include <sqlite3.h>

namespace wharf::test {

std::int64_t count(storage::Database& db, const std::string& query) {
  sqlite3_stmt* statement = nullptr;
  INFO(query);
  REQUIRE(sqlite3_prepare_v2(db.handle(), query.c_str(), -1, &statement, nullptr) == SQLITE_OK);
  const std::int64_t value = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
  sqlite3_finalize(statement);
  return value;
}

std::string plan_of(storage::Database& db, const std::string& query) {
  sqlite3_stmt* statement = nullptr;
  INFO(query);
  REQUIRE(sqlite3_prepare_v2(db.handle(), ("EXPLAIN QUERY PLAN " + query).c_str(), -1, &statement, nullptr) ==
          SQLITE_OK);
  std::string plan;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    plan += reinterpret_cast<const char*>(sqlite3_column_text(statement, 3));
    plan += "\n";
  }
  sqlite3_finalize(statement);
  return plan;
}

std::int64_t steps_of(storage::Database& db, const std::function<void()>& call) {
  std::int64_t steps = 0;
  const auto count_step = [](void* counted) {
    ++*static_cast<std::int64_t*>(counted);
    return 0;
  };
  sqlite3_progress_handler(db.handle(), 1, count_step, &steps);
  call();
  sqlite3_progress_handler(db.handle(), 0, nullptr, nullptr);
  return steps;
}

}  // namespace wharf::test
