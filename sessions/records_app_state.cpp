// Look-ups of app state.
#include <algorithm>

#include "sessions/records_written.h"

namespace wharf::sessions {

std::optional<storage::AppStateRow> Records::find_app_state(const std::string& collection) const {
  if (written_) {
    const auto found = written_->app_states.find(collection);
    if (found != written_->app_states.end()) return found->second;
    if (written_->wiped) return std::nullopt;
  }
  return storage::find_app_state(reader_, session_, collection);
}

std::optional<storage::AppStateRecord> Records::find_app_state_record(const std::string& collection,
                                                                      const protocol::Digest32& index_mac) const {
  if (written_) {
    const auto found = written_->app_state_records.find({collection, index_mac});
    if (found != written_->app_state_records.end()) return found->second;
    if (written_->wiped) return std::nullopt;
  }
  return storage::find_app_state_record(reader_, session_, collection, index_mac);
}

std::vector<storage::AppStateRecord> Records::app_state_records_of(const std::string& collection,
                                                                   const std::string& action) const {
  std::vector<storage::AppStateRecord> records;
  if (!(written_ && written_->wiped)) records = storage::app_state_records_of(reader_, session_, collection, action);
  if (!written_) return records;
  std::erase_if(records, [&](const storage::AppStateRecord& record) {
    return written_->app_state_records.contains({collection, record.index_mac});
  });
  for (const auto& [place, record] : written_->app_state_records)
    if (record && place.first == collection && record->action == action) records.push_back(*record);
  return records;
}

std::vector<storage::AppStateRecord> Records::app_state_records_after(const std::string& collection,
                                                                      protocol::ByteView after,
                                                                      std::size_t most) const {
  if (written_ && written_->wiped) return {};
  return storage::app_state_records_after(reader_, session_, collection, after, most);
}

std::vector<storage::AppStateWish> Records::app_state_wishes(const std::string& collection, std::size_t most) const {
  std::vector<storage::AppStateWish> wishes;
  if (!(written_ && written_->wiped)) wishes = storage::app_state_wishes(reader_, session_, collection, most);
  if (!written_) return wishes;
  std::erase_if(wishes, [&](const storage::AppStateWish& wish) {
    return written_->app_state_wishes.contains({collection, wish.action});
  });
  for (const auto& [place, wish] : written_->app_state_wishes)
    if (wish && place.first == collection && wishes.size() < most) wishes.push_back(*wish);
  return wishes;
}

std::optional<protocol::Bytes> Records::find_app_state_key(protocol::ByteView key_id) const {
  if (written_) {
    const auto found = written_->app_state_keys.find(protocol::to_bytes(key_id));
    if (found != written_->app_state_keys.end()) return found->second;
    if (written_->wiped) return std::nullopt;
  }
  return storage::find_app_state_key(reader_, session_, key_id);
}

std::vector<protocol::Bytes> Records::app_state_key_ids() const {
  std::vector<protocol::Bytes> ids;
  if (!(written_ && written_->wiped)) ids = storage::app_state_key_ids(reader_, session_);
  if (!written_) return ids;
  for (const auto& [id, key] : written_->app_state_keys)
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  return ids;
}

}  // namespace wharf::sessions
