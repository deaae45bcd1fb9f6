#pragma once
// A <message> to a group: one ciphertext for everybody, and the sender key in pairwise ones for the devices that do not
// have it yet. Specification 03 sections 4.2, 5.1 and 8.2.

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "protocol/stanzas/messages.h"

namespace wharf::protocol {

struct GroupMessageStanza {
  std::string id;
  Jid group;
  StanzaKind kind;
  std::string addressing_mode;        // "lid" or "pn"
  std::string phash;                  // of all devices of all members, this one included
  std::vector<EncryptedFor> key_for;  // the sender key, for these devices; may be empty
  Bytes sender_key_message;           // the body of the skmsg
  Bytes device_identity;              // attached when any of `key_for` is a pkmsg
  std::optional<std::array<std::uint8_t, 16>> reporting_token;
};
Node group_message_stanza(const GroupMessageStanza& stanza);

/// The pairwise resend to one device of a member.
struct GroupRetryStanza {
  std::string id;
  Jid group;
  Jid participant;  // the device, as its request named it
  StanzaKind kind;
  std::string addressing_mode;
  Ciphertext ciphertext;
  std::uint32_t count = 1;
  Bytes device_identity;
};
Node group_retry_stanza(const GroupRetryStanza& stanza);

}  // namespace wharf::protocol
