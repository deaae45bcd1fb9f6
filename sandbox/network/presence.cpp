#include "sandbox/network/presence.h"

#include <algorithm>
#include <utility>

namespace wharf::sandbox {

namespace {

constexpr std::size_t max_push_name = 100;
constexpr std::size_t max_subscriptions = 2'000;
constexpr std::int64_t absence_grace_ms = 10'000;

}  // namespace

const Presence::Subscription* Presence::DeviceState::subscription_to(const std::string& phone) const {
  const auto found = subscriptions.find(phone);
  return found == subscriptions.end() ? nullptr : &found->second;
}

void Presence::on_presence(Origin& origin, const Node& presence) {
  const auto type = presence.attr("type");
  if (type == "subscribe") return subscribe(origin, presence);
  if (type == "unsubscribe") return unsubscribe(origin, presence);
  if (const auto name = presence.attr("name");
      !name.empty() && name.size() <= max_push_name && name != origin.party.account.name) {
    origin.party.account.name = name;
    accounts_.changed(origin.party);
    // Of a companion that brings a name the others hear by app state.
    if (origin.key.device == 0) sync_.tell_push_name(origin);
  }
  devices_[origin.key].available = type != "unavailable";
  accounts_seen_[origin.key.phone].absence_timer.reset();
  account_changed(origin.party);
}

void Presence::subscribe(const Origin& origin, const Node& presence) {
  const auto to = presence.jid("to");
  const auto target = to ? accounts_.resolve(*to) : std::nullopt;
  auto& watching = devices_[origin.key];
  if (!target || watching.subscriptions.size() >= max_subscriptions) return;
  auto& watched = *target->party;
  if (blocklist_.blocks(watched, origin.party)) return;
  const auto token = presence.child_data("tctoken");
  const Subscription how{target->lid, token && tokens_.valid(watched, origin.party, *token)};
  watching.subscriptions[watched.account.phone] = how;
  auto& state = accounts_seen_[watched.account.phone];
  state.watchers.insert(origin.key);
  const auto seen = visible(watched, state, origin.party, how);
  if (seen && watching.available) c_.send(origin.key, *seen);
}

void Presence::unsubscribe(const Origin& origin, const Node& presence) {
  const auto to = presence.jid("to");
  const auto target = to ? accounts_.resolve(*to) : std::nullopt;
  if (!target) return;
  devices_[origin.key].subscriptions.erase(target->party->account.phone);
  accounts_seen_[target->party->account.phone].watchers.erase(origin.key);
}

std::optional<Node> Presence::visible(const Party& party, const AccountState& state, const Party& watcher,
                                      const Subscription& how) const {
  if (blocklist_.blocks(party, watcher)) return std::nullopt;
  const bool sees_last = privacy_.lets_see(party, "last", watcher, how.trusted);
  const bool sees_online = privacy_.value_of(party, "online") == "match_last_seen" ? sees_last : true;
  if (!sees_last && !sees_online) return std::nullopt;
  Node presence("presence");
  presence.set("from", party.account.form(how.lid));
  if (state.online && sees_online) return presence;
  presence.set("type", "unavailable");
  if (!sees_last) return presence.set("last", "deny");
  if (state.last_seen != 0) return presence.set("last", static_cast<std::uint64_t>(state.last_seen));
  return presence.set("last", "none");
}

bool Presence::anybody_available(const Party& party) const {
  return std::any_of(party.account.devices.begin(), party.account.devices.end(), [&](const auto& device) {
    const auto found = devices_.find({party.account.phone, device.first});
    return found != devices_.end() && found->second.available;
  });
}

void Presence::account_changed(Party& party) {
  auto& state = accounts_seen_[party.account.phone];
  const bool online = anybody_available(party);
  if (online == state.online) return;
  state.online = online;
  if (!online) {
    state.last_seen = c_.now();
    accounts_.changed(party);
  }
  tell_watchers(party, state);
}

void Presence::tell_watchers(const Party& party, AccountState& state) {
  for (auto watcher = state.watchers.begin(); watcher != state.watchers.end();) {
    const auto device = devices_.find(*watcher);
    const auto* how = device == devices_.end() ? nullptr : device->second.subscription_to(party.account.phone);
    if (how == nullptr) {
      watcher = state.watchers.erase(watcher);  // subscriptions live as long as their connection
      continue;
    }
    const auto seen = visible(party, state, *accounts_.find(watcher->phone), *how);
    if (seen && device->second.available) c_.send(*watcher, *seen);
    ++watcher;
  }
}

void Presence::left(const DeviceKey& key) {
  reset(key);
  accounts_seen_[key.phone].absence_timer =
      c_.after(absence_grace_ms, [this, phone = key.phone] { account_changed(*accounts_.find(phone)); });
}

std::int64_t Presence::last_seen(std::string_view phone) const {
  const auto found = accounts_seen_.find(phone);
  return found == accounts_seen_.end() ? 0 : found->second.last_seen;
}

void Presence::on_chatstate(const Origin& origin, const Node& chatstate) {
  const auto to = chatstate.jid("to");
  if (chatstate.children().size() != 1) return;
  if (const auto* group = to ? groups_.find(*to) : nullptr) return relay_in_group(origin, *group, chatstate);
  const auto target = to ? accounts_.resolve(*to) : std::nullopt;
  if (!target || target->party == &origin.party) return;
  const auto& own = origin.party.account;
  if (blocklist_.blocks(*target->party, origin.party) || (target->lid && !own.has_lid())) return;
  Node relayed("chatstate");
  relayed.set("from", own.form(target->lid)).add(chatstate.children().front());
  relay_chatstate(*target->party, relayed);
}

void Presence::relay_chatstate(const Party& to, const Node& chatstate) {
  for (const auto& [device, known] : to.account.devices) {
    const DeviceKey key{to.account.phone, device};
    if (delivery_.is_live(key)) c_.send(key, chatstate);
  }
}

void Presence::relay_in_group(const Origin& origin, const Group& group, const Node& chatstate) {
  if (group.member(origin.key.phone) == nullptr) return;
  Node relayed("chatstate");
  relayed.set("from", group.jid()).set("participant", group.form(origin.party.account));
  relayed.add(chatstate.children().front());
  for (const auto& [phone, member] : group.members) {
    if (phone != origin.key.phone) relay_chatstate(*accounts_.find(phone), relayed);
  }
}

}  // namespace wharf::sandbox
