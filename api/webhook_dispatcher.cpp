#include "api/webhook_dispatcher.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "api/event_id.h"
#include "api/event_names.h"
#include "api/iso_time.h"
#include "api/webhook_lanes.h"
#include "api/webhook_log_reader.h"
#include "api/webhook_rounds.h"
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

namespace {

constexpr std::size_t recent_kept = 10;

struct Hook {
  Hook(storage::WebhookRow r, const WebhookSettings& settings)
      : row(std::move(r)), wanted(row), names(row.events), log(row.cursor), lanes(row.id, row.cursor, settings) {}
  storage::WebhookRow row;
  storage::WebhookRow wanted;  // with the changes that are being committed
  EventNames names;
  WebhookLogReader log;
  WebhookLanes lanes;
  std::optional<UnixMs> due;  // where it stands in State::due
  std::deque<WebhookDispatcher::DeliveryView> recent;
};
// Owned by the dispatcher's map; completions look hooks up by id and never hold one.
using HookPtr = std::unique_ptr<Hook>;

std::string lane_key(const Event& event) { return fmt::format("{}/{}", event.session.value, event.lane); }

}  // namespace

struct WebhookDispatcher::State : std::enable_shared_from_this<WebhookDispatcher::State> {
  State(Ports p, EventTexts& t, Dialect d, WebhookSettings s)
      : ports(p),
        texts(t),
        dialect(d),
        settings(std::move(s)),
        rounds(settings.concurrency),
        due_timer(p.scheduler),
        cursor_timer(p.scheduler) {}

  Ports ports;
  EventTexts& texts;
  Dialect dialect;
  WebhookSettings settings;
  EventId head = 0;
  std::map<std::string, HookPtr> hooks;
  std::map<WebhookScope, std::vector<Hook*>> by_scope;
  WebhookRounds rounds;
  std::set<std::pair<UnixMs, std::string>> due;  // (when, hook)
  net::Timer due_timer, cursor_timer;
  Changes changes;                                                 // of this turn of the loop
  std::vector<std::pair<std::string, EventId>> settled_by_commit;  // told to the lanes when they are durable
  std::set<std::string> moved;                                     // hooks whose cursor may have moved
  std::set<std::pair<WebhookScope, std::string>> adding;           // URLs being committed
  bool flush_posted = false, draining = false, cursors_under_way = false;
  std::function<void()> drained;

  UnixMs now() const { return ports.scheduler.unix_ms(); }
  Hook* find(const std::string& id) {
    const auto found = hooks.find(id);
    return found == hooks.end() ? nullptr : found->second.get();
  }

  // --- rows

  void write(Hook& hook, WebhookLanes::Writes writes) {
    for (const EventId event : writes.settled) settled_by_commit.emplace_back(hook.row.id, event);
    if (writes.rows.empty()) return;
    changes.append(std::move(writes.rows));
    flush_later();
  }

