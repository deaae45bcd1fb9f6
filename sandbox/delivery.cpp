// From a queue to a device: the backlog protocol at login, live delivery after it, and the faults on the way.
// Specification 06 section 9.

#include <algorithm>
#include <utility>

#include "sandbox/network_state.h"
#include "sandbox/protobuf_field.h"

namespace wharf::sandbox {

namespace {

constexpr std::size_t primer_stanzas = 5;
constexpr std::uint64_t max_batch = 1'000;
constexpr std::size_t unasked_batch = 500;
constexpr std::int64_t unasked_pause_ms = 1'000;
constexpr std::size_t max_acks_to_come = 1'000;

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

void Network::State::enqueue(const DeviceKey& target, Node stanza) {
  auto* slot = find_slot(target);
  if (!slot) return;
  if (slot->queue.size() >= settings.max_queued_per_device) {
    if (target.device != 0) {
      // As after long inactivity: the device is unlinked. Not here, its stanza may be the one being handled.
      if (!slot->overflow_timer) {
        slot->overflow_timer = clock.after(0, [this, target] {
          Turn turn(*this);
          complain("queue overflow: unlinking " + target.phone + ":" + std::to_string(target.device));
          (void)unlink(target, RemovedBy::account);
        });
      }
      return;
    }
    if (const auto dropped = slot->queue.drop_oldest()) queue_changed(target, *dropped);
  }
  const auto number = slot->queue.push(std::move(stanza));
  changes.created(RowKind::queued, target.phone, row_number(target.device, 2) + row_number(number, 8));
  pump(target, *slot);
}

void Network::State::enqueue_message(const DeviceKey& target, Node stanza) {
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
    if (!hold) return enqueue(target, std::move(copy));
    held.emplace(++last_held, Held{target, std::move(copy)});
    changes.created(RowKind::held, {}, row_number(last_held, 8));
  };
  pass_on(std::move(stanza));
  if (second) pass_on(std::move(*second));
  if (hold && !faults.hold_messages && held.size() >= faults.reorder) release_held();
}

void Network::State::release_held() {
  std::vector<Held> waiting;
  for (auto& [number, message] : std::exchange(held, {})) {
    changes.changed(RowKind::held, {}, row_number(number, 8));
    waiting.push_back(std::move(message));
  }
  if (faults.reorder > 0) std::reverse(waiting.begin(), waiting.end());
  faults.reorder = 0;
  faults.hold_messages = false;
  for (auto& message : waiting) enqueue(message.target, std::move(message.stanza));
}

void Network::State::begin_delivery(const DeviceKey& key, Slot& slot, bool passive) {
  slot.passive = passive;
  slot.next = 1;
  slot.acks_to_come.clear();
  slot.backlog_end = slot.queue.newest();
  slot.backlog_total = slot.queue.size();
  slot.backlog_done = false;
  slot.batch_left = primer_stanzas;
  slot.batches_asked = 0;
  if (slot.backlog_total > 0) {
    std::uint64_t messages = 0, receipts = 0, notifications = 0, calls = 0;
    for (const auto& [number, entry] : slot.queue.entries()) {
      messages += entry.stanza.is("message");
      receipts += entry.stanza.is("receipt");
      notifications += entry.stanza.is("notification");
      calls += entry.stanza.is("call");
    }
    Node preview("offline_preview");
    preview.set("count", std::uint64_t{slot.backlog_total}).set("message", messages).set("receipt", receipts);
    preview.set("notification", notifications).set("appdata", std::uint64_t{0}).set("call", calls);
    send_now(key, slot, Node("ib").set("from", protocol::server_jid()).add(std::move(preview)));
  }
  pump(key, slot);
}

void Network::State::pump(const DeviceKey& key, Slot& slot) {
  if (!slot.port) return;
  const auto deliver = [&](std::uint64_t number, OfflineQueue::Entry& entry) {
    slot.next = number + 1;
    ++entry.deliveries;
    if (entry.stanza.is("message")) ++stats.messages_delivered;
    if (number > slot.backlog_end) return send_now(key, slot, entry.stanza);
    Node again = entry.stanza;
    send_now(key, slot, again.set("offline", std::uint64_t{entry.deliveries}));
  };

  std::uint64_t number = 0;
  if (!slot.backlog_done) {
    auto* entry = slot.queue.next(slot.next, number);
    while (slot.port && entry && number <= slot.backlog_end && slot.batch_left > 0) {
      --slot.batch_left;
      slot.backlog_timer.reset();  // it counts from the last delivered stanza
      deliver(number, *entry);
      entry = slot.queue.next(slot.next, number);
    }
    if (entry && number <= slot.backlog_end) {
      // Clients that do not ask (whatsmeow) or ask once (Baileys) get the rest all the same, unless told otherwise.
      if (slot.batch_left > 0 || faults.offline_strict || slot.batches_asked >= 2) return;
      if (slot.backlog_timer) return;  // what arrives meanwhile does not put it off
      slot.backlog_timer = clock.after(unasked_pause_ms, [this, key] {
        Turn turn(*this);
        auto* waiting = find_slot(key);
        if (!waiting || !waiting->port || waiting->backlog_done) return;
        waiting->backlog_timer.reset();
        waiting->batch_left = unasked_batch;
        pump(key, *waiting);
      });
      return;
    }
    slot.backlog_done = true;
    slot.backlog_timer.reset();
    Node end("offline");
    end.set("count", std::uint64_t{slot.backlog_total});
    send_now(key, slot, Node("ib").set("from", protocol::server_jid()).add(std::move(end)));
  }
  if (slot.passive) return;
  for (auto* entry = slot.queue.next(slot.next, number); entry && slot.port;
       entry = slot.queue.next(slot.next, number)) {
    deliver(number, *entry);
  }
}

void Network::State::on_offline_batch(Origin& origin, std::uint64_t count) {
  if (origin.slot.backlog_done) return;
  ++origin.slot.batches_asked;
  origin.slot.batch_left += std::min(count, max_batch);
  origin.slot.backlog_timer.reset();
  pump(origin.key, origin.slot);
}

void Network::State::set_passive(Origin& origin, bool passive) {
  origin.slot.passive = passive;
  pump(origin.key, origin.slot);
}

void Network::State::settle(Origin& origin, std::string_view tag, const Node& answer_stanza) {
  Slot& slot = origin.slot;
  const auto from = answer_stanza.attr("to");
  const auto type = answer_stanza.attr("type");
  const bool asks_again = tag == "message" && answer_stanza.is("receipt") && type == "retry";
  const auto remove = [&](std::string_view id) {
    const std::string copy = std::string(id) + '\0' + from;
    if (tag == "message" && answer_stanza.is("ack")) {
      if (const auto due = slot.acks_to_come.find(copy); due != slot.acks_to_come.end()) {
        slot.acks_to_come.erase(due);
        return;
      }
    }
    const auto number = slot.queue.settle(tag, id, from, type, slot.next);
    if (!number) return;
    queue_changed(origin.key, *number);
    if (asks_again && slot.acks_to_come.size() < max_acks_to_come) slot.acks_to_come.insert(copy);
  };
  remove(answer_stanza.attr("id"));
  if (const auto* list = answer_stanza.child("list")) {
    for (const auto* item : list->children("item")) remove(item->attr("id"));
  }
  if (const auto error = answer_stanza.number("error"); error && *error != 0) {
    complain("nack " + std::to_string(*error) + " of " + std::string(tag) + " " + answer_stanza.attr("id") + " by " +
             origin.key.phone + ":" + std::to_string(origin.key.device));
  }
}

}  // namespace wharf::sandbox
