#include "sandbox/network/groups/group_routing.h"

#include <utility>
#include <vector>

#include "protocol/messages/message_id.h"
#include "sandbox/network/statuses.h"

namespace wharf::sandbox {

namespace {

constexpr std::string_view admin_revoke = "8";  // of `edit`

/// Stands for all who share one ciphertext, in the memory of what was delivered.
DeviceKey everybody(const Group& group) { return {group.id, 0}; }

}  // namespace

void GroupRouting::on_message(const Origin& origin, const Node& message, const Jid& to) {
  const auto id = message.attr("id");
  Group audience;
  if (to.is_status()) {
    if (const auto refusal = refused_status(message)) return p_.answers.refuse(origin, message, *refusal);
    audience = audience_of(p_.accounts, origin, message);
  }
  auto* group = to.is_status() ? &audience : p_.store.find(to);
  if (group == nullptr) return p_.answers.refuse(origin, message, {404, "unknown group"});
  if (!group->status) p_.faults.before_message(origin, *group);

  auto ack = MessageAnswers::ack_of(message);
  const auto refuse = [&](const MessageRefusal& why) { p_.answers.refuse(origin, ack, message, why); };
  if (const auto refusal = not_admitted(origin, message, *group)) {
    // With the mode that is true now: it is sent once more in that one.
    if (refusal->code == 421) {
      ack.set("addressing_mode", group->lid ? "lid" : "pn");
      p_.memory.forget_copies(origin.key, id);
    }
    return refuse(*refusal);
  }
  auto plan = plan_of(p_.accounts, origin, *group, message);
  if (plan.error != 0) return refuse({plan.error, plan.why});
  // Nobody else is given a status by a resend.
  if (group->status && plan.only && p_.memory.target(origin.key, id, *plan.only) == DeliveryMemory::Target::unknown)
    return refuse({403, "a status for somebody whom it was not posted to"});
  if (plan.shared != nullptr && !plan.single.empty() && !group->status && p_.faults.loses_sender_keys())
    plan.single.clear();

  Transit transit{origin, message, id, *group, plan};
  const auto before = p_.memory.accepted_at(origin.key, id);
  if (const auto refusal = not_allowed(origin, message, *group, !before)) return refuse(*refusal);
  transit.accepted = before.value_or(p_.context.now());
  if (!before) {
    p_.memory.accept(origin.key, id, transit.accepted);
    ++p_.context.stats.messages_accepted;
  }
  const auto& listener = p_.context.listeners.on_group_message;
  if (listener && !plan.only && !group->status)
    listener({origin.key, id, *group, plan.shared == nullptr ? ByteView() : plan.shared->data(), bool(before)});
  watch_keys(transit);
  const bool reached_somebody = deliver(transit);
  if (!reached_somebody && before) ++p_.context.stats.duplicate_sends;
  compare_bytes(transit, reached_somebody);
  auto phash = corrected_phash(transit);
  if (!phash.empty()) p_.memory.ask_again(origin.key, id, everybody(*group));
  p_.answers.accept(origin, std::move(ack), transit.accepted, std::move(phash));
}

std::optional<MessageRefusal> GroupRouting::not_admitted(const Origin& origin, const Node& message,
                                                         const Group& group) {
  if (group.member(origin.key.phone) == nullptr && !p_.faults.admits_stranger())
    return MessageRefusal{401, "not in the group"};
  if (group.is_root()) return MessageRefusal{405, "a community has no chat of its own"};
  const auto lid = group.status ? std::nullopt : names_by_lid(message);
  if (lid && *lid != group.lid) return MessageRefusal{421, "stale addressing mode"};
  return std::nullopt;
}

std::optional<MessageRefusal> GroupRouting::not_allowed(const Origin& origin, const Node& message, const Group& group,
                                                        bool first_time) {
  auto& limited = p_.context.faults.rate_limit_sends;
  if (first_time && origin.key.device != 0 && limited > 0) {
    --limited;
    return MessageRefusal{429, "fault rate_limit_sends"};
  }
  const bool admin = group.is_admin(origin.key.phone);
  if (group.settings.announcement && !admin) return MessageRefusal{403, "only admins send here"};
  if (message.attr("edit") == admin_revoke && !admin)
    return MessageRefusal{403, "only admins take back what others sent"};
  return std::nullopt;
}

Node GroupRouting::envelope(const Transit& transit) const {
  const auto& [origin, message, id, group, plan, accepted] = transit;
  const auto& sender = origin.party.account;
  Node stanza("message");
  stanza.set("id", id).set("from", group.jid()).set("participant", group.form(sender, origin.key.device));
  stanza.set("t", static_cast<std::uint64_t>(accepted));
  for (const auto key : {"type", "edit", "mediatype"}) {
    if (message.has(key)) stanza.set(key, message.attr(key));
  }
  if (!group.status) stanza.set("addressing_mode", group.lid ? "lid" : "pn");
  if (!sender.name.empty()) stanza.set("notify", sender.name);
  return stanza;
}

bool GroupRouting::has_it(const Transit& transit, const DeviceKey& target) {
  return p_.memory.target(transit.origin.key, transit.id, target) == DeliveryMemory::Target::delivered;
}

bool GroupRouting::deliver(const Transit& transit) {
  const auto& [origin, message, id, group, plan, accepted] = transit;
  const Node common = envelope(transit);
  const auto* proof = message.child("device-identity");
  bool delivered = false;
  const auto deliver_to = [&](const Party& party, std::uint16_t device) {
    const DeviceKey target{party.account.phone, device};
    if (target == origin.key || (plan.only && target != *plan.only)) return;
    const auto own = plan.single.find(target);
    const auto* single = own == plan.single.end() ? nullptr : own->second;
    if ((single == nullptr && plan.shared == nullptr) || has_it(transit, target)) return;
    p_.memory.delivered(origin.key, id, target);
    Node stanza = common;
    p_.views.add_other_identity(stanza, "participant", group, party, origin.party);
    // The pairwise one first: it holds the key of the other.
    if (single != nullptr) stanza.add(*single);
    if (plan.shared != nullptr) stanza.add(*plan.shared);
    if (single != nullptr && single->attr("type") == "pkmsg" && proof != nullptr) stanza.add(*proof);
    for (const auto kept : {"meta", "bot", "biz"}) {
      if (const auto* child = message.child(kept)) stanza.add(*child);
    }
    delivered = true;
    p_.delivery.enqueue(target, std::move(stanza));
  };
  for (const auto& [phone, member] : group.members) {
    const auto& party = *p_.accounts.find(phone);
    for (const auto& [device, known] : party.account.devices) deliver_to(party, device);
  }
  return delivered;
}

void GroupRouting::watch_keys(const Transit& transit) {
  const auto& [origin, message, id, group, plan, accepted] = transit;
  for (const auto& [target, enc] : plan.single) p_.keys.look(origin, message, target, *enc);
  if (plan.shared != nullptr) p_.keys.look_shared(origin, message, everybody(group), *plan.shared);
}

// Whether an accepted message comes again with other bytes for somebody who has it. That is right once after the server
// has said that it was not for the right devices, or somebody could not read it; the ciphertext for all also when it
// reaches somebody by that.
void GroupRouting::compare_bytes(const Transit& transit, bool reached_somebody) {
  const auto& [origin, message, id, group, plan, accepted] = transit;
  if (plan.only) return;
  const auto all = everybody(group);
  const bool told = p_.memory.target(origin.key, id, all) == DeliveryMemory::Target::asked_again;
  bool changed = false, anew = false;
  for (const auto& [target, enc] : plan.single) changed |= p_.memory.copy_changed(origin.key, id, target, enc->data());
  if (plan.shared != nullptr) {
    if (!has_it(transit, all)) p_.memory.delivered(origin.key, id, all);
    anew = p_.memory.copy_changed(origin.key, id, all, plan.shared->data());
  }
  if (!changed && !anew) return;
  ++p_.context.stats.changed_resends[origin.key];
  if (told || (!changed && reached_somebody)) ++p_.context.stats.sealed_anew_for_groups[origin.key];
  p_.context.complain("message " + id + " of " + text_of(origin.key) + " came again with other bytes");
}

/// "" when the sender's is the true one, or when he sent none and nothing shows that he is wrong.
std::string GroupRouting::corrected_phash(const Transit& transit) const {
  const auto& plan = transit.plan;
  const auto sent = transit.message.attr("phash");
  if (plan.only || (sent.empty() && !plan.strangers)) return {};
  std::vector<Jid> all;
  for (const auto& [phone, member] : transit.group.members) {
    const auto& account = p_.accounts.find(phone)->account;
    for (const auto& [device, known] : account.devices) all.push_back(transit.group.form(account, device));
  }
  auto actual = protocol::participant_hash(all);
  return sent == actual ? std::string() : std::move(actual);
}

}  // namespace wharf::sandbox
