#include "storage/apply.h"

#include "storage/secret_blob.h"

namespace wharf::storage {

Result<void> apply(Database& db, const Change& change) {
  return std::visit([&db](const auto& row) { return apply(db, row); }, change);
}

void wipe_secrets(Change& change) {
  if (auto* ratchet = std::get_if<PutRatchet>(&change)) wipe(ratchet->record);
  if (auto* key = std::get_if<PutAppStateKey>(&change)) wipe(key->key);
  if (auto* key = std::get_if<PutSenderKey>(&change)) wipe(key->record);
  if (auto* key = std::get_if<PutOwnSenderKey>(&change)) wipe(key->record);
}

}  // namespace wharf::storage
