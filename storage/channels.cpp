#include "storage/channels.h"

#include "storage/apply.h"
#include "storage/removal.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

#define COLUMNS "SELECT channel_id, metadata, learnt_at FROM channel "
#define OF_SESSION "WHERE number = " WHARF_DEVICE(?1) " "
constexpr const char* select_one = COLUMNS OF_SESSION "AND channel_id = ?2";
constexpr const char* select_all = COLUMNS OF_SESSION "ORDER BY channel_id LIMIT ?2";
constexpr const char* put =
    "INSERT OR REPLACE INTO channel (number, channel_id, metadata, learnt_at) VALUES (" WHARF_DEVICE(?1) ", ?2, ?3, ?4)";
constexpr const char* remove_one = "DELETE FROM channel " OF_SESSION "AND channel_id = ?2";
#undef OF_SESSION
#undef COLUMNS

ChannelRow read_row(Statement& select) {
  ChannelRow row;
  row.channel = select.jid();
  row.metadata = select.text();
  row.learnt_at = select.integer();
  return row;
}

}  // namespace

std::optional<ChannelRow> find_channel(Database& db, SessionId session, const protocol::Jid& channel) {
  Statement select(db, select_one);
  if (!select.session(session).jid(channel).next()) return std::nullopt;
  return read_row(select);
}

std::vector<ChannelRow> load_channels(Database& db, SessionId session, std::size_t most) {
  std::vector<ChannelRow> channels;
  Statement select(db, select_all);
  select.session(session).number(most);
  while (select.next()) channels.push_back(read_row(select));
  return channels;
}

Result<void> apply(Database& db, const PutChannel& change) {
  const ChannelRow& row = change.row;
  Statement insert(db, put);
  return insert.session(change.session).jid(row.channel).text(row.metadata).integer(row.learnt_at).run();
}

Result<void> apply(Database& db, const RemoveChannel& change) {
  return Statement(db, remove_one).session(change.session).jid(change.channel).run();
}

}  // namespace wharf::storage
