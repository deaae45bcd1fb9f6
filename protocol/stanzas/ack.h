#pragma once
// The server's answer to a stanza of ours, whatever that was. Specification 01 section 9, 03 section 4.8.

#include <optional>
#include <string>

#include "protocol/stanzas/messages.h"

namespace wharf::protocol {

/// `class` is told and not judged: servers are seen to send others than "message" for a message, so the id alone says
/// what is acked.
struct Ack : MessageAck {
  std::string stanza;  // class: message, receipt, …; one displayable line of at most 32 bytes
  std::string type;    // of the stanza that is acked, "" when absent
};
std::optional<Ack> read_ack(const Node& ack);  // nullopt without an acceptable id

}  // namespace wharf::protocol
