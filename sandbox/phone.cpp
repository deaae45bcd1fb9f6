// The phone as a client of the network: turns, stanzas in and out, questions and answers. phone_state.h tells the rest.

#include "sandbox/phone.h"

#include <algorithm>
#include <utility>

#include "protocol/stanzas/ack.h"
#include "sandbox/phone_state.h"
#include "sandbox/phones.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

Phone::State::State(Network& net, Account& acc, std::shared_ptr<Worker> work)
    : network(net), account(acc), worker(std::move(work)), ids(net.random()) {}

Phone::State::~State() {
  if (powered) network.detach(self(), *this);
}

// --- turns

void Phone::State::deliver(const Node& stanza) {
  inbox.push_back(stanza);
  schedule();
}

void Phone::State::disconnect() { power_off(); }

void Phone::State::schedule() {
  if (!powered || turn || in_turn) return;
  turn = network.clock().after(0, [this] { run_turn(); });
}

void Phone::State::run_turn() {
  turn.reset();
  if (!powered) return;
  in_turn = true;
  for (std::size_t i = 0; i < PhoneLimits::stanzas_per_turn && powered && !inbox.empty(); ++i) {
    const Node stanza = std::move(inbox.front());
    inbox.pop_front();
    handle(stanza);
  }
  if (!outbox.empty()) network.changes().changed(RowKind::phone_outbox, account.phone);
  // What the network answers at once lands in the inbox and waits for the next turn.
  while (powered && !outbox.empty()) {
    const Node stanza = std::move(outbox.front());
    outbox.pop_front();
    network.handle(self(), stanza);
  }
  in_turn = false;
  if (!inbox.empty()) schedule();
}

void Phone::State::send(Node stanza) {
  outbox.push_back(std::move(stanza));
  // Usually empty again before the commit asks; what is sent between two turns is not.
  network.changes().changed(RowKind::phone_outbox, account.phone);
  schedule();
}

void Phone::State::ask(Node iq, Answer answer) {
  const std::string id = iq.attr("id");
  auto deadline = network.clock().after(PhoneLimits::iq_timeout_ms, [this, id] {
    const auto found = questions.find(id);
    if (found == questions.end()) return;
    const Answer late = std::move(found->second.answer);
    questions.erase(found);
    late(Error(Errc::timed_out, "the network did not answer an IQ"));
  });
  questions[id] = Question{std::move(answer), std::move(deadline)};
  send(std::move(iq));
}

// --- power

void Phone::State::power_on() {
  if (powered) return;
  powered = true;
  core_changed();
  network.attach_phone(account.phone, *this);
  send(protocol::presence("available", account.name));
  for (const std::uint16_t device : std::exchange(waiting_bootstraps, {})) bootstrap(device);
  std::vector<std::string> chats;
  for (const auto& [chat, queue] : queues) chats.push_back(chat);
  for (const std::string& chat : chats) start_next(chat);
  check_unacked();
  std::vector<std::string> owing;
  for (const auto& [id, message] : sent) {
    if (message.owes_fan_out) owing.push_back(id);
  }
  for (const std::string& id : owing) complete_fan_out(id);
  schedule();
}

void Phone::State::power_off() {
  if (!powered) return;
  powered = false;
  core_changed();
  turn.reset();
  ack_timer.reset();
  network.detach(self(), *this);
  inbox.clear();  // not acked: the network delivers it again
  std::erase_if(outbox, [](const Node& stanza) { return stanza.is("iq"); });
  for (auto& [id, question] : std::exchange(questions, {})) {
    question.answer(Error(Errc::closed, "the phone was switched off"));
  }
}

// --- stanzas

void Phone::State::handle(const Node& stanza) {
  if (stanza.is("iq")) {
    const std::string type = stanza.attr("type");
    if (type == "get" || type == "set") return send(protocol::iq_result(stanza));
    const auto found = questions.find(stanza.attr("id"));
    if (found == questions.end()) return;
    const Answer answer = std::move(found->second.answer);
    questions.erase(found);
    return answer(stanza);
  }
  if (stanza.is("message")) return on_message(stanza);
  if (stanza.is("receipt")) return on_receipt(stanza);
  if (stanza.is("ack")) return on_ack(stanza);
  if (stanza.is("notification")) return on_notification(stanza);
  if (stanza.is("call")) send(protocol::ack_for(stanza, std::nullopt));
}

