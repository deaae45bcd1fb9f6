#pragma once
// The about text and the default timer of accounts: set by any of their devices, told to their contacts. Specification
// 05 section 13 (items 2 and 6), 02 section 10.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sandbox/network/account_sync.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/audience.h"
#include "sandbox/network/context.h"

namespace wharf::sandbox {

class Profiles {
 public:
  struct Texts {
    std::string about;
    std::uint64_t about_at = 0;  // unix seconds; 0: never set
    std::uint32_t timer_s = 0;   // of new chats; 0: off
    std::uint64_t timer_at = 0;
  };

  Profiles(NetworkContext& context, Accounts& accounts, Audience& audience, AccountSync& sync)
      : c_(context), accounts_(accounts), audience_(audience), sync_(sync) {}

  /// Sets of namespaces status and disappearing_mode.
  void set_about(const Origin& origin, const Node& iq);
  void set_timer(const Origin& origin, const Node& iq);

  // --- what a usync tells: a protocol's child of the user
  Node about_for(const Party& party, const Party& viewer, ByteView token) const;  // status
  /// The newer form of it; nullopt: it is hidden.
  std::optional<Node> text_status_for(const Party& party, const Party& viewer, ByteView token) const;
  Node timer_of(const Party& party) const;  // disappearing_mode

  // --- in the account's row
  const Texts& of(std::string_view phone) const;
  void restore(const std::string& phone, Texts texts) { texts_[phone] = std::move(texts); }

 private:
  NetworkContext& c_;
  Accounts& accounts_;
  Audience& audience_;
  AccountSync& sync_;
  std::map<std::string, Texts, std::less<>> texts_;  // by phone
};

}  // namespace wharf::sandbox
