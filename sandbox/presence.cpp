// Presence and chat state: never queued, told to whoever is there and asked. Specification 06 section 10.

#include <algorithm>
#include <string>
#include <utility>

#include "sandbox/network_state.h"

namespace wharf::sandbox {

namespace {

constexpr std::size_t max_push_name = 100;
constexpr std::size_t max_subscriptions = 2'000;

Node presence_of(const Party& party, bool lid) {
  Node presence("presence");
  presence.set("from", lid ? party.account.lid_jid() : party.account.pn_jid());
  if (party.online) return presence;
  presence.set("type", "unavailable");
  if (party.last_seen != 0) return presence.set("last", static_cast<std::uint64_t>(party.last_seen));
  return presence.set("last", "none");
}

bool anybody_available(const Party& party) {
  return std::any_of(party.slots.begin(), party.slots.end(),
                     [](const auto& slot) { return slot.second.port && slot.second.available; });
}

}  // namespace

void Network::State::on_presence(Origin& origin, const Node& presence) {
  const auto type = presence.attr("type");
  if (type == "subscribe") {
    const auto to = presence.jid("to");
    const auto target = to ? resolve(*to) : std::nullopt;
    if (!target || origin.slot.subscriptions.size() >= max_subscriptions) return;
    if (blocks(*target->party, origin.party)) return;
    origin.slot.subscriptions[target->party->account.phone] = target->lid;
    target->party->watchers.insert(origin.key);
    if (origin.slot.available) answer(origin, presence_of(*target->party, target->lid));
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
    if (slot->available && !blocks(party, *find(watcher->phone)))
      send_now(*watcher, *slot, presence_of(party, slot->subscriptions.at(party.account.phone)));
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
