#include "api/webhook_dispatcher.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "api/event_names.h"
#include "api/iso_time.h"
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

constexpr std::size_t catch_up_page = 100, recent_kept = 10;

/// One event on its way to one webhook.
struct Item {
  EventId event = 0;
  std::uint32_t attempts = 0;
  UnixMs first_try = 0, next_try = 0;
  bool deferred = false;  // has a row in webhook_delivery
  std::string last_error;
};

struct Lane {
  std::deque<Item> items;  // by event id; the front is the one to try
  bool busy = false;       // the front is under way
  bool ready = false;      // stands in its hook's ready list
};

struct Hook {
  explicit Hook(storage::WebhookRow r)
      : row(std::move(r)), wanted(row), names(row.events), position(row.cursor), durable(row.cursor) {}
  storage::WebhookRow row;
  storage::WebhookRow wanted;  // with the changes that are being committed
  EventNames names;
  std::unordered_map<std::string, Lane> lanes;
  std::deque<std::string> ready;  // lanes whose front may go
  std::size_t in_flight = 0, deferred = 0;
  bool failing = false;           // the last attempt failed
  bool runnable = false;          // stands in one of the two rounds
  bool live = false;              // fed by on_events; else it reads the log from `position`
  EventId position;               // everything up to here was looked at (a live one: also up to the head)
  EventId durable;                // the cursor on disk
  EventId delivered_top = 0;      // the newest event delivered without a row
  EventId unreadable = -1;        // position behind which the log could not be read: told once
  EventId blocker = 0;            // the oldest outstanding event at the last tick
  std::set<EventId> outstanding;  // looked at, neither delivered nor in a committed row
  std::set<EventId> resumed;      // rows of the process before that the log will show again behind its cursor
  std::deque<WebhookDispatcher::DeliveryView> recent;
};
// Owned by the dispatcher's map; completions look hooks up by id and never hold one.
using HookPtr = std::unique_ptr<Hook>;

std::string lane_key(const Event& event) { return fmt::format("{}/{}", event.session.value, event.lane); }

}  // namespace

struct WebhookDispatcher::State : std::enable_shared_from_this<WebhookDispatcher::State> {
  State(Ports p, EventTexts& t, Dialect d, WebhookSettings s)
      : ports(p), texts(t), dialect(d), settings(std::move(s)), due_timer(p.scheduler), cursor_timer(p.scheduler) {}

  Ports ports;
  EventTexts& texts;
  Dialect dialect;
  WebhookSettings settings;
  EventId head = 0;
  std::map<std::string, HookPtr> hooks;
  std::unordered_map<std::int64_t, std::vector<Hook*>> by_session;  // 0: those of every session
  std::deque<std::string> healthy, failing;                         // rounds of hooks with ready lanes
  std::size_t in_flight = 0, failing_in_flight = 0;
  std::set<std::tuple<UnixMs, std::string, std::string>> due;  // (when, hook, lane)
  net::Timer due_timer, cursor_timer;
  Changes changes;                                                 // of this turn of the loop
  std::vector<std::pair<std::string, EventId>> settled_by_commit;  // leave `outstanding` when they are durable
  std::set<std::string> moved;                                     // hooks whose cursor may have moved
  std::set<std::pair<std::int64_t, std::string>> adding;           // (session, URL) being committed
  bool flush_posted = false, draining = false, cursors_under_way = false;
  std::function<void()> drained;

  UnixMs now() const { return ports.scheduler.unix_ms(); }
  Hook* find(const std::string& id) {
    const auto found = hooks.find(id);
    return found == hooks.end() ? nullptr : found->second.get();
  }

