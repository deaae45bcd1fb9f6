#pragma once
// Somebody waits for the server's ack of a message of a session. That the server has a message is true whatever becomes
// of us, so who waits is told when the ack arrives; its rows and its event wait for company like those of other acks
// (mailbox.h), often the next text of the same caller. Loop thread only.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "storage/ids.h"
#include "storage/messages.h"

namespace wharf::sessions {

class AwaitedAcks {
 public:
  bool of(storage::SessionId session) const { return waiting_.contains(session); }
  /// The server has this message, since `at`; the turn that says so is still to come. `server_id`: of a post of a
  /// channel; 0: none.
  using Listener =
      std::function<void(storage::SessionId, std::string_view message_id, storage::UnixMs at, std::uint64_t server_id)>;
  void on_accepted(Listener listener) { listener_ = std::move(listener); }
  void tell(storage::SessionId session, std::string_view message_id, storage::UnixMs at,
            std::uint64_t server_id = 0) const {
    if (listener_) listener_(session, message_id, at, server_id);
  }

 private:
  friend class AckAwaited;
  Listener listener_;
  std::unordered_map<storage::SessionId, std::size_t> waiting_;  // one nobody waits for has no entry
};

class AckAwaited {
 public:
  AckAwaited(std::shared_ptr<AwaitedAcks> all, storage::SessionId session) : all_(std::move(all)), session_(session) {
    ++all_->waiting_[session_];
  }
  AckAwaited(const AckAwaited&) = delete;
  AckAwaited& operator=(const AckAwaited&) = delete;
  ~AckAwaited() {
    const auto count = all_->waiting_.find(session_);
    if (--count->second == 0) all_->waiting_.erase(count);
  }

 private:
  std::shared_ptr<AwaitedAcks> all_;
  storage::SessionId session_;
};

}  // namespace wharf::sessions
