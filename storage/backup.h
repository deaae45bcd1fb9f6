#pragma once
#include <string>

#include "storage/database.h"

namespace wharf::storage {

/// A consistent copy of what `source` sees now, while others write. The target appears complete and durable, or not
/// at all; an existing file is replaced. Errors: storage, storage_full.
Result<void> copy_database(Database& source, const std::string& target);

}  // namespace wharf::storage
