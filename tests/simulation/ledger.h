#pragma once
// What the users of a simulated world did and what was promised to them: the side that the checkers compare with the
// stored copies, the event log and the phones. Every text is different, so it is found again wherever it shows up; what
// has no text of its own is found by its WhatsApp id.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocol/media/media_keys.h"
#include "protocol/messages/add_on_secret.h"
#include "protocol/messages/content.h"
#include "storage/events.h"
#include "storage/outbox.h"
#include "tests/simulation/group_ledger.h"
#include "tests/simulation/queue_record.h"
#include "tests/simulation/timer_record.h"
#include "tests/simulation/virtual_scheduler.h"

namespace wharf::simulation {

/// An account with its phone.
struct Person {
  std::string number;
  bool renewed = false;  // the phone was installed anew: who hears of it forgets its ratchets
};

/// A session of the daemon: a companion of a person's phone. The first persons have one each from the beginning; more
/// come and go.
struct Gateway {
  std::string session;  // name
  std::size_t person = 0;
  bool linked = false;  // it was ready and was not logged out since
  Micros linked_at{0};
  /// Its device is gone for good, and with `deleted` the session too: nobody starts it again.
  bool retired = false, deleted = false;
};

enum class Kind { text, location, contacts, poll, event, media, timer, reaction, edit, revoke, vote, answer, pin };
const char* name(Kind kind);
/// A message of its own: neither about the chat nor about another message.
constexpr bool is_message(Kind kind) { return kind < Kind::timer; }
/// It says something about another message.
constexpr bool is_about(Kind kind) { return kind > Kind::timer; }

/// The copy of a text in one session of its recipient or its sender.
struct Copy {
  /// Why it may be missing; never told twice all the same.
  std::string excuse;
  bool removed = false;  // it was told, and its chat or the device that had it is gone
  /// When the chat is gone and so is the device, or the ratchets of a sender who was renewed, nothing there knows a
  /// text that the server sends again because it did not hear our ack.
  bool chat_gone = false, device_gone = false;
  /// It was deleted here, and that was answered.
  bool deleted = false;
  /// The star: how often it was asked for, which of these was the last one answered, and what that asked.
  unsigned star_asked = 0, star_answered = 0;
  bool starred = false;
  bool forgotten(const Person& sender) const { return chat_gone && (device_gone || sender.renewed); }
};

/// A message of any kind.
struct Text {
  static constexpr std::size_t nothing = static_cast<std::size_t>(-1);
  std::string body;  // what it shows as its text, when it does; else only its name here
  Kind kind = Kind::text;
  std::size_t target = nothing;      // what it is about: index of `texts`
  std::string said;                  // the text of an edit; of a reaction its emoji, "" takes it back
  std::vector<std::string> options;  // of a poll; of a vote what it chooses
  bool sealed = false;               // a reaction or an edit that is sealed with the secret of its message
  std::uint32_t seconds = 0;         // of a timer; how long a pin is to last
  bool pins = true;                  // a pin, not the end of one
  /// Of an event, and of the edit of one.
  std::int64_t starts_at = 1'800'000'000;  // unix seconds
  bool cancelled = false;
  protocol::EventResponse response;  // of an answer to an event; its time is said_at
  std::int64_t said_at = 0;          // what the clock of a phone showed
  protocol::MessageKind file_kind = protocol::MessageKind::document;
  std::size_t file_bytes = 0;  // of a file; which they are: file_of()
  std::string file_seed;       // what they are made of: two texts with the same one have the same file
  Micros made_at{0};
  std::size_t from = 0, to = 0;  // persons
  bool by_gateway = false;       // sent by a session of `from`, else typed on its phone
  std::size_t via = 0;           // … by this one: index of `gateways`
  std::string id;                // WhatsApp id, when known
  // by the gateway
  std::string idempotency_key;
  std::optional<std::string> chosen_id;
  unsigned asked = 0;
  bool accepted = false;
  /// What the daemon's clock showed since the first request. When that is a day, the idempotency key may be forgotten:
  /// the program gives the text up, which may have been sent or not, but not twice.
  std::int64_t earliest_ms = 0, latest_ms = 0;
  bool given_up = false;
  /// It cannot be said: the message that it is about is gone, or is none any more of which this can be said.
  bool refused = false;
  bool settled() const { return accepted || given_up || refused; }
  /// Of a request for several messages: the others, in order. Of one of those: the first.
  std::vector<std::size_t> others;
  std::size_t first = nothing;
  // Its place in the queue; times by the daemon's clock, 0: none.
  std::int64_t send_at = 0, expires_at = 0;
  storage::Priority priority = storage::Priority::normal;
  /// Its program has asked to withdraw it and was answered; was told that it is; has asked and may have been heard.
  bool withdrawal_answered = false, withdrawn = false;
  unsigned withdrawals_open = 0;
  std::optional<Micros> not_withdrawn_at;  // … and was refused first
  /// Its chat was deleted while the answer was out: both may be in one commit, and it is gone when it is told of.
  bool may_be_gone = false;
  /// Its program waits for the server's ack and was told of it, before the session's rows say so.
  bool told_ahead = false;
  /// The reader marked it read and was told so: the sender has to hear of it.
  bool read_promised = false;
  /// Where it may be missing, and why; never shown twice all the same. Of the recipient's phone and the sender's own.
  std::string phone_excuse, own_phone_excuse;
  std::map<std::size_t, Copy> copies;  // by gateway of either

