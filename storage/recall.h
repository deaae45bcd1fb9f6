#pragma once
// What a connection remembers of rows so that the hot path does not ask SQLite again: JID <-> integer id, session
// labels, the last message row, how far the index of words is, whether removed things wait for their end. Everything in
// here must be true of the committed database or of the transaction in progress. JID and session ids are never given to
// another value once committed, so a remembered pair stays true; only a rollback can make it false, and therefore every
// rollback (of a savepoint too) calls forget().

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "protocol/binary/jid.h"
#include "storage/ids.h"
#include "storage/search_index.h"

namespace wharf::storage {

/// The `capacity` most recently used pairs, both ways.
class JidCache {
 public:
  explicit JidCache(std::size_t capacity) : capacity_(capacity) {}
  JidCache(const JidCache&) = delete;
  JidCache& operator=(const JidCache&) = delete;

  std::optional<std::int64_t> find(const protocol::Jid& jid);
  const protocol::Jid* find(std::int64_t id);  // valid until the next put or clear
  void put(const protocol::Jid& jid, std::int64_t id);
  void clear();
  std::size_t size() const { return recent_.size(); }

 private:
  struct Entry {
    protocol::Jid jid;
    std::int64_t id;
  };
  using Entries = std::list<Entry>;  // most recently used first
  struct Hash {
    std::size_t operator()(const protocol::Jid* jid) const { return std::hash<protocol::Jid>{}(*jid); }
  };
  struct Equal {
    bool operator()(const protocol::Jid* a, const protocol::Jid* b) const { return *a == *b; }
  };
  void used(Entries::iterator entry) { recent_.splice(recent_.begin(), recent_, entry); }

  std::size_t capacity_;
  Entries recent_;
  std::unordered_map<const protocol::Jid*, Entries::iterator, Hash, Equal> by_jid_;  // keys point into recent_
  std::unordered_map<std::int64_t, Entries::iterator> by_id_;
};

/// What the log writes with every event of a session.
struct SessionLabel {
  OrgId org = default_org;
  std::string name;
};

class Recall {
 public:
  explicit Recall(std::size_t jids_kept) : jids(jids_kept) {}
  void forget() {
    jids.clear();
    session_labels.clear();
    last_message_row.reset();
    search_progress.reset();
    unindexed = {};
    removals_wait = true;
    may_have_merges = true;
  }

  JidCache jids;
  std::unordered_map<SessionId, SessionLabel> session_labels;
  std::optional<std::int64_t> last_message_row;
  std::optional<SearchProgress> search_progress;
  UnindexedText unindexed;
  bool removals_wait = false;   // tombstones of storage/removal.h are there; false: none, or their purge failed
  bool may_have_merges = true;  // rows of merged_chat may be there; false: surely none
};

}  // namespace wharf::storage
