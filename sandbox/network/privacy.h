#pragma once
// Privacy settings of the accounts, and the way of a trusted-contact token to the one whom it is for. Specification 06
// section 5.

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "sandbox/network/account_sync.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery.h"
#include "sandbox/network/privacy_tokens.h"

namespace wharf::sandbox {

class Privacy {
 public:
  using Settings = std::map<std::string, std::string, std::less<>>;  // category -> value

  Privacy(NetworkContext& context, Accounts& accounts, Delivery& delivery, AccountSync& sync, PrivacyTokens& tokens)
      : c_(context), accounts_(accounts), delivery_(delivery), sync_(sync), tokens_(tokens) {}

  /// The set value of a category, else its default.
  std::string_view value_of(const Party& party, std::string_view category) const;
  void on_iq(Origin& origin, const Node& iq);

  // --- in the account's row
  /// Without defaults.
  const Settings& of(std::string_view phone) const;
  void restore(const std::string& phone, Settings settings) { settings_[phone] = std::move(settings); }

 private:
  Node all(const Party& party) const;
  void set(Origin& origin, const Node& iq, const Node& wanted);
  void issue_tokens(const Origin& origin, const Node& iq, const Node& wanted);
  void hand_over(const Party& issuer, const Party& holder, std::uint64_t t);

  NetworkContext& c_;
  Accounts& accounts_;
  Delivery& delivery_;
  AccountSync& sync_;
  PrivacyTokens& tokens_;
  std::map<std::string, Settings, std::less<>> settings_;  // by phone
};

}  // namespace wharf::sandbox
