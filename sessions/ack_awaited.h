#pragma once
// Somebody waits for the server's ack of a message of a session. While one of these lives, acks and receipts of the
// session do not wait for company (mailbox.h). Loop thread only.

#include <cstddef>
#include <memory>
#include <unordered_map>
#include <utility>

#include "storage/ids.h"

namespace wharf::sessions {

/// How many wait, by session; one nobody waits for has no entry.
using AwaitedAcks = std::unordered_map<storage::SessionId, std::size_t>;

class AckAwaited {
 public:
  AckAwaited(std::shared_ptr<AwaitedAcks> all, storage::SessionId session) : all_(std::move(all)), session_(session) {
    ++(*all_)[session_];
  }
  AckAwaited(const AckAwaited&) = delete;
  AckAwaited& operator=(const AckAwaited&) = delete;
  ~AckAwaited() {
    const auto count = all_->find(session_);
    if (--count->second == 0) all_->erase(count);
  }

 private:
  std::shared_ptr<AwaitedAcks> all_;
  storage::SessionId session_;
};

}  // namespace wharf::sessions
