#pragma once
// What the users of a simulated world did and what was promised to them: the side that the checkers compare with the
// stored copies, the event log and the phones. Every text is different, so it is found again wherever it shows up.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/events.h"
#include "tests/simulation/virtual_scheduler.h"

namespace wharf::simulation {

/// An account with its phone; the first ones have a gateway session each.
struct Person {
  std::string number;
  std::string session;  // name, "" of one without
  bool linked = false;  // its session was ready and was not logged out since
  Micros linked_at{0};
};

/// What became of the copy of a text in a session that told it. When both the chat and the device are gone, a sender
/// who sends again what was not acked reaches the new device, and nothing there knows the text.
struct Forgotten {
  bool chat = false, device = false;
  bool entirely() const { return chat && device; }
};

struct Text {
  std::string body;
  std::size_t from = 0, to = 0;  // persons
  bool by_gateway = false;       // sent by the session of `from`, else typed on its phone
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
  /// The reader marked it read and was told so: the sender has to hear of it.
  bool read_promised = false;
  bool copy_removed = false;          // the recipient's session deleted its copy, or the device that had it
  Forgotten by_recipient, by_sender;  // their sessions
  /// Where it may be missing, and why; never shown twice all the same. Of the recipient's phone, the sender's own
  /// phone, and both sessions.
  std::string phone_excuse, own_phone_excuse, session_excuse, own_session_excuse;
};

class Ledger {
 public:
  std::vector<Person> persons;
  std::vector<Text> texts;
  /// Something that must never happen did: in the words of the checker. The first ones are kept.
  std::vector<std::string> violations;
  void violate(std::string what);

  /// A live reader of the log: what it heard, for the comparison with what is stored in the end.
  void hear(const std::vector<storage::Event>& events);
  struct Heard {
    std::string name, data;
  };
  const std::map<storage::EventId, Heard>& heard() const { return heard_; }
  /// A `message` or `message.sent` event with this body was heard of this session.
  bool told(const std::string& session, const std::string& body) const { return told_.contains({session, body}); }

  /// The session loses its device now: what it was not told yet may never come.
  void excuse_session(std::size_t person, const std::string& why);
  /// The chat of `person`'s session with `other` is deleted: texts on their way can be asked for again in vain.
  void excuse_chat(std::size_t person, std::size_t other, const std::string& why);
  /// Its program stops asking without an answer.
  void excuse_given_up(Text& text, const std::string& why);
  /// The phone forgets everything that it sent.
  void excuse_phone_sends(std::size_t person, const std::string& why);

 private:
  static constexpr std::size_t max_violations = 20;
  storage::EventId last_event_ = 0;
  std::map<storage::EventId, Heard> heard_;
  std::set<std::pair<std::string, std::string>> told_;
};

}  // namespace wharf::simulation
