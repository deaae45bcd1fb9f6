#include "sandbox/network/message_faults.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "sandbox/protobuf_field.h"
#include "sandbox/row_values.h"

namespace wharf::sandbox {

namespace {

/// Flips the MAC. Of a pkmsg the inner message's last byte: its own last byte is the signed prekey id.
void corrupt(Node& stanza) {
  for (auto& child : std::get<std::vector<Node>>(stanza.content)) {
    auto* body = child.is("enc") ? std::get_if<Bytes>(&child.content) : nullptr;
    if (!body || body->empty()) continue;
    if (child.attr("type") == "pkmsg") {
      const auto inner = protobuf_field(std::span(*body).subspan(1), 4);
      if (!inner.empty()) inner.back() ^= 0x01;
    } else {
      body->back() ^= 0x01;
    }
  }
}

/// From the third request on a resend is spared: after the fifth no client asks again, and the text would be lost for
/// no other reason than this fault.
bool asked_for_often(const Node& stanza) {
  const Node* enc = stanza.child("enc");
  return enc != nullptr && enc->number("count").value_or(0) >= 3;
}

}  // namespace

void MessageFaults::enqueue(const DeviceKey& target, Node stanza) {
  auto& faults = c_.faults;
  // Of two copies the first alone: it is asked for again though the second is read.
  std::optional<Node> second;
  if (faults.duplicate_deliveries > 0) {
    --faults.duplicate_deliveries;
    second = stanza;
  }
  if (faults.corrupt_messages > 0 && !stanza.children().empty() && !asked_for_often(stanza)) {
    --faults.corrupt_messages;
    corrupt(stanza);
  }
  const bool hold = target.device != 0 && (faults.hold_messages || faults.reorder > 0);
  const auto pass_on = [&](Node copy) {
    if (!hold) return delivery_.enqueue(target, std::move(copy));
    held_.emplace(++last_held_, Held{target, std::move(copy)});
    c_.changes.created(RowKind::held, {}, row_number(last_held_, 8));
  };
  pass_on(std::move(stanza));
  if (second) pass_on(std::move(*second));
  if (hold && !faults.hold_messages && held_.size() >= faults.reorder) release();
}

void MessageFaults::release() {
  std::vector<Held> waiting;
  for (auto& [number, message] : std::exchange(held_, {})) {
    c_.changes.changed(RowKind::held, {}, row_number(number, 8));
    waiting.push_back(std::move(message));
  }
  if (c_.faults.reorder > 0) std::reverse(waiting.begin(), waiting.end());
  c_.faults.reorder = 0;
  c_.faults.hold_messages = false;
  for (auto& message : waiting) delivery_.enqueue(message.target, std::move(message.stanza));
}

// --- rows: the target as attributes of a node around the message

std::optional<Bytes> MessageFaults::row(std::uint64_t number) const {
  const auto held = held_.find(number);
  if (held == held_.end()) return std::nullopt;
  const auto& [target, stanza] = held->second;
  Node envelope("held");
  envelope.set("phone", target.phone).set("device", std::uint64_t{target.device}).add(stanza);
  return protocol::encode_node(envelope);
}

void MessageFaults::restore(std::uint64_t number, const Node& envelope) {
  if (envelope.children().size() != 1) damaged("held message");
  last_held_ = number;
  const DeviceKey target{envelope.attr("phone"), static_cast<std::uint16_t>(envelope.number("device").value_or(0))};
  held_.emplace(number, Held{target, envelope.children().front()});
}

}  // namespace wharf::sandbox
