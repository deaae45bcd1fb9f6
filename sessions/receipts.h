#pragma once
// What comes back for messages we sent: delivery and read receipts, and requests to send one again. Specification 03
// sections 7.3 and 8.2.

#include <functional>
#include <optional>
#include <string>

#include "protocol/stanzas/messages.h"
#include "sessions/fanout.h"

namespace wharf::sessions {

class Receipts {
 public:
  Receipts(Context& context, Directory& directory, Fanout& fanout)
      : c_(context), directory_(directory), fanout_(fanout) {}

  void on_receipt(const Node& receipt);
  /// Set by the session: a receipt of a device that the message was for shows that the server has had it.
  std::function<void(const std::string& message_id, UnixMs at)> on_proof;
  /// What changes a message (changes_message) had ended as an error and was sent all the same, as its recipient's
  /// receipt proves.
  std::function<void(const std::string& message_id)> on_late_proof;

 private:
  static constexpr std::size_t max_ids = 256;

  void on_peer_receipt(const protocol::IncomingReceipt& receipt);
  /// Our message with this id. nullopt also for one of this very turn: it has not left, so nobody can speak of it.
  std::optional<storage::MessageRow> find_sent(const std::string& id);
  void raise(const std::string& id, const Jid& from, storage::AckLevel level, UnixMs at);
  void on_own_receipt(const protocol::IncomingReceipt& receipt);
  enum class RetryAnswer { done, later };  // later: keys are being fetched, the ack follows them
  void on_retry(const Node& receipt);
  RetryAnswer answer_retry(const Node& receipt);
  /// The message of ours that this device may have again: sent to its user within the window, and not had by it yet.
  std::optional<storage::MessageRow> resendable(const protocol::RetryRequest& request, const Jid& requester);
  void count_resend(const protocol::RetryRequest& request, const Jid& requester, storage::ResendRow resends);
  void resend(const protocol::RetryRequest& request, const Jid& requester, storage::ResendRow resends);

  Context& c_;
  Directory& directory_;
  Fanout& fanout_;
};

}  // namespace wharf::sessions
