#pragma once
// What comes back for messages we sent: delivery and read receipts, and requests to send one again. Specification 03
// sections 7.3 and 8.2.

#include <map>
#include <string>
#include <utility>

#include "protocol/stanzas/messages.h"
#include "sessions/fanout.h"
#include "storage/messages.h"

namespace wharf::sessions {

class Receipts {
 public:
  Receipts(Context& context, Directory& directory, Fanout& fanout) : c_(context), directory_(directory), fanout_(fanout) {}

  void on_receipt(const Node& receipt);
  void end_turn(bool keep);

 private:
  static constexpr std::size_t max_ids = 256;
  static constexpr std::size_t max_remembered = 512;

  void raise(const std::string& id, const Jid& from_user, storage::AckLevel level, UnixMs at);
  void on_own_read(const protocol::IncomingReceipt& receipt);
  enum class RetryAnswer { done, later };  // later: keys are being fetched, the ack follows them
  void on_retry(const Node& receipt);
  RetryAnswer answer_retry(const Node& receipt);
  void resend(const protocol::RetryRequest& request, const Jid& requester);

  Context& c_;
  Directory& directory_;
  Fanout& fanout_;
  std::map<std::string, storage::AckLevel> raised_now_;                     // this turn, not readable yet
  std::map<std::pair<Jid, std::string>, std::uint32_t> resent_;             // requester, id -> times
  std::map<std::pair<Jid, std::string>, Bytes> base_keys_;                  // at count 2: the session that failed
};

}  // namespace wharf::sessions
