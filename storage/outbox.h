#pragma once
// The outbox of sessions, and the answers that an Idempotency-Key repeats.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/binary/jid.h"
#include "protocol/bytes.h"
#include "storage/ids.h"

namespace wharf::storage {

class Database;

/// waiting: accepted; sealed: encrypted, the stanza is stored and may be (re)sent unchanged until the ack comes.
/// incomplete: acknowledged, but the server knows devices that the stanza is not sealed for. completing: the stanza is
/// the same message sealed for those alone. uploading: accepted, and its file is still to be uploaded. scheduled: it
/// becomes a new row of another state at its time.
enum class OutboxState : int { waiting = 0, sealed = 1, incomplete = 2, completing = 3, uploading = 4, scheduled = 5 };
/// Which of two chats goes first when there is not room for both. Within a chat the order is that of acceptance.
enum class Priority : int { low = 0, normal = 1, high = 2 };
struct OutboxRow {
  std::int64_t row = 0;  // order of acceptance
  SessionId session;
  protocol::Jid chat;  // canonical at acceptance
  std::string message_id;
  OutboxState state = OutboxState::waiting;
  protocol::Bytes stanza;  // encoded node unless waiting; of a post of a channel that waits, the handle of its file
  protocol::Bytes upload;  // while uploading: the name of its file (32 bytes), for whoever removes those nobody needs
  UnixMs accepted_at = 0;
  std::uint32_t attempts = 0;  // sends of the sealed stanza
  Priority priority = Priority::normal;
  UnixMs send_at = 0;     // while scheduled
  UnixMs expires_at = 0;  // what is not sealed by then ends as an error; 0 = it waits for ever
  friend bool operator==(const OutboxRow&, const OutboxRow&) = default;
};
/// In order of acceptance.
std::vector<OutboxRow> load_outbox(Database& db, SessionId session);
/// `row` is chosen by the caller (growing per session; last_outbox_row() + 1 at start).
struct InsertOutbox {
  OutboxRow row;
  friend bool operator==(const InsertOutbox&, const InsertOutbox&) = default;
};
/// `state` waiting: what was sealed is worth nothing, or `stanza` is the handle of the file of a post.
struct SealOutbox {
  SessionId session;
  std::int64_t row = 0;
  protocol::Bytes stanza;
  OutboxState state = OutboxState::sealed;
  friend bool operator==(const SealOutbox&, const SealOutbox&) = default;
};
/// uploading -> waiting.
struct EndUpload {
  SessionId session;
  std::int64_t row = 0;
  friend bool operator==(const EndUpload&, const EndUpload&) = default;
};
struct CountOutboxAttempt {
  SessionId session;
  std::int64_t row = 0;
  friend bool operator==(const CountOutboxAttempt&, const CountOutboxAttempt&) = default;
};
struct RemoveOutbox {
  SessionId session;
  std::int64_t row = 0;
  friend bool operator==(const RemoveOutbox&, const RemoveOutbox&) = default;
};
std::int64_t last_outbox_row(Database& db, SessionId session);

/// What of the queue is shown: its messages that the server does not have yet.
struct QueueFilter {
  std::optional<protocol::Jid> chat;  // canonical
  std::vector<OutboxState> states;    // empty: all that are shown
};
struct QueuePage {
  std::vector<OutboxRow> rows;       // in order of acceptance; without their stanzas
  std::optional<std::int64_t> next;  // cursor: the last row, when there may be more
};
/// The `limit` (1..1000) rows after `after`.
QueuePage page_queue(Database& db, SessionId session, const QueueFilter& filter, std::size_t limit, std::int64_t after);
/// The names of the files that rows of all sessions wait to have uploaded; not of those whose session was removed.
std::vector<protocol::Bytes> pending_uploads(Database& db);

// --- Idempotency-Key
struct IdempotencyRow {
  SessionId session;
  std::string key;  // at most 255 bytes; of a request's header no line feed (sessions/ has names of its own with)
  std::string request_hash;  // the same key with another body is a conflict
  std::string message_id;
  UnixMs at = 0;
  friend bool operator==(const IdempotencyRow&, const IdempotencyRow&) = default;
};
std::optional<IdempotencyRow> find_idempotency(Database& db, SessionId session, const std::string& key,
                                               UnixMs not_before);
inline constexpr UnixMs answers_kept_ms = UnixMs{24} * 3'600'000;
/// Also sweeps rows older than answers_kept_ms.
struct PutIdempotency {
  IdempotencyRow row;
  friend bool operator==(const PutIdempotency&, const PutIdempotency&) = default;
};

}  // namespace wharf::storage
