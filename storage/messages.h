#pragma once
// Messages: the stored copy of the conversations. The chat JID is canonical (LID when a mapping is known, else the
// phone number).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/message.h"
#include "protocol/binary/jid.h"
#include "protocol/bytes.h"
#include "storage/ids.h"

namespace wharf::storage {

class Database;

using events::AckLevel;

/// MessageRow::target_id of what is said about the chat itself: no message has such an id.
inline constexpr std::string_view about_the_chat = " chat";

/// What is told of it, and what only the client itself needs.
struct MessageRow : events::Message {
  std::int64_t row = 0;  // growing within the database; 0 before insertion
  SessionId session;
  protocol::Jid quoted_author;
  protocol::Bytes content;  // encoded Message: resends, quotes, media
  protocol::Bytes secret;   // 32 or 0 bytes
  UnixMs created_at = 0;    // of this row
  /// What is said about another message (a reaction, an edit, a revoke, a vote, an answer, a pin) is a row too, which
  /// no page, no chat and no count shows: the message that it is about, by its WhatsApp id and side.
  std::string target_id;  // "" = a message of its own; or about_the_chat
  bool target_from_me = false;
  UnixMs said_at = 0;    // of such a one: the sender's clock
  UnixMs pinned_at = 0;  // of the pin, or of its end; server time
  /// Of an own message of a chat with one person: when its receipts say that it got there; 0 = none has said so.
  UnixMs delivered_at = 0, read_at = 0, played_at = 0;
  /// As the stanza named the author, which the key of votes is made of (03 section 10); "" = as `author`.
  protocol::Jid author_on_wire;
  /// Of a picture or video: the id of the album's head that it belongs to (03 section 9), also when its text and
  /// content were taken away; "" = of none.
  std::string album_id;
  /// An own one that ended as an error before it was sealed: no network has had it, so nobody can speak of it.
  bool never_left = false;
  friend bool operator==(const MessageRow&, const MessageRow&) = default;
};

/// Ignored when (session, chat, id, from_me) exists. When it is in the conversation, also creates or bumps the chat:
/// last message, timestamp, name (push name of the author when not from_me and no better name is stored), unread + 1
/// when `unread`.
struct InsertMessage {
  MessageRow row;
  bool unread = false;
  std::optional<protocol::Jid> chat_alternate;
  friend bool operator==(const InsertMessage&, const InsertMessage&) = default;
};
/// scheduled -> pending: an own message becomes one of its chat, of this time.
struct ReleaseMessage {
  SessionId session;
  protocol::Jid chat;
  std::string id;
  UnixMs at = 0;
  std::optional<protocol::Jid> chat_alternate;
  friend bool operator==(const ReleaseMessage&, const ReleaseMessage&) = default;
};
/// scheduled -> withdrawn.
struct WithdrawMessage {
  SessionId session;
  protocol::Jid chat;
  std::string id;
  std::string error;
  friend bool operator==(const WithdrawMessage&, const WithdrawMessage&) = default;
};
/// Of two with one id the side that is named, else the own one.
std::optional<MessageRow> find_message(Database& db, SessionId session, const protocol::Jid& chat,
                                       const std::string& id, std::optional<bool> from_me = {});
/// What the list of the queue shows of an own message.
struct MessageGist {
  std::string kind, body;
};
std::optional<MessageGist> find_gist(Database& db, SessionId session, const std::string& id);
/// Any chat, the newest first: WhatsApp ids collide only on purpose. `from_me` says which side's messages count.
std::optional<MessageRow> find_message_by_id(Database& db, SessionId session, const std::string& id, bool from_me);
/// Of the side that is named; else the own one, and when there is none the received one.
std::optional<MessageRow> find_message_of_either(Database& db, SessionId session, const std::string& id,
                                                 std::optional<bool> from_me = {});
bool has_message(Database& db, SessionId session, const protocol::Jid& chat, const std::string& id);
/// What was said about a message: the newest `most`, at most most_add_on_bytes of them, in the order of their rows.
std::vector<MessageRow> add_ons(Database& db, SessionId session, const protocol::Jid& chat,
                                const std::string& target_id, bool target_from_me, std::size_t most);
inline constexpr std::size_t most_add_ons = 1'000, most_add_on_bytes = 4u << 20;  // text and content
/// Anything about a message of this id, whose and in which chat ever.
bool has_add_ons(Database& db, SessionId session, const std::string& target_id);
/// Another text or caption; nothing of a message that was revoked, or edited later than `at`. `details` and `content`,
/// where there are any, in place of what is there: of what has more to edit than words.
struct EditMessage {
  SessionId session;
  protocol::Jid chat;
  std::string id;
  bool from_me = false;
  std::string body;
  std::vector<protocol::Jid> mentions;
  UnixMs at = 0;
  std::optional<std::string> details = {};
  protocol::Bytes content = {};
  friend bool operator==(const EditMessage&, const EditMessage&) = default;
};
/// Text, content and quote are gone, of its edits too; that it was there stays.
struct RevokeMessage {
  SessionId session;
  protocol::Jid chat;
  std::string id;
  bool from_me = false;
  UnixMs at = 0;
  friend bool operator==(const RevokeMessage&, const RevokeMessage&) = default;
};
/// What of a row could only be told once another one had come: the choices of a vote.
struct PutDetails {
  SessionId session;
  protocol::Jid chat;
  std::string id;
  bool from_me = false;
  std::string details;
  friend bool operator==(const PutDetails&, const PutDetails&) = default;
};
/// What came sealed with the secret of the message that it is about could be opened, and stands from now on as if it
/// had come in clear. Nothing of a row whose content was taken away.
struct PutOpened {
  SessionId session;
  protocol::Jid chat;
  std::string id;
  bool from_me = false;
  std::string kind, body, details;
  protocol::Bytes content;
  UnixMs said_at = 0;
  friend bool operator==(const PutOpened&, const PutOpened&) = default;
};
/// Another encoding of the same message: where its file is has changed. Nothing of a message that was revoked.
struct PutContent {
  SessionId session;
  protocol::Jid chat;
  std::string id;
  bool from_me = false;
  protocol::Bytes content;
  friend bool operator==(const PutContent&, const PutContent&) = default;
};
/// 0: no star any more. Nothing of a message that was revoked; so with a pin.
struct PutStar {
  SessionId session;
  protocol::Jid chat;
  std::string id;
  bool from_me = false;
  UnixMs at = 0;
  friend bool operator==(const PutStar&, const PutStar&) = default;
};
/// `until` 0: not pinned any more. Nothing when a later pin, or end of one, is known.
struct PutPin {
  SessionId session;
  protocol::Jid chat;
  std::string id;
  bool from_me = false;
  protocol::Jid by;
  UnixMs until = 0, at = 0;
  friend bool operator==(const PutPin&, const PutPin&) = default;
};
/// Deleted here alone: it is gone at once, and what was said about it in bounded slices behind later batches
/// (removal.h). Its chat shows the message before it, and has one unread less when nobody had read it.
struct RemoveMessage {
  SessionId session;
  protocol::Jid chat;
  std::string id;
  bool from_me = false;
  friend bool operator==(const RemoveMessage&, const RemoveMessage&) = default;
};
/// Raises the level (or sets error); `timestamp` replaces the message time when set (server ack). `at`: when the
/// recipient says that it was delivered, read or played; 0 = not said.
struct RaiseAck {
  SessionId session;
  std::int64_t message_row = 0;
  AckLevel level = AckLevel::pending;
  std::string error;
  std::optional<UnixMs> timestamp;
  UnixMs at = 0;
  friend bool operator==(const RaiseAck&, const RaiseAck&) = default;
};
/// The same of an own message. `never_left`: with an error; MessageRow::never_left from now on.
struct RaiseAckById {
  SessionId session;
  std::string id;
  AckLevel level = AckLevel::pending;
  std::string error;
  std::optional<UnixMs> timestamp;
  bool never_left = false;
  friend bool operator==(const RaiseAckById&, const RaiseAckById&) = default;
};
/// A received message becomes read, and its chat has one unread less; nothing when it was read or is not there. For
/// those that have no row number yet.
struct ReadReceived {
  SessionId session;
  protocol::Jid chat;
  std::string id;
  friend bool operator==(const ReadReceived&, const ReadReceived&) = default;
};

struct MessagePage {
  std::vector<MessageRow> messages;  // newest first
  std::optional<std::int64_t> next;  // cursor: row of the last message, when there are more
};
enum class Listed { all, starred };
/// Order: (timestamp, row) descending. `before_row`: strictly older than that row; when it is not there any more, than
/// `before_time` (0: nothing is). `limit` 1..1000.
MessagePage page_messages(Database& db, SessionId session, const protocol::Jid& chat, std::size_t limit,
                          std::optional<std::int64_t> before_row, Listed listed = Listed::all, UnixMs before_time = 0);

/// A picture or video of an album.
struct AlbumMember {
  std::int64_t row = 0;
  std::string id;
};
/// Those of the album with this head, of its side and in its chat, wherever they stand, in the order of their rows: the
/// first `most_album_members` alone, as each of them says itself that it belongs there.
inline constexpr std::size_t most_album_members = 256;
std::vector<AlbumMember> album_members(Database& db, SessionId session, const protocol::Jid& chat,
                                       const std::string& head_id, bool from_me);

/// A received message that nobody has read here.
struct UnreadMessage {
  std::int64_t row = 0;
  std::string id;
  protocol::Jid author;
  UnixMs timestamp = 0;
};
/// At most `most` of those among the newest `looked_at` messages of the chat, the newest first: a chat of a bot has as
/// many of its own in between. Holds the caller for as long as it takes to look at them.
std::vector<UnreadMessage> unread_messages(Database& db, SessionId session, const protocol::Jid& chat, std::size_t most,
                                           std::size_t looked_at);

}  // namespace wharf::storage
