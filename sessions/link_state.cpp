#include "sessions/link_state.h"

#include <stdexcept>
#include <utility>

#include "sessions/due.h"

namespace wharf::sessions {

void LinkState::connect() {
  if (offline()) state_ = Connecting();
}

void LinkState::hear_handshake(net::SteadyTime now, protocol::Random& random) {
  if (up()) throw std::logic_error("a second handshake on one connection");
  Handshaken next;
  next.since = now;
  next.conversation.keepalive.start(now, random);
  state_ = std::move(next);
}

void LinkState::greet() {
  if (auto* handshaken = std::get_if<Handshaken>(&state_)) handshaken->greeted = true;
}

void LinkState::log_in(net::SteadyTime now) {
  auto* before = std::get_if<Handshaken>(&state_);
  if (before == nullptr) throw std::logic_error("a login without a handshake before it");
  LoggedIn next;
  next.conversation = std::move(before->conversation);
  next.since = now;
  state_ = std::move(next);
}

void LinkState::go_online() {
  auto* before = std::get_if<LoggedIn>(&state_);
  if (before == nullptr) throw std::logic_error("online without a login before it");
  Online next;
  next.login = std::move(*before);
  state_ = std::move(next);
}

IqTracker LinkState::leave(Next next) {
  IqTracker unanswered;
  if (Conversation* ending = conversation()) unanswered = std::move(ending->iqs);
  if (next == Next::offline) {
    state_ = Offline();
  } else {
    state_ = Connecting();
  }
  ++epoch_;
  return unanswered;
}

bool LinkState::greeted() const {
  const auto* handshaken = std::get_if<Handshaken>(&state_);
  return handshaken != nullptr && handshaken->greeted;
}

LinkState::Conversation* LinkState::conversation() {
  if (auto* handshaken = std::get_if<Handshaken>(&state_)) return &handshaken->conversation;
  if (auto* logged_in = login()) return &logged_in->conversation;
  return nullptr;
}

LinkState::LoggedIn* LinkState::login() {
  if (auto* online = std::get_if<Online>(&state_)) return &online->login;
  return std::get_if<LoggedIn>(&state_);
}

Connection LinkState::seen() const {
  if (offline()) return Connection::offline;
  return greeted() || online() ? Connection::connected : Connection::connecting;
}

std::optional<net::SteadyTime> LinkState::greeting_due() const {
  const auto* handshaken = std::get_if<Handshaken>(&state_);
  if (handshaken == nullptr || handshaken->greeted) return std::nullopt;
  return handshaken->since + greeting_patience;
}

std::optional<net::SteadyTime> LinkState::due() const {
  const Conversation* open = conversation();
  if (open == nullptr) return std::nullopt;
  return earliest({greeting_due(), open->keepalive.ping_at(), open->keepalive.dead_at(), open->iqs.earliest()});
}

}  // namespace wharf::sessions
