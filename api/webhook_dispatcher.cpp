#include "api/webhook_dispatcher.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>

#include "api/event_id.h"
#include "api/webhook_rounds.h"
#include "api/webhook_rows.h"
#include "net/loop_guard.h"
#include "sessions/log_value.h"

namespace wharf::api {

using protocol::Errc;
using protocol::Error;
using protocol::Result;
using sessions::log_value;
using storage::Changes;
using storage::Event;
using storage::EventId;
using storage::UnixMs;
using Hook = WebhookHook;

namespace {

std::string lane_key(const Event& event) { return fmt::format("{}/{}", event.session.value, event.lane); }
std::string shown(const std::string& request_id) { return request_id.empty() ? "-" : log_value(request_id); }

}  // namespace

struct WebhookDispatcher::State : std::enable_shared_from_this<WebhookDispatcher::State> {
  State(Ports p, EventTexts& texts, Dialect dialect, WebhookSettings s)
      : ports(p),
        settings(std::move(s)),
        registry(
            p.store, settings, [this](Hook& hook) { on_added(hook); }, [this](const Hook& hook) { undue(hook); }),
        rows(p.scheduler, p.store, registry, head, settings),
        sender(p, texts, dialect, settings),
        rounds(settings.concurrency),
        due_timer(p.scheduler),
        cursor_timer(p.scheduler) {}

  Ports ports;
  WebhookSettings settings;
  EventId head = 0;  // newest event that was told
  WebhookRegistry registry;
  WebhookRows rows;
  WebhookSender sender;
  WebhookRounds rounds;
  std::set<std::pair<UnixMs, std::string>> due;  // (when, webhook)
  net::Timer due_timer, cursor_timer;
  bool draining = false;
  std::function<void()> drained;

  UnixMs now() const { return ports.scheduler.unix_ms(); }

  void tick() {
    cursor_timer.after(settings.cursor_interval, [this] { tick(); });
    for (const auto& [id, hook] : registry.all()) {
      rows.write(*hook, hook->lanes.unblock());
      catch_up(*hook);  // of one whose events could not be read
    }
    rows.write_cursors(WebhookRows::Lag::busy_only);
    pump();
  }

  // --- reading the log

  void accept(Hook& hook, const Event& event) {
    rows.write(hook, hook.lanes.accept(event.id, lane_key(event), now()));
    offer(hook);
  }

  void catch_up(Hook& hook) {
    if (hook.log.live() || draining) return;
    const WebhookLogReader::Sink sink{[&hook] { return hook.lanes.full(); },
                                      [this, &hook](const Event& event) { accept(hook, event); }};
    const auto read = hook.log.catch_up(ports.store.reader(), scope_of(hook.row), hook.names, head, sink);
    // Not skipped: what was skipped would be lost. The next tick tries again.
    if (!read && hook.log.unreadable_is_news())
      spdlog::error("webhook_events_unreadable webhook={} after={} error={}", hook.row.id,
                    event_id_text(hook.log.position()), log_value(read.error().detail));
  }

  // --- what goes, and when

  // After everything that may have changed what the lanes can send: the hook stands in its round and has its time.
  void offer(Hook& hook) {
    if (hook.lanes.sendable()) rounds.join(hook.row.id, hook.lanes.failing() ? Round::failing : Round::healthy);
    const auto at = hook.lanes.next_due();
    if (at == hook.due) return;
    undue(hook);
    if (at) due.emplace(*at, hook.row.id);
    hook.due = at;
    arm();
  }

  void undue(const Hook& hook) {
    if (hook.due) due.erase({*hook.due, hook.row.id});
  }

  void pump() {
    while (!draining) {
      const auto id = rounds.next();
      if (!id) return;
      Hook* hook = registry.find(*id);
      if (!hook) continue;
      const Round round = hook->lanes.failing() ? Round::failing : Round::healthy;
      if (const auto attempt = hook->lanes.begin()) send(*hook, *attempt, round);
      offer(*hook);
    }
  }

