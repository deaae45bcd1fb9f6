#pragma once
// The server's answer to a stanza of ours, whatever that was. Specification 01 section 9, 03 section 4.8.

#include <optional>
#include <string>

#include "protocol/binary/node.h"

namespace wharf::protocol {

/// `class` is told and not judged: servers are seen to send others than "message" for a message, so the id alone says
/// what is acked.
struct Ack {
  std::string id;
  std::string stanza;  // class: message, receipt, …; one displayable line of at most 32 bytes
  std::string type;    // of the stanza that is acked, "" when absent
  Jid from;
  std::uint64_t timestamp = 0;
  unsigned error = 0;  // 0 = accepted
  std::string phash;   // of the server's device list when it is not ours
  bool refresh_lid = false;
};
std::optional<Ack> read_ack(const Node& ack);  // nullopt without an acceptable id

/// `error` 0 = accepting ack. `own_device` (PN) is set as `from` for class message.
Node ack_for(const Node& stanza, const std::optional<Jid>& own_device, unsigned error = 0);

}  // namespace wharf::protocol
