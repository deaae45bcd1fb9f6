#pragma once
// Who is online and who writes. Specification 02 section 12, 06 section 10. Being available or not oneself is
// presence() of protocol/stanzas/iq.h: it needs a push name.

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/binary/node.h"

namespace wharf::protocol {

/// Subscriptions end with the connection, and with being unavailable. `token`: trusted-contact token, not for groups.
/// Not for broadcasts and channels.
Node presence_subscription(const Jid& to, ByteView token = {});
Node presence_unsubscription(const Jid& to);

/// When somebody was last online.
struct LastSeen {
  enum class Kind : std::uint8_t {
    not_said,
    at,       // `unix_seconds`
    hidden,   // deny: by privacy
    never,    // none
    unknown,  // error, or a text that is none of these
  };
  Kind kind = Kind::not_said;
  std::uint64_t unix_seconds = 0;
  friend bool operator==(const LastSeen&, const LastSeen&) = default;
};
struct PresenceSeen {
  Jid from;
  bool available = true;
  LastSeen last = {};                        // of an unavailable one
  std::optional<std::uint64_t> online = {};  // of a group: how many are
  std::string push_name = {};                // "" = not said
  friend bool operator==(const PresenceSeen&, const PresenceSeen&) = default;
};
/// nullopt when it names nobody or its type is another one.
std::optional<PresenceSeen> read_presence(const Node& presence, std::uint64_t unix_seconds);

enum class ChatState : std::uint8_t { composing, recording, paused };
std::string_view name(ChatState state);  // "composing", "recording", "paused"
std::optional<ChatState> chat_state_named(std::string_view wanted);
Node chat_state(const Jid& to, ChatState state);
struct ChatStateSeen {
  Jid chat;                             // user or group
  std::optional<Jid> participant = {};  // in groups
  ChatState state = ChatState::paused;
  friend bool operator==(const ChatStateSeen&, const ChatStateSeen&) = default;
};
/// nullopt for the echo of an own one (no `from`), and unless there is exactly one state. A composing one that is not
/// repeated is over after 25 s.
std::optional<ChatStateSeen> read_chat_state(const Node& stanza);
inline constexpr std::uint64_t composing_seconds = 25;

// --- the network's side

struct PresenceSubscribed {
  Jid to;
  Bytes token;  // may be empty
  friend bool operator==(const PresenceSubscribed&, const PresenceSubscribed&) = default;
};
struct PresenceUnsubscribed {
  Jid to;
  friend bool operator==(const PresenceUnsubscribed&, const PresenceUnsubscribed&) = default;
};
struct PresenceDeclared {
  std::optional<bool> available;  // nullopt: only a new name
  std::string push_name;
  friend bool operator==(const PresenceDeclared&, const PresenceDeclared&) = default;
};
using PresenceRequest = std::variant<PresenceDeclared, PresenceSubscribed, PresenceUnsubscribed>;
std::optional<PresenceRequest> read_presence_request(const Node& presence);
Node presence_stanza(const PresenceSeen& seen);

struct ChatStateSent {
  Jid to;
  ChatState state = ChatState::paused;
};
std::optional<ChatStateSent> read_chat_state_request(const Node& stanza);
Node chat_state_stanza(const ChatStateSeen& seen);

}  // namespace wharf::protocol
