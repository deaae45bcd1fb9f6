#pragma once
// Who a status post goes to: the people that its request names, or those whom the account's setting means, which is
// asked of the server before the post is encrypted. Settled once for each post and kept (storage/status_audiences.h).
// For GroupFanout the audience of the post that is its turn is a group by the name of status@broadcast. Specification
// 03 section 5.2, 05 section 10.

#include <cstdint>
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

  /// A post was accepted. `named`: these people alone; nullopt: whom the account's setting means.
  void open(const std::string& post, const std::optional<std::vector<Jid>>& named);
  /// What is encrypted next: a post, or the deletion of one, which goes to the same people. True: to others than
  /// before.
  bool aim_at(const storage::MessageRow& message);
  /// The people whom what was aimed at goes to; nullopt: that is not settled yet.
  std::optional<protocol::groups::GroupMetadata> people();
  /// What the post says of its audience: "contacts", "denylist", "allowlist"; "" of a deletion.
  std::string setting() const;
  /// Asks what the account has set; `done` runs in a later turn, or at once when nothing can be asked. yes, or later:
  /// the server did not answer, or with what is not understood.
  void settle(UniqueFunction<void(Groups::Refreshed)> done);

  /// The post went, or goes, to this user. `user`: by either identity.
  bool includes(const std::string& post, const Jid& user);
  /// People beside the own account; 0: not settled.
  std::uint32_t size(const std::string& post) const;
  /// What setting() says of this post.
  std::string setting_of(const std::string& post) const;
  /// `keep` false: the account is another one from here on.
  void end_turn(bool keep);

 private:
  /// Those of `users` that there are, each once.
  std::vector<Jid> canonical(const std::vector<Jid>& users);
  void settle_as(const std::string& post, const protocol::StatusAudience& chosen);

  Context& c_;
  Directory& directory_;
  storage::StatusAudienceRow aimed_;  // `post` empty: at nothing yet
  bool is_post_ = false;              // what is aimed at, not its deletion
};

}  // namespace wharf::sessions
