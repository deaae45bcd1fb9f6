#pragma once
// What rounds of app state hand to workers, and between two of their turns. Of app_state*.cpp alone.

#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "protocol/appstate/collection.h"
#include "sessions/appstate/app_state.h"

namespace wharf::sessions {

/// The keys by their ids, expanded.
class Keyring {
 public:
  Keyring() = default;
  explicit Keyring(const std::map<Bytes, Bytes>& secrets) {
    for (const auto& [id, secret] : secrets) add(id, secret);
  }
  void add(const Bytes& id, const Bytes& secret) {
    if (!expanded_.contains(id)) expanded_.emplace(id, protocol::AppStateKeys::expand(secret));
  }
  /// As long as this lives.
  protocol::AppStateKeyring lookup() const {
    return [this](ByteView id) -> const protocol::AppStateKeys* {
      const auto found = expanded_.find(protocol::to_bytes(id));
      return found == expanded_.end() ? nullptr : &found->second;
    };
  }

 private:
  std::map<Bytes, protocol::AppStateKeys> expanded_;
};

/// Without its values.
inline protocol::AppStateCollection collection_of(const storage::AppStateRow& row) {
  protocol::AppStateCollection collection;
  collection.version = row.version;
  collection.hash = protocol::LtHash::from(row.hash).value_or(protocol::LtHash());
  collection.diverged = row.diverged;
  return collection;
}

inline storage::AppStateRecord record_of(const protocol::AppStateMutation& mutation) {
  storage::AppStateRecord record;
  record.index_mac = mutation.index_mac;
  record.value_mac = mutation.value_mac;
  record.key_id = mutation.key_id;
  record.action = mutation.index;
  return record;
}

/// A file that came, opened on a worker.
struct AppState::Opening {
  Bytes reference, encrypted;
  bool snapshot = false;
  protocol::Result<Bytes> plain = Bytes();
  protocol::Result<protocol::AppStateNeeds> needs = protocol::AppStateNeeds();  // of a snapshot
};

/// What the answers to a question for all of it have said so far: a snapshot, and the patches behind it. A worker fills
/// it while the loop leaves it alone.
struct AppState::Whole {
  struct Record {
    protocol::AppStateMutation said;
    bool stored = false;  // the row says the same
  };
  protocol::AppStateCollection state;  // without values
  std::map<protocol::Digest32, Record> records;
};

/// A patch or a snapshot, checked and applied on a worker: to what rows say, or to a Whole. `keys` are secrets.
struct AppState::Application {
  std::string name;
  Bytes snapshot, patch, mutations;
  protocol::Result<protocol::AppStateNeeds> needs = protocol::AppStateNeeds();
  std::map<Bytes, Bytes> keys;
  protocol::Mismatch mismatch = protocol::Mismatch::refused;
  protocol::AppStateCollection collection;  // of rows
  std::shared_ptr<Whole> whole;
  protocol::Result<std::vector<protocol::AppStateMutation>> done = std::vector<protocol::AppStateMutation>();
};

/// A Whole that takes the place of the rows, slice after slice.
struct AppState::Replacement {
  std::shared_ptr<Whole> whole;
  std::map<std::string_view, const protocol::AppStateMutation*> said;  // by index, the newest of each
  std::optional<protocol::Digest32> compared;                          // rows up to this one
  std::vector<storage::AppStateRecord> gone;                           // rows of which the whole is without
  std::size_t next_gone = 0;
  std::map<protocol::Digest32, Whole::Record>::iterator next;
};

template <class Job>
void AppState::work(std::shared_ptr<Job> job, void (*run)(Job&), UniqueFunction<void(Job&)> then) {
  c_.work([job, run] { run(*job); },
          [this, job, generation = generation_, then = std::move(then)]() mutable {
            if (generation == generation_) then(*job);
          });
}

}  // namespace wharf::sessions
