#pragma once
// Telling the authors that their messages were read. A durable queue, like the outbox: what a turn marks as read leaves
// after its commit, again after each reconnect until the server acks it, and at the next login when the session was
// offline. Sending one twice changes nothing. Of an account that shows nobody what it has read, those of a one-to-one
// chat, and of a status, go to its own devices alone. Specification 03 section 7.2, 02 section 11.

#include <cstdint>
#include <map>
#include <string>

#include "protocol/stanzas/ack.h"
#include "sessions/fanout.h"
#include "sessions/groups/groups.h"

namespace wharf::sessions {

class ReadReceipts {
 public:
  ReadReceipts(Context& context, Directory& directory, Fanout& fanout, Groups& groups)
      : c_(context), directory_(directory), fanout_(fanout), groups_(groups) {}

  /// At start: what was not acked.
  void load();
  /// The unread messages of a chat, as far as they are among its newest `looked_at`; accepted while offline too.
  /// Errors: not_found, not_ready (no account is linked).
  Outcome<> mark_read(const Jid& chat);
  /// One status post of somebody. Errors: not_ready.
  Outcome<> view(const storage::MessageRow& post);
  /// The login is done, and whether reads are shown is known (account_settings.h): what waits leaves.
  void on_ready();
  void on_link_down();
  /// True when the ack was for one of these.
  bool on_ack(const protocol::Ack& ack);
  /// The credentials are gone, and the rows with them (storage::wipe_device).
  void forget_all() { pending_.clear(); }
  std::size_t size() const { return pending_.size(); }

 private:
  static constexpr std::size_t looked_at = 2'048;   // bounds what one mark_read reads and writes
  static constexpr std::size_t max_ids = 256;       // of one receipt
  static constexpr std::size_t max_pending = 1000;  // over it the oldest are given up
  static constexpr std::uint32_t max_attempts = 4;  // connections that do not ack it

  struct Pending {
    storage::ReadReceiptRow row;
    bool sent = false;  // on this connection
  };
  void add(const Jid& chat, const Jid& author, std::vector<std::string> ids);
  void transmit(Pending& pending);
  void drop(std::int64_t row);

  Context& c_;
  Directory& directory_;
  Fanout& fanout_;
  Groups& groups_;
  bool ready_ = false;                       // on_ready was called on this connection
  std::map<std::int64_t, Pending> pending_;  // by row: the oldest first
  std::int64_t last_row_ = 0;
};

}  // namespace wharf::sessions
