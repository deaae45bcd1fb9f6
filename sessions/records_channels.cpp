// Look-ups about channels.
#include <algorithm>

#include "sessions/records_written.h"

namespace wharf::sessions {

std::optional<storage::ChannelRow> Records::find_channel(const Jid& channel) const {
  if (written_) {
    if (const auto found = written_->channels.find(channel); found != written_->channels.end()) return found->second;
    if (written_->wiped) return std::nullopt;
  }
  return storage::find_channel(reader_, session_, channel);
}

std::vector<storage::ChannelRow> Records::channels(std::size_t most) const {
  std::vector<storage::ChannelRow> rows;
  if (!(written_ && written_->wiped)) rows = storage::load_channels(reader_, session_, most);
  if (!written_) return rows;
  std::erase_if(rows, [&](const storage::ChannelRow& row) { return written_->channels.contains(row.channel); });
  for (const auto& [channel, row] : written_->channels)
    if (row && rows.size() < most) rows.push_back(*row);
  return rows;
}

}  // namespace wharf::sessions
