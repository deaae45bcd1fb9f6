#include "sandbox/network/routing.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "protocol/messages/message_id.h"

namespace wharf::sandbox {

namespace {

constexpr std::size_t max_id_length = 128;

/// The other identity of the chat (own copies) or of the sender (everybody else's).
void add_other_identity(Node& stanza, const Origin& origin, const Address& to, const Address& chat, bool own_copy,
                        bool peer) {
  if (own_copy) {
    // Never sender_*: Baileys would take it for the other identity of the chat.
    if (peer || chat.party == &origin.party) return;
    const auto& account = chat.party->account;
    stanza.set("recipient", account.form(chat.lid));
    if (chat.lid || account.has_lid())
      stanza.set(chat.lid ? "peer_recipient_pn" : "peer_recipient_lid", account.form(!chat.lid));
    return;
  }
  const auto& sender = origin.party.account;
  if (to.lid || sender.has_lid()) stanza.set(to.lid ? "sender_pn" : "sender_lid", sender.form(!to.lid));
}

/// `chat`: the account an own copy belongs to, whichever device the stanza was addressed to.
Node copy_for(const Origin& origin, const Address& to, const Address& chat, const Node& message,
              const MessagePlan::Copy& copy, std::int64_t t) {
  Node stanza("message");
  stanza.set("id", message.attr("id")).set("from", origin.party.account.form(to.lid, origin.key.device));
  stanza.set("t", static_cast<std::uint64_t>(t));
  for (const auto key : {"type", "edit", "category"}) {
    if (message.has(key)) stanza.set(key, message.attr(key));
  }
  if (to.lid) stanza.set("addressing_mode", "lid");
  const bool own_copy = copy.target.phone == origin.key.phone;
  add_other_identity(stanza, origin, to, chat, own_copy, message.attr("category") == "peer");
  if (!origin.party.account.name.empty()) stanza.set("notify", origin.party.account.name);
  stanza.add(*copy.enc);
  if (copy.enc->attr("type") == "pkmsg") {
    if (const auto* proof = message.child("device-identity")) stanza.add(*proof);
  }
  for (const auto kept : {"meta", "bot", "biz"}) {
    if (const auto* child = message.child(kept)) stanza.add(*child);
  }
  return stanza;
}

}  // namespace

void Routing::on_message(const Origin& origin, const Node& message) {
  const auto id = message.attr("id");
  const auto to_jid = message.jid("to");
  const auto refuse = [&](const MessageRefusal& why) { answers_.refuse(origin, message, why); };
  if (id.empty()) return c_.complain("message without id from " + origin.key.phone);
  if (id.size() > max_id_length || !to_jid || to_jid->user.empty()) return refuse({400, "id or to"});
  if (to_jid->has_sender_keys()) return groups_.on_message(origin, message, *to_jid);
  const auto to = accounts_.resolve_or_create(*to_jid);
  if (!to) return refuse({404, "unknown recipient"});
  const auto plan = plan_of(accounts_, origin, *to, *to_jid, message);
  if (plan.error != 0) return refuse({plan.error, plan.why});
  if (to->lid && !origin.party.account.has_lid()) return refuse({400, "a sender without LID addresses by LID"});

  Transit transit{origin, message, id, *to, plan};
  const auto before = memory_.accepted_at(origin.key, id);
  if (const auto refusal = not_allowed(transit, !before)) return refuse(*refusal);
  transit.accepted = before.value_or(c_.now());
  if (!before) {
    memory_.accept(origin.key, id, transit.accepted);
    ++c_.stats.messages_accepted;
  }
  open_chat(transit);
  const bool delivered = deliver_copies(transit);
  if (before && !delivered) ++c_.stats.duplicate_sends;
  const auto phash = plan.single_device ? std::string() : corrected_phash(transit);
  auto ack = MessageAnswers::ack_of(message);
  // The sender has not heard yet (03 section 4.8): it arrives all the same.
  if (to->lid && to_jid->user != to->party->account.lid) ack.set("refresh_lid", "true");
  answers_.accept(origin, std::move(ack), transit.accepted, phash);
}

std::optional<MessageRefusal> Routing::not_allowed(const Transit& transit, bool first_time) {
  const auto& [origin, message, id, to, plan, accepted] = transit;
  if (first_time && origin.key.device != 0 && c_.faults.rate_limit_sends > 0) {
    --c_.faults.rate_limit_sends;
    return MessageRefusal{429, "fault rate_limit_sends"};
  }
  const bool new_chat = to.party != &origin.party && !origin.party.contacts.contains(to.party->account.phone);
  if (!new_chat) return std::nullopt;
  if (origin.party.account.new_chats_left == 0u) return MessageRefusal{475, "no new chat is left to this account"};
  const auto token = message.child_data("tctoken");
  if (to.party->account.restricted && !(token && tokens_.valid(*to.party, origin.party, *token)))
    return MessageRefusal{463, "a restricted account, and no valid token of it"};
  return std::nullopt;
}

void Routing::open_chat(const Transit& transit) {
  auto& sender = transit.origin.party;
  if (transit.to.party == &sender || !accounts_.introduce(sender, *transit.to.party)) return;
  if (!sender.account.new_chats_left) return;
  --*sender.account.new_chats_left;
  accounts_.changed(sender);
}

/// True when a device got a copy that it did not have.
bool Routing::deliver_copies(const Transit& transit) {
  const auto& [origin, message, id, to, plan, accepted] = transit;
  // A resend to an own device is addressed to that device and names its chat itself.
  const auto recipient = message.jid("recipient");
  const auto chat = (recipient ? accounts_.resolve(*recipient) : std::nullopt).value_or(to);
  bool delivered = false, changed = false;
  const auto compare = [&](const MessagePlan::Copy& copy) {
    changed |= !plan.single_device && memory_.copy_changed(origin.key, id, copy.target, copy.enc->data());
  };
  for (const auto& copy : plan.copies) {
    keys_.look(origin, message, copy.target, *copy.enc);
    if (memory_.target(origin.key, id, copy.target) == DeliveryMemory::Target::delivered) {
      compare(copy);
      continue;
    }
    // Acked like any other: the sender is not told that somebody blocked him.
    if (copy.target.phone != origin.key.phone && blocklist_.blocks(*to.party, origin.party)) continue;
    memory_.delivered(origin.key, id, copy.target);
    compare(copy);
    delivered = true;
    delivery_.enqueue(copy.target, copy_for(origin, to, chat, message, copy, accepted));
  }
  if (changed) {
    ++c_.stats.changed_resends[origin.key];
    c_.complain("message " + id + " of " + text_of(origin.key) + " came again with other bytes");
  }
  return delivered;
}

std::string Routing::corrected_phash(const Transit& transit) {
  const auto& [origin, message, id, to, plan, accepted] = transit;
  std::vector<Jid> all;
  bool missing = false;
  const auto add_account = [&all, &missing, &transit](const Account& account) {
    for (const auto& [device, known] : account.devices) {
      all.push_back(account.form(transit.to.lid, device));
      const DeviceKey key{account.phone, device};
      const auto& copies = transit.plan.copies;
      missing |= key != transit.origin.key &&
                 std::none_of(copies.begin(), copies.end(), [&](const auto& copy) { return copy.target == key; });
    }
  };
  add_account(to.party->account);
  if (to.party != &origin.party) add_account(origin.party.account);
  const auto sent = message.attr("phash");
  if (!missing && sent.empty()) return {};
  const auto actual = protocol::participant_hash(all);
  return sent == actual ? std::string() : actual;
}

}  // namespace wharf::sandbox
