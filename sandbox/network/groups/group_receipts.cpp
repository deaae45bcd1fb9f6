#include "sandbox/network/groups/group_receipts.h"

#include <set>
#include <utility>

#include "sandbox/network/receipt_kinds.h"
#include "sandbox/row_values.h"

namespace wharf::sandbox {

namespace {

constexpr std::size_t max_held = 20'000;

/// A device's word to its own account and to the server.
bool concerns_nobody(std::string_view type) {
  return type == "sender" || type == "error" || type == "peer_msg" || type == "hist_sync" || type == "server-error";
}

}  // namespace

Node GroupReceipts::relayed(const Origin& origin, const Node& receipt, const Group& group,
                            std::string_view type) const {
  Node out("receipt");
  out.set("from", group.jid()).set("id", receipt.attr("id"));
  out.set("participant", group.form(origin.party.account, origin.key.device));
  if (!type.empty()) out.set("type", type);
  out.set("t", c_.unix_seconds());
  for (const auto& child : receipt.children()) out.add(child);
  return out;
}

void GroupReceipts::on_receipt(const Origin& origin, const Node& receipt, const Group& group) {
  const auto type = receipt.attr("type");
  if (group.member(origin.key.phone) == nullptr || concerns_nobody(type)) return;
  const auto named = receipt.jid("participant");
  const auto author = named ? accounts_.resolve(*named) : std::nullopt;
  if (!author) return;
  if (type == "retry") return relay_retry(origin, receipt, group, author->key());
  if (is_read(type) || is_self_read(type)) tell_own_devices(origin, receipt, group, type);
  // In groups reading is always told, whatever the reader's setting (03 section 7.2); of a status it is not.
  if (group.status && is_read(type) && !origin.party.account.read_receipts) return;
  if (is_self_read(type) || author->party == &origin.party) return;
  ++c_.stats.receipts_relayed;
  Held told{author->party->account.phone, relayed(origin, receipt, group, type)};
  const bool large = group.members.size() >= c_.settings.aggregate_receipts_from;
  if (large && receipt.children().empty() && held_.size() < max_held) return hold(std::move(told));
  tell(told.author, told.receipt);
}

void GroupReceipts::relay_retry(const Origin& origin, const Node& receipt, const Group& group,
                                const DeviceKey& author) {
  const auto* retry = receipt.child("retry");
  if (!retry || retry->number("count").value_or(0) > max_retry_count || !accounts_.find_device(author)) return;
  const auto id = receipt.attr("id");
  const auto state = memory_.target(author, id, origin.key);
  if (state == DeliveryMemory::Target::unknown && memory_.accepted_at(author, id)) {
    return c_.complain("retry receipt for " + id + " from a device it was not sent to");
  }
  if (state != DeliveryMemory::Target::unknown) {
    memory_.ask_again(author, id, origin.key);
    memory_.ask_again(author, id, {group.id, 0});  // who has no ack yet may give all of them the key with it again
  }
  ++c_.stats.retries_relayed;
  delivery_.enqueue(author, relayed(origin, receipt, group, "retry"));
}

void GroupReceipts::tell_own_devices(const Origin& origin, const Node& receipt, const Group& group,
                                     std::string_view type) {
  for (const auto& [device, known] : origin.party.account.devices) {
    if (device == origin.key.device) continue;
    delivery_.enqueue({origin.key.phone, device}, relayed(origin, receipt, group, self_read_of(type)));
  }
}

void GroupReceipts::tell(const std::string& author, const Node& receipt) {
  for (const auto& [device, known] : accounts_.find(author)->account.devices)
    delivery_.enqueue({author, device}, receipt);
}

// --- told together

GroupReceipts::Topic GroupReceipts::topic_of(const Held& held) {
  return {held.author, held.receipt.attr("from"), held.receipt.attr("id"), held.receipt.attr("type")};
}

void GroupReceipts::hold(Held held) {
  const auto topic = topic_of(held);
  held_.emplace(++last_held_, std::move(held));
  c_.changes.created(RowKind::gathered_receipt, {}, row_number(last_held_, 8));
  auto& window = windows_[topic];
  if (!window) window = c_.after(c_.settings.aggregate_receipts_ms, [this, topic] { flush(topic); });
}

void GroupReceipts::flush(const Topic& topic) {
  windows_.erase(topic);
  std::vector<Node> receipts;
  std::erase_if(held_, [&](auto& entry) {
    if (topic_of(entry.second) != topic) return false;
    receipts.push_back(std::move(entry.second.receipt));
    c_.changes.changed(RowKind::gathered_receipt, {}, row_number(entry.first, 8));
    return true;
  });
  if (receipts.empty()) return;
  tell(std::get<0>(topic), receipts.size() == 1 ? receipts.front() : together(receipts));
}

/// Under an id of its own: the message is named by the key.
Node GroupReceipts::together(const std::vector<Node>& receipts) {
  const auto& first = receipts.front();
  Node participants("participants");
  participants.set("key", first.attr("id"));
  std::set<Jid> told;
  for (const auto& receipt : receipts) {
    const auto user = receipt.jid("participant")->user_jid();
    if (told.insert(user).second) participants.add(Node("user").set("jid", user).set("t", receipt.attr("t")));
  }
  Node out("receipt");
  out.set("from", *first.jid("from")).set("id", c_.next_id());
  if (first.has("type")) out.set("type", first.attr("type"));
  return out.set("t", c_.unix_seconds()).add(std::move(participants));
}

void GroupReceipts::release() {
  std::set<Topic> topics;
  for (const auto& [number, held] : held_) topics.insert(topic_of(held));
  for (const auto& topic : topics) flush(topic);
}

// --- rows: the author as an attribute of a node around the receipt

std::optional<Bytes> GroupReceipts::row(std::uint64_t number) const {
  const auto held = held_.find(number);
  if (held == held_.end()) return std::nullopt;
  Node envelope("gathered");
  return protocol::encode_node(envelope.set("phone", held->second.author).add(held->second.receipt));
}

void GroupReceipts::restore(std::uint64_t number, const Node& envelope) {
  auto author = envelope.attr("phone");
  const bool whole = envelope.children().size() == 1 && envelope.children().front().jid("participant") &&
                     envelope.children().front().jid("from") && accounts_.find(author) != nullptr;
  if (!whole) damaged("a receipt in a group");
  last_held_ = number;
  held_.emplace(number, Held{std::move(author), envelope.children().front()});
}

}  // namespace wharf::sandbox