  void arm() {
    if (due.empty() || draining) return;
    // Looked at once a minute at least, so that a wall clock that jumps is noticed.
    const auto delay = std::clamp<UnixMs>(due.begin()->first - now(), 0, 60'000);
    due_timer.after(std::chrono::milliseconds(delay), [this] { wake(); });
  }

  void wake() {
    while (!due.empty() && due.begin()->first <= now()) {
      const std::string id = due.begin()->second;
      due.erase(due.begin());
      Hook* hook = registry.find(id);
      if (!hook) continue;
      hook->due.reset();
      hook->lanes.wake(now());
      offer(*hook);
    }
    arm();
    pump();
  }

  // --- one attempt

  /// An attempt that is under way.
  struct Sent {
    std::string webhook;
    WebhookLanes::Attempt attempt;
    Round round;
  };

  void send(const Hook& hook, const WebhookLanes::Attempt& attempt, Round round) {
    rounds.began(round);
    sender.send(hook.row, attempt.event,
                [this, sent = Sent{hook.row.id, attempt, round}](const DeliveryOutcome& outcome,
                                                                 const std::string& request_id) {
                  const auto here = shared_from_this();
                  complete(sent, outcome, request_id);
                });
  }

  void complete(const Sent& sent, const DeliveryOutcome& outcome, const std::string& request_id) {
    rounds.ended(sent.round);
    if (Hook* hook = registry.find(sent.webhook)) {
      settle(*hook, sent.attempt, outcome, request_id);
      catch_up(*hook);
      offer(*hook);
    }
    if (draining) finish_drain();
    else pump();
  }

  void settle(Hook& hook, const WebhookLanes::Attempt& attempt, const DeliveryOutcome& outcome,
              const std::string& request_id) {
    auto settled = hook.lanes.settle(attempt, outcome, now(), ports.random);
    rows.write(hook, std::move(settled.writes));
    switch (settled.fate) {
      case WebhookLanes::Fate::unknown: return;
      case WebhookLanes::Fate::delivered:
        hook.remember(attempt.event, settled, outcome, now());
        return rows.note_cursor(hook);
      case WebhookLanes::Fate::retried:
        return spdlog::info("webhook_retry webhook={} event={} request={} attempts={} in_ms={} error={}", hook.row.id,
                            event_id_text(attempt.event), shown(request_id), settled.attempts, settled.wait.count(),
                            log_value(outcome.error));
      case WebhookLanes::Fate::parked:
        return spdlog::warn("webhook_parked webhook={} event={} request={} attempts={} error={}", hook.row.id,
                            event_id_text(attempt.event), shown(request_id), settled.attempts,
                            log_value(outcome.error));
    }
  }

  // --- beginning and end

  void on_added(Hook& hook) {
    catch_up(hook);  // what came while the row was being committed
    pump();
  }

  void resume(Hook& hook) {
    for (storage::DeliveryRow& row :
         storage::load_deliveries(ports.store.reader(), hook.row.id, 2 * settings.max_deferred))
      hook.lanes.resume(std::move(row), now());
    offer(hook);
    catch_up(hook);
  }

  void finish_drain() {
    if (rounds.in_flight() != 0 || !drained) return;
    rows.write_cursors(WebhookRows::Lag::any);
    auto done = std::move(drained);
    drained = nullptr;
    ports.store.commit(Changes(), [done](Result<void>) { done(); });
  }
};

WebhookDispatcher::WebhookDispatcher(Ports ports, EventTexts& texts, Dialect dialect, WebhookSettings settings)
    : state_(std::make_shared<State>(ports, texts, dialect, std::move(settings))) {}

WebhookDispatcher::~WebhookDispatcher() {
  state_->due_timer.cancel();
  state_->cursor_timer.cancel();
}

void WebhookDispatcher::start() {
  // Rows that cannot be read cost the webhook that they belong to, not the daemon its start.
  state_->head = storage::last_event_id(state_->ports.store.reader());
  for (storage::WebhookRow& row : storage::load_webhooks(state_->ports.store.reader())) {
    Hook& hook = state_->registry.adopt(std::move(row));
    net::guard("webhook start", [&] { state_->resume(hook); });
  }
  state_->tick();
  state_->pump();
}

void WebhookDispatcher::on_events(const std::vector<Event>& events) {
  for (const Event& event : events) {
    for (const WebhookScope& scope : {WebhookScope(event.session), WebhookScope(event.org)}) {
      for (Hook* hook : state_->registry.of(scope))
        if (hook->log.feed(event, hook->names, hook->lanes.full())) state_->accept(*hook, event);
    }
    state_->head = std::max(state_->head, event.id);
  }
  state_->pump();
}

void WebhookDispatcher::add(storage::WebhookRow row, Registered done) {
  state_->registry.add(std::move(row), state_->head, std::move(done));
}

void WebhookDispatcher::update(const std::string& id, const std::function<void(storage::WebhookRow&)>& change,
                               Registered done) {
  state_->registry.update(id, change, std::move(done));
}

void WebhookDispatcher::remove(const std::string& id, std::function<void(Result<void>)> done) {
  state_->registry.remove(id, std::move(done));
}

void WebhookDispatcher::session_removed(storage::SessionId session) { state_->registry.session_removed(session); }

const storage::WebhookRow* WebhookDispatcher::find(const std::string& id) const {
  const Hook* hook = state_->registry.find(id);
  return hook ? &hook->row : nullptr;
}

std::vector<const storage::WebhookRow*> WebhookDispatcher::list(const WebhookScope& scope) const {
  std::vector<const storage::WebhookRow*> out;
  for (const Hook* hook : state_->registry.of(scope)) out.push_back(&hook->row);
  std::stable_sort(out.begin(), out.end(), [](const auto* a, const auto* b) { return a->created_at < b->created_at; });
  return out;
}

std::vector<DeliveryView> WebhookDispatcher::deliveries(const std::string& id, std::size_t limit) const {
  std::vector<DeliveryView> out;
  const Hook* hook = state_->registry.find(id);
  if (!hook) return out;
  for (const storage::DeliveryRow& row : storage::load_deliveries(state_->ports.store.reader(), id, limit))
    out.push_back(view_of(row));
  for (const DeliveryView& view : hook->recent)
    if (out.size() < limit) out.push_back(view);
  return out;
}

void WebhookDispatcher::redeliver(const std::string& id, EventId event_id, std::function<void(Result<void>)> done) {
  Hook* hook = state_->registry.find(id);
  if (!hook) return done(Error(Errc::not_found, "no such webhook"));
  const auto event = storage::find_event(state_->ports.store.reader(), event_id);
  if (!event || !covers(scope_of(hook->row), *event))
    return done(Error(Errc::not_found, "the log has no such event of this webhook"));

  state_->rows.write(*hook, hook->lanes.redeliver(event_id, lane_key(*event), state_->now()));
  state_->rows.flush();
  state_->offer(*hook);
  state_->pump();
  state_->ports.store.commit(Changes(), std::move(done));  // in order behind the row
}

void WebhookDispatcher::test(const std::string& id, const std::string& request_id,
                             std::function<void(Result<DeliveryOutcome>)> done) {
  const Hook* hook = state_->registry.find(id);
  if (!hook) return done(Error(Errc::not_found, "no such webhook"));
  state_->sender.test(hook->row, request_id, std::move(done));
}

void WebhookDispatcher::wake() { state_->wake(); }

void WebhookDispatcher::drain(std::function<void()> done) {
  state_->draining = true;
  state_->due_timer.cancel();
  state_->cursor_timer.cancel();
  state_->drained = std::move(done);
  state_->finish_drain();
}

}  // namespace wharf::api
