#pragma once
// Who is who, and on which devices: phone number <-> LID and device lists, from usync, stanza attributes and
// notifications. Specification 02 sections 7-9. One person is one chat; the canonical user JID is the LID when known.

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "protocol/stanzas/usync.h"
#include "sessions/context.h"
#include "sessions/holdings.h"

namespace wharf::sessions {

class Directory {
 public:
  explicit Directory(Context& context) : c_(context) {}

  /// LID of a phone number when known, else the user itself; hosted mapped to its plain server, device dropped. Of a
  /// number whose pair a hint contradicts the number, until WhatsApp has said whose it is: what is sent to it meanwhile
  /// waits for that, and goes to nobody who had it before.
  Jid canonical_user(const Jid& jid);
  /// The same keeping the device number: the address sessions are filed under (03 section 1.1).
  Jid canonical_device(const Jid& device) { return canonical_user(device).with_device(device.device); }
  PersonIds person(const Jid& canonical);
  /// The same of those that a message mentions, in their order and by whatever name; of the first max_mentions alone,
  /// as each may cost a look-up.
  std::vector<PersonIds> mentioned(const std::vector<Jid>& users);
  static constexpr std::size_t max_mentions = 256;
  bool is_own(const Jid& user) const;

  /// What may be believed of a pair (02 section 9). tells: usync and the attributes of messages, newest wins. hints:
  /// notifications, which may only name a LID for a number (and a number for a LID) of which nothing was known; one
  /// that contradicts makes the numbers be asked for, the one that it names and the one that had its LID, and their
  /// pairs are not believed until the answer. Each contradiction once an hour.
  enum class Source { tells, hints };
  /// A pair was learnt. Validates (one PN, one LID, never remaps ourselves), stores, migrates sessions, merges chats. A
  /// number that gets another LID leaves the old LID without one: it is another person's by now. A LID is of an account
  /// and stays: one that gets another number is somebody who changed it, whatever stanza says so first. The old number
  /// is nobody's from then on, and of a known contact the change is told, once, as it is told by what the rows said
  /// before.
  void learn(const Jid& a, const Jid& b, Source source = Source::tells);
  /// The same of a hint, of the many pairs that come with an address book as a whole: told only where something was
  /// known by the number, which is of the LID from then on.
  void learn_untold(const Jid& a, const Jid& b);

  /// The own account has the LID that the device row names by now: the chat with oneself, its keys and its list too.
  void move_own_chat();

  /// Known device numbers, nullptr when unknown or stale.
  const std::vector<std::uint16_t>* devices(const Jid& canonical);
  /// The same however old the list is, unless something said that it is stale: of a group with many members, whose
  /// lists are not asked for every day. That one is wrong shows in the server's answer (03 section 4.8).
  const std::vector<std::uint16_t>* listed_devices(const Jid& canonical);
  /// Set by the session: what the devices of this canonical user are has changed, or is not known any more.
  std::function<void(const Jid& user)> on_devices_changed;
  /// Set by the session: two are one person by now.
  std::function<void(const Jid& pn, const Jid& lid)> on_joined;
  void tell_devices_changed(const Jid& canonical) const {
    if (on_devices_changed) on_devices_changed(canonical);
  }
  /// The list is stale and asked for again before the next use. It stays in its row as the one that only a better list
  /// may replace.
  void forget_devices(const Jid& canonical);
  /// The account is a new one: nothing of its old list counts any more.
  void drop_devices(const Jid& canonical);
  /// What the server said of the users that were asked for. nothing: the connection ended, no answer came, it was an
  /// error or cannot be read; nobody knows more than before. part: some of them are errors of their own. all: none is,
  /// though it may have passed over some.
  enum class Told : std::uint8_t { nothing, part, all };
  /// Asks usync for the users (PN or LID); `done` runs in a later turn, or at once when nothing can be asked. What it
  /// told is stored: mappings and lists.
  void refresh(std::vector<Jid> users, std::function<void(Told)> done);

  /// The same of one user, together with whoever else is asked for this way: one such query is under way at a time.
  void refresh_soon(const Jid& user, std::function<void(Told)> done);

  void on_devices_notification(const Node& notification);
  void on_own_devices(const Node& account_sync);
  /// After the commit, or after a failed one (`keep` false).
  void end_turn(bool keep);
  void count(Holdings& held) const {
    held.people = std::max(lids_.size(), pns_.size());
    held.device_lists = lists_.size();
  }

 private:
  struct Entered {
    PersonIds ids;
    bool united = false;               // something was filed under the number
    std::optional<Jid> number_before;  // of a known contact, when it was another
  };
  /// The pair, where it is one and was not known. All that learn() does but the events.
  std::optional<Entered> enter_pair(const Jid& a, const Jid& b, Source source);
  void tell(const Entered& pair, bool new_pair);
  /// Under which number somebody was known until now; nullopt: nothing is known of them, or no other number.
  std::optional<Jid> number_before(const Jid& pn, const Jid& lid);
  struct List {
    std::vector<std::uint16_t> devices;
    UnixMs fetched_at = 0;
  };
  static constexpr std::size_t kept = 32;
  static constexpr std::size_t max_contested = 1'024;  // numbers, and contradictions of an hour
  static constexpr std::size_t users_per_query = 256;  // 02 section 7
  static constexpr std::chrono::hours contest_again{1};
  /// What the rows say, contested or not; the number itself when it has none.
  Jid known_lid(const Jid& pn);
  std::optional<Jid> known_pn(const Jid& lid);
  /// A hint names this pair, against what is known.
  void contest(const Jid& pn, const Jid& lid);
  void contest_number(const Jid& pn);
  void ask_soon();
  /// An answer without this user says nothing: the list that is there stays, and is asked for again in an hour.
  void keep_list(const Jid& canonical);
  void store_list(const Jid& canonical, const protocol::UsyncUser& user);
  void remove_devices(const Jid& canonical, const Node& change);
  void watch_own_list(bool asked);
  List* find_list(const Jid& canonical);

  Context& c_;
  // Hot rows, kept between turns:
  std::map<Jid, Jid> lids_;                // PN user -> LID user (or PN itself: known to be unmapped)
  std::map<Jid, std::optional<Jid>> pns_;  // LID user -> PN user; nullopt: known to have none
  std::map<Jid, List> lists_;
  // Numbers that a hint contradicts, until usync has said whose they are; and pairs of such hints -> when they count
  // again. In memory alone: the next hint finds the contradiction that a restart forgets.
  std::set<Jid> contested_;
  std::map<std::pair<Jid, Jid>, net::SteadyTime> heard_against_;
  struct Soon {
    Jid user;
    std::function<void(Told)> done;
  };
  std::deque<Soon> soon_;
  bool asking_soon_ = false;
};

}  // namespace wharf::sessions
