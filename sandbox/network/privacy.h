#pragma once
// Privacy settings of the accounts, and the way of a trusted-contact token to the one whom it is for. Specification 06
// section 5.

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/account/privacy.h"
#include "sandbox/network/account_sync.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/blocklist.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery.h"
#include "sandbox/network/privacy_tokens.h"

namespace wharf::sandbox {

class Privacy {
 public:
  using Settings = std::map<std::string, std::string, std::less<>>;  // category -> value
  /// By category: whom contact_blacklist leaves out.
  using Exclusions = std::map<std::string, JidTexts, std::less<>>;

  Privacy(NetworkContext& context, Accounts& accounts, Delivery& delivery, AccountSync& sync, PrivacyTokens& tokens)
      : c_(context), accounts_(accounts), delivery_(delivery), sync_(sync), tokens_(tokens) {}

  /// The set value of a category, else its default.
  std::string_view value_of(const Party& party, std::string_view category) const;
  /// Whether `viewer` sees what the category rules. Contacts are those with whom there is a chat, and, `trusted`, who
  /// shows a token of the account.
  bool lets_see(const Party& party, std::string_view category, const Party& viewer, bool trusted) const;
  /// Every category with its value.
  Settings all_of(const Party& party) const;
  void on_iq(Origin& origin, const Node& iq);

  /// Somebody is called so by now, on the lists of those who speak of people by LID.
  void rename(const Jid& from, const Jid& to);
  /// The account speaks of people by LID from now on: its lists name those by LID that have one.
  void speak_by_lid(const Party& party);

  // --- in the account's row
  /// Without defaults.
  const Settings& of(std::string_view phone) const;
  const Exclusions& exclusions_of(std::string_view phone) const;
  void restore(const std::string& phone, Settings settings, Exclusions exclusions);

 private:
  void set(Origin& origin, const Node& iq);
  void tell_changed(const Origin& origin, const Node& iq, const std::vector<protocol::PrivacySetting>& settings);
  bool excludes(const Party& party, std::string_view category, const Party& viewer) const;
  Node exclusion_list(const Party& party, const Node& iq, protocol::ExclusionListQuery query) const;
  /// The code of the refusal, 0 when the list was changed.
  unsigned change_exclusions(const Party& party, const protocol::ExclusionListChange& change);
  void issue_tokens(const Origin& origin, const Node& iq, const Node& wanted);
  void hand_over(const Party& issuer, const Party& holder, std::uint64_t t);

  NetworkContext& c_;
  Accounts& accounts_;
  Delivery& delivery_;
  AccountSync& sync_;
  PrivacyTokens& tokens_;
  std::map<std::string, Settings, std::less<>> settings_;  // by phone
  std::map<std::string, Exclusions, std::less<>> exclusions_;
};

}  // namespace wharf::sandbox
