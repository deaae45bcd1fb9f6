#pragma once
// Notifications about people and about what the own account shows. Each may come again; what was heard before changes
// nothing and is not told again. Specification 05 sections 6.2 and 6.4.

#include <functional>
#include <vector>

#include "protocol/notifications/notification.h"
#include "sessions/context.h"
#include "sessions/directory.h"
#include "sessions/groups/groups.h"
#include "sessions/people/contact_book.h"
#include "sessions/people/trusted_tokens.h"

namespace wharf::sessions {

class PeopleNotices {
 public:
  PeopleNotices(Context& context, Directory& directory, TrustedTokens& tokens, ContactBook& book, Groups& groups)
      : c_(context), directory_(directory), tokens_(tokens), book_(book), groups_(groups) {}

  /// Whatever type it has: those that others act on say nothing here.
  void on_notification(const Node& notification);
  /// What the account calls itself, whoever says it.
  void learn_own_name(const std::string& name);
  /// Set by the session: the own account has a name from now on; and another one than before.
  std::function<void()> on_named, on_renamed;
  /// Set by the session: the server speaks of newer app state.
  std::function<void(const protocol::AppStateMoved&)> on_app_state;
  /// Set by the session: another device changed these.
  std::function<void(const std::vector<protocol::PrivacySetting>&)> on_privacy;
  std::function<void(const protocol::BlocklistChanged&)> on_blocks;

 private:
  /// False for one that comes again. What was heard is known in this process alone: after a kill between its commit and
  /// its ack a picture that is not the newest is told again (an about text has its time).
  bool is_news(const Node& notification);
  /// Of the account itself, which is nobody's contact: told, and kept in no row.
  void tell_own(events::ContactUpdated::Change change, const std::string& text);
  void hear(const protocol::PictureChanged& change);
  void hear(const protocol::AboutChanged& change);
  void hear(const protocol::OwnPushNameChanged& change) { learn_own_name(change.name); }
  void hear(const protocol::AppStateMoved& moved) { on_app_state(moved); }
  void hear(const protocol::ContactNumberChanged& change);
  void hear_new_number(const protocol::ContactNumberChanged& change, const Jid& lid);
  /// Makes WhatsApp be asked whose the number is, as every hint that contradicts. What is filed under the old LID alone
  /// stays there.
  void hear(const protocol::LidChanged& change);
  void hear(const protocol::TrustedTokenReceived& given) { tokens_.hear(given); }
  void hear(const protocol::PrivacyChanged& change) { on_privacy(change.settings); }
  void hear(const protocol::BlocklistChanged& change) { on_blocks(change); }
  template <class Other>
  void hear(const Other&) {}

  Context& c_;
  Directory& directory_;
  TrustedTokens& tokens_;
  ContactBook& book_;
  Groups& groups_;
  static constexpr std::size_t most_heard = 128;
  std::vector<std::size_t> heard_;  // hashes of notifications, the newest last
};

}  // namespace wharf::sessions
