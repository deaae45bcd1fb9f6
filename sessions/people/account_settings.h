#pragma once
// Privacy settings and the block list of the account: read and changed at the server. What is kept of them is whether
// others may see what the account has read (DeviceRow::reads_shown): asked once after linking, then told.
// Specification 02 section 11, 05 section 13 (items 4 and 5).

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "protocol/account/privacy.h"
#include "protocol/notifications/events.h"
#include "sessions/context.h"
#include "sessions/directory.h"
#include "sessions/people/people_commands.h"
#include "sessions/reply.h"

namespace wharf::sessions {

class AccountSettings {
 public:
  AccountSettings(Context& context, Directory& directory) : c_(context), directory_(directory) {}

  using Settings = std::vector<protocol::PrivacySetting>;
  /// Calls on_reads_known, at once where it is known.
  void on_online();
  /// What the server says that holds now, whoever changed it.
  void learn(const Settings& settings);
  /// Set by the session: whether reads are shown is known as well as it will be on this connection. At most once on
  /// each: a server that does not tell is taken to hide nothing, as it would not relay what is hidden.
  std::function<void()> on_reads_known;

  void read_privacy(Reply<Settings> reply);
  void change_privacy(Settings wanted, Reply<Settings> reply);
  void read_excluded(protocol::PrivacyCategory category, Reply<std::vector<Person>> reply);
  void change_excluded(ChangeExcluded wanted, Reply<std::vector<Person>> reply);
  void list_blocked(Reply<std::vector<Person>> reply);
  void block(const BlockContact& wanted, Reply<void> reply);
  /// Another device of the account has blocked somebody, or ended it. What names nobody is not asked for: the list is
  /// kept nowhere.
  void on_blocks(const protocol::BlocklistChanged& changed);
  /// Set by the session: somebody was blocked, here or on another device, or a block has ended.
  std::function<void()> on_blocks_changed;
  /// The account is another one from here on.
  void forget() { told_.clear(); }

 private:
  static constexpr std::size_t most_told = 512;
  /// Tells it, unless that was told last: a server may say to a device what it did itself.
  void tell_block(const Jid& who, bool blocked);

  void change_from(std::size_t place, Settings wanted, Reply<Settings> reply);
  void send_block(const BlockContact& wanted, Reply<void> reply);
  /// An account that has LIDs keeps its lists by LID.
  protocol::ExclusionListQuery list_of(protocol::PrivacyCategory category) const;
  /// Everybody of a list once, under both names.
  std::vector<Person> people_of(const std::vector<protocol::ExcludedUser>& users);
  /// The number of whom no LID is known, where lists are kept by LID.
  std::vector<Jid> without_lid(const ChangeExcluded& wanted);
  /// A list that another device changes meanwhile is read and changed once more.
  enum class Tries : std::uint8_t { two, one };
  void exclude(ChangeExcluded wanted, Reply<std::vector<Person>> reply, Tries tries = Tries::two);
  /// What makes of the list, as it is now, what is wanted of it.
  protocol::ExclusionListChange change_of(const protocol::ExclusionList& now, const ChangeExcluded& wanted);

  Context& c_;
  Directory& directory_;
  std::map<Jid, bool> told_;  // who was blocked or not when it was last told, in this process
};

}  // namespace wharf::sessions
