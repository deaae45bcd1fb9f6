#pragma once
// Trusted-contact tokens. A contact gives one to those it writes to; whoever holds it may begin a chat with a
// restricted account, and sees what is hidden from strangers. So the account shows what it was given, and gives one to
// whom it writes, once in a week. Specification 02 section 13, 03 section 4.6.

#include <map>
#include <set>

#include "protocol/notifications/events.h"
#include "sessions/context.h"
#include "sessions/directory.h"

namespace wharf::sessions {

class TrustedTokens {
 public:
  TrustedTokens(Context& context, Directory& directory) : c_(context), directory_(directory) {}

  /// What to show to this person; empty: nothing that is valid, or none is ever shown (the account itself, groups).
  Bytes token_of(const Jid& user);
  void hear(const protocol::TrustedTokenReceived& given);
  /// Whether who was written to is to be given a token: none was in this week.
  bool owes(const Jid& chat);
  void give(const Jid& chat) { issue(directory_.canonical_user(chat)); }
  /// The devices that had our token are gone.
  void on_identity_changed(const Jid& user);
  /// Two that were two are one: `to` is the LID.
  void join(const Jid& from, const Jid& to);

  /// `keep` false: the account is another one from here on.
  void end_turn(bool keep);
  void on_link_down() { asking_.clear(); }

 private:
  const storage::TrustedTokenRow& find(const Jid& user);
  void put(storage::TrustedTokenRow row);
  void issue(const Jid& user);

  static constexpr std::size_t kept = 32;
  Context& c_;
  Directory& directory_;
  std::map<Jid, storage::TrustedTokenRow> hot_;  // of whom was written to lately: asked with every message
  std::set<Jid> asking_;                         // the server was asked to give them one, on this connection
};

}  // namespace wharf::sessions