  void flush_later() {
    if (flush_posted) return;
    flush_posted = true;
    ports.scheduler.post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->flush();
    });
  }

  void flush() {
    flush_posted = false;
    if (!cursors_under_way) {
      for (const std::string& id : std::exchange(moved, {}))
        if (Hook* hook = find(id)) advance(*hook);
      // One at a time: while it is on its way to the disk, more deliveries gather for the next.
      cursors_under_way = !changes.empty();
      if (cursors_under_way) return commit_rows(std::exchange(changes, Changes()), true);
    }
    if (changes.empty()) return;
    commit_rows(std::exchange(changes, Changes()), false);
  }

  void commit_rows(Changes turn, bool with_cursors) {
    auto settled = std::exchange(settled_by_commit, {});
    ports.store.commit(std::move(turn),
                       [weak = weak_from_this(), with_cursors, settled = std::move(settled)](Result<void> committed) {
                         const auto self = weak.lock();
                         if (!self) return;
                         if (with_cursors) self->cursors_under_way = false;
                         if (!committed) {
                           // The events stay outstanding, so the cursor stays below them: a restart delivers them
                           // again.
                           spdlog::warn("webhook_rows_failed error={}", log_value(committed.error().detail));
                           return;
                         }
                         for (const auto& [id, event] : settled) {
                           Hook* hook = self->find(id);
                           if (!hook) continue;
                           hook->lanes.on_committed(event);
                           self->note_cursor(*hook);
                         }
                         if (!self->moved.empty()) self->flush_later();
                       });
  }

  // --- cursors

  EventId cursor_of(const Hook& hook) const { return hook.lanes.cursor(hook.log.looked_at(head)); }

  void note_cursor(Hook& hook) {
    if (cursor_of(hook) <= hook.lanes.durable()) return;
    moved.insert(hook.row.id);
    flush_later();
  }

  void advance(Hook& hook) {
    const auto cursor = hook.lanes.advance(hook.log.looked_at(head));
    if (!cursor) return;
    hook.log.on_advanced(*cursor);
    changes.add(storage::AdvanceWebhook{hook.row.id, *cursor});
  }

  enum class Lag { busy_only, any };
  void write_cursors(Lag lag) {
    for (const auto& [id, hook] : hooks) {
      const EventId durable = hook->lanes.durable();
      const bool idle = !hook->lanes.has_outstanding() && hook->log.position() <= durable;
      if (lag == Lag::busy_only && idle && cursor_of(*hook) - durable < settings.max_cursor_lag) continue;
      advance(*hook);
    }
    flush();
  }

  void tick() {
    cursor_timer.after(settings.cursor_interval, [this] { tick(); });
    for (const auto& [id, hook] : hooks) {
      write(*hook, hook->lanes.unblock());
      catch_up(*hook);  // of one whose events could not be read
    }
    write_cursors(Lag::busy_only);
    pump();
  }

  // --- reading the log

  void accept(Hook& hook, const Event& event) {
    write(hook, hook.lanes.accept(event.id, lane_key(event), now()));
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
    if (hook.due) due.erase({*hook.due, hook.row.id});
    if (at) due.emplace(*at, hook.row.id);
    hook.due = at;
    arm();
  }

  void pump() {
    while (!draining) {
      const auto id = rounds.next();
      if (!id) return;
      Hook* hook = find(*id);
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
      Hook* hook = find(id);
      if (!hook) continue;
      hook->due.reset();
      hook->lanes.wake(now());
      offer(*hook);
    }
    arm();
    pump();
  }

  // --- one attempt

  std::shared_ptr<const RenderedEvent> text_of(EventId id) {
    if (auto known = texts.remembered(id, dialect)) return known;
    const auto event = storage::find_event(ports.store.reader(), id);
    return event ? texts.text(*event, dialect) : nullptr;
  }

  /// An attempt that is under way.
  struct Sent {
    std::string webhook;
    WebhookLanes::Attempt attempt;
    Round round;
    std::string request_id;  // of the event; "" = none
  };
  static std::string request_of(const Sent& sent) { return sent.request_id.empty() ? "-" : log_value(sent.request_id); }

  void send(const Hook& hook, const WebhookLanes::Attempt& attempt, Round round) {
    rounds.began(round);
    DeliveryOutcome lost;
    std::shared_ptr<const RenderedEvent> text;
    try {
      text = text_of(attempt.event);
      lost.gone = !text;
      if (!text) lost.error = "the event is no longer in the log";
    } catch (const storage::ReadFailure& unreadable) {
      lost.error = "the event cannot be read: " + unreadable.error.detail;
    }
    Sent sent{hook.row.id, attempt, round, text ? text->request_id : std::string()};
    const auto complete = [weak = weak_from_this(), sent = std::move(sent)](const DeliveryOutcome& outcome) {
      if (const auto self = weak.lock()) self->complete(sent, outcome);
    };
    if (!text) {
      spdlog::warn("webhook_event_missing webhook={} event={} error={}", hook.row.id, event_id_text(attempt.event),
                   log_value(lost.error));
      return ports.scheduler.post([complete, lost] { complete(lost); });
    }
    const auto finish = [weak = weak_from_this(), complete](const net::OutgoingResult& result) {
      if (const auto self = weak.lock()) complete(outcome_of(result, self->now()));
    };
    auto request =
        webhook_request(hook.row, {event_id_text(attempt.event), text->request_id, text->json}, now() / 1000, settings);
    if (!request) {
      return ports.scheduler.post([finish, message = request.error()] {
        finish(net::OutgoingFailure{net::OutgoingFailure::Kind::bad_address, message});
      });
    }
    ports.http.send(std::move(*request), finish);
  }

  void complete(const Sent& sent, const DeliveryOutcome& outcome) {
    rounds.ended(sent.round);
    if (Hook* hook = find(sent.webhook)) {
      settle(*hook, sent, outcome);
      catch_up(*hook);
      offer(*hook);
    }
    if (draining) finish_drain();
    else pump();
  }

  void settle(Hook& hook, const Sent& sent, const DeliveryOutcome& outcome) {
    const WebhookLanes::Attempt& attempt = sent.attempt;
    auto settled = hook.lanes.settle(attempt, outcome, now(), ports.random);
    write(hook, std::move(settled.writes));
    switch (settled.fate) {
      case WebhookLanes::Fate::unknown: return;
      case WebhookLanes::Fate::delivered: remember(hook, attempt.event, settled, outcome); return note_cursor(hook);
      case WebhookLanes::Fate::retried:
        return spdlog::info("webhook_retry webhook={} event={} request={} attempts={} in_ms={} error={}", hook.row.id,
                            event_id_text(attempt.event), request_of(sent), settled.attempts, settled.wait.count(),
                            log_value(outcome.error));
      case WebhookLanes::Fate::parked:
        return spdlog::warn("webhook_parked webhook={} event={} request={} attempts={} error={}", hook.row.id,
                            event_id_text(attempt.event), request_of(sent), settled.attempts, log_value(outcome.error));
    }
  }

  void remember(Hook& hook, EventId event, const WebhookLanes::Settlement& settled, const DeliveryOutcome& outcome) {
    DeliveryView view;
    view.event = event;
    view.state = DeliveryState::delivered;
    view.attempts = settled.attempts;
    view.first_try = settled.first_try;
    view.delivered_at = now();
    view.status = outcome.status;
    hook.recent.push_front(std::move(view));
    if (hook.recent.size() > recent_kept) hook.recent.pop_back();
  }

  // --- hooks

  Hook& adopt(storage::WebhookRow row) {
    const std::string id = row.id;
    HookPtr& slot = hooks[id];
    slot = std::make_unique<Hook>(std::move(row), settings);
    by_scope[scope_of(slot->row)].push_back(slot.get());
    return *slot;
  }

  // The webhook of a URL in its scope. Changes under way count.
  Hook* with_url(const WebhookScope& scope, const std::string& url) {
    const auto found = by_scope.find(scope);
    if (found == by_scope.end()) return nullptr;
    for (Hook* hook : found->second)
      if (hook->row.url == url || hook->wanted.url == url) return hook;
    return nullptr;
  }

  void add(storage::WebhookRow row, Registered done) {
    if (const Hook* there = with_url(scope_of(row), row.url)) return done(there->wanted);
    const std::pair<WebhookScope, std::string> key(scope_of(row), row.url);
    if (!adding.insert(key).second) {
      // The same URL is on its way to the disk: looked for again behind it.
      return ports.store.commit(Changes(),
                                [weak = weak_from_this(), row = std::move(row), done = std::move(done)](Result<void>) {
                                  if (const auto self = weak.lock()) self->add(row, done);
                                });
    }
    row.cursor = head;
    Changes turn;
    turn.add(storage::PutWebhook{row});
    ports.store.commit(std::move(turn),
                       [weak = weak_from_this(), row, key, done = std::move(done)](Result<void> committed) {
                         const auto self = weak.lock();
                         if (self) self->adding.erase(key);
                         if (self && committed) {
                           self->catch_up(self->adopt(row));  // what came while the row was being committed
                           self->pump();
                         }
                         if (!committed) return done(committed.error());
                         done(row);
                       });
  }

  void forget(const std::string& id) {
    const auto found = hooks.find(id);
    if (found == hooks.end()) return;
    Hook* hook = found->second.get();
    if (hook->due) due.erase({*hook->due, id});
    std::erase(by_scope[scope_of(hook->row)], hook);
    hooks.erase(found);
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
    write_cursors(Lag::any);
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
    Hook& hook = state_->adopt(std::move(row));
    net::guard("webhook start", [&] { state_->resume(hook); });
  }
  state_->tick();
  state_->pump();
}

