#pragma once
// What a simulated phone shows: its messages in order, found again by author and id, with what replies, quotes and read
// receipts need of them.

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sandbox/phone.h"

namespace wharf::sandbox {

class PhoneLog {
 public:
  /// Kept at least; a tenth more before the oldest tenth goes, so that forgetting is cheap.
  static constexpr std::size_t kept = 5'000;

  struct Behind {            // one per message
    Bytes encoded;           // Message protobuf; empty for a message that could not be decrypted
    Jid chat;                // the other party as the stanza addressed it: receipts keep that form
    bool unread = false;
  };

  /// Replaces an entry of the same author and id in place.
  void put(PhoneMessage message, Behind behind);
  /// Pointers live until the next put().
  PhoneMessage* find(std::string_view author, std::string_view id);
  Behind* behind(std::string_view author, std::string_view id);

  const std::vector<PhoneMessage>& messages() const { return messages_; }
  std::vector<Behind>& behind() { return behind_; }              // parallel to messages()
  const std::vector<Behind>& behind() const { return behind_; }

 private:
  std::size_t position(std::string_view author, std::string_view id) const;  // messages_.size() when absent
  std::vector<PhoneMessage> messages_;
  std::vector<Behind> behind_;
  std::unordered_map<std::string, std::size_t> index_;                       // author/id -> position + dropped_
  std::size_t dropped_ = 0;
};

}  // namespace wharf::sandbox
