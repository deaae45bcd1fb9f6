// Presence and chat state: never queued, told to whoever is there and asked. Specification 06 section 10.

#include <algorithm>
#include <string>
#include <utility>

#include "sandbox/network_state.h"

namespace wharf::sandbox {

namespace {

constexpr std::size_t max_push_name = 100;
constexpr std::size_t max_subscriptions = 2'000;

/// Contacts are those with whom there is a chat, and who shows a token of the account.
bool may_see(std::string_view value, const Party& party, const Party& watcher, bool trusted) {
  if (&party == &watcher || value == "all") return true;
  if (value == "none") return false;
  return trusted || party.contacts.contains(watcher.account.phone);
}

bool anybody_available(const Party& party) {
  return std::any_of(party.slots.begin(), party.slots.end(),
                     [](const auto& slot) { return slot.second.port && slot.second.available; });
}

}  // namespace

std::optional<Node> Network::State::presence_for(const Party& party, const Party& watcher,
                                                 const Slot::Subscription& how) {
  if (blocks(party, watcher)) return std::nullopt;
  const bool sees_last = may_see(privacy_of(party, "last"), party, watcher, how.trusted);
  const bool sees_online = privacy_of(party, "online") == "match_last_seen" ? sees_last : true;
  if (!sees_last && !sees_online) return std::nullopt;
  Node presence("presence");
  presence.set("from", how.lid ? party.account.lid_jid() : party.account.pn_jid());
  if (party.online && sees_online) return presence;
  presence.set("type", "unavailable");
  if (!sees_last) return presence.set("last", "deny");
  if (party.last_seen != 0) return presence.set("last", static_cast<std::uint64_t>(party.last_seen));
  return presence.set("last", "none");
}

void Network::State::on_presence(Origin& origin, const Node& presence) {
  const auto type = presence.attr("type");
  if (type == "subscribe") {
    const auto to = presence.jid("to");
    const auto target = to ? resolve(*to) : std::nullopt;
    if (!target || origin.slot.subscriptions.size() >= max_subscriptions) return;
    if (blocks(*target->party, origin.party)) return;
    const auto token = presence.child_data("tctoken");
    const Slot::Subscription how{target->lid, token && valid_token(*target->party, origin.party, *token)};
    origin.slot.subscriptions[target->party->account.phone] = how;
    target->party->watchers.insert(origin.key);
    const auto state = presence_for(*target->party, origin.party, how);
    if (state && origin.slot.available) answer(origin, *state);
    return;
  }
  if (type == "unsubscribe") {
    const auto to = presence.jid("to");
    if (const auto target = to ? resolve(*to) : std::nullopt) {
      origin.slot.subscriptions.erase(target->party->account.phone);
      target->party->watchers.erase(origin.key);
    }
    return;
  }
  if (const auto name = presence.attr("name");
      !name.empty() && name.size() <= max_push_name && name != origin.party.account.name) {
    origin.party.account.name = name;
    account_changed(origin.party);
  }
  origin.slot.available = type != "unavailable";
  origin.party.absence_timer.reset();
  presence_changed(origin.party);
}

void Network::State::presence_changed(Party& party) {
  const bool online = anybody_available(party);
  if (online == party.online) return;
  party.online = online;
  if (!online) {
    party.last_seen = now();
    account_changed(party);
  }
  for (auto watcher = party.watchers.begin(); watcher != party.watchers.end();) {
    auto* slot = find_slot(*watcher);
    const bool subscribed = slot && slot->port && slot->subscriptions.contains(party.account.phone);
    if (!subscribed) {
      watcher = party.watchers.erase(watcher);  // subscriptions live as long as their connection
      continue;
    }
    const auto state = presence_for(party, *find(watcher->phone), slot->subscriptions.at(party.account.phone));
    if (state && slot->available) send_now(*watcher, *slot, *state);
    ++watcher;
  }
}

void Network::State::on_chatstate(Origin& origin, const Node& chatstate) {
  const auto to = chatstate.jid("to");
  const auto target = to ? resolve(*to) : std::nullopt;
  if (!target || target->party == &origin.party || chatstate.children().size() != 1) return;
  if (blocks(*target->party, origin.party) || (target->lid && !origin.party.account.has_lid())) return;
  const auto& own = origin.party.account;
  Node relayed("chatstate");
  relayed.set("from", target->lid ? own.lid_jid() : own.pn_jid()).add(chatstate.children().front());
  for (auto& [device, slot] : target->party->slots) {
    if (slot.port && slot.backlog_done && !slot.passive)
      send_now({target->party->account.phone, device}, slot, relayed);
  }
}

}  // namespace wharf::sandbox
