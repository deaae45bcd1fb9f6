#pragma once
// A simulated phone: the primary device (device 0) of an account, a full end-to-end party with its own Signal state. It
// is also every contact a tester talks to. Specification 06 sections 3.2, 14 and 19.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/account/presence.h"
#include "protocol/groups/requests.h"
#include "protocol/messages/add_on_secret.h"
#include "protocol/messages/body.h"
#include "protocol/messages/building.h"
#include "protocol/messages/content.h"
#include "sandbox/network.h"

namespace wharf::sandbox {

/// One entry of GET …/phones/{phone}/messages.
struct PhoneMessage {
  std::string id;
  bool from_me = false;      // sent by this account (this phone or a companion: see `device`)
  std::uint16_t device = 0;  // of the author
  std::string chat;          // the account of the other party, by its name (Account::phone); of a group its JID
  std::string author;        // the account
  std::string kind;          // text, …
  std::string text;
  std::string quoted_id;
  std::vector<std::string> mentions;
  std::int64_t timestamp = 0;  // unix seconds, server time
  /// Sent by this account: pending, server, delivered, read, error; received: received, read (by this phone), failed.
  std::string status;
  std::string failure;               // why a received one could not be decrypted, or a sent one failed
  std::string target;                // of what is said about another message: its id
  std::vector<std::string> options;  // of a poll; of a vote what it chooses
  bool edited = false, revoked = false, pinned = false;  // by what came later
  std::string answer;               // of an answer to an event: going, notGoing, maybe; "" until it could be opened
  std::uint32_t extra_guests = 0;   // of such an answer
  std::int64_t starts_at = 0;       // of an event as it is now, unix seconds
  bool cancelled = false;           // of an event
  std::uint32_t expires_after = 0;  // seconds it stays; of kind "disappearing" what the chat was set to
  /// Of a message with a file.
  struct Media {
    std::string kind, mimetype, file_name;  // as the message says, like the numbers
    std::uint64_t size = 0;                 // bytes; of a file that is ready as counted
    std::uint32_t width = 0, height = 0, seconds = 0;
    std::string sha256;  // hex, of the decrypted file; "" until it is ready
    /// loading: on its way to or from the media host. failed: `failure` says why.
    std::string state = "loading", failure = {};
  };
  std::optional<Media> media = {};
  std::optional<protocol::Album> album = {};  // of the head of one
  std::string album_id = {};                  // of a picture or video of an album: the id of the head
  /// Of a message of this phone to a group, once it left: how far it came with each member, by account: "",
  /// delivered, read. `status` is the least of them.
  std::map<std::string, std::string> recipients = {};
  std::optional<protocol::TextStyle> style = {};     // of a text as status post
  std::optional<protocol::GroupInvite> invite = {};  // of an invitation; its caption is `text`
};

/// A file that a phone's user sends.
struct PhoneMedia {
  static constexpr std::size_t max_bytes = 64u << 20;
  protocol::MessageKind kind = protocol::MessageKind::document;  // image, video, gif, video_note, audio, voice, …
  std::string bytes;
  std::string mimetype;  // "": the usual one of the kind
  std::string file_name, caption;
  std::uint32_t width = 0, height = 0, seconds = 0;
  bool view_once = false;  // image, video, audio, voice
  std::string album = {};  // image, video: the id of the head of its album
};

// What a phone's user says about a message of the chat.
struct PhoneReaction {
  std::string message, emoji;  // "" takes it back
  bool sealed = false;         // with the secret of the message
};
struct PhoneEdit {
  std::string message, text;
  bool sealed = false;
};
/// Always sealed.
struct PhoneEventEdit {
  std::string message;
  protocol::CalendarEvent event;
};
struct PhoneAnswer {
  std::string message;
  protocol::EventResponse::Answer answer = protocol::EventResponse::Answer::going;
  std::uint32_t extra_guests = 0;
};
struct PhoneRevoke {
  std::string message;
};
struct PhoneVote {
  std::string message;
  std::vector<std::string> options;
};

struct PhonePin {
  std::string message;
  bool pinned = true;
  std::uint32_t seconds = 604'800;
};
/// The disappearing timer of the chat (03 section 5.5).
struct PhoneTimer {
  std::uint32_t seconds = 0;  // protocol::is_disappearing_timer()
};

/// What a phone answers to a companion that asks for a file again (04 section 6).
enum class MediaRetryMode { upload, not_found, general_error, silent };

/// A call as a phone knows it.
struct PhoneCall {
  std::string id;
  std::string with;  // phone number of the other
  bool outgoing = false, video = false;
  /// ringing; accepted, rejected (by whom was called); of one that came: acceptedElsewhere, rejectedElsewhere, missed;
  /// of an own one: unanswered, ended. What was accepted says so for good: no media is carried.
  std::string state;
  std::uint64_t at = 0;  // unix seconds of its beginning
};

struct OpenedMedia;  // phone/opened_media.h
struct PhoneGroup;   // phone/groups/groups.h
struct PhoneSeen;    // phone/seen.h
class PhoneFiles;    // phone/files.h

/// Everything a phone does happens on the loop, in turns of NetworkClock::after(0): no call below and no delivery makes
/// it call the network from inside the network.
class Phone {
 public:
  /// Runs `work` off the loop, then `done` on it (key stretching). nullptr or an empty function: both at once.
  using Worker = std::function<void(std::function<void()> work, std::function<void()> done)>;

