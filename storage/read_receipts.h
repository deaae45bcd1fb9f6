#pragma once
// Read receipts on their way: a chat is marked as read in the same turn in which they become rows, and a row goes when
// the server has acked its receipt. So neither a crash nor a cut connection loses one. Specification 03 section 7.2.

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/binary/jid.h"
#include "storage/ids.h"

namespace wharf::storage {

class Database;

struct ReadReceiptRow {
  std::int64_t row = 0;  // order, chosen by the caller: growing per session
  SessionId session;
  protocol::Jid chat;            // canonical
  protocol::Jid author;          // of the messages, in a group or broadcast; empty in a 1:1 chat
  std::vector<std::string> ids;  // 1 to 256, the first one names the stanza
  UnixMs read_at = 0;
  std::uint32_t attempts = 0;  // connections that were asked to carry it
  friend bool operator==(const ReadReceiptRow&, const ReadReceiptRow&) = default;
};
/// In order.
std::vector<ReadReceiptRow> load_read_receipts(Database& db, SessionId session);
struct InsertReadReceipt {
  ReadReceiptRow row;
  friend bool operator==(const InsertReadReceipt&, const InsertReadReceipt&) = default;
};
struct CountReadReceiptAttempt {
  SessionId session;
  std::int64_t row = 0;
  friend bool operator==(const CountReadReceiptAttempt&, const CountReadReceiptAttempt&) = default;
};
struct RemoveReadReceipt {
  SessionId session;
  std::int64_t row = 0;
  friend bool operator==(const RemoveReadReceipt&, const RemoveReadReceipt&) = default;
};

}  // namespace wharf::storage