  bool shows_text() const { return is_message(kind) && kind != Kind::location; }
  /// What it is found by.
  const std::string& mark() const { return shows_text() ? body : id; }
  /// Each copy of it is told by an event of its own. What changes a message is told only where it does, and what is
  /// sealed where it can be opened.
  bool is_told() const { return is_message(kind) || (kind == Kind::reaction && !sealed); }
};

/// How much of what the checkers look for was there to be looked at.
struct Counts {
  std::size_t early = 0;                                // what a session got before the message that it is about
  std::size_t compared = 0;                             // files that sessions fetched: they were what was sent
  std::size_t unasked = 0;                              // files that had to be fetched without being asked for
  std::size_t put_off = 0, withdrawn = 0, expired = 0;  // of the queue
  std::size_t several = 0;                              // requests for several messages
  std::size_t deleted = 0, starred = 0, pinned = 0;     // copies in sessions
  std::size_t timed = 0, timers = 0;                    // messages that disappear; timers of chats in sessions
  std::size_t tallies = 0;                              // events with answers and polls with votes, in sessions
  std::size_t opened = 0;                               // copies in sessions of what was sealed
  std::size_t plain = 0, aged = 0;                      // files of the folder; files that were removed for their age
  std::size_t days = 0;                                 // worlds in which one passed
  std::size_t announced_again = 0;                      // messages with the upload of another one
  std::size_t in_groups = 0, group_copies = 0;          // texts that the server took; where they were read
  std::size_t groups = 0;                               // in sessions, compared with the server's
  std::size_t in_order = 0;                             // copies of those that were looked at for their order
  std::size_t kept_out = 0;                             // texts that somebody out of the group tried to read
  Counts& operator+=(const Counts& more);
};
/// "3 files compared, …"
std::string told(const Counts& counts);

class Ledger {
 public:
  std::vector<Person> persons;
  std::vector<Gateway> gateways;
  std::vector<Text> texts;
  GroupLedger groups;
  /// Something that must never happen did: in the words of the checker. The first ones are kept.
  std::vector<std::string> violations;
  void violate(std::string what);
  Counts counts;
  /// Messages that announce the upload of another one.
  std::set<std::string> announced_again;

  /// A live reader of the log: what it heard, for the comparison with what is stored in the end.
  void hear(const std::vector<storage::Event>& events, Micros now);
  struct Heard {
    std::string name, data;
  };
  const std::map<storage::EventId, Heard>& heard() const { return heard_; }
  /// The event that tells of it was heard of this session.
  bool told(const std::string& session, const Text& text) const { return told_.contains({session, text.mark()}); }
  bool told(const std::string& session, const GroupText& text) const { return told_.contains({session, text.body}); }
  std::optional<Micros> told_at(const std::string& session, const Text& text) const;
  /// Its `ack` event said that it failed.
  bool failed(const Text& text) const { return failed_.contains(text.id); }
  /// When that was heard.
  std::optional<Micros> failed_at(const Text& text) const;
  /// What became of each message in the queue, and the clock by which that happened.
  QueueRecord queue;
  TimerRecord timers;
  /// Its author has taken it back, or tried to.
  bool was_revoked(std::size_t text) const;
  /// An edit of this event by its author calls it off.
  bool was_cancelled(std::size_t text) const;

  /// A file that was kept for a message (index of `texts`) is encrypted under this key, and its upload will name it
  /// like this.
  void note_file(std::size_t text, const protocol::MediaKey& key, std::string upload_token);
  /// A stored message announces this plain file under this key: for each key it is the same one, whoever sends it.
  void note_announced(const Text& text, const protocol::MediaKey& key, const protocol::Digest32& file);
  /// A request to upload this.
  void note_upload(const std::string& upload_token);

  /// Those of the person that are there to be used; the first is its oldest.
  std::vector<std::size_t> gateways_of(std::size_t person) const;

  /// A session that is not linked yet: what was said before may never come.
  std::size_t add_gateway(std::size_t person, std::string session);
  /// The session loses its device now: what it was not told yet may never come.
  void excuse_device(std::size_t gateway, const std::string& why);
  /// The session's chat with `other` is deleted: texts on their way can be asked for again in vain.
  void excuse_chat(std::size_t gateway, std::size_t other, const std::string& why);
  /// The session deletes the message from its own copy, and what was said about it.
  void excuse_message(std::size_t gateway, std::size_t text, const std::string& why);
  /// A copy that was not told may be missing.
  void excuse_copy(Text& text, std::size_t gateway, const std::string& why);
  /// Its program stops asking without an answer.
  void excuse_given_up(Text& text, const std::string& why);
  /// The phone forgets everything that it sent.
  void excuse_phone_sends(std::size_t person, const std::string& why);

 private:
  void excuse_copies(Text& text, const std::string& why);
  static constexpr std::size_t max_violations = 20;
  storage::EventId last_event_ = 0;
  std::map<storage::EventId, Heard> heard_;
  std::map<std::pair<std::string, std::string>, Micros> told_;
  std::map<std::string, Micros> failed_;
  std::map<std::string, std::size_t> files_;      // by upload token
  std::map<std::size_t, std::string> uploading_;  // the token of a text whose upload began
  std::set<protocol::MediaKey> media_keys_;       // each was drawn for one file that was kept
  struct Announced {
    protocol::Digest32 file{};
    std::string id;  // of the message that was looked at first
  };
  std::map<protocol::MediaKey, Announced> announced_;
};

}  // namespace wharf::simulation
