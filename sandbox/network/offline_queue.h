#pragma once
// One device's queue: every stanza that needs an answer is an entry from acceptance until the device settled it, also
// while the device is online. Specification 06 section 9. Pure.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "protocol/binary/node.h"

namespace wharf::sandbox {

class OfflineQueue {
 public:
  struct Entry {
    protocol::Node stanza;  // delivered again and again as it is, only `offline` is added
    unsigned deliveries = 0;
  };

  /// The entry's number; numbers grow by arrival.
  std::uint64_t push(protocol::Node stanza);
  /// An entry of an earlier life, under its number; in order of the numbers.
  void restore(std::uint64_t number, protocol::Node stanza);
  /// What tells apart entries with the same tag and id: attributes that an answer repeats, "" each when it does not.
  struct Hints {
    std::string from, type, participant;
  };
  /// Removes the entry that an answer of the device names. Only of those below `delivered_below`: an answer means what
  /// its connection carried. The entry's number; nullopt when there is none.
  std::optional<std::uint64_t> settle(std::string_view tag, std::string_view id, const Hints& hints,
                                      std::uint64_t delivered_below);

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  std::uint64_t newest() const { return entries_.empty() ? 0 : entries_.rbegin()->first; }
  /// The number of what was dropped; nullopt of an empty queue.
  std::optional<std::uint64_t> drop_oldest();
  /// The first entry with a number of at least `from`; nullptr when there is none. `found` gets its number.
  Entry* next(std::uint64_t from, std::uint64_t& found);
  const std::map<std::uint64_t, Entry>& entries() const { return entries_; }

 private:
  void forget(std::map<std::uint64_t, Entry>::iterator entry);

  std::map<std::uint64_t, Entry> entries_;
  std::unordered_multimap<std::string, std::uint64_t> by_id_;
  std::uint64_t last_ = 0;
};

}  // namespace wharf::sandbox
