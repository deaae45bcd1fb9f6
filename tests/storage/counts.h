#pragma once
// What tests count in the rows and the product never asks.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/binary/jid.h"
#include "storage/ids.h"

namespace wharf::storage {

class Database;

std::size_t count_pre_keys(Database& db, SessionId session);
std::size_t count_outbox(Database& db, SessionId session);
std::size_t count_deliveries(Database& db, const std::string& webhook);
/// The oldest that is kept; 0 when there is none.
EventId first_event_id(Database& db);
/// Of any device of the user, hosted ones not counted.
bool has_ratchets_of(Database& db, SessionId session, const protocol::Jid& user);

/// What a connection is asked while this lives; one at a time of each.
class StatementLog {
 public:
  explicit StatementLog(Database& db);
  StatementLog(const StatementLog&) = delete;
  StatementLog& operator=(const StatementLog&) = delete;
  ~StatementLog();
  std::size_t size() const { return statements_.size(); }
  /// Those that begin so.
  std::size_t count(std::string_view beginning) const;

 private:
  Database& db_;
  std::vector<std::string> statements_;
};

}  // namespace wharf::storage
