#pragma once
// What is done to channels: making, changing and deleting them, following and leaving, and who is told. Companions are:
// the simulated phones do not look at channels. Specification 05 sections 6.3 and 8, 06 section 5.

#include <optional>

#include "protocol/channels/operations.h"
#include "protocol/notifications/notification.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/channels/channel_store.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery.h"

namespace wharf::sandbox {

/// The code of a refusal.
using ChannelRefusal = std::optional<unsigned>;

class ChannelDesk {
 public:
  ChannelDesk(NetworkContext& context, const Accounts& accounts, Delivery& delivery, ChannelStore& store)
      : c_(context), accounts_(accounts), delivery_(delivery), store_(store) {}

  /// `spared`: the device that asks, which hears of it by its answer; nullptr: none does.
  Channel* create(const Party& owner, const protocol::CreateChannel& wanted, const DeviceKey* spared);
  ChannelRefusal update(const Party& who, const protocol::UpdateChannel& wanted, const DeviceKey* spared);
  ChannelRefusal remove(const Party& who, const Jid& channel, const DeviceKey* spared);
  ChannelRefusal follow(const Party& who, const Jid& channel, const DeviceKey* spared);
  ChannelRefusal unfollow(const Party& who, const Jid& channel, const DeviceKey* spared);
  ChannelRefusal mute(const Party& who, const Jid& channel, bool muted, const DeviceKey* spared);
  /// Who is none becomes a follower first. Of the owner nothing.
  ChannelRefusal set_admin(const Party& who, const Jid& channel, bool admin);
  std::vector<protocol::ChannelMetadata> followed_by(const Party& who) const;

  /// Companions of the owner, the admins and the followers.
  std::vector<DeviceKey> audience(const Channel& channel) const;
  std::vector<DeviceKey> companions(std::string_view phone) const;
  void tell(const DeviceKey& device, const protocol::NotificationEvent& event);

 private:
  void tell_account(const Party& who, const DeviceKey* spared, const protocol::NotificationEvent& event);
  void tell_all(const Channel& channel, const DeviceKey* spared, const protocol::NotificationEvent& event);
  /// Empty takes it away.
  void set_picture(Channel& channel, const Bytes& picture);

  NetworkContext& c_;
  const Accounts& accounts_;
  Delivery& delivery_;
  ChannelStore& store_;
};

}  // namespace wharf::sandbox
