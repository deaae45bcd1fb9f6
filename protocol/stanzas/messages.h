#pragma once
// <message>, <receipt>, <ack>: builders and parsers. Specification 03 sections 4.2, 6, 7, 8; 01 section 9.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/binary/node.h"
#include "protocol/messages/stanza_kind.h"
#include "protocol/signal/session.h"
#include "protocol/stanzas/prekeys.h"

namespace wharf::protocol {

/// One <to><enc/></to>.
struct EncryptedFor {
  Jid device;
  Ciphertext ciphertext;
};
struct OutgoingStanza {
  std::string id;
  Jid to;  // user JID
  StanzaKind kind;
  std::vector<EncryptedFor> participants;
  Bytes device_identity;                 // attached when any enc is a pkmsg
  std::optional<Jid> peer_recipient_pn;  // when `to` is a LID
  std::optional<std::array<std::uint8_t, 16>> reporting_token;
  Bytes trusted_token = {};  // that the recipient gave (02 section 13); empty = none
};
Node message_stanza(const OutgoingStanza& stanza);

/// The single-device resend that answers a retry receipt (03 section 8.2 step 5): bare enc with count.
struct RetryStanza {
  std::string id;
  Jid to;  // requester device
  StanzaKind kind;
  Ciphertext ciphertext;
  std::uint32_t count = 1;
  std::optional<Jid> recipient;  // own device: the chat
  Bytes device_identity;
  bool to_own_device = false;  // no device_fanout=false then
  Bytes trusted_token = {};    // as in OutgoingStanza
};
Node retry_stanza(const RetryStanza& stanza);

/// A peer message to the own phone (category=peer). `push_priority`: high_force for placeholder resends and history.
Node peer_message_stanza(std::string_view id, const Jid& to, const Ciphertext& ciphertext, ByteView device_identity,
                         std::string_view push_priority = "high");

struct ReceivedEnc {
  std::string type;  // pkmsg, msg, skmsg, msmsg
  unsigned version = 2;
  unsigned count = 0;  // retries
  ByteView body;       // into the node
  bool hide_on_failure = false;
};
/// Where a message belongs (03 section 6.2), from stanza attributes only.
struct MessageSource {
  std::string id;
  Jid from;                        // verbatim, device included
  std::optional<Jid> participant;  // verbatim
  std::optional<Jid> recipient;    // verbatim
  Jid chat;                        // user JID or group, canonical server kind
  Jid author;                      // device JID of the author, for the session
  bool from_me = false;
  bool peer = false;                    // category=peer
  std::optional<Jid> author_alternate;  // sender_pn / sender_lid / participant_…: the other identity
  std::optional<Jid> chat_alternate;    // peer_recipient_… / recipient_…: of an own copy
  std::string push_name;                // notify, "" when "-" or absent
  std::uint64_t timestamp = 0;          // t, 0 when absent
  bool offline = false;
  std::string type;
  std::string edit;
};
/// Errors: malformed (answer nack 487).
Result<MessageSource> read_message_source(const Node& message, const Jid& own_pn, const Jid& own_lid);
std::vector<ReceivedEnc> read_encs(const Node& message);  // at most 10, pairwise first, then skmsg, then msmsg

/// 03 section 7.1: the answer to a message that was stored.
enum class DeliveryReceipt { active, inactive, sender, peer };
Node delivery_receipt(const Node& message, DeliveryReceipt kind, const MessageSource& source);
/// One receipt for 1 to 256 ids; more is a broken invariant of the caller. type "read" or "read-self".
Node read_receipt(const Jid& chat, const std::optional<Jid>& participant, const std::vector<std::string>& ids,
                  std::uint64_t unix_seconds, std::string_view type = "read");

/// 03 section 8.1. `keys` from count 2 on (or at once when there is no session).
struct RetryKeys {
  PublicKey identity{};
  PreKey one_time;
  SignedPreKey signed_pre_key;
  Bytes device_identity;
};
Node retry_receipt(const Node& message, std::uint32_t count, unsigned error, std::uint32_t registration_id,
                   const std::optional<RetryKeys>& keys);
/// The number of the request for a message whose enc says `stated`, when `asked` is the last number said for it: a
/// resend that answers the last request leads on, an older copy is asked for under the same number again, as its
/// request may never have left (03 section 8.1: the enc's count + 1). A sender that states no count is asked under 1
/// each time.
constexpr std::uint32_t retry_number(std::uint32_t asked, std::uint32_t stated) { return std::max(asked, stated + 1); }
/// The retry error code of a failed decryption (03 section 8.1).
unsigned retry_error_code(Errc code);

/// Groups and broadcasts: only there `participant` says who speaks. In a 1:1 stanza it says nothing, or anybody could
/// speak as anybody else.
bool has_participants(const Jid& from);

struct IncomingReceipt {
  std::vector<std::string> ids;  // that `participant`, else `from`, speaks of
  std::string type;              // "" = delivered
  Jid from;
  std::optional<Jid> participant;  // of a group or broadcast only
  std::optional<Jid> recipient;
  std::uint64_t timestamp = 0;
  bool offline = false;
  struct User {
    Jid jid;
    std::uint64_t timestamp = 0;
    std::string type;  // "" = that of the stanza
  };
  /// `<participants>`: several who speak of one message, which is not among `ids`. Those of another block say nothing
  /// of it (03 section 7.3 step 2).
  struct Together {
    std::string id;
    std::vector<User> users;
  };
  std::vector<Together> together;
  bool feature_incapable = false;  // the peer could not take it: the level stays "server", this is no delivery
};
Result<IncomingReceipt> read_receipt_stanza(const Node& receipt);

struct RetryRequest {
  std::string id;
  std::uint32_t count = 0;
  std::uint32_t registration_id = 0;
  std::optional<PreKeyBundle> keys;
  Jid requester;            // device JID
  std::optional<Jid> chat;  // the group or broadcast that it comes from; nullopt: a 1:1 chat
  std::optional<Jid> recipient;
};
Result<RetryRequest> read_retry_request(const Node& receipt);

}  // namespace wharf::protocol
