#pragma once
// The disappearing timers of chats as the daemon's disk saw them: which one was in force where a session accepted a
// message, and since when the settings count that sessions have sent (03 section 5.5).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/changes.h"
#include "storage/database.h"

namespace wharf::simulation {

class TimerRecord {
 public:
  /// A row change that is being committed; `db` shows what was before it.
  void note(storage::Database& db, const storage::Change& change);

  /// Of the chat when this own message was accepted; nullopt: no row of it was written.
  std::optional<storage::ChatTimer> in_force(storage::SessionId session, const std::string& message_id) const;
  /// What the message that set a timer says, unix seconds; nullopt: no session has made one of this id.
  std::optional<std::int64_t> set_at(const std::string& message_id) const;
  /// A timer gave way to one that was set before it.
  const std::vector<std::string>& steps_back() const { return steps_back_; }

 private:
  std::map<std::pair<storage::SessionId, std::string>, storage::ChatTimer> in_force_;
  std::map<std::string, std::int64_t> set_at_;
  std::vector<std::string> steps_back_;
};

}  // namespace wharf::simulation