  /// A new phone publishes its keys and attaches to the network.
  /// `files` is shared by the phones of the network.
  Phone(Network& network, Account& account, std::shared_ptr<Worker> worker, std::shared_ptr<PhoneFiles> files);
  ~Phone();
  Phone(const Phone&) = delete;
  Phone& operator=(const Phone&) = delete;

  /// The phone's private state as rows (RowKind::phone and above); nullopt when there is no such thing any more.
  std::optional<Bytes> row(const RowKey& key) const;
  /// A phone from its rows: it is switched off and empty, gets its rows in the order of RowKey, then restored()
  /// switches it on if it was. Errors: malformed.
  static std::unique_ptr<Phone> empty(Network& network, Account& account, std::shared_ptr<Worker> worker,
                                      std::shared_ptr<PhoneFiles> files);
  protocol::Result<void> restore(const RowKey& key, ByteView row);
  void restored();

  /// By now.
  const std::string& number() const;
  /// What names its account for good. By it `chat`, `author` and all others are named in what the phone shows.
  const std::string& account() const;
  /// The number of an account that is named so; the text itself when it names none (a group, a LID).
  std::string number_named(std::string_view account) const;
  /// Scans a QR text. `done` gets the companion's device JID. Errors: malformed, not_found (expired), refused.
  void scan(std::string_view qr, std::function<void(protocol::Result<Jid>)> done);
  /// Types the 8 characters of a pending code pairing. Errors: not_found (no hello pending), bad_mac (wrong code),
  /// refused.
  void enter_code(std::string_view code, std::function<void(protocol::Result<Jid>)> done);

  struct Send {
    std::string to;  // phone number or JID text, of a group too
    std::string text;
    std::string quoted_id;  // of a message this phone knows
    std::vector<std::string> mentions;
    /// monostate: `text` is the message.
    std::variant<std::monostate, protocol::StatusText, protocol::Location, protocol::Contacts, protocol::Poll,
                 protocol::CalendarEvent, protocol::GroupInvite, protocol::Album, PhoneMedia, PhoneReaction, PhoneEdit,
                 PhoneEventEdit, PhoneAnswer, PhoneRevoke, PhoneVote, PhonePin, PhoneTimer>
        content = {};
    std::vector<std::string> audience =
        {};  // of a status post (to: "status@broadcast"): numbers; its deletion has none
    /// The id of the message that it is about; nullptr for a message of its own.
    const std::string* about() const;
  };
  /// The message id; it is encrypted and handed to the network as soon as devices and bundles are known, and its file
  /// is uploaded. Errors: malformed, not_found, closed (there is no media host).
  protocol::Result<std::string> send(Send send);
  /// Read receipts for everything received from `chat` (phone number by now) and not yet read, or one id.
  protocol::Result<std::size_t> read(std::string_view chat, std::string_view id = {});
  /// Nothing when there is no such chat.
  void typing(std::string_view to, protocol::ChatState state);

