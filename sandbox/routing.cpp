// The way of a message: validation, the true device set, one stanza per device, the ack. Specification 06 section 8.
// The server reads attributes and envelopes only; ciphertext passes through unread.

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "protocol/messages/message_id.h"
#include "protocol/signal/session.h"
#include "sandbox/network_state.h"

namespace wharf::sandbox {

namespace {

constexpr std::size_t max_id_length = 128;
constexpr std::size_t max_recipients = 5'000;
constexpr std::size_t max_message_bytes = 1u << 20;

struct Copy {
  DeviceKey target;
  const Node* enc = nullptr;
};

/// What a valid message asks for, or the nack code.
struct Plan {
  unsigned error = 0;
  std::string why;
  bool single_device = false;  // a bare <enc>: retry or peer message
  std::vector<Copy> copies;    // existing devices except the sender
};

bool known_type(const std::string& type) { return type == "msg" || type == "pkmsg"; }

Plan plan_of(Network::State& server, const Origin& origin, const Address& to, const Jid& to_jid, const Node& message) {
  Plan plan;
  const auto fail = [&](unsigned code, std::string why) {
    plan.error = code;
    plan.why = std::move(why);
    plan.copies.clear();
    return plan;
  };
  std::size_t bytes = 0;
  const auto add = [&](const DeviceKey& target, const Node& enc) {
    bytes += enc.data().size();
    if (target == origin.key || !server.find_device(target)) return;  // stale: shows in the phash only
    const auto twice = [&](const Copy& copy) { return copy.target == target; };
    if (plan.copies.size() < 64 && std::any_of(plan.copies.begin(), plan.copies.end(), twice)) return;
    plan.copies.push_back(Copy{target, &enc});
  };
  const auto valid_enc = [&](const Node& enc) {
    return known_type(enc.attr("type")) && !enc.data().empty() && enc.attr("v") == "2";
  };

  if (const auto* bare = message.child("enc")) {
    if (!valid_enc(*bare)) return fail(479, "enc of unknown type or empty");
    if (message.attr("category") == "peer" && message.child("tctoken")) return fail(479, "tctoken on a peer message");
    if (message.has("phash")) return fail(479, "phash on a message to one device");
    plan.single_device = true;
    if (to.key() == origin.key) return fail(400, "addressed to the sending device");
    add(to.key(), *bare);
  } else {
    const auto* participants = message.child("participants");
    if (!participants) return fail(400, "no enc");
    const auto rows = participants->children("to");
    if (rows.empty() || rows.size() > max_recipients) return fail(400, "no or too many recipients");
    if (to_jid.device != 0) return fail(400, "a fan-out is addressed to a user, not to a device");
    bool somebody_else = false;
    for (const auto* row : rows) {
      const auto jid = row->jid("jid");
      const auto* enc = row->child("enc");
      const auto address = jid ? server.resolve(*jid) : std::nullopt;
      if (!enc || !valid_enc(*enc)) return fail(479, "enc of unknown type or empty");
      if (!address || (address->party != to.party && address->party != &origin.party)) {
        return fail(400, "enc for a foreign account");
      }
      if (address->lid != to.lid) return fail(400, "mixed phone number and LID addressing");
      somebody_else |= address->key() != origin.key;
      add(address->key(), *enc);
    }
    if (!somebody_else) return fail(400, "addressed to the sending device only");
  }
  if (bytes > max_message_bytes) return fail(400, "message too large");
  return plan;
}

Jid identity(const Account& account, bool lid, std::uint16_t device = 0) {
  return lid ? account.lid_jid(device) : account.pn_jid(device);
}

/// `chat`: the account an own copy belongs to, whichever device the stanza was addressed to.
Node copy_for(const Origin& origin, const Address& to, const Address& chat, const Node& message, const Copy& copy,
              std::int64_t t) {
  Node stanza("message");
  stanza.set("id", message.attr("id")).set("from", identity(origin.party.account, to.lid, origin.key.device));
  stanza.set("t", static_cast<std::uint64_t>(t));
  for (const auto key : {"type", "edit", "category"}) {
    if (message.has(key)) stanza.set(key, message.attr(key));
  }
  if (to.lid) stanza.set("addressing_mode", "lid");
  const bool peer = message.attr("category") == "peer";
  const bool own_copy = copy.target.phone == origin.key.phone;
  if (own_copy) {
    // Never sender_*: Baileys would take it for the other identity of the chat.
    if (!peer && chat.party != &origin.party) {
      stanza.set("recipient", identity(chat.party->account, chat.lid));
      if (chat.lid || chat.party->account.has_lid())
        stanza.set(chat.lid ? "peer_recipient_pn" : "peer_recipient_lid", identity(chat.party->account, !chat.lid));
    }
  } else {
    if (to.lid || origin.party.account.has_lid())
      stanza.set(to.lid ? "sender_pn" : "sender_lid", identity(origin.party.account, !to.lid));
  }
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

void Network::State::on_message(Origin& origin, const Node& message) {
  const auto id = message.attr("id");
  const auto to_jid = message.jid("to");
  Node ack("ack");
  ack.set("class", "message").set("id", id);
  if (to_jid) ack.set("from", *to_jid);
  const auto refuse = [&](unsigned code, std::string_view why) {
    complain("message " + id + " of " + origin.key.phone + " refused with " + std::to_string(code) + ": " +
             std::string(why));
    answer(origin, ack.set("t", static_cast<std::uint64_t>(now())).set("error", std::uint64_t{code}));
  };
  if (id.empty()) return complain("message without id from " + origin.key.phone);
  if (id.size() > max_id_length || !to_jid || to_jid->user.empty()) return refuse(400, "id or to");
  const auto to = resolve_or_create(*to_jid);
  if (!to) return refuse(404, "unknown recipient");
  const auto plan = plan_of(*this, origin, *to, *to_jid, message);
  if (plan.error != 0) return refuse(plan.error, plan.why);
  if (to->lid && !origin.party.account.has_lid()) return refuse(400, "a sender without LID addresses by LID");

  auto accepted = memory.accepted_at(origin.key, id);
  const bool first_time = !accepted;
  const bool new_chat = to->party != &origin.party && !origin.party.contacts.contains(to->party->account.phone);
  auto& sender = origin.party.account;
  if (first_time && origin.key.device != 0 && faults.rate_limit_sends > 0) {
    --faults.rate_limit_sends;
    return refuse(429, "fault rate_limit_sends");
  }
  if (new_chat && sender.new_chats_left == 0u) return refuse(475, "no new chat is left to this account");
  if (const auto token = message.child_data("tctoken");
      new_chat && to->party->account.restricted && !(token && valid_token(*to->party, origin.party, *token)))
    return refuse(463, "a restricted account, and no valid token of it");
  if (first_time) {
    accepted = now();
    memory.accept(origin.key, id, *accepted);
    ++stats.messages_accepted;
  }
  if (!plan.single_device && memory.fanout_changed(origin.key, id, protocol::encode_node(message))) {
    ++stats.changed_resends[origin.key];
    complain("message " + id + " of " + origin.key.phone + ":" + std::to_string(origin.key.device) +
             " came again with other bytes");
  }
  if (to->party != &origin.party && origin.party.contacts.insert(to->party->account.phone).second) {
    if (sender.new_chats_left) {
      --*sender.new_chats_left;
      account_changed(origin.party);
    }
    to->party->contacts.insert(origin.key.phone);
    changes.changed(RowKind::contact, origin.key.phone, to->party->account.phone);
    changes.changed(RowKind::contact, to->party->account.phone, origin.key.phone);
  }

  // A resend to an own device is addressed to that device and names its chat itself.
  const auto recipient = message.jid("recipient");
  const auto chat = (recipient ? resolve(*recipient) : std::nullopt).value_or(*to);
  bool delivered = false;
  for (const auto& copy : plan.copies) {
    const bool pre_key = copy.enc->attr("type") == "pkmsg";
    const auto kind = pre_key ? protocol::CiphertextKind::pre_key_message : protocol::CiphertextKind::message;
    if (const auto key = protocol::read_message_key(kind, copy.enc->data())) {
      if (memory.key_reused(origin.key, copy.target, key->ratchet_key, key->counter, copy.enc->data())) {
        ++stats.reused_message_keys;
        ++stats.reused_by[origin.key];
        changes.changed(RowKind::server, {}, std::string(reused_keys_row));
        complain("MESSAGE KEY REUSED by " + origin.key.phone + ":" + std::to_string(origin.key.device) + " to " +
                 copy.target.phone + ":" + std::to_string(copy.target.device) + " in message " + id);
      }
    }
    if (pre_key && origin.key.device != 0 && !message.child("device-identity")) {
      complain("pkmsg without device-identity from companion " + origin.key.phone + " in message " + id);
    }
    if (memory.target(origin.key, id, copy.target) == DeliveryMemory::Target::delivered) continue;
    // Acked like any other: the sender is not told that somebody blocked him.
    if (copy.target.phone != origin.key.phone && blocks(*to->party, origin.party)) continue;
    memory.delivered(origin.key, id, copy.target);
    delivered = true;
    enqueue_message(copy.target, copy_for(origin, *to, chat, message, copy, *accepted));
  }
  if (!first_time && !delivered) ++stats.duplicate_sends;

  if (faults.drop_acks > 0) {
    --faults.drop_acks;
    return;
  }
  ack.set("t", static_cast<std::uint64_t>(*accepted));
  if (!plan.single_device) {
    std::vector<Jid> all;
    bool missing = false;
    const auto add_account = [&](const Party& party) {
      for (const auto& [device, known] : party.account.devices) {
        all.push_back(identity(party.account, to->lid, device));
        const DeviceKey key{party.account.phone, device};
        missing |= key != origin.key && std::none_of(plan.copies.begin(), plan.copies.end(),
                                                     [&](const Copy& copy) { return copy.target == key; });
      }
    };
    add_account(*to->party);
    if (to->party != &origin.party) add_account(origin.party);
    if (const auto sent = message.attr("phash"); missing || !sent.empty()) {
      const auto actual = protocol::participant_hash(all);
      if (sent.empty() || sent != actual) ack.set("phash", actual);
    }
  }
  answer(origin, ack);
}

}  // namespace wharf::sandbox
