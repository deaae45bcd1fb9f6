#pragma once
// Who is online and who writes; whether the account itself shows as online. Nothing of it is sure to arrive, and
// nothing outlives its connection but who is to be watched. Specification 02 section 12.

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "sessions/alarms.h"
#include "sessions/context.h"
#include "sessions/directory.h"
#include "sessions/people/contact_book.h"
#include "sessions/people/people_commands.h"
#include "sessions/people/trusted_tokens.h"

namespace wharf::sessions {

class Presence {
 public:
  Presence(Context& context, Directory& directory, TrustedTokens& tokens, ContactBook& book)
      : c_(context), directory_(directory), tokens_(tokens), book_(book) {}

  // --- the own account
  /// Sends may go out: shows the account as the config or the last ShowPresence wants it.
  void on_online();
  Outcome<> show(bool available);
  /// The account calls itself something else: others are told with what it shows.
  void on_renamed();
  /// The config says otherwise than before: what was said meanwhile counts no more.
  void on_config();
  /// The account is another one from here on.
  void forget() { wish_.reset(); }
  Outcome<> show_chat_state(const Jid& chat, protocol::ChatState state);

  // --- others
  Outcome<PresenceView> watch(const WatchPresence& wanted);
  PresenceView view(const Jid& who);
  void on_presence(const Node& presence);
  void on_chat_state(const Node& stanza);

  std::optional<net::SteadyTime> due() const;
  void on_due();
  void on_link_down();

 private:
  static constexpr std::size_t most_writing = 512, subscriptions_at_once = 50;
  static constexpr std::chrono::seconds between_subscriptions{1};

  struct Seen {
    bool available = false;
    protocol::LastSeen last;
    UnixMs at = 0;
  };
  using InChat = std::pair<Jid, Jid>;  // chat and user

  bool wants_to_show() const { return wish_.value_or(c_.config.shows_online); }
  /// False: it has no name yet, and says nothing.
  bool say(bool available);
  void subscribe_to_all();
  void subscribe_some();
  void tell_chat_state(const InChat& who, protocol::ChatState state);

  Context& c_;
  Directory& directory_;
  TrustedTokens& tokens_;
  ContactBook& book_;
  std::optional<bool> wish_;
  std::map<Jid, Seen> seen_;                       // at most max_watched
  std::map<InChat, protocol::ChatState> writing_;  // composing and recording
  Alarms<InChat> ends_;                            // of those that are not repeated
  std::vector<Jid> to_subscribe_;
  std::optional<net::SteadyTime> next_at_;  // of the next of them
};

}  // namespace wharf::sessions
