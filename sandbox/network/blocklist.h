#pragma once
// Whom an account has blocked. Specification 06 section 5.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/account/privacy.h"
#include "sandbox/network/account_sync.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"

namespace wharf::sandbox {

using JidTexts = std::set<std::string, std::less<>>;  // user JIDs as text
/// The version of such a list.
std::string dhash_of(const JidTexts& list);
/// Whether the account is on it, under either identity.
bool is_on(const JidTexts& list, const Account& account);
std::vector<protocol::ExcludedUser> users_of(const JidTexts& list);

class Blocklist {
 public:
  using Jids = JidTexts;

  Blocklist(NetworkContext& context, Accounts& accounts, AccountSync& sync)
      : c_(context), accounts_(accounts), sync_(sync) {}

  /// Nothing that `sender` says reaches `party`.
  bool blocks(const Party& party, const Party& sender) const;
  void on_iq(Origin& origin, const Node& iq);

  /// Somebody is called so by now, on every list.
  void rename(const Jid& from, const Jid& to);

  // --- in the account's row
  const Jids& of(std::string_view phone) const;
  void restore(const std::string& phone, Jids blocked) { lists_[phone] = std::move(blocked); }

 private:
  /// The refusal, or nullopt when the change was made.
  std::optional<Node> change(const Origin& origin, const Node& iq);

  NetworkContext& c_;
  Accounts& accounts_;
  AccountSync& sync_;
  std::map<std::string, Jids, std::less<>> lists_;  // by phone
};

}  // namespace wharf::sandbox