void WebhookDispatcher::on_events(const std::vector<Event>& events) {
  for (const Event& event : events) {
    for (const WebhookScope& scope : {WebhookScope(event.session), WebhookScope(event.org)}) {
      const auto found = state_->by_scope.find(scope);
      if (found == state_->by_scope.end()) continue;
      for (Hook* hook : found->second)
        if (hook->log.feed(event, hook->names, hook->lanes.full())) state_->accept(*hook, event);
    }
    state_->head = std::max(state_->head, event.id);
  }
  state_->pump();
}

void WebhookDispatcher::add(storage::WebhookRow row, Registered done) { state_->add(std::move(row), std::move(done)); }

void WebhookDispatcher::update(const std::string& id, const std::function<void(storage::WebhookRow&)>& change,
                               Registered done) {
  Hook* hook = state_->find(id);
  if (!hook) return done(Error(Errc::not_found, "no such webhook"));
  storage::WebhookRow row = hook->wanted;
  change(row);
  const Hook* other = state_->with_url(scope_of(row), row.url);
  if (other && other != hook) return done(Error(Errc::conflict, "the URL is registered already as " + other->row.id));
  hook->wanted = row;
  Changes changes;
  changes.add(storage::PutWebhook{row});
  state_->ports.store.commit(
      std::move(changes), [weak = std::weak_ptr<State>(state_), row, done = std::move(done)](Result<void> committed) {
        const auto state = weak.lock();
        Hook* changed = state ? state->find(row.id) : nullptr;
        if (!committed) {
          if (changed) changed->wanted = changed->row;
          return done(committed.error());
        }
        if (changed) {
          changed->row = row;
          changed->names = EventNames(row.events);
        }
        done(row);
      });
}

