#pragma once
// What an account shows of itself to others, as the server keeps it. Specification 06 section 7, 05 sections 9 and 13.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "protocol/account/status_audience.h"
#include "protocol/business/catalog.h"
#include "protocol/business/profile.h"
#include "protocol/business/verified_name.h"

namespace wharf::sandbox {

/// What makes an account a business.
struct BusinessCard {
  static constexpr std::size_t max_products = 500;
  protocol::VerifiedName name;        // without a certificate an unsigned one is told
  protocol::BusinessProfile profile;  // without jid: it is told under the one that is asked for
  std::vector<protocol::Product> products;
  friend bool operator==(const BusinessCard&, const BusinessCard&) = default;
};

struct ShownAccount {
  std::string about;
  std::string picture_id;  // "": it has none
  std::uint32_t default_timer_s = 0;
  std::map<std::string, std::string> privacy;  // every category, by the names of the wire
  std::vector<std::string> blocked;            // phone numbers; JIDs of whom nobody knows
  const BusinessCard* business = nullptr;      // lives until it is changed
  protocol::StatusAudience status_audience;    // whom its status posts are for
};

}  // namespace wharf::sandbox
