#include "storage/apply.h"

namespace wharf::storage {

Result<void> apply(Database& db, Change& change) {
  return std::visit([&db](auto& row) { return apply(db, row); }, change);
}

}  // namespace wharf::storage