void WebhookDispatcher::remove(const std::string& id, std::function<void(Result<void>)> done) {
  if (!state_->find(id)) return done(Error(Errc::not_found, "no such webhook"));
  state_->forget(id);
  Changes changes;
  changes.add(storage::RemoveWebhook{id});
  state_->ports.store.commit(std::move(changes), std::move(done));
}

void WebhookDispatcher::session_removed(storage::SessionId session) {
  const auto found = state_->by_scope.find(session);
  if (found == state_->by_scope.end()) return;
  const std::vector<Hook*> list = found->second;
  for (const Hook* hook : list) {
    const std::string id = hook->row.id;
    state_->forget(id);
  }
  state_->by_scope.erase(session);
}

const storage::WebhookRow* WebhookDispatcher::find(const std::string& id) const {
  const Hook* hook = state_->find(id);
  return hook ? &hook->row : nullptr;
}

std::vector<const storage::WebhookRow*> WebhookDispatcher::list(const WebhookScope& scope) const {
  std::vector<const storage::WebhookRow*> out;
  const auto found = state_->by_scope.find(scope);
  if (found != state_->by_scope.end())
    for (const Hook* hook : found->second) out.push_back(&hook->row);
  std::stable_sort(out.begin(), out.end(), [](const auto* a, const auto* b) { return a->created_at < b->created_at; });
  return out;
}

std::vector<WebhookDispatcher::DeliveryView> WebhookDispatcher::deliveries(const std::string& id,
                                                                           std::size_t limit) const {
  std::vector<DeliveryView> out;
  const Hook* hook = state_->find(id);
  if (!hook) return out;
  for (const storage::DeliveryRow& row : storage::load_deliveries(state_->ports.store.reader(), id, limit)) {
    DeliveryView view;
    view.event = row.event;
    view.state = row.parked         ? DeliveryState::parked
                 : row.attempts > 0 ? DeliveryState::retrying
                                    : DeliveryState::waiting;
    view.attempts = row.attempts;
    view.first_try = row.first_try;
    view.next_try = row.next_try;
    view.last_error = row.last_error;
    out.push_back(std::move(view));
  }
  for (const DeliveryView& view : hook->recent)
    if (out.size() < limit) out.push_back(view);
  return out;
}

void WebhookDispatcher::redeliver(const std::string& id, EventId event_id, std::function<void(Result<void>)> done) {
  Hook* hook = state_->find(id);
  if (!hook) return done(Error(Errc::not_found, "no such webhook"));
  const auto event = storage::find_event(state_->ports.store.reader(), event_id);
  if (!event || !covers(scope_of(hook->row), *event))
    return done(Error(Errc::not_found, "the log has no such event of this webhook"));

  state_->write(*hook, hook->lanes.redeliver(event_id, lane_key(*event), state_->now()));
  state_->flush();
  state_->offer(*hook);
  state_->pump();
  state_->ports.store.commit(Changes(), std::move(done));  // in order behind the row
}

void WebhookDispatcher::test(const std::string& id, const std::string& request_id,
                             std::function<void(Result<DeliveryOutcome>)> done) {
  const Hook* hook = state_->find(id);
  if (!hook) return done(Error(Errc::not_found, "no such webhook"));
  const std::string event_id = "test-" + protocol::to_hex(state_->ports.random.bytes<8>());
  JsonWriter body;
  body.begin_object()
      .text("event", "test")
      .null("sessionId")
      .text("id", event_id)
      .text("timestamp", iso_millis(state_->now()))
      .text_if("requestId", request_id);
  body.key("data").begin_object().text("webhookId", id).end_object().end_object();
  auto request =
      webhook_request(hook->row, {event_id, request_id, body.take()}, state_->now() / 1000, state_->settings);
  if (!request) return done(Error(Errc::malformed, request.error()));
  state_->ports.http.send(std::move(*request), [weak = std::weak_ptr<State>(state_), done](net::OutgoingResult result) {
    if (const auto state = weak.lock()) done(outcome_of(result, state->now()));
  });
}

void WebhookDispatcher::wake() { state_->wake(); }

void WebhookDispatcher::drain(std::function<void()> done) {
  state_->draining = true;
  state_->due_timer.cancel();
  state_->cursor_timer.cancel();
  state_->drained = std::move(done);
  state_->finish_drain();
}

std::string_view name(WebhookDispatcher::DeliveryState state) {
  switch (state) {
    case WebhookDispatcher::DeliveryState::delivered: return "delivered";
    case WebhookDispatcher::DeliveryState::waiting: return "waiting";
    case WebhookDispatcher::DeliveryState::retrying: return "retrying";
    case WebhookDispatcher::DeliveryState::parked: return "parked";
  }
  return "waiting";
}

}  // namespace wharf::api
