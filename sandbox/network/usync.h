#pragma once
// usync: which devices, which LID, does a number exist, profile bits. Specification 06 section 7.

#include <optional>
#include <string>

#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"

namespace wharf::sandbox {

class Usync {
 public:
  Usync(NetworkContext& context, Accounts& accounts) : c_(context), accounts_(accounts) {}

  void on_iq(const Origin& origin, const Node& iq);

 private:
  /// The row of one user: what each protocol of the query has to tell.
  Node row_of(const Node& user, const Node& query, bool limited);
  std::optional<Node> told_of(const Address& address, const std::string& protocol) const;

  NetworkContext& c_;
  Accounts& accounts_;
};

}  // namespace wharf::sandbox
