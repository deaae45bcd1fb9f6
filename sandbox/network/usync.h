#pragma once
// usync: which devices, which LID, does a number exist, what does who asks see of a profile. Specification 06 section
// 7, 02 section 7.

#include <optional>
#include <string>

#include "sandbox/network/accounts.h"
#include "sandbox/network/businesses.h"
#include "sandbox/network/context.h"
#include "sandbox/network/profile_pictures.h"
#include "sandbox/network/profiles.h"

namespace wharf::sandbox {

class Usync {
 public:
  Usync(NetworkContext& context, Accounts& accounts, const Profiles& profiles, const ProfilePictures& pictures,
        const Businesses& businesses)
      : c_(context), accounts_(accounts), profiles_(profiles), pictures_(pictures), businesses_(businesses) {}

  void on_iq(const Origin& origin, const Node& iq);

 private:
  /// The row of one user: what each protocol of the query has to tell.
  Node row_of(const Party& viewer, const Node& user, const Node& query, bool limited);
  /// nullopt: there is nothing to tell. `token`: of a trusted contact, may be empty.
  std::optional<Node> told_of(const Address& address, const std::string& protocol, const Party& viewer,
                              ByteView token) const;

  NetworkContext& c_;
  Accounts& accounts_;
  const Profiles& profiles_;
  const ProfilePictures& pictures_;
  const Businesses& businesses_;
};

}  // namespace wharf::sandbox
