#pragma once
// Who a status post goes to: the people that its request names, or those whom the account's setting means, which is
// asked of the server before the post is encrypted, and kept (storage/status_audiences.h); its deletion goes to the
// same. For GroupFanout the audience of the post that is its turn is a group by the name of status@broadcast.
// Specification 03 section 5.2, 05 section 10.
//
// What the setting meant holds for one try to encrypt the post: whoever is removed or blocked before the next one is
// not shown it. So it is settled anew when the connection or the process has ended, when the post was put off, and
// when the address book or the block list turns out to be another one. Whoever is in the address book is read last, and
// only when all that the server has spoken of is in it.
//
// Whom the setting keeps a post from, and whom the account has blocked, are named by one identity where our chat with
// them may be filed under the other. So every number among them is asked for its LID first, and who still might be one
// of them is left out; what becomes known later takes out again who was taken for another.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/account/status_audience.h"
#include "sessions/appstate/collection_standing.h"
#include "sessions/context.h"
#include "sessions/directory.h"
#include "sessions/groups/groups.h"
#include "storage/status_audiences.h"

namespace wharf::sessions {

/// A status is shown for a day: nobody is given an older one, and none of that age is taken in.
inline constexpr UnixMs status_lifetime_ms = 86'400'000;

class StatusAudiences {
 public:
  /// What one post goes to at most. Of a longer list the rest is left out: never more people than were meant.
  static constexpr std::size_t most = 5'000;
  /// For an address book that is on its way; then the post is put off.
  static constexpr std::chrono::seconds book_patience{20};

  StatusAudiences(Context& context, Directory& directory) : c_(context), directory_(directory) {}

  /// A post, or the deletion of one, was accepted. `named`: these people alone; nullopt: whom the account's setting
  /// means. A deletion goes to whom its post went; of a post that was sent elsewhere, to whom the setting means.
  void open(const storage::MessageRow& message, const std::optional<std::vector<Jid>>& named);
  /// What is encrypted next: a post or a deletion. True: to others than before, or it is to be settled (again).
  bool aim_at(const storage::MessageRow& message);
  /// The people whom what was aimed at goes to; nullopt: that is not settled yet.
  std::optional<protocol::groups::GroupMetadata> people();
  /// What the post says of its audience: "contacts", "denylist", "allowlist"; "" of a deletion.
  std::string setting() const;
  /// The post that is its turn is settled, and nobody is to see it: why; else nullptr. Its deletion is told to whom
  /// there is.
  const char* why_nobody() const;
  /// Asks what the account has set, and whom it has blocked; `done` runs in a later turn, or at once when nothing can
  /// be asked. yes, or later: the server did not answer, or with what is not understood, or the address book cannot be
  /// read, or not for book_patience. Of a connection that ended it may never run.
  void settle(UniqueFunction<void(Groups::Refreshed)> done);
  /// What the setting meant for the post that is its turn, and is not encrypted yet, counts no more: the post was put
  /// off, or somebody was blocked, or is to be taken out of the address book.
  void doubt() { anew_ = true; }
  void on_link_down();
  /// For whoever waits for the address book.
  std::optional<net::SteadyTime> due() const;
  void on_due();

  /// Set by the session: how the address book of the phone stands.
  std::function<CollectionStanding()> book_standing;

  /// The post, or the deletion, went or goes from here to this user. `user`: by either identity. Logarithmic for what
  /// was looked at last; of another one the row is read.
  bool includes(const std::string& id, const Jid& user);
  /// People beside the own account; 0: not settled, or posted elsewhere.
  std::uint32_t size(const std::string& id);
  /// What setting() says of this post.
  std::string setting_of(const std::string& id);
  /// `keep` false: the account is another one from here on.
  void end_turn(bool keep);

 private:
  /// What the server has said so far for one that is being settled.
  struct Settling {
    storage::StatusAudienceRow row;
    bool by_book = false;                  // of the contacts
    std::set<Jid> asked;                   // numbers, for their LIDs
    std::optional<net::SteadyTime> until;  // of the wait for the address book
    UniqueFunction<void(Groups::Refreshed)> done;
  };
  using SettlingPtr = std::shared_ptr<Settling>;

  /// Whom "contacts" means: the address book of the phone, and as long as it was never read the people with whom there
  /// is a chat.
  std::vector<Jid> contacts();
  void take_setting(const SettlingPtr& settling, const Node* answer);
  void take_blocked(const SettlingPtr& settling, const Node* answer);
  /// The contacts, and who they are.
  void go_on(const SettlingPtr& settling);
  void finish(Settling& settling);
  CollectionStanding standing_of_book() const;
  /// As it is here.
  std::uint64_t version_of_book() const;
  /// The post that is its turn was settled by what does not hold any more.
  bool is_outdated() const;
  /// Numbers among the people of it whose LID was not asked for.
  std::vector<Jid> unresolved(const Settling& settling);
  /// Those of `users` that there are, each once.
  std::vector<Jid> canonical(const std::vector<Jid>& users);
  /// Those of `users` of whom it is certain that they are none of `excluded`.
  std::vector<Jid> without(std::vector<Jid> users, const std::vector<Jid>& excluded);
  void put(storage::StatusAudienceRow row);
  /// nullptr: there is none.
  const storage::StatusAudienceRow* find(const std::string& id);

  Context& c_;
  Directory& directory_;
  storage::StatusAudienceRow aimed_;  // `post` empty: at nothing yet
  bool is_post_ = false;              // what is aimed at, not its deletion
  bool anew_ = false;                 // it is to be looked at anew
  std::uint64_t book_version_ = 0;    // that it was settled by
  SettlingPtr waiting_;               // for the address book
  storage::StatusAudienceRow hot_;    // the one that was looked at last, its people sorted; `post` empty: none
};

}  // namespace wharf::sessions