  // --- rows

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
      if (cursors_under_way) {
        storage::Changes turn = std::exchange(changes, Changes());
        return commit_rows(std::move(turn), true);
      }
    }
    if (changes.empty()) return;
    commit_rows(std::exchange(changes, Changes()), false);
  }

  void commit_rows(Changes turn, bool with_cursors) {
    auto settled = std::move(settled_by_commit);
    settled_by_commit.clear();
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
                         for (const auto& [id, event] : settled)
                           if (Hook* hook = self->find(id)) self->release(*hook, event);
                         if (!self->moved.empty()) self->flush_later();
                       });
  }

  void put_row(Hook& hook, const std::string& lane, Item& item) {
    if (!item.deferred) {
      item.deferred = true;
      ++hook.deferred;
      settled_by_commit.emplace_back(hook.row.id, item.event);
    }
    changes.add(storage::PutDelivery{
        {hook.row.id, item.event, lane, item.attempts, item.next_try, item.first_try, false, item.last_error}});
    flush_later();
  }

  EventId cursor_of(const Hook& hook) const {
    if (!hook.outstanding.empty()) return *hook.outstanding.begin() - 1;
    return hook.live ? std::max(hook.position, head) : hook.position;
  }

  void release(Hook& hook, EventId event) {
    hook.outstanding.erase(event);
    if (cursor_of(hook) <= hook.durable) return;
    moved.insert(hook.row.id);
    flush_later();
  }

  void advance(Hook& hook) {
    const EventId cursor = cursor_of(hook);
    if (cursor <= hook.durable) return;
    hook.durable = cursor;
    hook.position = std::max(hook.position, cursor);
    changes.add(storage::AdvanceWebhook{hook.row.id, cursor});
  }

  // A slow receiver or a busy lane holds the cursor back while other lanes go on: after a whole tick its events become
  // rows, or a crash would repeat all that was delivered behind them.
  void unblock(Hook& hook) {
    const EventId oldest = hook.outstanding.empty() ? 0 : *hook.outstanding.begin();
    const bool blocks = oldest != 0 && oldest == hook.blocker && oldest < hook.delivered_top;
    hook.blocker = oldest;
    if (!blocks) return;
    for (auto& [key, lane] : hook.lanes)
      for (Item& item : lane.items)
        if (!item.deferred && item.event < hook.delivered_top) put_row(hook, key, item);
  }

  enum class Lag { busy_only, any };
  void write_cursors(Lag lag) {
    for (const auto& [id, hook] : hooks) {
      const EventId cursor = cursor_of(*hook);
      const bool idle = hook->outstanding.empty() && hook->position <= hook->durable;
      if (cursor <= hook->durable ||
          (lag == Lag::busy_only && idle && cursor - hook->durable < settings.max_cursor_lag))
        continue;
      advance(*hook);
    }
    flush();
  }

  void tick() {
    cursor_timer.after(settings.cursor_interval, [this] { tick(); });
    for (const auto& [id, hook] : hooks) {
      unblock(*hook);
      catch_up(*hook);  // of one whose events could not be read
    }
    write_cursors(Lag::busy_only);
    pump();
  }

  // --- reading the log

  bool full(const Hook& hook) const {
    return hook.outstanding.size() >= settings.read_ahead || hook.deferred >= settings.max_deferred;
  }

  void accept(Hook& hook, const Event& event) {
    hook.position = event.id;
    if (hook.resumed.erase(event.id) != 0) return;
    const std::string key = lane_key(event);
    Lane& lane = hook.lanes[key];
    Item item;
    item.event = event.id;
    item.first_try = now();
    hook.outstanding.insert(event.id);
    // Behind a waiting retry: a row, so that the cursor can pass.
    if (!lane.items.empty() && lane.items.front().deferred) put_row(hook, key, item);
    lane.items.push_back(std::move(item));
    offer(hook, key, lane);
  }

  void feed(Hook& hook, const Event& event) {
    if (!hook.live || event.id <= hook.position || !hook.names.match(event.name)) return;
    if (full(hook)) {
      hook.live = false;
      hook.position = event.id - 1;
      return;
    }
    accept(hook, event);
  }

  void catch_up(Hook& hook) {
    while (!hook.live && !full(hook) && !draining) {
      storage::EventFilter filter;
      filter.session = hook.row.session;
      filter.after = hook.position;
      filter.limit = catch_up_page;
      std::vector<Event> page;
      try {
        page = storage::read_events(ports.store.reader(), filter);
      } catch (const storage::ReadFailure& unreadable) {
        // Not skipped: it may be readable again, and what was skipped would be lost. The next tick tries again.
        if (std::exchange(hook.unreadable, hook.position) != hook.position)
          spdlog::error("webhook_events_unreadable webhook={} after={} error={}", hook.row.id, hook.position,
                        log_value(unreadable.error.detail));
        return;
      }
      for (const Event& event : page) {
        if (full(hook)) return;
        if (hook.names.match(event.name)) accept(hook, event);
        hook.position = event.id;
      }
      if (page.size() == filter.limit) continue;
      hook.position = std::max(hook.position, head);
      hook.live = true;
    }
  }

  // --- choosing what goes

  // The lane's front may go now: put the lane into the hook's list, or note when it may.
  void offer(Hook& hook, const std::string& key, Lane& lane) {
    if (lane.busy || lane.ready || lane.items.empty()) return;
    if (const UnixMs at = lane.items.front().next_try; at > now()) {
      due.emplace(at, hook.row.id, key);
      arm();
      return;
    }
    lane.ready = true;
    hook.ready.push_back(key);
    enqueue(hook);
  }

  bool at_its_cap(const Hook& hook) const {
    return hook.in_flight >= (hook.failing ? 1 : settings.concurrency_per_webhook);
  }

  void enqueue(Hook& hook) {
    if (hook.runnable || hook.ready.empty() || at_its_cap(hook)) return;
    hook.runnable = true;
    (hook.failing ? failing : healthy).push_back(hook.row.id);
  }

  void pump() {
    while (!draining && in_flight < settings.concurrency) {
      const bool room_for_failing = failing_in_flight < std::max<std::size_t>(1, settings.concurrency / 2);
      auto& round = !failing.empty() && room_for_failing ? failing : healthy;
      if (round.empty()) return;
      Hook* hook = find(round.front());
      round.pop_front();
      if (!hook) continue;
      hook->runnable = false;
      if (!hook->ready.empty() && !at_its_cap(*hook)) {
        const std::string key = std::move(hook->ready.front());
        hook->ready.pop_front();
        begin(*hook, key);
      }
      enqueue(*hook);
    }
  }

  void arm() {
    if (due.empty() || draining) return;
    // Looked at once a minute at least, so that a wall clock that jumps is noticed.
    const auto delay = std::clamp<UnixMs>(std::get<0>(*due.begin()) - now(), 0, 60'000);
    due_timer.after(std::chrono::milliseconds(delay), [this] { wake(); });
  }

  void wake() {
    while (!due.empty() && std::get<0>(*due.begin()) <= now()) {
      const auto [at, id, key] = *due.begin();
      due.erase(due.begin());
      Hook* hook = find(id);
      if (!hook) continue;
      if (const auto lane = hook->lanes.find(key); lane != hook->lanes.end()) offer(*hook, key, lane->second);
    }
    arm();
    pump();
  }

  // --- one attempt

  std::shared_ptr<const std::string> text_of(EventId id) {
    if (auto known = texts.remembered(id, dialect)) return known;
    const auto event = storage::find_event(ports.store.reader(), id);
    return event ? texts.text(*event, dialect) : nullptr;
  }

  void begin(Hook& hook, const std::string& key) {
    const auto found = hook.lanes.find(key);
    if (found == hook.lanes.end()) return;
    Lane& lane = found->second;
    lane.ready = false;
    if (lane.busy || lane.items.empty()) return;
    Item& item = lane.items.front();
    lane.busy = true;
    ++hook.in_flight;
    ++in_flight;
    const bool counted_failing = hook.failing;
    if (counted_failing) ++failing_in_flight;
    ++item.attempts;

    auto finish = [weak = weak_from_this(), id = hook.row.id, key, event = item.event,
                   counted_failing](net::OutgoingResult result) {
      if (const auto self = weak.lock())
        self->complete(id, key, event, counted_failing, outcome_of(result, self->now()));
    };
    DeliveryOutcome lost;
    std::shared_ptr<const std::string> text;
    try {
      text = text_of(item.event);
      lost.gone = !text;
      if (!text) lost.error = "the event is no longer in the log";
    } catch (const storage::ReadFailure& unreadable) {
      lost.error = "the event cannot be read: " + unreadable.error.detail;
    }
    if (!text) {
      spdlog::warn("webhook_event_missing webhook={} event={} error={}", hook.row.id, item.event,
                   log_value(lost.error));
      return ports.scheduler.post(
          [weak = weak_from_this(), id = hook.row.id, key, event = item.event, counted_failing, lost] {
            if (const auto self = weak.lock()) self->complete(id, key, event, counted_failing, lost);
          });
    }
    auto request = webhook_request(hook.row, std::to_string(item.event), *text, now() / 1000, settings);
    if (!request) {
      return ports.scheduler.post([finish, message = request.error()]() mutable {
        finish(net::OutgoingFailure{net::OutgoingFailure::Kind::bad_address, message});
      });
    }
    ports.http.send(std::move(*request), std::move(finish));
  }

  void complete(const std::string& id, const std::string& key, EventId event, bool counted_failing,
                const DeliveryOutcome& outcome) {
    --in_flight;
    if (counted_failing) --failing_in_flight;
    if (Hook* hook = find(id)) {
      --hook->in_flight;
      hook->failing = !outcome.delivered;
      settle(*hook, key, event, outcome);
      catch_up(*hook);
      enqueue(*hook);
    }
    if (draining) finish_drain();
    else pump();
  }

  void settle(Hook& hook, const std::string& key, EventId event, const DeliveryOutcome& outcome) {
    const auto found = hook.lanes.find(key);
    if (found == hook.lanes.end()) return;
    Lane& lane = found->second;
    lane.busy = false;
    const auto at =
        std::find_if(lane.items.begin(), lane.items.end(), [&](const Item& item) { return item.event == event; });
    if (at == lane.items.end()) return;

    if (outcome.delivered) {
      remember(hook, *at, outcome);
      drop(hook, *at);
      lane.items.erase(at);
    } else {
      at->last_error = outcome.error;
      const UnixMs age = now() - at->first_try;
      if (outcome.gone || age >= settings.give_up.count()) {
        park(hook, key, *at);
        lane.items.erase(at);
      } else {
        const auto wait =
            std::max(retry_delay(at->attempts, settings, ports.random),
                     std::min(outcome.retry_after.value_or(std::chrono::milliseconds(0)), settings.max_retry_after));
        at->next_try = now() + wait.count();
        put_row(hook, key, *at);
        for (Item& behind : lane.items)
          if (!behind.deferred) put_row(hook, key, behind);
        spdlog::info("webhook_retry webhook={} event={} attempts={} in_ms={} error={}", hook.row.id, event,
                     at->attempts, wait.count(), log_value(outcome.error));
      }
    }
    if (lane.items.empty()) hook.lanes.erase(found);
    else offer(hook, key, lane);
  }

  void remember(Hook& hook, const Item& item, const DeliveryOutcome& outcome) {
    DeliveryView view;
    view.event = item.event;
    view.state = DeliveryState::delivered;
    view.attempts = item.attempts;
    view.first_try = item.first_try;
    view.delivered_at = now();
    view.status = outcome.status;
    hook.recent.push_front(std::move(view));
    if (hook.recent.size() > recent_kept) hook.recent.pop_back();
  }

  // Delivered: no row is needed any more.
  void drop(Hook& hook, const Item& item) {
    hook.delivered_top = std::max(hook.delivered_top, item.event);
    if (!item.deferred) return release(hook, item.event);
    --hook.deferred;
    changes.add(storage::RemoveDelivery{hook.row.id, item.event});
    settled_by_commit.emplace_back(hook.row.id, item.event);
    flush_later();
  }

  // Given up: the row stays for a redeliver call.
  void park(Hook& hook, const std::string& key, const Item& item) {
    if (item.deferred) --hook.deferred;
    spdlog::warn("webhook_parked webhook={} event={} attempts={} error={}", hook.row.id, item.event, item.attempts,
                 log_value(item.last_error));
    changes.add(
        storage::PutDelivery{{hook.row.id, item.event, key, item.attempts, 0, item.first_try, true, item.last_error}});
    settled_by_commit.emplace_back(hook.row.id, item.event);
    flush_later();
  }

  // --- hooks

  Hook& adopt(storage::WebhookRow row) {
    const std::string id = row.id;
    HookPtr& slot = hooks[id];
    slot = std::make_unique<Hook>(std::move(row));
    by_session[slot->row.session ? slot->row.session->value : 0].push_back(slot.get());
    return *slot;
  }

  // The webhook of a URL in its scope. Changes under way count.
  Hook* with_url(std::optional<storage::SessionId> session, const std::string& url) {
    const auto found = by_session.find(session ? session->value : 0);
    if (found == by_session.end()) return nullptr;
    for (Hook* hook : found->second)
      if (hook->row.url == url || hook->wanted.url == url) return hook;
    return nullptr;
  }

  void add(storage::WebhookRow row, Registered done) {
    if (const Hook* there = with_url(row.session, row.url)) return done(there->wanted);
    const std::pair<std::int64_t, std::string> key(row.session ? row.session->value : 0, row.url);
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
    auto& list = by_session[found->second->row.session ? found->second->row.session->value : 0];
    std::erase(list, found->second.get());
    hooks.erase(found);
  }

  void resume(Hook& hook) {
    for (storage::DeliveryRow& row :
         storage::load_deliveries(ports.store.reader(), hook.row.id, 2 * settings.max_deferred)) {
      if (row.event > hook.row.cursor) hook.resumed.insert(row.event);
      if (row.parked) continue;
      Item item;
      item.event = row.event;
      item.attempts = row.attempts;
      item.first_try = row.first_try;
      item.next_try = row.next_try;
      item.deferred = true;
      item.last_error = std::move(row.last_error);
      hook.lanes[row.lane].items.push_back(std::move(item));
      ++hook.deferred;
    }
    for (auto& [key, lane] : hook.lanes) offer(hook, key, lane);
    catch_up(hook);
  }

  void finish_drain() {
    if (in_flight != 0 || !drained) return;
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
    for (const std::int64_t key : {event.session.value, std::int64_t{0}}) {
      const auto found = state_->by_session.find(key);
      if (found == state_->by_session.end()) continue;
      for (Hook* hook : found->second) state_->feed(*hook, event);
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
  const Hook* other = state_->with_url(row.session, row.url);
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
  const auto found = state_->by_session.find(session.value);
  if (found == state_->by_session.end()) return;
  const std::vector<Hook*> list = found->second;
  for (const Hook* hook : list) {
    const std::string id = hook->row.id;
    state_->forget(id);
  }
  state_->by_session.erase(session.value);
}

const storage::WebhookRow* WebhookDispatcher::find(const std::string& id) const {
  const Hook* hook = state_->find(id);
  return hook ? &hook->row : nullptr;
}

std::vector<const storage::WebhookRow*> WebhookDispatcher::list(std::optional<storage::SessionId> session) const {
  std::vector<const storage::WebhookRow*> out;
  const auto found = state_->by_session.find(session ? session->value : 0);
  if (found != state_->by_session.end())
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
  if (!event || (hook->row.session && *hook->row.session != event->session))
    return done(Error(Errc::not_found, "the log has no such event of this webhook"));

  const std::string key = lane_key(*event);
  Lane& lane = hook->lanes[key];
  auto at = std::lower_bound(lane.items.begin(), lane.items.end(), event_id,
                             [](const Item& item, EventId e) { return item.event < e; });
  if (at == lane.items.end() || at->event != event_id) {
    // The front of a busy lane is under way and keeps its place.
    if (at == lane.items.begin() && lane.busy) ++at;
    Item item;
    item.event = event_id;
    item.first_try = state_->now();
    state_->put_row(*hook, key, item);
    lane.items.insert(at, std::move(item));
  } else if (!lane.busy || at != lane.items.begin()) {
    at->next_try = 0;
  }
  state_->flush();
  state_->offer(*hook, key, lane);
  state_->pump();
  state_->ports.store.commit(Changes(), std::move(done));  // in order behind the row
}

void WebhookDispatcher::test(const std::string& id, std::function<void(Result<DeliveryOutcome>)> done) {
  const Hook* hook = state_->find(id);
  if (!hook) return done(Error(Errc::not_found, "no such webhook"));
  const std::string event_id = "test-" + protocol::to_hex(state_->ports.random.bytes<8>());
  JsonWriter body;
  body.begin_object()
      .text("event", "test")
      .null("sessionId")
      .text("id", event_id)
      .text("timestamp", iso_millis(state_->now()));
  body.key("data").begin_object().text("webhookId", id).end_object().end_object();
  auto request = webhook_request(hook->row, event_id, body.take(), state_->now() / 1000, state_->settings);
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
