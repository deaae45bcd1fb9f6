#pragma once
// App state (syncd): how far each collection is known, the records that are in its hash, and what is to be written and
// the server does not have yet. Filed under the device of the session, as contacts are. Specification 04 section 8.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/crypto/hash.h"
#include "storage/ids.h"

namespace wharf::storage {

class Database;

/// A collection. No row: it was never asked for.
struct AppStateRow {
  std::string collection;
  std::uint64_t version = 0;
  protocol::Bytes hash;          // 128 bytes; empty: of an empty collection
  std::uint64_t heard = 0;       // the newest version that the server spoke of
  bool whole_is_wanted = false;  // what is here is not believed, or is being replaced: a snapshot is asked for
  bool diverged = false;         // the hash is not that of who signs, and is not compared (04 section 8.7)
  friend bool operator==(const AppStateRow&, const AppStateRow&) = default;
};
std::optional<AppStateRow> find_app_state(Database& db, SessionId session, const std::string& collection);

/// A record that is in the hash.
struct AppStateRecord {
  protocol::Digest32 index_mac{}, value_mac{};
  protocol::Bytes key_id;
  std::string action;  // the index as it was written; "" = it could not be read
  friend bool operator==(const AppStateRecord&, const AppStateRecord&) = default;
};
std::optional<AppStateRecord> find_app_state_record(Database& db, SessionId session, const std::string& collection,
                                                    const protocol::Digest32& index_mac);
/// The same index under several keys is several records; at most 16.
std::vector<AppStateRecord> app_state_records_of(Database& db, SessionId session, const std::string& collection,
                                                 const std::string& action);
/// The next `most` of a collection, in the order of their index MACs; `after` empty: the first ones.
std::vector<AppStateRecord> app_state_records_after(Database& db, SessionId session, const std::string& collection,
                                                    protocol::ByteView after, std::size_t most);

/// At most `most` of those whose index begins with `start`, which is not empty, in the order of their indexes.
std::vector<AppStateRecord> app_state_records_under(Database& db, SessionId session, const std::string& collection,
                                                    std::string_view start, std::size_t most);

/// What this device wants a collection to say; of one index there is one, the newest.
struct AppStateWish {
  std::string collection;
  std::string action;  // the index
  bool remove = false;
  protocol::Bytes value;     // SyncActionValue
  std::int32_t version = 0;  // of the action
  UnixMs at = 0;
  friend bool operator==(const AppStateWish&, const AppStateWish&) = default;
};
/// In the order of their indexes.
std::vector<AppStateWish> app_state_wishes(Database& db, SessionId session, const std::string& collection,
                                           std::size_t most);

/// The ids of the keys that the phone has shared, at most 1,000.
std::vector<protocol::Bytes> app_state_key_ids(Database& db, SessionId session);

/// Each replaces what is there.
struct PutAppState {
  SessionId session;
  AppStateRow row;
  friend bool operator==(const PutAppState&, const PutAppState&) = default;
};
struct PutAppStateRecord {
  SessionId session;
  std::string collection;
  AppStateRecord record;
  friend bool operator==(const PutAppStateRecord&, const PutAppStateRecord&) = default;
};
struct PutAppStateWish {
  SessionId session;
  AppStateWish wish;
  friend bool operator==(const PutAppStateWish&, const PutAppStateWish&) = default;
};
/// Nothing when there is none.
struct RemoveAppStateRecord {
  SessionId session;
  std::string collection;
  protocol::Digest32 index_mac{};
  friend bool operator==(const RemoveAppStateRecord&, const RemoveAppStateRecord&) = default;
};
struct RemoveAppStateWish {
  SessionId session;
  std::string collection;
  std::string action;
  friend bool operator==(const RemoveAppStateWish&, const RemoveAppStateWish&) = default;
};

}  // namespace wharf::storage
