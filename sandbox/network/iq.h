#pragma once
// The IQ catalogue: every namespace a client asks about, each with its minimal truthful answer. Never silence: an
// unanswered IQ costs a client a minute. Specification 06 section 5.

#include "sandbox/network/accounts.h"
#include "sandbox/network/app_state.h"
#include "sandbox/network/blocklist.h"
#include "sandbox/network/businesses.h"
#include "sandbox/network/channels/channel_iqs.h"
#include "sandbox/network/companions.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery.h"
#include "sandbox/network/groups/group_iqs.h"
#include "sandbox/network/media_conn.h"
#include "sandbox/network/prekeys.h"
#include "sandbox/network/privacy.h"
#include "sandbox/network/profile_pictures.h"
#include "sandbox/network/profiles.h"
#include "sandbox/network/statuses.h"
#include "sandbox/network/usync.h"

namespace wharf::sandbox {

class IqCatalogue {
 public:
  /// Who answers what is more than a line.
  struct Parts {
    NetworkContext& context;
    Delivery& delivery;
    PreKeys& prekeys;
    Usync& usync;
    AppState& app_state;
    Privacy& privacy;
    Blocklist& blocklist;
    Companions& companions;
    MediaConnections& media;
    GroupIqs& groups;
    ProfilePictures& pictures;
    Profiles& profiles;
    Businesses& businesses;
    Statuses& statuses;
    ChannelIqs& channels;
  };
  explicit IqCatalogue(const Parts& parts) : parts_(parts) {}

  /// The origin may be gone afterwards: a companion may remove itself.
  void on_iq(Origin& origin, const Node& iq);

 private:
  Parts parts_;
};

}  // namespace wharf::sandbox
