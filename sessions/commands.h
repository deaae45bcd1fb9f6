#pragma once
// What may be asked of a session. An operation is a plain value: its fields, the type of its answer, its name in logs.
// On its way to the session it is an Asked<Operation>, beside the reply of whoever waits for it.
//
// A new operation is a struct here, a place in `Command` (and its line in commands.cpp), an overload of
// Session::carry_out and whoever asks for it; nothing between the two ends knows one operation from another
// (Supervisor::tell, SessionActor).

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "protocol/groups/requests.h"
#include "protocol/messages/add_on_secret.h"
#include "protocol/messages/body.h"
#include "protocol/messages/building.h"
#include "sessions/calls/call_commands.h"
#include "sessions/channels/channel_commands.h"
#include "sessions/groups/group_answer.h"
#include "sessions/media/media_vault.h"
#include "sessions/people/people_commands.h"
#include "sessions/reply.h"
#include "sessions/session_view.h"
#include "storage/outbox.h"

namespace wharf::sessions {

// Every operation may also fail with closed, storage and storage_full (nothing of it happened), and with not_found when
// the session is gone.

/// Nothing when it runs already: the answer is how it stands.
struct StartSession {
  using Answer = SessionView;
  static constexpr const char* name = "start_session";
  friend bool operator==(const StartSession&, const StartSession&) = default;
};
/// Closes the connection. It stays stopped, also over a restart of the daemon, until it is started.
struct StopSession {
  using Answer = SessionView;
  static constexpr const char* name = "stop_session";
  friend bool operator==(const StopSession&, const StopSession&) = default;
};
struct RestartSession {
  using Answer = SessionView;
  static constexpr const char* name = "restart_session";
  friend bool operator==(const RestartSession&, const RestartSession&) = default;
};
/// nullopt: unchanged.
struct UpdateSession {
  using Answer = SessionView;
  static constexpr const char* name = "update_session";
  std::optional<std::string> config_json;
  std::optional<SessionConfig> config;  // what config_json says
  std::optional<std::string> metadata_json;
  friend bool operator==(const UpdateSession&, const UpdateSession&) = default;
};
/// Unlinks at WhatsApp (at most 5 s), wipes the keys; the session stays and shows a QR at the next start.
/// Errors: not_ready (not linked).
struct Logout {
  using Answer = SessionView;
  static constexpr const char* name = "logout";
  friend bool operator==(const Logout&, const Logout&) = default;
};
/// Logs out at WhatsApp when linked and connected (at most 5 s), then deletes every row and ends the actor. What stands
/// behind it in the same turn writes nothing and is answered not_found; another removal has got what it asked for.
struct RemoveSession {
  using Answer = void;
  static constexpr const char* name = "remove_session";
  friend bool operator==(const RemoveSession&, const RemoveSession&) = default;
};
/// The answer comes when the server has accepted the number. Errors: not_ready (linked already, not connected),
/// malformed (WhatsApp does not take the number), rate_limited (a code is being made or typed), refused, closed
/// (another number was asked for).
struct RequestPairingCode {
  using Answer = PairingCode;
  static constexpr const char* name = "request_pairing_code";
  std::string phone;  // digits with country code
  friend bool operator==(const RequestPairingCode&, const RequestPairingCode&) = default;
};
// --- what can be sent. About a message that is there: `message` is its WhatsApp id, and its chat is the chat. Ids are
// chosen by their senders: of a message that is named with its chat, none of that id in another chat is meant.

struct React {
  std::string message, emoji;  // "" takes the reaction back
  friend bool operator==(const React&, const React&) = default;
};
/// Of an own text or caption, within edit_window_ms (sessions/edits.h).
struct EditText {
  std::string message, text;
  std::vector<Jid> mentions;
  std::optional<protocol::LinkPreview> preview = {};  // of a text: what is shown of an address in it from now on
  friend bool operator==(const EditText&, const EditText&) = default;
};
/// Deletes an own message for everyone.
struct RevokeSent {
  std::string message;
  friend bool operator==(const RevokeSent&, const RevokeSent&) = default;
};
/// All that is chosen by now; none takes the vote back.
struct Vote {
  std::string message;
  std::vector<std::string> options;
  friend bool operator==(const Vote&, const Vote&) = default;
};
/// To a calendar event; the newest answer counts.
struct AnswerEvent {
  using Answer = protocol::EventResponse::Answer;
  std::string message;
  Answer answer = Answer::going;
  std::uint32_t extra_guests = 0;
  friend bool operator==(const AnswerEvent&, const AnswerEvent&) = default;
};
struct PinMessage {
  std::string message;
  bool pinned = true;
  std::chrono::seconds duration{7 * 24 * 3600};
  friend bool operator==(const PinMessage&, const PinMessage&) = default;
};
/// The disappearing timer of the chat, for both sides: what is sent from now on stays so long.
struct SetDisappearing {
  std::uint32_t seconds = 0;  // protocol::is_disappearing_timer(); 0: for good
  friend bool operator==(const SetDisappearing&, const SetDisappearing&) = default;
};
/// A file as a message of its kind.
struct SendMedia {
  protocol::MediaContent content;
  /// The file in the vault's outgoing/ that is to be uploaded; nullopt: `content` says where it is already.
  std::optional<MediaName> upload;
  bool view_once = false;
  friend bool operator==(const SendMedia&, const SendMedia&) = default;
};
/// A stored message, from whatever chat, into the chat of the command.
struct Forward {
  std::string message;
  std::optional<Jid> chat = {};  // of no other chat
  friend bool operator==(const Forward&, const Forward&) = default;
};
/// A string is text.
using Sendable =
    std::variant<std::string, protocol::PreviewedText, protocol::StatusText, protocol::Location, protocol::Contacts,
                 protocol::Poll, protocol::CalendarEvent, protocol::GroupInvite, protocol::Album, SendMedia, React,
                 EditText, RevokeSent, Vote, AnswerEvent, PinMessage, Forward, SetDisappearing>;

/// Durable in the session's queue when it is answered. Errors: not_found (the quoted message, or the one that it is
/// about), not_ready (never linked or logged out), conflict (idempotency key or message id with other content),
/// rate_limited (queue full), forbidden and not_found about Subject::group (Sealer::can_send_to), malformed
/// (Subject::send_at and expires_at: past), unsupported (it cannot be said about that message, with Subject::message or
/// what of it cannot), not_implemented (channels; what is said about a status post, but for its deletion).
struct SendMessage {
  using Answer = SentMessage;
  static constexpr const char* name = "send_message";
  Jid chat;  // user (PN or LID) or group; devices are dropped. Of what is about a message: of no other chat than this;
             // empty: in whatever chat it is.
  Sendable content;
  std::optional<std::string> quoted_id;  // WhatsApp id of a message of that chat
  std::vector<Jid> mentions;
  bool mention_all = false;
  /// Before whom it goes when there is not room for all. Within a chat the order stays that of acceptance.
  storage::Priority priority = storage::Priority::normal;
  std::string album;  // WhatsApp id of the Album that its picture or video belongs to; "" = none
  /// Of a status post (chat: protocol::status_jid()): these people alone; nullopt: whom the account's setting means.
  std::optional<std::vector<Jid>> audience = {};
  UnixMs send_at = 0;     // 0, or past by less than a minute: now. Not of what is about a message.
  UnixMs expires_at = 0;  // what is not sealed by then ends as an error; 0 = SessionSettings::max_lateness, of what is
                          // scheduled
  std::optional<std::string> message_id;  // client chosen: [A-Za-z0-9]{8,64}
  std::optional<std::string> idempotency_key;
  std::string request_hash;                    // of the body, for key reuse with another body (conflict)
  std::vector<std::string> other_hashes = {};  // of the same, where its people are named otherwise
  /// Of one of many that one request asks for, each under a key of its own: the key of the whole, which is the
  /// request's from the first of them on, and the hash of what it says.
  struct Whole {
    std::string idempotency_key, request_hash;
    friend bool operator==(const Whole&, const Whole&) = default;
  };
  std::optional<Whole> whole = {};
  friend bool operator==(const SendMessage&, const SendMessage&) = default;
};
/// Several messages of one request, in this order in one chat: all of them are accepted, or none. The first one's names
/// (`idempotency_key`, `message_id`, its hashes) are those of the request; the others have none. Behind an
/// Album the others belong to it. Errors: as SendMessage.
struct SendMessages {
  using Answer = std::vector<SentMessage>;
  static constexpr const char* name = "send_messages";
  std::vector<SendMessage> messages;  // at least one
  friend bool operator==(const SendMessages&, const SendMessages&) = default;
};
/// What a repetition of such a request is answered with; none when it was not accepted yet. Nothing is sent: for those
/// who have to get a file first. Errors: as SendMessage before it composes anything.
struct FindSent {
  using Answer = std::vector<SentMessage>;
  static constexpr const char* name = "find_sent";
  std::vector<SendMessage> messages;  // as SendMessages; of their contents only what they show as text is read
  friend bool operator==(const FindSent&, const FindSent&) = default;
};
/// The WhatsApp id of the message that this says something about; nullptr for a message of its own.
const std::string* about_message(const Sendable& content);
/// What the message shows as its text.
std::string shown_text(const Sendable& content);
/// A message that waits in the queue ends as an error, told by its ack event. The answer is how it stands then. Errors,
/// about Subject::message: not_found (it is not in the queue), conflict (it is on its way already).
struct CancelMessage {
  using Answer = SentMessage;
  static constexpr const char* name = "cancel_message";
  std::string message;           // WhatsApp id
  std::optional<Jid> chat = {};  // of no other chat
  friend bool operator==(const CancelMessage&, const CancelMessage&) = default;
};
/// The file of a message is in the vault once this is answered, verified (stored_media() tells which). Errors, about
/// Subject::media unless said: not_found (no such message, with Subject::message; it has no file; the file is gone
/// everywhere), malformed (no usable file was announced), bad_mac (what the servers have is not the announced file),
/// not_ready (not connected), network, timed_out, refused, rate_limited (also: that of another message with this id is
/// being fetched), storage.
struct FetchMedia {
  using Answer = void;
  static constexpr const char* name = "fetch_media";
  std::string message;           // WhatsApp id
  std::optional<Jid> chat = {};  // of no other chat
  friend bool operator==(const FetchMedia&, const FetchMedia&) = default;
};
/// Deletes a message from the stored copy, here alone, with what was said about it; one that was not sealed yet is not
/// sent. Errors: not_found, unsupported (it is itself about another message).
struct RemoveMessage {
  using Answer = void;
  static constexpr const char* name = "remove_message";
  std::string message;               // WhatsApp id
  std::optional<bool> from_me = {};  // which side's, of two with one id; not said: the own one
  std::optional<Jid> chat = {};      // of no other chat
  friend bool operator==(const RemoveMessage&, const RemoveMessage&) = default;
};
/// Here alone. Errors: as RemoveMessage, unsupported also when it was deleted for everyone.
struct StarMessage {
  using Answer = void;
  static constexpr const char* name = "star_message";
  std::string message;  // WhatsApp id
  bool starred = true;
  std::optional<bool> from_me = {};  // as RemoveMessage
  std::optional<Jid> chat = {};
  friend bool operator==(const StarMessage&, const StarMessage&) = default;
};
/// Read receipts for the unread messages of a chat. Errors: not_found (no such chat), not_ready (not linked).
struct MarkRead {
  using Answer = void;
  static constexpr const char* name = "mark_read";
  Jid chat;
  friend bool operator==(const MarkRead&, const MarkRead&) = default;
};
/// Tells the author of a received status post that it was seen. Errors, about Subject::message: not_found (no such post
/// was received), unsupported (it is over a day old, or was deleted); not_ready (not linked).
struct ViewStatus {
  using Answer = void;
  static constexpr const char* name = "view_status";
  std::string message;  // WhatsApp id
  friend bool operator==(const ViewStatus&, const ViewStatus&) = default;
};
/// Deletes the stored copy of a chat; its texts that were not sealed yet are cancelled. Errors: not_found (no such
/// chat).
struct RemoveChat {
  using Answer = void;
  static constexpr const char* name = "remove_chat";
  Jid chat;
  friend bool operator==(const RemoveChat&, const RemoveChat&) = default;
};

/// Something is asked of WhatsApp about a group; `request` names it. Errors, about Subject::group where they are the
/// server's: forbidden (not a member, not an admin), not_found (no such group, link or request), conflict, malformed,
/// rate_limited, refused (any other), timed_out, not_ready (not connected). Of a creation under a key also conflict,
/// about idempotency_key (it is another request's) or about the group (what became of the first is not known, or not
/// yet); a repetition asks nothing, and is answered without a connection.
struct AskGroup {
  using Answer = GroupAnswer;
  static constexpr const char* name = "ask_group";
  protocol::groups::GroupRequest request;
  std::optional<std::string> idempotency_key = {};  // of a creation alone
  std::string request_hash = {};                    // as of SendMessage
  std::vector<std::string> other_hashes = {};       // as of SendMessage
  friend bool operator==(const AskGroup&, const AskGroup&) = default;
};

/// Changes nothing: everything that stood before it in the session's mailbox is committed when it is answered
/// (SessionActor::behind).
struct CatchUp {
  using Answer = void;
  static constexpr const char* name = "catch_up";
  friend bool operator==(const CatchUp&, const CatchUp&) = default;
};

/// An operation, and the one who waits for its answer.
template <class Operation>
struct Asked {
  Operation operation;
  Reply<typename Operation::Answer> reply;
};
template <class... Operations>
using AnyOf = std::variant<Asked<Operations>...>;

/// Some operation that was asked. On the heap: inside a mailbox it would make each stanza there three times as large.
/// Made, moved and ended in commands.cpp alone, so that who asks for one operation does not compile them all.
class Command {
 public:
  using Any = AnyOf<StartSession, StopSession, RestartSession, UpdateSession, Logout, RemoveSession, RequestPairingCode,
                    SendMessage, SendMessages, FindSent, CancelMessage, FetchMedia, RemoveMessage, StarMessage,
                    MarkRead, ViewStatus, RemoveChat, AskGroup, CheckNumbers, LookAtContact, GetPicture, SetOwnPicture,
                    SetAbout, SetDefaultTimer, SetOwnName, SaveContact, RemoveSavedContact, ReadPrivacy, ChangePrivacy,
                    ReadExcluded, ChangeExcluded, ListBlocked, BlockContact, ReadBusiness, ReadCatalog, ShowChatState,
                    WatchPresence, ReadPresence, ShowPresence, RejectCall, ListChannels, AskChannel, LocatePicture,
                    ReadPosts, FetchPostFile, ReadPostUpdates, ReactInChannel, ViewPosts, WatchChannel, CatchUp>;

  /// NOLINTNEXTLINE(google-explicit-constructor): as the alternatives of a variant.
  template <class Operation>
  Command(Asked<Operation> asked);
  Command(Command&&) noexcept;
  Command& operator=(Command&&) noexcept;
  ~Command();

  /// Not of one that was moved from.
  Any& any() { return *any_; }
  const Any& any() const { return *any_; }

 private:
  std::unique_ptr<Any> any_;
};

/// "send_text"
const char* name(const Command& command);
/// What is owed to whoever waits for it; nullptr when nobody does.
std::shared_ptr<Owed> owed(const Command& command);
/// Answers that it was not done.
void refuse(Command command, const Refusal& why);

/// There is no session of this name.
Refusal no_session(const std::string& name);

/// The answer to what was asked of a session that is being removed, or was.
template <class Operation>
Outcome<typename Operation::Answer> when_removed(const std::string& session) {
  if constexpr (std::is_same_v<Operation, RemoveSession>) {
    return {};
  } else {
    return no_session(session);
  }
}
void answer_as_removed(Command command, const std::string& session);

}  // namespace wharf::sessions
