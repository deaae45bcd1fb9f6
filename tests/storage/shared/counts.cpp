#include "tests/storage/counts.h"

#include <sqlite3.h>

#include <algorithm>

#include "storage/keys.h"
#include "storage/peers.h"
#include "storage/removal.h"
#include "storage/statement.h"

namespace wharf::storage {

std::size_t count_pre_keys(Database& db, SessionId session) {
  Statement select(db, "SELECT count(*) FROM pre_key WHERE key" WHARF_DEVICE_KEYS);
  return select.keys(session).next() ? select.number<std::size_t>() : 0;
}

std::size_t count_outbox(Database& db, SessionId session) {
  Statement select(db, "SELECT count(*) FROM outbox WHERE key BETWEEN ?1 AND ?2");
  return select.keys(session).next() ? select.number<std::size_t>() : 0;
}

std::size_t count_deliveries(Database& db, const std::string& webhook) {
  Statement select(db,
                   "SELECT count(*) FROM webhook_delivery WHERE webhook_row ="
                   " (SELECT row FROM webhook WHERE id = ?1 AND removed = 0)");
  return select.text(webhook).next() ? select.number<std::size_t>() : 0;
}

EventId first_event_id(Database& db) {
  Statement select(db, "SELECT min(id) FROM event");
  return select.next() ? select.integer() : 0;
}

bool has_ratchets_of(Database& db, SessionId session, const protocol::Jid& user) {
  Statement select(db, "SELECT device FROM jid WHERE user = ?1 AND server = ?2");
  select.text(user.user).text(user.server);
  while (select.next())
    if (find_ratchet(db, session, user.with_device(static_cast<std::uint16_t>(select.integer())))) return true;
  return false;
}

StatementLog::StatementLog(Database& db) : db_(db) {
  const auto note = [](unsigned, void* log, void*, void* text) {
    static_cast<StatementLog*>(log)->statements_.emplace_back(static_cast<const char*>(text));
    return 0;
  };
  sqlite3_trace_v2(db_.handle(), SQLITE_TRACE_STMT, note, this);
}

StatementLog::~StatementLog() { sqlite3_trace_v2(db_.handle(), 0, nullptr, nullptr); }

std::size_t StatementLog::count(std::string_view beginning) const {
  return static_cast<std::size_t>(
      std::count_if(statements_.begin(), statements_.end(),
                    [&](const std::string& statement) { return statement.starts_with(beginning); }));
}

}  // namespace wharf::storage
