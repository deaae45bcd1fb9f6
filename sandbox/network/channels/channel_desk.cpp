#include "sandbox/network/channels/channel_desk.h"

#include <utility>

namespace wharf::sandbox {

using protocol::ChannelRole;

namespace {

constexpr const char* updated = "NotificationNewsletterUpdate";

}  // namespace

std::vector<DeviceKey> ChannelDesk::companions(std::string_view phone) const {
  std::vector<DeviceKey> out;
  const auto* party = accounts_.find(phone);
  if (party == nullptr) return out;
  for (const auto& [number, device] : party->account.devices)
    if (number != 0) out.push_back({party->account.phone, number});
  return out;
}

std::vector<DeviceKey> ChannelDesk::audience(const Channel& channel) const {
  std::vector<DeviceKey> out = companions(channel.owner);
  for (const auto& [phone, member] : channel.members)
    for (auto& device : companions(phone)) out.push_back(std::move(device));
  return out;
}

void ChannelDesk::tell(const DeviceKey& device, const protocol::NotificationEvent& event) {
  const auto* party = accounts_.find(device.phone);
  if (party == nullptr) return;
  const protocol::NotificationHeader header{c_.next_id(), c_.unix_seconds(), party->account.pn_jid()};
  delivery_.enqueue(device, protocol::notification_stanza(header, event));
}

void ChannelDesk::tell_account(const Party& who, const DeviceKey* spared, const protocol::NotificationEvent& event) {
  for (const auto& device : companions(who.account.phone))
    if (spared == nullptr || device != *spared) tell(device, event);
}

void ChannelDesk::tell_all(const Channel& channel, const DeviceKey* spared, const protocol::NotificationEvent& event) {
  for (const auto& device : audience(channel))
    if (spared == nullptr || device != *spared) tell(device, event);
}

void ChannelDesk::set_picture(Channel& channel, const Bytes& picture) {
  channel.picture = picture;
  channel.picture_id = picture.empty() ? std::string() : std::to_string(c_.random.below(1'000'000'000));
}

Channel* ChannelDesk::create(const Party& owner, const protocol::CreateChannel& wanted, const DeviceKey* spared) {
  Channel* channel = store_.create(owner.account.phone);
  if (channel == nullptr) return nullptr;
  channel->name = wanted.name;
  channel->description = wanted.description;
  set_picture(*channel, wanted.picture);
  store_.changed(*channel);
  tell_account(owner, spared, protocol::ChannelJoined{channel->id});
  return channel;
}

ChannelRefusal ChannelDesk::update(const Party& who, const protocol::UpdateChannel& wanted, const DeviceKey* spared) {
  Channel* channel = store_.find(wanted.channel);
  if (channel == nullptr) return 404;
  if (!channel->may_post(who.account.phone)) return 403;
  if (wanted.name) {
    if (wanted.name->empty()) return 400;
    channel->name = *wanted.name;
    channel->name_at = c_.unix_seconds();
  }
  if (wanted.description) {
    channel->description = *wanted.description;
    channel->description_at = c_.unix_seconds();
  }
  if (wanted.picture) set_picture(*channel, *wanted.picture);
  if (wanted.reactions) channel->reactions = *wanted.reactions;
  store_.changed(*channel);
  tell_all(*channel, spared, protocol::ChannelChanged{channel->id, updated});
  return std::nullopt;
}

ChannelRefusal ChannelDesk::remove(const Party& who, const Jid& id, const DeviceKey* spared) {
  Channel* channel = store_.find(id);
  if (channel == nullptr) return 404;
  if (channel->owner != who.account.phone) return 403;
  tell_all(*channel, spared, protocol::ChannelLeft{channel->id, "GUEST"});
  store_.remove(channel->id);
  return std::nullopt;
}

ChannelRefusal ChannelDesk::follow(const Party& who, const Jid& id, const DeviceKey* spared) {
  Channel* channel = store_.find(id);
  if (channel == nullptr) return 404;
  if (channel->role_of(who.account.phone) != ChannelRole::guest) return std::nullopt;
  channel->members[who.account.phone];
  store_.changed(*channel);
  tell_account(who, spared, protocol::ChannelJoined{channel->id});
  return std::nullopt;
}

ChannelRefusal ChannelDesk::unfollow(const Party& who, const Jid& id, const DeviceKey* spared) {
  Channel* channel = store_.find(id);
  if (channel == nullptr) return 404;
  if (channel->owner == who.account.phone) return 403;
  if (channel->members.erase(who.account.phone) == 0) return std::nullopt;
  store_.changed(*channel);
  tell_account(who, spared, protocol::ChannelLeft{channel->id, "GUEST"});
  return std::nullopt;
}

ChannelRefusal ChannelDesk::mute(const Party& who, const Jid& id, bool muted, const DeviceKey* spared) {
  Channel* channel = store_.find(id);
  if (channel == nullptr) return 404;
  const auto member = channel->members.find(who.account.phone);
  if (member == channel->members.end()) return 403;
  if (std::exchange(member->second.muted, muted) == muted) return std::nullopt;
  store_.changed(*channel);
  tell_account(who, spared, protocol::ChannelMuted{channel->id, muted});
  return std::nullopt;
}

ChannelRefusal ChannelDesk::set_admin(const Party& who, const Jid& id, bool admin) {
  if (const auto refused = follow(who, id, nullptr)) return refused;
  Channel* channel = store_.find(id);
  const auto member = channel->members.find(who.account.phone);
  if (member == channel->members.end() || std::exchange(member->second.admin, admin) == admin) return std::nullopt;
  store_.changed(*channel);
  tell_account(who, nullptr,
               protocol::ChannelChanged{
                   channel->id, admin ? "NotificationNewsletterAdminPromote" : "NotificationNewsletterAdminDemote"});
  return std::nullopt;
}

std::vector<protocol::ChannelMetadata> ChannelDesk::followed_by(const Party& who) const {
  std::vector<protocol::ChannelMetadata> out;
  for (const Channel* channel : store_.all())
    if (channel->role_of(who.account.phone) != ChannelRole::guest)
      out.push_back(channel->metadata_for(who.account.phone));
  return out;
}

}  // namespace wharf::sandbox
