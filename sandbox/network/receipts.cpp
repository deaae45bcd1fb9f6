#include "sandbox/network/receipts.h"

#include <utility>

#include "sandbox/network/calls.h"
#include "sandbox/network/receipt_kinds.h"
#include "sandbox/network/statuses.h"

namespace wharf::sandbox {

void Receipts::on_receipt(const Origin& origin, const Node& receipt) {
  const auto to = receipt.jid("to");
  if (receipt.attr("id").empty() || !to) return c_.complain("receipt without id or to from " + origin.key.phone);
  const auto type = receipt.attr("type");
  if (Calls::is_answer(receipt)) {
    delivery_.settle(origin.key, "call", receipt);
    return acknowledge(origin, receipt, type, *to);
  }
  // Any receipt answers the message it names, the retry receipt included: the sender will send that one again.
  delivery_.settle(origin.key, "message", receipt);
  acknowledge(origin, receipt, type, *to);

  if (to->is_status()) return group_receipts_.on_receipt(origin, receipt, audience_of(origin));
  if (const auto* group = groups_.find(*to)) return group_receipts_.on_receipt(origin, receipt, *group);
  const auto target = accounts_.resolve(*to);
  if (!target) return;  // newsletters, somebody gone
  const auto& own = origin.party.account;
  const Passage passage{origin, receipt, type, *target, own.form(target->lid, origin.key.device)};
  if (type == "retry") return relay_retry(passage);
  if (is_read(type) || is_self_read(type)) {
    // The reader's other devices clear the unread mark; whether the author learns of it is the reader's privacy.
    tell_own_devices(passage, to->user_jid());
    if (is_self_read(type) || !own.read_receipts) return;
  }
  relay(passage);
}

void Receipts::on_notification(const Origin& origin, const Node& notification) {
  const auto to = notification.jid("to");
  const auto target = to ? accounts_.resolve(*to) : std::nullopt;
  const bool own_companion = target && target->party == &origin.party && to->device != 0;
  if (origin.key.device != 0 || notification.attr("type") != "mediaretry" || !own_companion)
    return c_.complain("a notification that is not its to send, from " + text_of(origin.key));
  Node out("notification");
  out.set("from", to->user_jid()).set("type", "mediaretry").set("id", notification.attr("id"));
  out.set("t", c_.unix_seconds());
  for (const auto& child : notification.children()) out.add(child);
  delivery_.enqueue({origin.key.phone, to->device}, std::move(out));
}

void Receipts::acknowledge(const Origin& origin, const Node& receipt, const std::string& type, const Jid& to) {
  Node ack("ack");
  ack.set("class", "receipt").set("id", receipt.attr("id")).set("from", to);
  if (!type.empty()) ack.set("type", type);
  if (const auto participant = receipt.jid("participant")) ack.set("participant", *participant);
  c_.send(origin.key, ack.set("t", c_.unix_seconds()));
}

Node Receipts::relayed(const Passage& passage, std::string_view type) const {
  Node out("receipt");
  out.set("from", passage.from).set("id", passage.receipt.attr("id"));
  if (!type.empty()) out.set("type", type);
  out.set("t", c_.unix_seconds());
  for (const auto& child : passage.receipt.children()) out.add(child);
  return out;
}

void Receipts::relay_retry(const Passage& passage) {
  const auto& [origin, receipt, type, target, from] = passage;
  const auto* retry = receipt.child("retry");
  const auto author = target.key();
  if (!retry || retry->number("count").value_or(0) > max_retry_count || !accounts_.find_device(author)) return;
  if (blocklist_.blocks(*target.party, origin.party)) return;
  const auto id = receipt.attr("id");
  const auto state = memory_.target(author, id, origin.key);
  if (state == DeliveryMemory::Target::unknown && memory_.accepted_at(author, id)) {
    return c_.complain("retry receipt for " + id + " from a device it was not sent to");
  }
  if (state != DeliveryMemory::Target::unknown) memory_.ask_again(author, id, origin.key);
  auto asked = relayed(passage, type);
  // Never `participant`: in a 1:1 chat it would name somebody else as the one who asks.
  if (const auto jid = receipt.jid("recipient")) asked.set("recipient", *jid);
  if (receipt.has("category")) asked.set("category", receipt.attr("category"));
  ++c_.stats.retries_relayed;
  delivery_.enqueue(author, std::move(asked));
}

void Receipts::tell_own_devices(const Passage& passage, const Jid& chat) {
  const auto& own = passage.origin.party.account;
  for (const auto& [device, known] : own.devices) {
    if (device == passage.origin.key.device) continue;
    auto copy = relayed(passage, self_read_of(passage.type));
    delivery_.enqueue({own.phone, device}, copy.set("recipient", chat));
  }
}

void Receipts::relay(const Passage& passage) {
  const auto& [origin, receipt, type, target, from] = passage;
  if (type == "sender" || type == "error") return;
  if (type == "peer_msg" || type == "hist_sync" || type == "server-error") {
    if (origin.key.device != 0) delivery_.enqueue({origin.key.phone, 0}, relayed(passage, type));
    return;
  }
  if (blocklist_.blocks(*target.party, origin.party)) return;
  if (target.party == &origin.party) return;  // a device's word on its own account's message concerns nobody else
  if (type == "enc_rekey_retry") return delivery_.enqueue(target.key(), relayed(passage, type));
  ++c_.stats.receipts_relayed;
  const auto& account = target.party->account;
  for (const auto& [device, known] : account.devices) {
    delivery_.enqueue({account.phone, device}, relayed(passage, type));
  }
}

}  // namespace wharf::sandbox
