#pragma once
// The schema as numbered steps, forward only. PRAGMA user_version holds the number of the last step applied.

#include <cstdint>
#include <span>

#include "storage/database.h"

namespace wharf::storage {

/// "WHRF": a file of another program is refused instead of filled with our tables.
inline constexpr std::int64_t application_id = 0x57485246;

/// Step n (from 1) brings a file from version n - 1 to n. A released step never changes.
std::span<const char* const> migrations();

/// Applies what is missing, all in one transaction. Errors: unsupported (a newer file, or not a Wharf file), storage,
/// storage_full; the file is then unchanged.
Result<void> migrate(Database& db, std::span<const char* const> steps);
/// For connections that may not write. Errors: unsupported.
Result<void> check_version(Database& db, std::span<const char* const> steps);

}  // namespace wharf::storage
