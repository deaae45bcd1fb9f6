#pragma once
// What a session has not handled yet, bounded by number and by bytes: a turn takes so much, and a connection is read
// on only while what waits stays under its limits (the frames of the WebSocket message in hand still come). What a
// stanza is turned into (rows, events, the write-ahead log) is several times its size, so bytes count as much as
// numbers.

#include <deque>
#include <vector>

#include "sessions/session.h"

namespace wharf::sessions {

class Mailbox {
 public:
  static constexpr std::size_t max_inputs_per_turn = 64;
  /// A turn ends with the stanza that reaches this many bytes (protocol::weight).
  static constexpr std::size_t max_bytes_per_turn = 1u << 20;
  static constexpr std::size_t full_at = 512, relieved_at = 128;
  static constexpr std::size_t full_at_bytes = 4u << 20, relieved_at_bytes = 1u << 20;

  /// Whether a turn for this input may wait a moment for company: what the server says of stanzas that we sent (acks
  /// and receipts, not the retry receipts). A flush of the disk for each would cost as much as the message itself.
  static bool can_wait(const Input& input);

  void push(Input input);
  /// The oldest ones, in order, as many as one turn takes.
  std::vector<Input> take();
  /// Everything, at the end of the session or of its memory.
  std::deque<Input> drain();
  bool empty() const { return waiting_.empty(); }
  /// Something is in it that cannot wait, or as much as a turn takes.
  bool urgent() const { return urgent_ > 0 || waiting_.size() >= max_inputs_per_turn; }
  std::size_t size() const { return waiting_.size(); }
  std::size_t bytes() const { return bytes_; }
  /// Nothing more should be read from the connection.
  bool full() const { return waiting_.size() >= full_at || bytes_ >= full_at_bytes; }
  /// Reading may go on.
  bool relieved() const { return waiting_.size() <= relieved_at && bytes_ <= relieved_at_bytes; }

 private:
  std::deque<Input> waiting_;
  std::size_t bytes_ = 0;
  std::size_t urgent_ = 0;  // of waiting_
};

}  // namespace wharf::sessions
