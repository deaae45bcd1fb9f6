#pragma once
// What is known of single devices about a message of ours: who has it, and how often it was sent to one again. Both
// outlive a restart, or a peer could have one message encrypted for it again and again. Specification 03 section 8.2.

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/binary/jid.h"
#include "protocol/bytes.h"
#include "storage/ids.h"

namespace wharf::storage {

class Database;

/// Resends of one message to one device. `device` is canonical, as the session with it is filed.
struct ResendRow {
  std::uint32_t count = 0;
  protocol::Bytes base_key;  // of the session that the newest resend was sealed on; empty before the first
  friend bool operator==(const ResendRow&, const ResendRow&) = default;
};
std::optional<ResendRow> find_resends(Database& db, SessionId session, const protocol::Jid& device,
                                      const std::string& id);
/// Also sweeps rows older than `kept_ms`, a bounded number at a time.
struct PutResends {
  SessionId session;
  protocol::Jid device;
  std::string id;
  ResendRow row;
  UnixMs at = 0, kept_ms = 0;
  friend bool operator==(const PutResends&, const PutResends&) = default;
};

/// The two accounts a 1:1 message goes to; the device number says the rest.
enum class CopyHolder : std::uint8_t { recipient = 0, own_account = 1 };
/// `message_row`: MessageRow::row. False for a row that does not exist.
bool has_copy(Database& db, std::int64_t message_row, CopyHolder holder, std::uint16_t device);
/// The device has said so. Idempotent; nothing when the row does not exist.
struct NoteCopy {
  std::int64_t message_row = 0;
  CopyHolder holder = CopyHolder::recipient;
  std::uint16_t device = 0;
  friend bool operator==(const NoteCopy&, const NoteCopy&) = default;
};

}  // namespace wharf::storage
