// The connections of a session: how one begins and is left, how the session goes on, and what falls due.
#include "sessions/session.h"

#include <fmt/format.h>

#include <utility>

#include "sessions/due.h"
#include "sessions/log_value.h"

namespace wharf::sessions {

using events::NextStep;
using std::chrono::milliseconds;

namespace {

constexpr const char* silent = "the connection went silent";

Reason reason_of(const LinkEnd& end) {
  Reason why;
  why.code = "network";
  why.message = end.detail;
  why.next_step = NextStep::retried;
  if (end.kind == LinkEnd::Kind::certificate) {
    why.code = "untrusted_network";
    why.next_step = NextStep::check_clock_retried;
  }
  if (end.kind == LinkEnd::Kind::proxy) {
    why.code = "proxy_unreachable";
    why.next_step = NextStep::check_proxy_retried;
  }
  if (end.kind == LinkEnd::Kind::proxy_login) {
    why.code = "proxy_refused";
    why.next_step = NextStep::correct_proxy_retried;
  }
  return why;
}

}  // namespace

bool Session::leave_link(Departure next) {
  Context& c = context_;
  IqTracker unanswered = c.link.leave(next.again ? LinkState::Next::connecting : LinkState::Next::offline);
  const std::uint64_t epoch = c.link.epoch();
  c.turn.effects.emplace_back(CloseLink{});
  // Parts first: a continuation that fails now must see that nothing is under way.
  outbox_.on_link_down();
  downloads_.on_link_down();
  reads_.on_link_down();
  receipts_.on_link_down();
  held_messages_.on_link_down();
  pairing_.on_link_down();
  fanout_.on_link_down();
  group_fanout_.on_link_down();
  audiences_.on_link_down();
  groups_.on_link_down();
  number_checks_.on_link_down();
  presence_.on_link_down();
  tokens_.on_link_down();
  app_state_.on_link_down();
  channels_.on_link_down();
  login_.on_link_down();
  unanswered.fail_all();
  if (c.link.epoch() != epoch) return false;
  if (next.status) {
    c.set_status(*next.status, std::move(next.why));
  } else {
    c.leave_unsaid();
  }
  if (next.again) c.turn.effects.emplace_back(OpenLink{*next.again, epoch});
  return true;
}

Session::Departure Session::failed(std::optional<Reason> why) {
  Departure end;
  end.status = Status::failed;
  end.why = std::move(why);
  return end;
}

Session::Departure Session::again_in(milliseconds delay, std::optional<Reason> why) const {
  Departure next;
  next.status = context_.device.linked() ? Status::authenticated : Status::initializing;
  next.why = std::move(why);
  next.again = delay;
  return next;
}

void Session::give_up_link(std::string why) {
  if (context_.link.up()) on_link_down(LinkDown{LinkEnd{LinkEnd::Kind::network, std::move(why)}, link_epoch()});
}

void Session::on_link_up(const LinkUp& up) {
  Context& c = context_;
  c.link.hear_handshake(c.now.steady, c.random);
  c.leave_unsaid();
  if (c.linked() &&
      (c.device.server_static != up.server.static_key || c.device.server_not_after != up.server.window.not_after)) {
    c.device.server_static = up.server.static_key;
    c.device.server_not_before = up.server.window.not_before;
    c.device.server_not_after = up.server.window.not_after;
    c.device_changed();
  }
}

void Session::on_link_down(const LinkDown& down) {
  Context& c = context_;
  if (c.status == Status::failed || c.status == Status::terminated) return;
  if (down.end.resume_failed && c.device.server_static) {
    c.device.server_static.reset();
    c.device_changed();
  }
  if (down.end.routing_failed && !c.device.routing_info.empty()) {
    c.device.routing_info.clear();
    c.device_changed();
  }
  const Reason why = reason_of(down.end);
  // Once at once: without what was just forgotten the next attempt is another one.
  const auto delay = down.end.resume_failed ? milliseconds(0) : backoff_.next(c.random);
  if (!leave_link(again_in(delay, why))) return;
  log_("link_down",
       fmt::format("reason={} detail={} retry_ms={}", why.code, log_value(down.end.detail), delay.count()));
}

void Session::follow(const LoginFlow::Verdict& verdict) {
  using Next = LoginFlow::Verdict::Next;
  Context& c = context_;
  if (verdict.reason)
    log_("stream_ended", fmt::format("reason={} detail={}", verdict.reason->code, log_value(verdict.reason->message)));
  if (verdict.next == Next::stop) {
    const bool revoked = verdict.reason && (verdict.reason->code == "unlinked" || verdict.reason->code == "banned");
    if (!leave_link(failed(verdict.reason))) return;
    if (revoked) acceptance_.cancel_all("the session was logged out: " + verdict.reason->message);
    return;
  }
  if (verdict.next == Next::reconnect_later) {
    if (verdict.penalty) backoff_.penalise(c.random);
    leave_link(again_in(backoff_.next(c.random), verdict.reason));
    return;
  }
  Departure next = again_in(milliseconds(0), std::nullopt);
  if (c.status != Status::ready) next.status.reset();
  leave_link(std::move(next));
}

// --- time

std::optional<net::SteadyTime> Session::stable_due() const {
  const auto* login = context_.link.login();
  if (login == nullptr || backoff_.attempts() == 0) return std::nullopt;
  return login->since + Backoff::stable_after;
}

std::optional<net::SteadyTime> Session::next_deadline() const {
  return earliest({context_.link.due(), stable_due(), pairing_.due(), login_.due(), outbox_.due(), acceptance_.due(),
                   uploads_.due(), downloads_.due(), groups_.due(), number_checks_.due(), presence_.due(),
                   app_state_.due(), audiences_.due(), channels_.due(), receipts_.due(), held_messages_.due()});
}

void Session::on_due() {
  // Each once around: what is due again at once has the next turn, not this one for ever.
  Context& c = context_;
  if (is_due(c.link.greeting_due(), c.now.steady)) give_up_link(silent);
  pairing_.on_due();
  tend_link();
  if (is_due(stable_due(), c.now.steady)) backoff_.reset();
  acceptance_.on_due();
  outbox_.on_due();
  uploads_.on_due();
  downloads_.on_due();
  groups_.on_due();
  number_checks_.on_due();
  presence_.on_due();
  app_state_.on_due();
  audiences_.on_due();
  channels_.on_due();
  receipts_.on_due();
  held_messages_.on_due();
  login_.on_due();
}

void Session::tend_link() {
  Context& c = context_;
  auto* open = c.link.conversation();
  if (open == nullptr) return;
  if (is_due(open->keepalive.dead_at(), c.now.steady)) return give_up_link(silent);
  if (is_due(open->keepalive.ping_at(), c.now.steady)) {
    open->keepalive.on_ping(c.now.steady);
    c.query(
        protocol::ping_iq(c.ids.next()), [](const Node*) {}, Keepalive::patience);
    c.keys.rest();  // nothing hot after a quiet quarter of a minute: give the memory back
  }
  open->iqs.expire(c.now.steady);
}

}  // namespace wharf::sessions
