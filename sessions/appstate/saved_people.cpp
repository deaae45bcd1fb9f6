#include "sessions/appstate/saved_people.h"

#include <algorithm>

#include "protocol/appstate/actions.h"

namespace wharf::sessions {

bool is_saved(const storage::ContactRow& row, const events::PersonIds& ids,
              const std::optional<storage::AppStateRow>& book,
              const std::function<bool(const std::string& index)>& has_record) {
  const bool is_known = book && book->version != 0 && !book->whole_is_wanted && book->heard <= book->version;
  if (!is_known) return !row.name.empty();
  const auto indexes = protocol::contact_indexes(ids.pn, ids.lid);
  return std::any_of(indexes.begin(), indexes.end(), has_record);
}

}  // namespace wharf::sessions
