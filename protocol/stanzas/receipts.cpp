// Delivery and read receipts. Specification 03 section 7.
#include <algorithm>
#include <stdexcept>

#include "protocol/stanzas/attr_copy.h"
#include "protocol/stanzas/messages.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

constexpr std::size_t max_ids_per_receipt = 256;
constexpr std::size_t max_received_ids = 1024;
constexpr std::size_t max_received_users = 4096;  // of all blocks

void add_id(std::vector<std::string>& ids, std::string id) {
  if (!acceptable_id(id) || ids.size() == max_received_ids) return;
  if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(std::move(id));
}

}  // namespace

Node delivery_receipt(const Node& message, DeliveryReceipt kind, const MessageSource& source) {
  Node receipt("receipt");
  copy_attr(receipt, message, "id");
  copy_attr(receipt, "to", message, "from");
  switch (kind) {
    case DeliveryReceipt::active: break;
    case DeliveryReceipt::inactive: receipt.set("type", "inactive"); break;
    case DeliveryReceipt::sender: receipt.set("type", "sender"); break;
    case DeliveryReceipt::peer: receipt.set("type", "peer_msg"); return receipt;  // neither participant nor recipient
  }
  copy_attr(receipt, message, "participant");
  copy_attr(receipt, message, "recipient");
  if (source.chat.is_status()) receipt.set("context", "status");
  return receipt;
}

Node read_receipt(const Jid& chat, const std::optional<Jid>& participant, const std::vector<std::string>& ids,
                  std::uint64_t unix_seconds, std::string_view type) {
  if (ids.empty() || ids.size() > max_ids_per_receipt) throw std::logic_error("a read receipt names 1 to 256 messages");
  Node receipt("receipt");
  receipt.set("id", ids.front()).set("to", chat).set("type", type).set("t", unix_seconds);
  if (participant) receipt.set("participant", participant->user_jid());
  if (chat.is_status()) receipt.set("context", "status");
  if (ids.size() > 1) {
    Node list("list");
    for (std::size_t i = 1; i < ids.size(); ++i) list.add(Node("item").set("id", ids[i]));
    receipt.add(std::move(list));
  }
  return receipt;
}

Result<IncomingReceipt> read_receipt_stanza(const Node& receipt) {
  IncomingReceipt out;
  const std::string id = receipt.attr("id");
  const auto from = receipt.jid("from");
  if (!receipt.is("receipt") || id.empty() || !from) return Error(Errc::malformed, "receipt without id or from");
  out.from = *from;
  out.type = receipt.attr("type");
  if (has_participants(*from)) out.participant = receipt.jid("participant");
  out.recipient = receipt.jid("recipient");
  out.timestamp = receipt.number("t").value_or(0);
  out.offline = receipt.has("offline");
  if (const Node* error = receipt.child("error")) out.feature_incapable = error->attr("type") == "feature-incapable";

  if (const Node* list = receipt.child("list")) {
    for (const Node* item : list->children("item")) add_id(out.ids, item->attr("id"));
  }
  const auto aggregated = receipt.children("participants");
  std::size_t users = 0;
  for (const Node* participants : aggregated) {
    // One message, many readers: the stanza id names the message only when nothing else does.
    const std::string message_id = participants->attr("message_id");
    const std::string key = participants->attr("key");
    IncomingReceipt::Together block{!message_id.empty() ? message_id : !key.empty() ? key : id, {}};
    if (!acceptable_id(block.id) || out.together.size() == max_received_ids) continue;
    for (const Node* user : participants->children("user")) {
      const auto jid = user->jid("jid");
      if (!jid || jid->user.empty() || users == max_received_users) continue;
      ++users;
      block.users.push_back({*jid, user->number("t").value_or(out.timestamp), user->attr("type")});
    }
    out.together.push_back(std::move(block));
  }
  if (aggregated.empty() && out.type != "view") add_id(out.ids, id);
  return out;
}

}  // namespace wharf::protocol
