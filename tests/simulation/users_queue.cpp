// Users: messages that are to go later, that expire, that are urgent, and those that are taken back while they wait.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "storage/outbox.h"
#include "tests/simulation/users.h"

namespace wharf::simulation {

using protocol::Errc;
using sessions::SentMessage;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// Beside what a clock may be behind the daemon's without being refused.
constexpr std::int64_t clock_behind_ms = 60'000;

}  // namespace

void Users::choose_place(Text& text) {
  if (!habits_.queueing || !is_message(text.kind)) return;
  auto& random = world_.queueing;
  const std::int64_t now = world_.daemon.unix_ms();
  if (random.below(4) == 0) text.priority = random.below(2) == 0 ? storage::Priority::low : storage::Priority::high;
  // From a moment to minutes; whole seconds, as programs ask for, so that several fall on one moment.
  if (random.below(5) == 0) {
    text.send_at = now + 1 + random.below(1'000u << random.below(8));
    if (random.below(2) == 0) text.send_at += 1'000 - text.send_at % 1'000;
  }
  if (random.below(6) == 0) text.expires_at = std::max(now, text.send_at) + 1 + random.below(200u << random.below(9));
}

bool Users::in_past(const Text& text) const {
  const std::int64_t latest = ledger_.queue.latest(text.made_at, world_.time.now());
  return (text.send_at != 0 && text.send_at < latest - clock_behind_ms) ||
         (text.expires_at != 0 && text.expires_at <= latest);
}

void Users::plan_withdrawal(std::size_t number) {
  const Text& text = ledger_.texts[number];
  if (!is_message(text.kind)) return;
  auto& random = world_.queueing;
  if (random.below(text.send_at == 0 ? 12 : 3) != 0) return;
  const auto left =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(text.send_at - world_.daemon.unix_ms(), 1, 600'000));
  std::int64_t wait = random.below(2'000);
  if (text.send_at != 0) wait = random.below(2) == 0 ? random.below(left) : left - 15 + std::int64_t{random.below(60)};
  later(milliseconds(std::max<std::int64_t>(wait, 0)), [this, number] { withdraw(number); });
}

void Users::withdraw(std::size_t number) {
  Text& text = ledger_.texts[number];
  if (text.withdrawal_answered || ledger_.gateways[text.via].retired) return;
  // Who is not answered asks again; the first request may have been heard.
  later(milliseconds(5'000 + world_.queueing.below(5'000)), [this, number] { withdraw(number); });
  if (!world_.daemon.running()) return;
  world_.trace.note("user", "withdraws " + text.body);
  ++text.withdrawals_open;
  world_.daemon.supervisor().tell(
      ledger_.gateways[text.via].session, sessions::CancelMessage{text.id},
      of_this_life<SentMessage>(
          [this, number](const sessions::Outcome<SentMessage>& answer) { on_withdrawal(number, answer); }));
}

void Users::on_withdrawal(std::size_t number, const sessions::Outcome<SentMessage>& answer) {
  Text& text = ledger_.texts[number];
  --text.withdrawals_open;
  if (answer) {
    world_.trace.note("user", "has withdrawn " + text.body);
    text.withdrawn = text.withdrawal_answered = true;
    if (answer->id != text.id || !events::has_failed(answer->ack))
      ledger_.violate(fmt::format("{} ({}) was withdrawn, and the answer says otherwise", text.body, text.id));
  } else if (answer.error().code == Errc::conflict || answer.error().code == Errc::not_found) {
    world_.trace.note("user", fmt::format("cannot withdraw {}: {}", text.body, answer.error().detail));
    if (!std::exchange(text.withdrawal_answered, true) && text.withdrawals_open == 0)
      text.not_withdrawn_at = world_.time.now();
  } else if (!passes(answer.error().code)) {
    ledger_.violate(fmt::format("withdraw {}: {}", text.body, answer.error().detail));
  }
}

void Users::withdraw_late_ones() {
  constexpr std::int64_t late_ms = 20 * 60'000;
  if (!world_.daemon.running()) return;
  for (const Gateway& gateway : ledger_.gateways) {
    const auto view = world_.daemon.supervisor().find(gateway.session);
    if (!view || gateway.retired) continue;
    for (const auto& row : storage::load_outbox(world_.daemon.store().reader(), view->id)) {
      if (row.state != storage::OutboxState::scheduled || row.send_at < world_.daemon.unix_ms() + late_ms) continue;
      const auto text = std::find_if(ledger_.texts.begin(), ledger_.texts.end(),
                                     [&](const Text& said) { return said.accepted && said.id == row.message_id; });
      if (text != ledger_.texts.end()) {
        if (text->withdrawals_open == 0) withdraw(static_cast<std::size_t>(text - ledger_.texts.begin()));
      } else {
        // Of a program that was never answered.
        world_.daemon.supervisor().tell(gateway.session, sessions::CancelMessage{row.message_id},
                                        of_this_life<SentMessage>([](const sessions::Outcome<SentMessage>&) {}));
      }
    }
  }
}

}  // namespace wharf::simulation