  // --- people
  using Answer = std::function<void(protocol::Result<Node>)>;
  /// What its user asks of the server: `make` gets the id of the IQ. The answer, whatever it says. Errors: closed (it
  /// is or was switched off), timed_out.
  void ask(const std::function<Node(std::string_view id)>& make, Answer answer);
  /// Says that it is there or not, under its name. `heard` is called when the server knows. Errors: as ask().
  void show_available(bool available, Answer heard);
  /// Of at most 25 characters.
  void rename(const std::string& name, Answer heard);
  /// Saves somebody in the address book, or renames them; "" removes them. Errors: as ask(); refused, conflict.
  void save_contact(const Account& whom, const std::string& name, std::function<void(protocol::Result<void>)> done);
  /// How the address book calls people, by the names of their accounts.
  const std::map<std::string, std::string>& contacts() const;
  /// Subscribes to the presence of another account, anew whenever the phone is switched on or shows itself again, until
  /// `on` is false. Errors: as ask(); refused (it watches too many).
  void watch(const Account& whom, bool on, Answer heard);
  bool available() const;
  /// What it was told of others, newest last, at most 256.
  const std::deque<PhoneSeen>& seen() const;

  // --- calls
  /// Calls another account; the id of the call. Errors: closed (it is switched off), refused (the own account).
  protocol::Result<std::string> place_call(const Account& whom, bool video);
  enum class CallAction { cancel, accept, reject };
  /// Ends an own call that rings, or answers one that rings here. Errors: closed, not_found (no such call rings).
  protocol::Result<void> act_on_call(std::string_view id, CallAction action);
  /// Newest last, at most 256.
  const std::deque<PhoneCall>& calls() const;

  // --- groups, by the text of their JIDs
  /// Those that the phone knows to be in. Pointers live until the next turn.
  std::map<std::string, const PhoneGroup*> groups() const;
  const PhoneGroup* group(std::string_view jid) const;
  /// What its user asks about groups; the server's answer, whatever it says. Errors: closed (it is or was switched
  /// off), timed_out.
  void ask(const protocol::groups::GroupRequest& request, Answer answer);
  /// Forgets the sender keys of others: the next message of each group must heal by retry.
  void forget_sender_keys();

  /// false: delivery receipts are withheld until true again (phone.deliver).
  void deliver(bool on);
  /// Off: the phone does not answer at all; the server queues for it.
  void power(bool on);
  /// Forgets the Signal session with every device of `peer` (a wiped ratchet): the next message must heal by retry.
  void forget_sessions(std::string_view peer);
  /// Damages the ratchets in both directions instead of forgetting them.
  void corrupt_sessions(std::string_view peer);
  /// New identity and registration id, LID kept (phone.reinstall).
  void reinstall();
  struct AutoReply {
    std::string contains;  // "" = every message
    std::string text;
  };
  void set_auto_reply(std::optional<AutoReply> rule);
  /// Marks every received message read at once.
  void set_auto_read(bool on);

  /// The file of the newest message with this id, fetched and decrypted for the caller; once, now or later, never when
  /// the media host ends first. Errors: not_found (message, or its file), conflict (not uploaded yet), malformed (it is
  /// not what the message says), bad_mac, truncated, closed.
  void open_media(std::string_view id, const std::function<void(protocol::Result<OpenedMedia>)>& done) const;
  void set_media_retry(MediaRetryMode mode);

  const std::vector<PhoneMessage>& messages() const;  // newest last, at least the newest 5,000
  /// `heard` is called whenever one comes, goes or changes, in the middle of that: what it wants to do it does in a
  /// later turn. Ends with the token.
  [[nodiscard]] std::shared_ptr<void> on_messages(std::function<void()> heard);
  std::vector<std::uint16_t> companions() const;
  bool powered() const;
  /// A companion asks to be linked by a code: enter_code() has something to answer.
  bool code_pending() const;

  // --- events of the server that concern this account (wired by Phones)
  void on_link_code_hello(LinkCodeHello hello);
  void on_link_code_finish(LinkCodeFinish finish);
  void on_device_linked(std::uint16_t device);
  void on_first_prekeys(std::uint16_t device);  // starts the bootstrap, 06 section 14
  void on_device_removed(std::uint16_t device);

 private:
  struct Empty {};
  Phone(Network& network, Account& account, std::shared_ptr<Worker> worker, std::shared_ptr<PhoneFiles> files, Empty);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wharf::sandbox
