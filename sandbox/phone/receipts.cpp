#include "sandbox/phone/receipts.h"

#include <algorithm>
#include <boost/json.hpp>
#include <string>
#include <utility>

#include "protocol/stanzas/ack.h"

namespace wharf::sandbox {

using protocol::DeliveryReceipt;
using protocol::Errc;
using protocol::Error;
using protocol::MessageSource;
using protocol::Result;

namespace {

constexpr std::size_t max_ids_per_receipt = 256;

}  // namespace

// --- of delivery

void PhoneReceipts::confirm(const Node& message, const MessageSource& source) {
  if (source.peer) return c_.send(protocol::delivery_receipt(message, DeliveryReceipt::peer, source));
  if (source.from_me) return c_.send(protocol::delivery_receipt(message, DeliveryReceipt::sender, source));
  Node receipt = protocol::delivery_receipt(message, DeliveryReceipt::active, source);
  if (delivering_) return c_.send(std::move(receipt));
  c_.send(protocol::ack_for(message, c_.own_pn()));  // taken from the network, but the sender is not told yet
  withhold(std::move(receipt));
}

void PhoneReceipts::withhold(Node receipt) {
  const std::uint64_t number = withheld_.empty() ? 1 : withheld_.rbegin()->first + 1;
  withheld_.emplace_hint(withheld_.end(), number, std::move(receipt));
  withheld_changed(number);
  if (withheld_.size() <= max_withheld) return;
  withheld_changed(withheld_.begin()->first);
  withheld_.erase(withheld_.begin());
}

void PhoneReceipts::deliver(bool on) {
  delivering_ = on;
  c_.core_changed();
  if (!on) return;
  for (auto& [number, receipt] : std::exchange(withheld_, {})) {
    withheld_changed(number);
    c_.send(std::move(receipt));
  }
}

// --- of reading

Result<std::size_t> PhoneReceipts::read(std::string_view chat, std::string_view id) {
  const auto known = chats_.find(chat);
  if (!known) return Error(known.error().code, "chat: nobody has this number, or the phone is in no such group");
  ByForm marked;
  std::size_t count = 0;
  bool found = id.empty();
  for (std::size_t i = log_.messages().size(); i-- > 0;) {
    const PhoneMessage& message = log_.messages()[i];
    if (message.chat != known->name || message.from_me || (!id.empty() && message.id != id)) continue;
    found = true;
    if (mark_read(i, marked)) ++count;
    if (!id.empty()) break;
  }
  if (!found) return Error(Errc::not_found, "id: no such message was received from this chat");
  send_read_receipts(std::move(marked));
  return count;
}

/// False: it was read before.
bool PhoneReceipts::mark_read(std::size_t position, ByForm& marked) {
  PhoneLog::Behind& behind = log_.behind()[position];
  if (!behind.unread) return false;
  behind.unread = false;
  const PhoneMessage& message = log_.messages()[position];
  log_.find(message.author, message.id)->status = "read";
  log_.touch(message.author, message.id);
  const auto author = behind.author.empty() ? std::nullopt : std::optional(behind.author.user_jid());
  marked[{behind.chat.user_jid(), author}].push_back(message.id);
  return true;
}

void PhoneReceipts::send_read_receipts(ByForm marked) {
  for (auto& [form, ids] : marked) {
    std::reverse(ids.begin(), ids.end());  // oldest first
    for (std::size_t i = 0; i < ids.size(); i += max_ids_per_receipt) {
      const auto first = ids.begin() + static_cast<std::ptrdiff_t>(i);
      const auto last = ids.begin() + static_cast<std::ptrdiff_t>(std::min(i + max_ids_per_receipt, ids.size()));
      c_.send(protocol::read_receipt(form.first, form.second, {first, last}, c_.now()));
    }
  }
}

// --- received

void PhoneReceipts::on_receipt(const Node& node) {
  c_.send(protocol::ack_for(node, std::nullopt));
  const auto receipt = protocol::read_receipt_stanza(node);
  if (!receipt || receipt->feature_incapable) return;
  const auto who = c_.key_of(receipt->participant.value_or(receipt->from));
  if (who && who->phone == c_.account.phone) return read_by_companion(*receipt);
  if (who) raise(*receipt, receipt->ids, *who, receipt->type);
  for (const auto& [id, users] : receipt->together) {
    for (const auto& user : users) {
      const auto one = c_.key_of(user.jid);
      if (!one || one->phone == c_.account.phone) continue;
      raise(*receipt, {id}, *one, user.type.empty() ? receipt->type : user.type);
    }
  }
}

void PhoneReceipts::raise(const protocol::IncomingReceipt& receipt, const std::vector<std::string>& ids,
                          const DeviceKey& who, std::string_view type) {
  const bool delivered = type.empty() || type == "inactive" || type == "delivery";
  const bool read_there = type == "read" || type == "played";
  if (!delivered && !read_there) return;
  const std::string_view status = read_there ? "read" : "delivered";
  const bool group = receipt.from.has_sender_keys();
  const std::string chat = group ? receipt.from.to_string() : who.phone;
  for (const std::string& id : ids) {
    const PhoneMessage* message = log_.find(c_.account.phone, id);
    if (message == nullptr || message->chat != chat) continue;
    if (group) sent_.raise_with(id, who.phone, status);
    else sent_.raise(id, status);
  }
}

void PhoneReceipts::read_by_companion(const protocol::IncomingReceipt& receipt) {
  if (receipt.type != "read-self" && receipt.type != "read") return;
  const bool group = receipt.from.has_sender_keys();
  if (!group && !receipt.recipient) return;
  const auto chat = chats_.name_of(group ? receipt.from : receipt.recipient->user_jid());
  for (const std::string& id : receipt.ids) {
    const PhoneMessage* message = received(chat, id);
    if (message == nullptr) continue;
    log_.behind(message->author, id)->unread = false;
    log_.touch(message->author, id);
  }
}

/// The newest of the chat that came with this id.
const PhoneMessage* PhoneReceipts::received(std::string_view chat, std::string_view id) const {
  if (!PhoneChats::is_shared(chat)) return log_.find(chat, id);
  const auto& all = log_.messages();
  const auto found = std::find_if(all.rbegin(), all.rend(), [&](const PhoneMessage& message) {
    return message.id == id && message.chat == chat && !message.from_me;
  });
  return found == all.rend() ? nullptr : &*found;
}

// --- rows

std::optional<Bytes> PhoneReceipts::row(std::string_view name) const {
  const auto found = withheld_.find(number_in_row(name));
  if (found == withheld_.end()) return std::nullopt;
  return protocol::encode_node(found->second);
}

void PhoneReceipts::restore(std::string_view name, Node receipt) {
  withheld_.emplace(number_in_row(name), std::move(receipt));
}

void PhoneReceipts::save(boost::json::object& core) const { core["delivering"] = delivering_; }

void PhoneReceipts::load(const boost::json::object& core) { delivering_ = core.at("delivering").as_bool(); }

}  // namespace wharf::sandbox
