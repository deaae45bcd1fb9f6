#pragma once
// Who may know what an account shows of itself, and who is told when that changes. Contacts are the accounts that have
// a chat with it, as everywhere in this network. Specification 06 sections 5 and 12, 02 sections 11 and 13.

#include <set>
#include <string>
#include <string_view>

#include "protocol/notifications/notification.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/blocklist.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery.h"
#include "sandbox/network/privacy.h"
#include "sandbox/network/privacy_tokens.h"

namespace wharf::sandbox {

class Audience {
 public:
  Audience(NetworkContext& context, const Accounts& accounts, Delivery& delivery, const Privacy& privacy,
           const Blocklist& blocklist, const PrivacyTokens& tokens)
      : c_(context),
        accounts_(accounts),
        delivery_(delivery),
        privacy_(privacy),
        blocklist_(blocklist),
        tokens_(tokens) {}

  /// By the privacy setting `category` ("": there is none) and the block list of `party`. `token`: what the viewer
  /// shows, may be empty.
  bool may_see(const Party& party, std::string_view category, const Party& viewer, ByteView token = {}) const;

  /// Every device of the contacts that may see it; not of those who blocked the account. Queued like any notification.
  void tell_contacts(const Party& party, std::string_view category, const protocol::NotificationEvent& event);
  /// The same, whom it is told to by their names instead of the contacts.
  void tell(const Party& party, const std::set<std::string>& whom, const protocol::NotificationEvent& event);

 private:
  void tell_one(const Party& party, std::string_view category, const std::string& phone,
                const protocol::NotificationEvent& event);

  NetworkContext& c_;
  const Accounts& accounts_;
  Delivery& delivery_;
  const Privacy& privacy_;
  const Blocklist& blocklist_;
  const PrivacyTokens& tokens_;
};

}  // namespace wharf::sandbox
