#include "sandbox/phone/transmission.h"

#include <utility>
#include <vector>

#include "protocol/stanzas/ack.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Result;

Result<void> PhoneTransmission::seal_and_send(SentMessage& message) {
  auto stanza = fanout_.seal(message);
  if (!stanza) return stanza.error();
  if (*stanza) {
    transmit(message, std::move(**stanza));
    return {};
  }
  // A note to self without companions, or nothing was missing after all.
  message.acked = true;
  sent_.changed(message.id);
  sent_.raise(message.id, "server");
  return {};
}

void PhoneTransmission::transmit(SentMessage& message, Node stanza) {
  message.stanza = stanza;
  message.acked = false;
  message.attempts = 1;
  message.sent_ms = c_.now_ms();
  unacked_.insert(message.id);
  sent_.changed(message.id);
  c_.send(std::move(stanza));
  check_unacked();
}

// --- acks

void PhoneTransmission::check_unacked() {
  if (!c_.powered()) return;
  for (const std::string& id : std::vector<std::string>(unacked_.begin(), unacked_.end())) {
    if (!check_unacked(id)) unacked_.erase(id);
  }
  if (unacked_.empty()) {
    timer_.reset();
  } else if (!timer_) {
    timer_ = c_.network.clock().after(ack_timeout_ms / 2, [this] {
      timer_.reset();
      check_unacked();
    });
  }
}

bool PhoneTransmission::check_unacked(const std::string& id) {
  SentMessage* message = sent_.find(id);
  if (message == nullptr || message->acked) return false;
  if (c_.now_ms() - message->sent_ms < ack_timeout_ms) return true;
  if (message->attempts == max_send_attempts) {
    message->acked = true;
    sent_.changed(id);
    sent_.raise(id, "error", "the network never acknowledged it");
    return false;
  }
  ++message->attempts;
  message->sent_ms = c_.now_ms();
  c_.send(message->stanza);  // the same ciphertexts: the network and the receivers know the id
  return true;
}

void PhoneTransmission::on_ack(const Node& node) {
  const auto ack = protocol::read_ack(node);
  if (!ack || ack->stanza != "message") return;
  SentMessage* message = sent_.find(ack->id);
  if (message == nullptr) return;
  message->acked = true;
  message->stanza = Node();
  unacked_.erase(message->id);
  sent_.changed(message->id);
  if (ack->error != 0) return on_refusal(*message, ack->error);
  message->readdressed = false;  // what is sent again later may find members named otherwise once more
  fanout_.acknowledged(*message);
  const auto& own = c_.account.phone;
  if (PhoneMessage* shown = log_.find(own, message->id); shown != nullptr && ack->timestamp != 0) {
    shown->timestamp = static_cast<std::int64_t>(ack->timestamp);
    log_.touch(own, message->id);
  }
  sent_.raise(message->id, "server");
  sent_.on_answered(message->id);
  if (ack->phash.empty() || message->peer_device) return;
  fanout_.distrust(*message);
  if (std::exchange(message->completed_fan_out, true)) return;
  message->owes_fan_out = true;
  complete_fan_out(message->id);
}

void PhoneTransmission::on_refusal(SentMessage& message, unsigned error) {
  constexpr unsigned stale_addressing = 421;
  if (error == stale_addressing && message.shared && !std::exchange(message.readdressed, true)) {
    fanout_.readdress(message);
    message.owes_fan_out = true;
    sent_.changed(message.id);
    return complete_fan_out(message.id);
  }
  sent_.raise(message.id, "error", "the network refused it with " + std::to_string(error));
  fanout_.distrust(message);
}

// --- devices that were missed, and those that are to get it anew

void PhoneTransmission::complete_fan_out(const std::string& id) {
  fanout_.prepare(*sent_.find(id), [this, id](Result<void> ready) { end_fan_out(id, ready); });
}

void PhoneTransmission::end_fan_out(const std::string& id, const Result<void>& ready) {
  SentMessage* message = sent_.find(id);
  if (message == nullptr || (!ready && ready.error().code == Errc::closed)) return;  // goes on with the next resume()
  message->owes_fan_out = false;
  sent_.changed(id);
  const auto sent = ready ? seal_and_send(*message) : ready;
  if (!sent) sent_.raise(id, "error", sent.error().detail);  // unless the server had it before
}

void PhoneTransmission::resume() {
  check_unacked();
  for (const std::string& id : sent_.owing_fan_out()) complete_fan_out(id);
}

}  // namespace wharf::sandbox
