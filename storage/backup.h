#pragma once
#include <string>

#include "storage/database.h"

namespace wharf::storage {

/// A consistent copy of what `source` sees now, while others write. The target appears complete and durable, or not
/// at all. An older backup is replaced, any other file is not. Errors: storage, storage_full, conflict (the target is
/// the source under another name, a database in use, or no database of Wharf).
Result<void> copy_database(Database& source, const std::string& target);

}  // namespace wharf::storage
