#pragma once
// A <message> to a group: one ciphertext for everybody, and the sender key in pairwise ones for the devices that do not
// have it yet; and the same to status@broadcast, with an audience. Specification 03 sections 4.2, 5.1, 5.2 and 8.2, 05
// section 10.

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
  // --- of status@broadcast, which has neither addressing_mode nor phash
  std::vector<Jid> audience;   // users, the own one included
  std::string status_setting;  // contacts, allowlist, denylist; "" on what is no post (05 section 10 item 2)
};
Node group_message_stanza(const GroupMessageStanza& stanza);

/// The pairwise resend to one device of a member.
struct GroupRetryStanza {
  std::string id;
  Jid group;
  Jid participant;  // the device, as the group names it by now
  StanzaKind kind;
  std::string addressing_mode;  // "" at status@broadcast
  Ciphertext ciphertext;
  std::uint32_t count = 1;
  Bytes device_identity;
  std::string status_setting = {};  // as in GroupMessageStanza
};
Node group_retry_stanza(const GroupRetryStanza& stanza);

}  // namespace wharf::protocol
