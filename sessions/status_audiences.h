#pragma once
// Who a status post goes to: the people that its request names, or those whom the account's setting means, which is
// asked of the server before the post is encrypted. Settled once for each post and kept (storage/status_audiences.h);
// its deletion goes to the same. For GroupFanout the audience of the post that is its turn is a group by the name of
// status@broadcast. Specification 03 section 5.2, 05 section 10.
//
// Whom the setting keeps a post from, and whom the account has blocked, are named by one identity where our chat with
// them may be filed under the other. So every number among them is asked for its LID first, and who still might be one
// of them is left out; what becomes known later takes out again who was taken for another.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/account/status_audience.h"
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

  StatusAudiences(Context& context, Directory& directory) : c_(context), directory_(directory) {}

  /// A post, or the deletion of one, was accepted. `named`: these people alone; nullopt: whom the account's setting
  /// means. A deletion goes to whom its post went; of a post that was sent elsewhere, to whom the setting means.
  void open(const storage::MessageRow& message, const std::optional<std::vector<Jid>>& named);
  /// What is encrypted next: a post or a deletion. True: to others than before.
  bool aim_at(const storage::MessageRow& message);
  /// The people whom what was aimed at goes to; nullopt: that is not settled yet.
  std::optional<protocol::groups::GroupMetadata> people();
  /// What the post says of its audience: "contacts", "denylist", "allowlist"; "" of a deletion.
  std::string setting() const;
  /// Asks what the account has set, and whom it has blocked; `done` runs in a later turn, or at once when nothing can
  /// be asked. yes, or later: the server did not answer, or with what is not understood.
  void settle(UniqueFunction<void(Groups::Refreshed)> done);

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
    std::vector<Jid> unresolved;  // numbers whose LID is to be asked for
    UniqueFunction<void(Groups::Refreshed)> done;
  };
  using SettlingPtr = std::shared_ptr<Settling>;

  /// Whom "contacts" means: the address book of the phone, and as long as it was never read the people with whom there
  /// is a chat.
  std::vector<Jid> contacts() const;
  void take_setting(const SettlingPtr& settling, const Node* answer);
  void take_blocked(const SettlingPtr& settling, const Node* answer);
  void resolve(const SettlingPtr& settling);
  void finish(Settling& settling);
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
  storage::StatusAudienceRow hot_;    // the one that was looked at last, its people sorted; `post` empty: none
};

}  // namespace wharf::sessions
