#include "sandbox/network/calls.h"

#include <optional>
#include <utility>
#include <variant>

namespace wharf::sandbox {

using protocol::CallAccepted;
using protocol::CallEnded;
using protocol::CallHead;
using protocol::CallOffered;
using protocol::CallRejected;

namespace {

constexpr std::int64_t ringing_ms = static_cast<std::int64_t>(protocol::ringing_seconds) * 1'000;

}  // namespace

bool Calls::is_answer(const Node& receipt) {
  if (receipt.has("type") || receipt.children().size() != 1) return false;
  const std::string& tag = receipt.children().front().tag;
  return tag == "offer" || tag == "accept" || tag == "reject" || tag == "enc_rekey";
}

void Calls::acknowledge(const Origin& origin, const Node& call) {
  Node ack("ack");
  ack.set("class", "call").set("id", call.attr("id")).set("from", call.jid("to").value_or(protocol::server_jid()));
  if (!call.children().empty()) ack.set("type", call.children().front().tag);
  c_.send(origin.key, ack.set("t", c_.unix_seconds()));
}

void Calls::on_call(const Origin& origin, const Node& call) {
  acknowledge(origin, call);
  const auto to = call.jid("to");
  const auto target = to ? accounts_.resolve(*to) : std::nullopt;
  if (!target) return;  // a call link, a group, nobody
  Node as_read = call;
  as_read.set("from", origin.party.account.form(target->lid, origin.key.device)).set("t", c_.unix_seconds());
  const auto event = protocol::read_call(as_read, c_.unix_seconds());
  if (!event) return;  // media signalling: there is no media
  if (const auto* offered = std::get_if<CallOffered>(&*event)) return offer(origin, *target, *offered);
  const auto ongoing = [&](const CallHead& head) { return calls_.find(head.call_id); };
  if (const auto* accepted = std::get_if<CallAccepted>(&*event)) return accept(origin, ongoing(accepted->call));
  if (const auto* rejected = std::get_if<CallRejected>(&*event))
    return reject(origin, ongoing(rejected->call), *rejected);
  if (const auto* ended = std::get_if<CallEnded>(&*event)) return hang_up(origin, ongoing(ended->call), ended->reason);
  c_.complain("a call that is none, from " + text_of(origin.key));
}

// --- a call begins

void Calls::offer(const Origin& origin, const Address& to, const CallOffered& offer) {
  const bool own = to.party == &origin.party;
  if (own || offer.is_group || offer.notice_only || calls_.contains(offer.call.call_id))
    return c_.complain("an offer that calls nobody, from " + text_of(origin.key));
  if (calls_.size() >= max_ongoing) return;
  // Who blocked the caller hears nothing, and the caller is not told.
  if (blocklist_.blocks(*to.party, origin.party)) return;
  const std::string id = offer.call.call_id;
  const bool lid = to.lid && origin.party.account.has_lid();
  const auto call = calls_.emplace(id, Ongoing{origin.key, to.party->account.phone, lid, nullptr}).first;
  call->second.timer = c_.after(ringing_ms, [this, id] { time_out(id); });
  CallOffered rung = offer;
  rung.call = head(call, origin.key);
  if (lid) rung.call.creator_pn = origin.party.account.pn_jid();
  for (const auto& [device, known] : to.party->account.devices)
    tell({to.party->account.phone, device}, origin.party, rung);
}

CallHead Calls::head(Entry call, const DeviceKey& from) const {
  const Ongoing& ongoing = call->second;
  CallHead head;
  head.call_id = call->first;
  head.chat = accounts_.find(from.phone)->account.form(ongoing.lid, from.device);
  head.creator = accounts_.find(ongoing.caller.phone)->account.form(ongoing.lid, ongoing.caller.device);
  head.at = c_.unix_seconds();
  return head;
}

void Calls::tell(const DeviceKey& to, const Party& from, const protocol::CallEvent& event) {
  Node stanza = protocol::call_stanza(c_.next_id(), event);
  if (!from.account.name.empty()) stanza.set("notify", from.account.name);
  delivery_.enqueue(to, std::move(stanza));
}

// --- it is answered, or ends

void Calls::end_at_callee(Entry call, std::string_view reason, const DeviceKey* spared) {
  const Ongoing& ongoing = call->second;
  CallEnded end;
  end.call = head(call, ongoing.caller);
  end.reason = reason;
  for (const auto& [device, known] : accounts_.find(ongoing.callee)->account.devices) {
    const DeviceKey key{ongoing.callee, device};
    if (spared == nullptr || key != *spared) tell(key, *accounts_.find(ongoing.caller.phone), end);
  }
}

void Calls::end_at_caller(Entry call, const DeviceKey& from, std::string_view reason) {
  CallEnded end;
  end.call = head(call, from);
  end.reason = reason;
  tell(call->second.caller, *accounts_.find(from.phone), end);
}

void Calls::accept(const Origin& origin, Entry call) {
  if (call == calls_.end() || call->second.callee != origin.key.phone) return;
  end_at_callee(call, "accepted_elsewhere", &origin.key);
  tell(call->second.caller, origin.party, CallAccepted{head(call, origin.key)});
  // No media is carried: there is nothing to say to each other.
  end_at_caller(call, origin.key, {});
  CallEnded end;
  end.call = head(call, call->second.caller);
  tell(origin.key, *accounts_.find(call->second.caller.phone), end);
  calls_.erase(call);
}

void Calls::reject(const Origin& origin, Entry call, const CallRejected& rejected) {
  if (call == calls_.end() || call->second.callee != origin.key.phone) return;
  tell(call->second.caller, origin.party, CallRejected{head(call, origin.key), rejected.reason, rejected.device_only});
  if (rejected.device_only) return;  // it rings on at the others
  end_at_callee(call, "rejected_elsewhere", &origin.key);
  calls_.erase(call);
}

void Calls::hang_up(const Origin& origin, Entry call, const std::string& reason) {
  if (call == calls_.end() || call->second.caller != origin.key) return;
  end_at_callee(call, reason, nullptr);
  calls_.erase(call);
}

void Calls::time_out(const std::string& call_id) {
  const auto call = calls_.find(call_id);
  if (call == calls_.end()) return;
  end_at_callee(call, "timeout", nullptr);
  end_at_caller(call, {call->second.callee, 0}, "timeout");
  calls_.erase(call);
}

}  // namespace wharf::sandbox
