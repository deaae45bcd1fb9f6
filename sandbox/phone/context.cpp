#include "sandbox/phone/context.h"

#include "sandbox/phones.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

constexpr std::size_t stanzas_per_turn = 256;
constexpr std::int64_t iq_timeout_ms = 30'000;

/// Presence and chat state are worth nothing later; questions are asked again by whoever needs the answer.
bool outlives_a_restart(const Node& stanza) {
  return stanza.is("message") || stanza.is("receipt") || stanza.is("ack") || stanza.is("notification");
}

}  // namespace

// --- turns

void PhoneContext::arrived(const Node& stanza) {
  inbox_.push_back(stanza);
  schedule();
}

void PhoneContext::schedule() {
  if (!powered_ || turn_ || in_turn_) return;
  turn_ = network.clock().after(0, [this] { run_turn(); });
}

void PhoneContext::run_turn() {
  turn_.reset();
  if (!powered_) return;
  in_turn_ = true;
  for (std::size_t i = 0; i < stanzas_per_turn && powered_ && !inbox_.empty(); ++i) {
    const Node stanza = std::move(inbox_.front());
    inbox_.pop_front();
    handle_(stanza);
  }
  if (!outbox_.empty()) changed(RowKind::phone_outbox);
  // What the network answers at once lands in the inbox and waits for the next turn.
  while (powered_ && !outbox_.empty()) {
    const Node stanza = std::move(outbox_.front());
    outbox_.pop_front();
    network.handle(self(), stanza);
  }
  in_turn_ = false;
  if (!inbox_.empty()) schedule();
}

void PhoneContext::stop() {
  powered_ = false;
  turn_.reset();
}

void PhoneContext::send(Node stanza) {
  outbox_.push_back(std::move(stanza));
  // Usually empty again before the commit asks; what is sent between two turns is not.
  changed(RowKind::phone_outbox);
  schedule();
}

// --- questions

void PhoneContext::ask(Node iq, Answer answer) {
  const std::string id = iq.attr("id");
  auto deadline = network.clock().after(iq_timeout_ms, [this, id] {
    if (const auto late = take_question(id)) (*late)(Error(Errc::timed_out, "the network did not answer an IQ"));
  });
  questions_[id] = Question{std::move(answer), std::move(deadline)};
  send(std::move(iq));
}

std::optional<PhoneContext::Answer> PhoneContext::take_question(const std::string& id) {
  const auto found = questions_.find(id);
  if (found == questions_.end()) return std::nullopt;
  Answer answer = std::move(found->second.answer);
  questions_.erase(found);
  return answer;
}

void PhoneContext::on_answer(const Node& iq) {
  if (const auto answer = take_question(iq.attr("id"))) (*answer)(iq);
}

void PhoneContext::close_questions() {
  inbox_.clear();  // not acked: the network delivers it again
  std::erase_if(outbox_, [](const Node& stanza) { return stanza.is("iq"); });
  for (auto& [id, question] : std::exchange(questions_, {})) {
    question.answer(Error(Errc::closed, "the phone was switched off"));
  }
}

// --- who is who

Account* PhoneContext::look_up(std::string_view phone_or_jid) const {
  if (phone_or_jid.find('@') != std::string_view::npos) {
    const Result<Jid> jid = Jid::parse(phone_or_jid);
    return jid ? network.find_account(jid->user_jid()) : nullptr;
  }
  const Result<std::string> phone = normalise_phone(phone_or_jid);
  return phone ? network.find_number(*phone) : nullptr;
}

std::optional<DeviceKey> PhoneContext::key_of(const Jid& jid) const {
  const Account* found = network.find_account(jid.user_jid());
  if (found == nullptr) return std::nullopt;
  return DeviceKey{found->phone, jid.device};
}

// --- the outbox as a row

std::optional<Bytes> PhoneContext::outbox_row() const {
  Node list("outbox");
  for (const Node& stanza : outbox_) {
    if (outlives_a_restart(stanza)) list.add(stanza);
  }
  if (list.children().empty()) return std::nullopt;
  return protocol::encode_node(list);
}

void PhoneContext::restore_outbox(const Node& list) {
  outbox_.insert(outbox_.end(), list.children().begin(), list.children().end());
}

}  // namespace wharf::sandbox
