#pragma once
// Who is who, and on which devices: phone number <-> LID and device lists, from usync, stanza attributes and
// notifications. Specification 02 sections 7-9. One person is one chat; the canonical user JID is the LID when known.

#include <functional>
#include <map>
#include <vector>

#include "protocol/stanzas/usync.h"
#include "sessions/context.h"

namespace wharf::sessions {

class Directory {
 public:
  explicit Directory(Context& context) : c_(context) {}

  /// LID of a phone number when known, else the user itself; hosted mapped to its plain server, device dropped.
  Jid canonical_user(const Jid& jid);
  /// The same keeping the device number: the address sessions are filed under (03 section 1.1).
  Jid canonical_device(const Jid& device) { return canonical_user(device).with_device(device.device); }
  PersonIds person(const Jid& canonical);
  bool is_own(const Jid& user) const;

  /// A pair was learnt. Validates (one PN, one LID, never remaps ourselves), stores, migrates sessions, merges chats.
  void learn(const Jid& a, const Jid& b);

  /// Known device numbers, nullptr when unknown or stale.
  const std::vector<std::uint16_t>* devices(const Jid& canonical);
  void forget_devices(const Jid& canonical);
  /// Asks usync for the users (PN or LID); `done` runs in a later turn, true when the answer was usable and no user of it
  /// an error. What it told is stored: mappings and lists.
  void refresh(std::vector<Jid> users, std::function<void(bool)> done);

  void on_devices_notification(const Node& notification);
  void on_own_devices(const Node& account_sync);
  /// After the commit, or after a failed one (`keep` false).
  void end_turn(bool keep);

 private:
  struct List {
    std::vector<std::uint16_t> devices;
    UnixMs fetched_at = 0;
  };
  static constexpr std::size_t kept = 32;
  void store_list(const Jid& canonical, const protocol::UsyncUser& user);
  void remove_devices(const Jid& canonical, const Node& change);

  Context& c_;
  std::map<Jid, Jid> lids_;        // PN user -> LID user (or PN itself: known to be unmapped)
  std::map<Jid, Jid> pns_;         // LID user -> PN user
  std::map<Jid, List> lists_;
};

}  // namespace wharf::sessions
