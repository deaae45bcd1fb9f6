#pragma once
// When each message of a session's queue was put off and sealed, as the daemon's disk saw it, and what the daemon's
// clock showed by then.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/changes.h"
#include "tests/simulation/virtual_scheduler.h"

namespace wharf::simulation {

class QueueRecord {
 public:
  /// `unix_ms`: what the clock shows from now on, until the next one of these.
  void note_clock(Micros now, std::int64_t unix_ms);
  /// The latest and the earliest that the clock showed in this time.
  std::int64_t latest(Micros from, Micros to) const;
  std::int64_t earliest(Micros from, Micros to) const;

  /// A row change that is being committed.
  void note(Micros now, const storage::Change& change);
  struct Fate {
    bool put_off = false;
    std::optional<Micros> sealed_at;       // the commit of the first stanza: up to two slow batches behind its turn
    std::uint64_t queued = 0, sealed = 0;  // places in the order in which rows were written; 0: never
  };
  Fate fate(const std::string& message_id) const;

 private:
  struct Setting {
    Micros since{0};
    std::int64_t unix_ms = 0;
  };
  /// What `setting` showed at the beginning and at the end of its part of the time; nullopt: it has none.
  std::optional<std::pair<std::int64_t, std::int64_t>> shown(std::size_t setting, Micros from, Micros to) const;
  void note_row(Micros now, const storage::OutboxRow& row);
  void note_stanza(Micros now, Fate& fate);

  std::vector<Setting> clock_;
  std::map<std::pair<storage::SessionId, std::int64_t>, std::string> rows_;  // of the outbox: message ids
  std::map<std::string, Fate> fates_;                                        // by message id
  std::uint64_t last_place_ = 0;
};

}  // namespace wharf::simulation
