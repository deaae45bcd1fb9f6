#pragma once
// The lasting state of the simulated network as named rows: one per account, device, one-time key, queued stanza,
// phone, session, message… Memory is the truth while the process runs; a change names its row, and whoever commits
// (committer.h) asks for the row's bytes once per batch. So a commit costs what changed, never the size of the state.

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/bytes.h"

namespace wharf::sandbox {

/// In the order in which rows are read back: what others refer to comes first. The numbers are on disk.
enum class RowKind : std::uint8_t {
  server = 1,                 // owner "": secrets and addresses of the network itself, by name
  account = 10,               // owner: phone
  contact = 11,               // name: the other account's phone
  device = 12,                // name: device
  one_time_key = 13,          // name: device, number
  queued = 14,                // name: device, number; a stanza
  collection = 15,            // name: collection; its version
  patch = 16,                 // name: collection, NUL, version
  accepted = 17,              // owner "", name: fingerprint of a message (network/delivery_memory.h)
  held = 18,                  // owner "", name: number; a message kept back by a fault
  message_key = 19,           // owner "", name: fingerprint of a message key (network/delivery_memory.h)
  media = 20,                 // owner "", name: number; a file of the media host (media/media_store.h)
  group = 21,                 // owner "", name: id
  group_member = 22,          // owner "", name: id of the group, NUL, phone
  group_picture = 23,         // owner "", name: id of the group
  group_dirt = 24,            // owner: phone, name: device; since when it may have missed something
  gathered_receipt = 25,      // owner "", name: number; receipts in a group that are told together
  account_picture = 26,       // owner: phone
  business = 27,              // owner: phone; what makes it a business
  status_audience = 28,       // owner: phone; who sees its status posts, when it has chosen
  phone = 30,                 // owner: phone; identity, companions, settings
  phone_session = 31,         // name: "phone:device" of the peer
  phone_key = 32,             // name: id of a one-time key
  phone_account_key = 33,     // name: phone of the peer
  phone_message = 34,         // name: position in the log
  phone_sent = 35,            // name: message id
  phone_withheld = 36,        // name: number; a delivery receipt
  phone_outbox = 37,          // stanzas that leave in the phone's next turn
  phone_group = 38,           // name: JID of a group; what the phone knows of it
  phone_own_sender_key = 39,  // name: JID of a group
  phone_sender_key = 40,      // name: JID of a group, NUL, "phone:device" of the author
  // Read behind the rows of phones, which know no channels: they refer to accounts alone, and posts to their channel.
  channel = 44,       // owner "", name: id
  channel_post = 45,  // owner "", name: id of the channel, NUL, server id
};

/// Rows of the phones; all others are of the network, or of its media host.
inline bool is_of_phones(RowKind kind) { return kind >= RowKind::phone && kind < RowKind::channel; }

struct RowKey {
  RowKind kind{};
  std::string owner;
  std::string name;  // any bytes; numbers are big-endian, so that rows come back in their order
  friend auto operator<=>(const RowKey&, const RowKey&) = default;
};

struct RowChange {
  RowKey key;
  std::optional<protocol::Bytes> value;  // nullopt: the row is gone
};

/// `value` as `width` big-endian bytes, and back (of at most 8 bytes).
std::string row_number(std::uint64_t value, std::size_t width);
std::uint64_t number_in_row(std::string_view bytes);

/// Which rows differ from what is on disk.
class Changes {
 public:
  /// Until on_first is set nothing is kept: a network without a state file costs nothing.
  void changed(RowKind kind, std::string_view owner, std::string name = {}) {
    note(kind, owner, std::move(name), false);
  }
  /// A row that was never there. Created and gone within one batch it never reaches the disk.
  void created(RowKind kind, std::string_view owner, std::string name = {}) {
    note(kind, owner, std::move(name), true);
  }
  bool empty() const { return rows_.empty(); }
  /// What is to be written, and starts afresh. `row` gives the bytes of a row, nullopt when it is gone.
  std::vector<RowChange> take(const std::function<std::optional<protocol::Bytes>(const RowKey&)>& row);

  /// Called when the first change after a take() is noted.
  std::function<void()> on_first;

 private:
  void note(RowKind kind, std::string_view owner, std::string name, bool created);
  std::map<RowKey, bool> rows_;  // true: unknown to the disk
};

}  // namespace wharf::sandbox
