#pragma once
// Channels that the account follows or has. Filed under the device of the session, as contacts are: the next account
// follows others. Specification 05 section 8.

#include <optional>
#include <string>
#include <vector>

#include "protocol/binary/jid.h"
#include "storage/ids.h"

namespace wharf::storage {

class Database;

struct ChannelRow {
  protocol::Jid channel;
  std::string metadata;  // JSON as protocol::channel_metadata_json() writes it
  UnixMs learnt_at = 0;  // when WhatsApp told it; 0: something has changed since, and it is to be asked for
  friend bool operator==(const ChannelRow&, const ChannelRow&) = default;
};
std::optional<ChannelRow> find_channel(Database& db, SessionId session, const protocol::Jid& channel);
/// In the order of their JIDs' numbers; at most `most`.
std::vector<ChannelRow> load_channels(Database& db, SessionId session, std::size_t most);

/// Replaces what is there.
struct PutChannel {
  SessionId session;
  ChannelRow row;
  friend bool operator==(const PutChannel&, const PutChannel&) = default;
};
/// Nothing when there is none.
struct RemoveChannel {
  SessionId session;
  protocol::Jid channel;
  friend bool operator==(const RemoveChannel&, const RemoveChannel&) = default;
};

}  // namespace wharf::storage
