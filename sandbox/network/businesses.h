#pragma once
// Business accounts: the name that is attested, the profile and the catalogue. Specification 05 section 9, 02 section
// 10, 06 section 5.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/network/accounts.h"
#include "sandbox/network/audience.h"
#include "sandbox/network/context.h"
#include "sandbox/shown_account.h"

namespace wharf::sandbox {

class Businesses {
 public:
  Businesses(NetworkContext& context, const Accounts& accounts, Audience& audience)
      : c_(context), accounts_(accounts), audience_(audience) {}

  /// nullptr: it is none.
  const BusinessCard* of(std::string_view phone) const;
  /// nullopt: it is none any more. Contacts are told of what changed: name, profile, products.
  void set(const Party& party, std::optional<BusinessCard> card);

  /// w:biz: profiles, and the verified name of one.
  void on_iq(const Origin& origin, const Node& iq);
  /// w:biz:catalog: the catalogue page by page. There are no collections.
  void on_catalogue(const Origin& origin, const Node& iq);
  /// <business><verified_name>: what a usync tells; nullopt of who is no business.
  std::optional<Node> verified_name_of(const Party& party) const;

  // --- row: business
  std::optional<Bytes> row(std::string_view phone) const;
  void restore(const std::string& phone, ByteView row);

 private:
  const BusinessCard* asked_for(const Jid& jid) const;
  void tell(const Party& party, const BusinessCard* before, const BusinessCard* now);

  NetworkContext& c_;
  const Accounts& accounts_;
  Audience& audience_;
  std::map<std::string, BusinessCard, std::less<>> cards_;  // by phone
};

}  // namespace wharf::sandbox
