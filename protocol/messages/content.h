#pragma once
// What a message says: the Message protobuf as a value. Specification 03 sections 4.1, 6.3 and 9. What each kind holds
// beside text stands in body.h.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "protocol/binary/jid.h"
#include "protocol/bytes.h"
#include "protocol/crypto/random.h"
#include "protocol/messages/body.h"
#include "protocol/result.h"

namespace wharf::protocol {

/// contextInfo of a reply.
struct Quote {
  std::string id;  // stanzaId
  Jid author;      // user JID, in the namespace of the chat
  Bytes message;   // encoded quoted Message, without its own contextInfo; may be empty
};

struct TextContent {
  std::string text;
  std::vector<Jid> mentions;  // user JIDs
  std::optional<Quote> quote;
};

/// An outgoing message, ready for padding and encryption.
struct OutgoingMessage {
  Bytes encoded;  // Message for the recipient's devices
  std::optional<std::array<std::uint8_t, 32>>
      secret;  // messageContextInfo.messageSecret; reactions and votes have none
};
/// conversation when there is neither quote nor mention, else extendedTextMessage; messageSecret and
/// reportingTokenVersion 2 set.
OutgoingMessage build_text(const TextContent& content, Random& random);

/// The Message inside a deviceSentMessage, or the whole when it is none: what a resend sends.
Bytes without_device_sent(ByteView message);
/// deviceSentMessage for the sender's own other devices.
Bytes wrap_device_sent(ByteView message, const Jid& destination);

/// `message` with the sender key of `chat` (a group, status@broadcast, a broadcast list) beside what it says, as a
/// group resend has it (03 section 8.2 step 5). Of an empty message: one that carries the key alone, as it goes to each
/// device that does not have it yet (03 section 2). `distribution` is a SenderKeyDistributionMessage.
Bytes with_sender_key(ByteView message, const Jid& chat, ByteView distribution);
/// `message` without the sender keys beside its content, which are no part of what is kept (03 section 6.3 step 7).
/// Those inside a wrapper stay; a message that is malformed comes back as it is.
Bytes without_sender_key(ByteView message);

enum class MessageKind {
  text,
  image,
  video,
  gif,         // a video that plays silently and again and again
  video_note,  // a round video
  audio,
  voice,
  document,
  sticker,
  location,
  live_location,
  contact,
  contacts,
  poll,
  event,
  group_invite,
  album,
  interactive_reply,  // a button, a row of a list or a flow was chosen
  // What is said about another message:
  poll_vote,
  event_answer,
  reaction,
  sealed,  // a reaction or an edit that only those can read who have its message
  edit,
  revoke,
  pin,
  disappearing,  // the timer of the chat was set
  protocol,
  sender_key_only,
  unknown,
};
const char* name(MessageKind kind);  // "text", "image", ...

/// A received Message after unwrapping deviceSent, ephemeral, viewOnce… (at most 10 levels).
struct IncomingMessage {
  MessageKind kind = MessageKind::unknown;
  std::string text;  // text or caption; invalid UTF-8 replaced
  std::vector<Jid> mentions;
  std::optional<Quote> quote;
  MessageBody body;
  MessageTraits traits;
  std::string unknown_name;           // of MessageKind::unknown: body.h, content_name()
  Bytes encoded;                      // unwrapped; what is stored is the whole as it came
  std::optional<Jid> device_sent_to;  // destinationJid of a deviceSent wrapper
  bool was_device_sent = false;
  std::optional<std::array<std::uint8_t, 32>> secret;
  Bytes sender_key_distribution;  // SenderKeyDistributionMessage when present
  std::string sender_key_group;   // which chat its author says it is for
  bool has_protocol_message = false;
  int protocol_type = -1;    // protocolMessage.type; -1 when absent
  bool has_content = false;  // anything besides key distribution and messageContextInfo; false: no event
  struct AppStateKey {
    Bytes id, data;
    std::uint64_t timestamp = 0;
  };
  std::vector<AppStateKey> app_state_keys;  // protocolMessage APP_STATE_SYNC_KEY_SHARE
};
/// Errors: malformed (undecodable, nesting over 64, more than 10 wrappers), too_large (> 16 MiB).
Result<IncomingMessage> parse_message(ByteView encoded);

/// protocolMessage APP_STATE_SYNC_KEY_SHARE, as the phone sends it to a new companion.
Bytes build_app_state_key_share(std::span<const IncomingMessage::AppStateKey> keys);

/// What a Quote carries of a stored message: unwrapped, without its own contextInfo, secret and key distribution. Empty
/// when `encoded` is malformed.
Bytes quotable(ByteView encoded);

/// 03 section 4.7; nullopt when no token applies (excluded kind, nothing extracted, malformed).
std::optional<std::array<std::uint8_t, 16>> reporting_token(ByteView encoded, ByteView secret, std::string_view id,
                                                            const Jid& sender, const Jid& remote);

}  // namespace wharf::protocol
