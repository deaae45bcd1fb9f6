// Receipts: they settle queue entries, are acked, and go on to whom their type concerns. Retry receipts too.
// Specification 06 sections 8.5 and 8.6.

#include <string>
#include <utility>

#include "sandbox/network_state.h"

namespace wharf::sandbox {

namespace {

constexpr std::uint64_t max_retry_count = 5;

bool is_read(std::string_view type) { return type == "read" || type == "played"; }
bool is_self_read(std::string_view type) { return type == "read-self" || type == "played-self"; }

/// The receipt as another device gets it: everything but the addresses unchanged, `t` always there.
Node relayed(const Node& receipt, std::string_view type, const Jid& from, std::int64_t now) {
  Node out("receipt");
  out.set("from", from).set("id", receipt.attr("id"));
  if (!type.empty()) out.set("type", type);
  out.set("t", static_cast<std::uint64_t>(now));
  for (const auto& child : receipt.children()) out.add(child);
  return out;
}

}  // namespace

void Network::State::on_receipt(Origin& origin, const Node& receipt) {
  const auto id = receipt.attr("id");
  const auto to = receipt.jid("to");
  if (id.empty() || !to) return complain("receipt without id or to from " + origin.key.phone);
  const auto type = receipt.attr("type");
  // Any receipt answers the message it names, the retry receipt included: the sender will send that one again.
  settle(origin, "message", receipt);

  Node ack("ack");
  ack.set("class", "receipt").set("id", id).set("from", *to);
  if (!type.empty()) ack.set("type", type);
  if (const auto participant = receipt.jid("participant")) ack.set("participant", *participant);
  answer(origin, ack.set("t", static_cast<std::uint64_t>(now())));

  const auto target = resolve(*to);
  if (!target) return;  // groups, status, newsletters, somebody gone
  const auto& own = origin.party.account;
  const auto own_jid = target->lid && own.has_lid() ? own.lid_jid(origin.key.device) : own.pn_jid(origin.key.device);
  const bool to_self = target->party == &origin.party;

  if (type == "retry") {
    const auto* retry = receipt.child("retry");
    if (!retry || retry->number("count").value_or(0) > max_retry_count || !find_device(target->key())) return;
    if (blocks(*target->party, origin.party)) return;
    const auto state = memory.target(target->key(), id, origin.key);
    if (state == DeliveryMemory::Target::unknown && memory.accepted_at(target->key(), id)) {
      return complain("retry receipt for " + id + " from a device it was not sent to");
    }
    if (state != DeliveryMemory::Target::unknown) memory.ask_again(target->key(), id, origin.key);
    auto asked = relayed(receipt, type, own_jid, now());
    // Never `participant`: in a 1:1 chat it would name somebody else as the one who asks.
    if (const auto jid = receipt.jid("recipient")) asked.set("recipient", *jid);
    if (receipt.has("category")) asked.set("category", receipt.attr("category"));
    ++stats.retries_relayed;
    return enqueue(target->key(), std::move(asked));
  }

  if (is_read(type) || is_self_read(type)) {
    // The reader's other devices clear the unread mark; whether the author learns of it is the reader's privacy.
    for (const auto& [device, known] : own.devices) {
      if (device == origin.key.device) continue;
      auto copy = relayed(receipt, type.starts_with("read") ? "read-self" : "played-self", own_jid, now());
      enqueue({own.phone, device}, copy.set("recipient", to->user_jid()));
    }
    if (is_self_read(type) || !own.read_receipts) return;
  }
  if (type == "sender" || type == "error") return;
  if (type == "peer_msg" || type == "hist_sync" || type == "server-error") {
    if (origin.key.device != 0) enqueue({own.phone, 0}, relayed(receipt, type, own_jid, now()));
    return;
  }
  if (blocks(*target->party, origin.party)) return;
  if (to_self) return;  // a device's word on its own account's message concerns nobody else
  if (type == "enc_rekey_retry") return enqueue(target->key(), relayed(receipt, type, own_jid, now()));
  ++stats.receipts_relayed;
  for (const auto& [device, known] : target->party->account.devices) {
    enqueue({target->party->account.phone, device}, relayed(receipt, type, own_jid, now()));
  }
}

}  // namespace wharf::sandbox
