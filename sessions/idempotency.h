#pragma once
// Whether a text was asked for before: under the same Idempotency-Key within a day, or with the same message id. The
// answer is then the first one, and nothing is sent again.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sessions/commands.h"
#include "sessions/context.h"
#include "sessions/directory.h"
#include "storage/messages.h"

namespace wharf::sessions {

/// What the request is answered with that this row is of.
SentMessage sent_message(const storage::MessageRow& row, PersonIds chat_ids);

class Idempotency {
 public:
  Idempotency(Context& context, Directory& directory) : c_(context), directory_(directory) {}

  /// The first answer to the same request, when there was one. `chat` is canonical. Errors: conflict (the key or the id
  /// was used with other content; the key of the whole with another whole).
  Outcome<std::optional<SentMessage>> find(const SendMessage& request, const Jid& chat);
  /// The same of a request for several messages (SendMessages), all of which are found or none.
  Outcome<std::vector<SentMessage>> find_all(const std::vector<SendMessage>& messages, const Jid& chat);
  /// The request was accepted as the message of this id. Writes a row for each name that it can be repeated under.
  /// `part`: which of its messages, 0 for the first.
  void remember(const SendMessage& request, const std::string& message_id, std::size_t part = 0);

 private:
  Outcome<std::optional<SentMessage>> find_by_key(const SendMessage& request, const Jid& chat, const std::string& key,
                                                  Subject kind);
  SentMessage replayed(const storage::MessageRow& row);
  /// The row of the key of the whole (SendMessage::whole).
  std::optional<storage::IdempotencyRow> claim_of(const SendMessage& request) const;
  /// What a row of this name was accepted as. `content`: what it shows when it was deleted since.
  SentMessage first_answer(const storage::IdempotencyRow& earlier, const Jid& chat, const Sendable& content);

  Context& c_;
  Directory& directory_;
};

}  // namespace wharf::sessions
