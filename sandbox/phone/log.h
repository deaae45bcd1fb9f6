#pragma once
// What a simulated phone shows: its messages in order, found again by author and id, with what replies, quotes and read
// receipts need of them.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sandbox/phone.h"

namespace wharf::sandbox {

/// Since when the chat has the timer that this message sets or carries: Behind::timer_set_at.
std::int64_t timer_set_at(const protocol::IncomingMessage& content);

class PhoneLog {
 public:
  /// Kept at least; a tenth more before the oldest tenth goes, so that forgetting is cheap.
  static constexpr std::size_t kept = 5'000;

  struct Behind {   // one per message
    Bytes encoded;  // Message protobuf; empty for a message that could not be decrypted
    Jid chat;       // the other party, or the group, as the stanza addressed it: receipts keep that form
    bool unread = false;
    std::int64_t edited_ms = 0;     // by the clock of who edited it last; 0: nobody has
    std::int64_t timer_set_at = 0;  // since when the chat has the timer that it names, unix seconds; 0: not said
    Jid author = {};                // in a group: who wrote it, as the stanza named him
  };
  /// How long messages of a chat stay.
  struct Timer {
    std::uint32_t seconds = 0;  // 0: for good
    std::int64_t set_at = 0;    // unix seconds; 0: nobody has said so
  };

  /// `changed` hears the number of every message that is new, changed through touch() or forgotten. Numbers grow.
  explicit PhoneLog(std::function<void(std::uint64_t number)> changed) : changed_(std::move(changed)) {}

  /// Replaces an entry of the same author and id in place.
  void put(PhoneMessage message, Behind behind);
  /// Pointers live until the next put().
  PhoneMessage* find(std::string_view author, std::string_view id);
  Behind* behind(std::string_view author, std::string_view id);
  /// As was set last, or as a message of the chat says that it was set since (03 section 5.5).
  Timer timer(const std::string& chat) const;
  /// What is changed through a pointer is told here.
  void touch(std::string_view author, std::string_view id);

  /// What is said about a message of this id, whoever wrote that: authors and ids, in the order in which they came.
  std::vector<std::pair<std::string, std::string>> about(const std::string& target) const;

  // --- row: phone_message, by number
  std::optional<Bytes> row(std::uint64_t number) const;
  /// In order of the numbers.
  void restore(std::uint64_t number, ByteView row);

  const std::vector<PhoneMessage>& messages() const { return messages_; }
  std::vector<Behind>& behind() { return behind_; }  // parallel to messages()
  const std::vector<Behind>& behind() const { return behind_; }

 private:
  std::size_t position(std::string_view author, std::string_view id) const;  // messages_.size() when absent
  void note_timer(const PhoneMessage& message, const Behind& behind);
  void unlink(const PhoneMessage& said, std::size_t number);
  std::function<void(std::uint64_t)> changed_;
  std::vector<PhoneMessage> messages_;
  std::vector<Behind> behind_;
  std::unordered_map<std::string, std::size_t> index_;       // author/id -> number
  std::unordered_multimap<std::string, std::size_t> about_;  // PhoneMessage::target -> number
  std::unordered_map<std::string, Timer> timers_;            // by chat; of the messages that were put
  std::size_t dropped_ = 0;                                  // number of messages_[0]
};

}  // namespace wharf::sandbox
