#pragma once
// What a session tells: one struct for each kind of event, and the variant of them. Plain values that compare and
// print. Sessions build them, the log keeps them (events/codec.h says in which form), and everything that leaves the
// daemon - webhooks, WebSockets, long-polls, in both dialects - is rendered from them.
//
// Include this where events are built or read; `struct Event` alone can be declared forward (storage/events.h).

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "events/message.h"
#include "events/person.h"
#include "events/session_state.h"

namespace wharf::events {

using protocol::Jid;

/// `message`, or `message.sent` when it is from_me: a message came, or went out from here or from another device of the
/// account.
struct NewMessage {
  Message message;
  PersonIds chat_ids, author_ids;
  std::vector<PersonIds> mention_ids = {};  // of message.mentions, in their order; may be of the first alone
  friend bool operator==(const NewMessage&, const NewMessage&) = default;
};

/// `status.posted`: a status post of somebody, or of this account from here or another device, when the session's
/// configuration asks for them.
struct StatusPosted {
  Message message;  // chat: status@broadcast
  PersonIds author_ids;
  std::vector<PersonIds> mention_ids = {};  // as of NewMessage
  friend bool operator==(const StatusPosted&, const StatusPosted&) = default;
};

/// `ack`: an own message got further, or failed.
struct Ack {
  std::string id;  // WhatsApp id of the message
  Jid chat;        // canonical
  PersonIds chat_ids;
  AckLevel level = AckLevel::pending;
  std::string error;  // of AckLevel::error, else ""
  UnixMs at = 0;      // when it happened, as the server or the peer says
  friend bool operator==(const Ack&, const Ack&) = default;
};

/// Something that somebody, us included, said about a message.
struct About {
  std::string id;         // WhatsApp id of what was sent
  std::string target_id;  // WhatsApp id of the message
  bool target_from_me = false;
  Jid chat;  // canonical
  PersonIds chat_ids;
  bool from_me = false;
  Jid author;  // who said it; canonical user
  PersonIds author_ids;
  UnixMs at = 0;  // server time
  friend bool operator==(const About&, const About&) = default;
};
/// `message.edited`
struct MessageEdited {
  About about;
  std::string body;  // the text or caption it has now
  std::string
      details;  // what it holds beside that now (Message::details), when the edit says that too: an event, a preview
  friend bool operator==(const MessageEdited&, const MessageEdited&) = default;
};
/// `message.revoked`: deleted for everyone.
struct MessageRevoked {
  About about;
  friend bool operator==(const MessageRevoked&, const MessageRevoked&) = default;
};
/// `status.deleted`: a status post was, for everyone; told as StatusPosted is.
struct StatusDeleted {
  About about;
  friend bool operator==(const StatusDeleted&, const StatusDeleted&) = default;
};
/// `status.viewed`: somebody says for the first time that an own status post was seen; told as StatusPosted is.
struct StatusViewed {
  std::string id;  // WhatsApp id of the post
  Jid viewer;      // canonical user
  PersonIds viewer_ids;
  UnixMs at = 0;  // when, by the receipt
  friend bool operator==(const StatusViewed&, const StatusViewed&) = default;
};
/// `reaction`
struct Reacted {
  About about;
  std::string text;  // "" = taken back
  friend bool operator==(const Reacted&, const Reacted&) = default;
};
/// `poll.vote`
struct PollVoted {
  About about;
  std::vector<std::string> options;  // all that the voter chooses by now; none: the vote is taken back
  friend bool operator==(const PollVoted&, const PollVoted&) = default;
};
/// `event.answer`
struct EventAnswered {
  About about;
  std::string response;  // going, notGoing, maybe
  UnixMs extra_guests = 0;
  friend bool operator==(const EventAnswered&, const EventAnswered&) = default;
};

/// `message.pinned`: pinned, or not any more.
struct MessagePinned {
  About about;
  UnixMs until = 0;  // 0 = not pinned any more
  friend bool operator==(const MessagePinned&, const MessagePinned&) = default;
};

/// `message.starred`: here alone.
struct MessageStarred {
  std::string id;  // WhatsApp id of the message
  Jid chat;        // canonical
  PersonIds chat_ids;
  bool from_me = false;
  bool starred = true;
  UnixMs at = 0;
  friend bool operator==(const MessageStarred&, const MessageStarred&) = default;
};
/// `message.deleted`: from the stored copy, here alone.
struct MessageDeleted {
  std::string id;  // WhatsApp id of the message
  Jid chat;        // canonical
  PersonIds chat_ids;
  bool from_me = false;
  UnixMs at = 0;
  friend bool operator==(const MessageDeleted&, const MessageDeleted&) = default;
};

/// `qr`: a code to scan is shown; the next one replaces it.
struct QrShown {
  QrCode code;
  friend bool operator==(const QrShown&, const QrShown&) = default;
};

/// `authenticated`: the phone has linked this device. JIDs of the account, without a device.
struct Authenticated {
  Jid jid;
  std::optional<Jid> lid;
  friend bool operator==(const Authenticated&, const Authenticated&) = default;
};

/// `ready`: the session can send. JIDs of the account, without a device.
struct Ready {
  Jid jid;
  std::optional<Jid> lid;
  std::string push_name;  // "" = not known
  friend bool operator==(const Ready&, const Ready&) = default;
};

struct SessionState {
  Status status = Status::initializing;
  Connection connection = Connection::offline;
  std::optional<Reason> reason;  // why it is not ready
  friend bool operator==(const SessionState&, const SessionState&) = default;
};

/// `session.status`: status, connection or reason changed.
struct StatusChanged {
  SessionState now;
  friend bool operator==(const StatusChanged&, const StatusChanged&) = default;
};

/// `disconnected`: it was ready and is not any more.
struct Disconnected {
  SessionState now;
  friend bool operator==(const Disconnected&, const Disconnected&) = default;
};

/// `contact.updated`: another identity key (a new phone, or WhatsApp installed again), its LID became known, or what
/// they show of themselves or under which number is another by now; or the account blocks them, or does not any more.
struct ContactUpdated {
  enum class Change { identity, lid, push_name, picture, about, number, name, blocked, unblocked, verified_name };
  Jid user;  // canonical
  PersonIds ids;
  Change change = Change::identity;
  std::string text;  // what it is now: the name ("" = saved no more; of a business: is none), the picture's id, the
                     // about text ("" = none, or not told); of `number` the JID before
  bool own = false;  // it is the account itself, which is nobody's contact
  friend bool operator==(const ContactUpdated&, const ContactUpdated&) = default;
};

/// `chat.updated`: something of a chat is another by now.
struct ChatUpdated {
  Jid chat;  // canonical
  PersonIds chat_ids;
  std::optional<UnixMs> expires_after_s;  // its disappearing timer, seconds; 0: messages stay; nullopt: not that
  UnixMs at = 0;                          // server time
  friend bool operator==(const ChatUpdated&, const ChatUpdated&) = default;
};

/// `presence`: somebody is online or not any more, or writes or records in a chat.
struct PresenceChanged {
  Jid chat;  // canonical; of who is online or not, that person
  PersonIds chat_ids;
  Jid user;  // who; canonical
  PersonIds user_ids;
  std::string state;                // "available", "unavailable", "composing", "recording", "paused"
  std::optional<UnixMs> last_seen;  // of an unavailable one; nullopt: not said
  bool last_seen_hidden = false;    // from us, by privacy
  UnixMs at = 0;
  friend bool operator==(const PresenceChanged&, const PresenceChanged&) = default;
};

/// `call`: somebody calls the account, or a call goes on or ends. Each state of a call is told once.
struct CallChanged {
  std::string id;  // of the call
  Jid chat;        // the group, else the other party; canonical
  PersonIds chat_ids;
  Jid caller;  // canonical
  PersonIds caller_ids;
  bool from_me = false;  // the account calls, from another device
  bool is_group = false;
  bool video = false;  // false also of a call whose beginning was not seen
  /// "ringing"; "accepted", "rejected" by the other party; "acceptedElsewhere", "rejectedElsewhere" on another device
  /// of the account; "rejectedHere" by this session; "missed"; "ended".
  std::string state;
  std::string reason;    // of an end or a refusal, in the network's words; "" = not said
  bool offline = false;  // told after the fact: nobody was here when it happened
  UnixMs at = 0;         // server time
  friend bool operator==(const CallChanged&, const CallChanged&) = default;
};

/// What everything says that happens to a group.
struct InGroup {
  Jid chat;               // the group
  std::optional<Jid> by;  // who did it, canonical; nullopt: the server
  PersonIds by_ids;
  UnixMs at = 0;  // server time
  friend bool operator==(const InGroup&, const InGroup&) = default;
};
struct GroupPerson {
  Jid jid;  // canonical user
  PersonIds ids;
  std::string role;  // "member", "admin", "superadmin"
  friend bool operator==(const GroupPerson&, const GroupPerson&) = default;
};
/// `group_join`: people came in; the own account is told apart from others.
struct GroupJoined {
  InGroup in;
  std::string how;      // "created_or_added", "added", or the server's reason: "invite", "linked_group_join", …
  std::string subject;  // "" = not known; of the own account alone
  bool own = false;     // it is the own account
  std::vector<GroupPerson> people;
  friend bool operator==(const GroupJoined&, const GroupJoined&) = default;
};
/// `group_leave`: people went, or were removed.
struct GroupLeft {
  InGroup in;
  std::string how;      // "left", "removed", "group_deleted"
  std::string subject;  // "" = not known; of the own account alone
  bool own = false;     // it is the own account: nothing can be sent any more
  std::vector<GroupPerson> people;
  friend bool operator==(const GroupLeft&, const GroupLeft&) = default;
};
/// `group_update`: something is another by now. One of `on`, `number` and `text` says what, by the field; "role" and
/// "number" are about `people`.
struct GroupUpdated {
  InGroup in;
  std::string field;  // "subject", "description", "announce", "ephemeral", "role", …
  std::optional<bool> on;
  std::optional<UnixMs> number;
  std::string text;
  std::vector<GroupPerson> people;
  friend bool operator==(const GroupUpdated&, const GroupUpdated&) = default;
};
/// `group_join_request`: people ask to be let in, or do not any more.
struct GroupJoinRequested {
  InGroup in;
  std::string action;  // "created", "cancelled", "rejected"
  std::string method;  // of those created: "invite_link", …
  std::vector<GroupPerson> people;
  friend bool operator==(const GroupJoinRequested&, const GroupJoinRequested&) = default;
};

/// `channel_update`: something of a channel that the account follows or has, or of one of its posts, is another by now.
struct ChannelUpdated {
  Jid chat;                // the channel
  std::string change;      // "created", "followed", "unfollowed", "deleted", "metadata", "muted", "unmuted"; of a post
                           // "posted" (it has a server id by now) and "counts"
  std::string name;        // of the channel; "" = not known
  std::string message_id;  // of "posted": its WhatsApp id
  std::string server_id;   // of a post, decimal
  std::optional<UnixMs> views;           // of "counts"; nullopt: not said this time
  std::optional<std::string> reactions;  // of "counts": a JSON array of {"emoji","count"}; nullopt: not said
  UnixMs at = 0;
  friend bool operator==(const ChannelUpdated&, const ChannelUpdated&) = default;
};

/// A kind that this build does not know, from the log of a later one. No session makes it.
struct Unknown {
  std::string name;
  std::string json;  // one JSON object, shown as it is
  friend bool operator==(const Unknown&, const Unknown&) = default;
};

using Fact =
    std::variant<NewMessage, Ack, MessageEdited, MessageRevoked, Reacted, PollVoted, EventAnswered, MessagePinned,
                 MessageStarred, MessageDeleted, QrShown, Authenticated, Ready, StatusChanged, Disconnected,
                 ContactUpdated, ChatUpdated, PresenceChanged, CallChanged, GroupJoined, GroupLeft, GroupUpdated,
                 GroupJoinRequested, StatusPosted, StatusDeleted, StatusViewed, ChannelUpdated, Unknown>;

template <class Kind, class Facts>
inline constexpr bool is_among = false;
template <class Kind, class... Kinds>
inline constexpr bool is_among<Kind, std::variant<Kinds...>> = (std::is_same_v<Kind, Kinds> || ...);

/// A fact, what the caller's program keeps with the session, and the request that led to it. What handles the whole
/// variant stands in event.cpp: every file that includes this would compile it again.
struct Event {
  Event();
  /// Not explicit: a kind is an event.
  template <class Kind>
    requires is_among<Kind, Fact>
  Event(Kind kind, std::string session_metadata = {});
  Event(const Event&);
  Event(Event&&) noexcept;
  Event& operator=(const Event&);
  Event& operator=(Event&&) noexcept;
  ~Event();

  Fact fact;
  std::string metadata;    // one JSON object; "" = none
  std::string request_id;  // of the API request that caused it; "" = none did
  friend bool operator==(const Event& one, const Event& other);
};

/// The name that subscribers choose by: "message", "ack", …
std::string_view name(const Event& event);
/// What it keeps its order with (webhooks): the chat or contact that it is about; "" for the session itself.
std::string lane(const Event& event);
std::string_view name(ContactUpdated::Change change);
/// Name and fields. It holds what people wrote: for tests, never for logs.
std::string to_text(const Event& event);

}  // namespace wharf::events
