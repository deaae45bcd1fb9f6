#pragma once
// How a message is to be sent, beside what it says; and the row of the outbox that says so.

#include <algorithm>
#include <optional>

#include "sessions/context.h"
#include "sessions/media/media_vault.h"
#include "storage/outbox.h"

namespace wharf::sessions {

struct SendingTerms {
  storage::Priority priority = storage::Priority::normal;
  UnixMs expires_at = 0;            // 0 = never
  std::optional<MediaName> upload;  // the file that is to be uploaded first
};

inline SendingTerms terms_of(const storage::OutboxRow& row) {
  SendingTerms terms{row.priority, row.expires_at, std::nullopt};
  if (row.upload.size() == MediaName().size())
    std::copy(row.upload.begin(), row.upload.end(), terms.upload.emplace().begin());
  return terms;
}

/// Accepted now; its state and what comes with that is for the caller.
inline storage::OutboxRow outbox_row(const Context& context, std::int64_t row, const Jid& chat,
                                     const std::string& message_id, const SendingTerms& terms) {
  storage::OutboxRow stored;
  stored.row = row;
  stored.session = context.id();
  stored.chat = chat;
  stored.message_id = message_id;
  stored.priority = terms.priority;
  stored.expires_at = terms.expires_at;
  if (terms.upload) stored.upload = protocol::to_bytes(*terms.upload);
  stored.accepted_at = context.now.unix_ms;
  return stored;
}

}  // namespace wharf::sessions
