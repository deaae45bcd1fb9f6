#pragma once
// The accounts of the network: created, found by number, LID or JID, and which of them know each other.
// Specification 06 sections 7 and 8.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/account.h"
#include "sandbox/network/context.h"

namespace wharf::sandbox {

/// An account with what more than one part of the server keeps for it. It is never removed.
struct Party {
  Account account;
  std::deque<std::uint16_t> freed_devices;      // newest last: not given again at once
  std::set<std::string, std::less<>> contacts;  // accounts that have a chat with this one
};

/// The sender of a stanza that is being handled: an attached device.
struct Origin {
  Party& party;
  Device& device;
  DeviceKey key;
};

/// A JID resolved to an account, whichever identity it used.
struct Address {
  Party* party = nullptr;
  std::uint16_t device = 0;
  bool lid = false;
  DeviceKey key() const { return {party->account.phone, device}; }
};

class Accounts {
 public:
  explicit Accounts(NetworkContext& context) : c_(context) {}

  /// Errors: conflict (number taken), malformed (not 7-15 digits), refused (max_accounts reached).
  protocol::Result<Party*> create(std::string phone, std::string name, bool with_lid);
  /// By what names it for good.
  Party* find(std::string_view phone) const;
  /// By the digits of its number.
  Party* find_number(std::string_view number) const;
  /// A number that is free and well formed. Whoever is to be told was told before.
  void renumber(Party& party, std::string number);
  static bool is_number(std::string_view text);
  /// Who has, or had, this LID; nullptr: nobody ever.
  Party* find_lid(std::string_view lid) const;
  /// One that nobody has or had.
  std::string new_lid();
  /// 15 digits that nobody else has or had. The LID before stays its own, as a former one that still resolves.
  void give_lid(Party& party, std::string lid);
  std::optional<Address> resolve(const Jid& jid) const;
  /// Like resolve, but asks on_unknown_number for a number nobody has.
  std::optional<Address> resolve_or_create(const Jid& jid) const;
  Device* find_device(const DeviceKey& key) const;
  const std::map<std::string, std::unique_ptr<Party>, std::less<>>& all() const { return parties_; }
  /// Both have a chat with the other. True when that is new.
  bool introduce(Party& one, Party& other);

  // --- rows: account, contact, device
  void changed(const Party& party) { c_.changes.changed(RowKind::account, party.account.phone); }
  void device_changed(const DeviceKey& key);
  void restore(std::unique_ptr<Party> party);

 private:
  NetworkContext& c_;
  std::map<std::string, std::unique_ptr<Party>, std::less<>> parties_;  // by phone
  std::map<std::string, Party*, std::less<>> by_number_;
  std::map<std::string, Party*, std::less<>> by_lid_;  // former ones too
};

}  // namespace wharf::sandbox
