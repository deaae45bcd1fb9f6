#include "sandbox/phone/calls.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace wharf::sandbox {

using protocol::CallEnded;
using protocol::CallOffered;
using protocol::CallRejected;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

Error switched_off() { return Error(Errc::closed, "the phone is switched off"); }
Error no_such_call() { return Error(Errc::not_found, "no such call rings"); }

/// What the end of a call is to a phone at which it rang.
std::string_view end_of(const CallEnded& end, bool outgoing) {
  if (end.outcome == CallEnded::Outcome::answered_on_other_device) return "acceptedElsewhere";
  if (end.outcome == CallEnded::Outcome::rejected_on_other_device) return "rejectedElsewhere";
  if (outgoing) return end.reason == "timeout" ? "unanswered" : "ended";
  return "missed";
}

}  // namespace

PhoneCall* PhoneCalls::find(std::string_view id) {
  const auto found = std::find_if(calls_.begin(), calls_.end(), [id](const PhoneCall& call) { return call.id == id; });
  return found == calls_.end() ? nullptr : &*found;
}

PhoneCall* PhoneCalls::ringing(std::string_view id, bool outgoing) {
  PhoneCall* call = find(id);
  return call != nullptr && call->state == "ringing" && call->outgoing == outgoing ? call : nullptr;
}

void PhoneCalls::keep(PhoneCall call, Wire wire) {
  calls_.push_back(std::move(call));
  wires_.push_back(std::move(wire));
  if (calls_.size() <= max_kept) return;
  calls_.pop_front();
  wires_.pop_front();
}

void PhoneCalls::say(std::string_view id, Node payload) {
  const auto wire = std::find_if(wires_.begin(), wires_.end(), [id](const Wire& one) { return one.id == id; });
  if (wire == wires_.end()) return;
  payload.set("call-id", wire->id).set("call-creator", wire->creator);
  c_.send(Node("call").set("to", wire->peer).set("id", c_.ids.next()).add(std::move(payload)));
}

// --- its user

Result<std::string> PhoneCalls::place(const Account& whom, bool video) {
  if (!c_.powered()) return switched_off();
  if (whom.phone == c_.account.phone) return Error(Errc::refused, "the phone cannot call itself");
  PhoneCall call;
  call.id = protocol::to_hex(c_.random().bytes<16>());
  call.with = whom.phone;
  call.outgoing = true;
  call.video = video;
  call.state = std::string("ringing");
  call.at = c_.now();
  const std::string id = call.id;
  keep(std::move(call), {id, c_.form_for(whom), c_.by_lid(whom) ? c_.own_lid() : c_.own_pn()});
  Node offer("offer");
  offer.add(Node("audio").set("enc", "opus").set("rate", "16000"));
  if (video) offer.add(Node("video").set("enc", "h.264"));
  say(id, std::move(offer));
  return id;
}

Result<void> PhoneCalls::cancel(std::string_view id) {
  if (!c_.powered()) return switched_off();
  PhoneCall* call = ringing(id, true);
  if (call == nullptr) return no_such_call();
  call->state = std::string("ended");
  say(id, Node("terminate"));
  return {};
}

Result<void> PhoneCalls::accept(std::string_view id) { return answer(id, "accept", "accepted"); }

Result<void> PhoneCalls::reject(std::string_view id) { return answer(id, "reject", "rejected"); }

Result<void> PhoneCalls::answer(std::string_view id, std::string_view tag, std::string_view state) {
  if (!c_.powered()) return switched_off();
  PhoneCall* call = ringing(id, false);
  if (call == nullptr) return no_such_call();
  call->state = state;
  Node payload(tag);
  if (tag == "reject") payload.set("count", "0");
  say(id, std::move(payload));
  return {};
}

// --- the network

void PhoneCalls::on_call(const Node& stanza) {
  const auto own_lid = c_.account.has_lid() ? c_.own_lid() : Jid();
  if (auto reply = protocol::call_answer(stanza, c_.own_pn(), own_lid)) c_.send(std::move(*reply));
  const auto event = protocol::read_call(stanza, c_.now());
  if (!event) return;
  if (const auto* offer = std::get_if<CallOffered>(&*event)) {
    if (offer->notice_only || find(offer->call.call_id) != nullptr) return;
    PhoneCall call;
    call.id = offer->call.call_id;
    call.with = chats_.name_of(offer->call.creator);
    call.video = offer->video;
    call.state = std::string("ringing");
    call.at = offer->call.at.value_or(c_.now());
    keep(std::move(call), {offer->call.call_id, offer->call.creator.user_jid(), offer->call.creator});
    return;
  }
  const auto of = [this](const protocol::CallHead& head) { return find(head.call_id); };
  if (const auto* accepted = std::get_if<protocol::CallAccepted>(&*event)) {
    PhoneCall* call = of(accepted->call);
    if (call != nullptr && call->state == "ringing") call->state = std::string("accepted");
  } else if (const auto* rejected = std::get_if<CallRejected>(&*event)) {
    PhoneCall* call = of(rejected->call);
    if (call != nullptr && call->state == "ringing" && !rejected->device_only) call->state = std::string("rejected");
  } else if (const auto* ended = std::get_if<CallEnded>(&*event)) {
    PhoneCall* call = of(ended->call);
    if (call != nullptr && call->state == "ringing") call->state = end_of(*ended, call->outgoing);
  }
}

}  // namespace wharf::sandbox