void Phone::State::on_notification(const Node& notification) {
  const std::string type = notification.attr("type");
  const auto from = notification.jid("from");
  const auto who = from ? key_of(*from) : std::nullopt;
  if (type == "encrypt") {
    if (notification.child("count") != nullptr) publish_keys();
    if (notification.child("identity") != nullptr && who && who->phone != account.phone) {
      // The contact installed anew: its device 0 vouches for nothing we know, and sessions with it are dead.
      account_keys.erase(who->phone);
      account_key_changed(who->phone);
      device_lists.erase(who->phone);
      if (const auto session = sessions.find({who->phone, 0}); session != sessions.end()) {
        session->second.archive_current();
        session_changed(session->first);
      }
    }
  } else if (type == "devices" || type == "account_sync") {
    if (who) device_lists.erase(who->phone);
  }
  send(protocol::ack_for(notification, std::nullopt));
}

// --- identities

Account* Phone::State::look_up(std::string_view phone_or_jid) const {
  if (phone_or_jid.find('@') != std::string_view::npos) {
    const Result<Jid> jid = Jid::parse(phone_or_jid);
    return jid ? network.find_account(jid->user_jid()) : nullptr;
  }
  const Result<std::string> phone = normalise_phone(phone_or_jid);
  return phone ? network.find_account(std::string_view(*phone)) : nullptr;
}

std::optional<DeviceKey> Phone::State::key_of(const Jid& jid) const {
  const Account* found = network.find_account(jid.user_jid());
  if (found == nullptr) return std::nullopt;
  return DeviceKey{found->phone, jid.device};
}

// --- the public face

Phone::Phone(Network& network, Account& account, std::shared_ptr<Worker> worker, Empty)
    : state_(std::make_unique<State>(network, account, std::move(worker))) {}

Phone::Phone(Network& network, Account& account, std::shared_ptr<Worker> worker)
    : Phone(network, account, std::move(worker), Empty{}) {
  state_->new_identity();
  state_->publish_keys();
  state_->power_on();
}

std::unique_ptr<Phone> Phone::empty(Network& network, Account& account, std::shared_ptr<Worker> worker) {
  return std::unique_ptr<Phone>(new Phone(network, account, std::move(worker), Empty{}));
}

Phone::~Phone() = default;

const std::string& Phone::number() const { return state_->account.phone; }

void Phone::scan(std::string_view qr, std::function<void(Result<Jid>)> done) { state_->scan(qr, std::move(done)); }

void Phone::enter_code(std::string_view code, std::function<void(Result<Jid>)> done) {
  state_->enter_code(code, std::move(done));
}

Result<std::string> Phone::send(Send message) { return state_->send_text(message, {}); }

Result<std::size_t> Phone::read(std::string_view chat, std::string_view id) { return state_->read(chat, id); }

void Phone::typing(std::string_view to, bool composing) {
  const Account* peer = state_->look_up(to);
  if (peer == nullptr) return;
  state_->send(Node("chatstate").set("to", state_->form_for(*peer)).add(Node(composing ? "composing" : "paused")));
}

void Phone::deliver(bool on) {
  state_->delivering = on;
  state_->core_changed();
  if (!on) return;
  for (auto& [number, receipt] : std::exchange(state_->withheld, {})) {
    state_->network.changes().changed(RowKind::phone_withheld, state_->account.phone, row_number(number, 8));
    state_->send(std::move(receipt));
  }
}

void Phone::power(bool on) {
  if (on) {
    state_->power_on();
  } else {
    state_->power_off();
  }
}

void Phone::set_auto_reply(std::optional<AutoReply> rule) {
  state_->auto_reply = std::move(rule);
  state_->core_changed();
}
void Phone::set_auto_read(bool on) {
  state_->auto_read = on;
  state_->core_changed();
}

const std::vector<PhoneMessage>& Phone::messages() const { return state_->log.messages(); }

std::vector<std::uint16_t> Phone::companions() const {
  std::vector<std::uint16_t> out;
  for (const auto& [device, companion] : state_->linked) out.push_back(device);
  return out;
}

bool Phone::powered() const { return state_->powered; }

}  // namespace wharf::sandbox
