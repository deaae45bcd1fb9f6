#include "api/event_hub.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <list>

#include "api/event_id.h"
#include "sessions/log_value.h"
#include "storage/database.h"

namespace wharf::api {

using storage::Event;
using storage::EventId;

namespace {

constexpr std::uint16_t close_normal = 1000, close_internal = 1011, close_try_again_later = 1013;

struct Subscriber {
  std::shared_ptr<net::WebSocket> socket;
  EventSelection selection;
  EventId cursor = 0;  // everything up to here was sent or does not concern it
  EventId last_sent = 0;
  bool live = false;
  std::unique_ptr<net::Timer> patience;  // while a replay waits for its reader

  bool wants(const Event& event) const {
    return (!selection.session || *selection.session == event.session) && selection.names.match(event.name);
  }
};
// The hub owns subscribers; callbacks of their sockets hold them weakly.
using SubscriberPtr = std::shared_ptr<Subscriber>;

struct Waiting {
  EventSelection selection;
  EventId after;
  std::size_t limit;
  std::function<void(EventHub::Page)> done;
  net::Timer timer;
};

}  // namespace

struct EventHub::State : std::enable_shared_from_this<EventHub::State> {
  /// A long-poll before it waits.
  struct Asked {
    EventSelection selection;
    EventId after;
    std::size_t limit;
    std::function<void(Page)> done;
  };
  static void poll(const std::shared_ptr<State>& state, Asked asked, std::chrono::milliseconds wait);

  State(net::Scheduler& l, storage::Store& s, EventTexts& t, EventHubSettings set)
      : scheduler(l), store(s), texts(t), settings(set), ping_timer(l) {}

  net::Scheduler& scheduler;
  storage::Store& store;
  EventTexts& texts;
  EventHubSettings settings;
  EventId head = 0;  // the newest id that on_events has announced
  // By session, 0 for those of every session, so that an event costs only the subscribers that may want it.
  std::unordered_map<std::int64_t, std::vector<SubscriberPtr>> subscribers;
  std::list<Waiting> waiting;
  net::Timer ping_timer;
  bool closed = false;  // who asks from now on is answered at once

  void ping_all() {
    for (const auto& [key, list] : subscribers)
      for (const SubscriberPtr& subscriber : list) subscriber->socket->ping();
    if (!subscribers.empty()) ping_timer.after(settings.ping_interval, [this] { ping_all(); });
  }

  static std::int64_t key(const EventSelection& selection) { return selection.session ? selection.session->value : 0; }

  void remove(const SubscriberPtr& subscriber) {
    const auto found = subscribers.find(key(subscriber->selection));
    if (found == subscribers.end()) return;
    std::erase(found->second, subscriber);
    if (found->second.empty()) subscribers.erase(found);
  }

  void close(const SubscriberPtr& subscriber, std::uint16_t code, std::string_view reason) {
    remove(subscriber);
    subscriber->patience.reset();
    subscriber->socket->close(code, reason);
  }

  void push(Subscriber& subscriber, const Event& event) {
    const auto text = texts.text(event, subscriber.selection.dialect);
    subscriber.socket->send(net::MessageType::text, {text->json.begin(), text->json.end()});
    subscriber.last_sent = event.id;
  }

  /// Of a close reason, which holds 123 bytes at most.
  static std::string resume_at(const Subscriber& subscriber) {
    return "resume with since=" + event_id_text(subscriber.last_sent);
  }

  void cut(const SubscriberPtr& subscriber) {
    spdlog::info("subscriber_too_slow last_event={} remote={} request={}", event_id_text(subscriber->last_sent),
                 subscriber->socket->remote_address(), sessions::log_value(subscriber->selection.request_id));
    close(subscriber, close_try_again_later, fmt::format("too slow; {}", resume_at(*subscriber)));
  }

  // A replay that waits for its reader is bounded like a live subscriber, by time: it is cut when nothing left for
  // replay_patience.
  void watch(const SubscriberPtr& subscriber) {
    if (!subscriber->patience) subscriber->patience = std::make_unique<net::Timer>(scheduler);
    subscriber->patience->after(settings.replay_patience,
                                [weak_state = weak_from_this(), weak = std::weak_ptr<Subscriber>(subscriber),
                                 before = subscriber->socket->queued_bytes()] {
                                  const auto state = weak_state.lock();
                                  const auto still = weak.lock();
                                  if (!state || !still) return;
                                  if (still->socket->queued_bytes() < before) return state->watch(still);
                                  state->cut(still);
                                });
  }

  // The log cannot be read: the subscriber learns it and resumes later; everybody else goes on.
  void replay(const SubscriberPtr& subscriber) {
    try {
      replay_page(subscriber);
    } catch (const storage::ReadFailure& unreadable) {
      spdlog::error("replay_failed after={} request={} detail={}", event_id_text(subscriber->cursor),
                    sessions::log_value(subscriber->selection.request_id), sessions::log_value(unreadable.what()));
      close(subscriber, close_internal, fmt::format("the event log cannot be read; {}", resume_at(*subscriber)));
    }
  }

  // One page, then the rest when the socket has taken it.
  void replay_page(const SubscriberPtr& subscriber) {
    subscriber->patience.reset();
    storage::EventFilter filter;
    filter.session = subscriber->selection.session;
    filter.after = subscriber->cursor;
    filter.limit = settings.replay_page;
    const auto page = storage::read_events(store.reader(), filter);
    bool full = false;
    for (const Event& event : page) {
      full = subscriber->socket->queued_bytes() > settings.max_queued_bytes;
      if (full) break;  // large events: the rest of the page is read again
      if (subscriber->wants(event)) push(*subscriber, event);
      subscriber->cursor = event.id;
    }
    if (!full && page.size() < filter.limit) {
      // The reader sees every commit announced so far: nothing at or below the head is left for this subscriber.
      subscriber->cursor = std::max(subscriber->cursor, head);
      subscriber->live = true;
      return;
    }
    watch(subscriber);
    std::weak_ptr<State> weak_state = weak_from_this();
    std::weak_ptr<Subscriber> weak = subscriber;
    subscriber->socket->when_drained([weak_state, weak] {
      const auto state = weak_state.lock();
      if (!state) return;
      // Through the loop: a drained socket may call back at once, and a long log must not recurse nor hold the loop.
      state->scheduler.post([weak_state, weak] {
        const auto self = weak_state.lock();
        const auto still = weak.lock();
        if (self && still) self->replay(still);
      });
    });
  }

  void deliver(std::int64_t key, const Event& event) {
    const auto found = subscribers.find(key);
    if (found == subscribers.end()) return;
    // A copy: a socket may end inside send() and take itself out of the list.
    const std::vector<SubscriberPtr> readers = found->second;
    for (const SubscriberPtr& subscriber : readers) {
      if (!subscriber->live || event.id <= subscriber->cursor) continue;
      subscriber->cursor = event.id;
      if (!subscriber->wants(event)) continue;
      if (subscriber->socket->queued_bytes() <= settings.max_queued_bytes) {
        push(*subscriber, event);
        continue;
      }
      cut(subscriber);
    }
  }

  Page read(const EventSelection& selection, EventId after, std::size_t limit) {
    try {
      return read_page(selection, after, limit);
    } catch (const storage::ReadFailure& unreadable) {
      Page page;
      page.cursor = after;
      page.failure = unreadable.error;
      return page;
    }
  }

  Page read_page(const EventSelection& selection, EventId after, std::size_t limit) {
    Page page;
    page.cursor = after;
    const EventId announced = head;
    for (std::size_t scanned = 0; page.events.size() < limit && scanned < settings.max_scanned;) {
      storage::EventFilter filter;
      filter.session = selection.session;
      filter.after = page.cursor;
      filter.limit = 500;
      const auto rows = storage::read_events(store.reader(), filter);
      for (const Event& event : rows) {
        page.cursor = event.id;
        if (!selection.names.match(event.name)) continue;
        page.events.push_back(texts.text(event, selection.dialect));
        if (page.events.size() == limit) return page;
      }
      scanned += rows.size();
      if (rows.size() < filter.limit) {
        page.cursor = std::max(page.cursor, announced);
        return page;
      }
    }
    return page;
  }

  void answer(std::list<Waiting>::iterator at, Page page) {
    const auto done = std::move(at->done);
    waiting.erase(at);
    done(std::move(page));
  }

  void wake(const std::vector<Event>& events) {
    for (auto at = waiting.begin(); at != waiting.end();) {
      const auto next = std::next(at);
      const auto concerns = [&](const Event& event) {
        return event.id > at->after && (!at->selection.session || *at->selection.session == event.session) &&
               at->selection.names.match(event.name);
      };
      if (std::any_of(events.begin(), events.end(), concerns)) answer(at, read(at->selection, at->after, at->limit));
      at = next;
    }
  }
};

EventHub::EventHub(net::Scheduler& scheduler, storage::Store& store, EventTexts& texts, EventHubSettings settings)
    : state_(std::make_shared<State>(scheduler, store, texts, settings)) {
  state_->head = storage::last_event_id(store.reader());
}

EventHub::~EventHub() {
  state_->ping_timer.cancel();
  for (auto& [key, list] : state_->subscribers)
    for (const SubscriberPtr& subscriber : list) subscriber->socket->abort();
}

void EventHub::subscribe(std::shared_ptr<net::WebSocket> socket, EventSelection selection,
                         std::optional<EventId> since) {
  const SubscriberPtr subscriber = std::make_shared<Subscriber>();
  subscriber->socket = std::move(socket);
  subscriber->selection = std::move(selection);
  // An id from the future comes from another database: it must not silence the subscriber.
  subscriber->cursor = subscriber->last_sent = std::min(since.value_or(state_->head), state_->head);
  if (state_->subscribers.empty())
    state_->ping_timer.after(state_->settings.ping_interval, [state = state_.get()] { state->ping_all(); });
  state_->subscribers[State::key(subscriber->selection)].push_back(subscriber);

  net::WebSocket::Callbacks callbacks;
  callbacks.message = [](net::MessageType, std::span<const std::uint8_t>) {};
  callbacks.closed = [weak_state = std::weak_ptr<State>(state_),
                      weak = std::weak_ptr<Subscriber>(subscriber)](const std::string&) {
    const auto state = weak_state.lock();
    const auto gone = weak.lock();
    if (state && gone) state->remove(gone);
  };
  subscriber->socket->start(std::move(callbacks));
  if (since) state_->replay(subscriber);
  else subscriber->live = true;
}

void EventHub::poll(EventSelection selection, EventId after, std::size_t limit, std::chrono::milliseconds wait,
                    std::function<void(Page)> done) {
  State::poll(state_, {std::move(selection), after, limit, std::move(done)}, wait);
}

void EventHub::State::poll(const std::shared_ptr<State>& state, Asked asked, std::chrono::milliseconds wait) {
  Page page = state->read(asked.selection, std::min(asked.after, state->head), asked.limit);
  if (page.failure || !page.events.empty() || wait.count() == 0 || state->closed) return asked.done(std::move(page));
  asked.after = page.cursor;
  if (page.cursor < state->head) {
    // Nothing for this reader so far: the rest of the log in later entries of the loop, a bounded piece in each.
    state->scheduler.post([weak = std::weak_ptr(state), asked = std::move(asked), wait]() mutable {
      if (const auto here = weak.lock()) poll(here, std::move(asked), wait);
    });
    return;
  }
  if (state->waiting.size() >= state->settings.max_waiting) return asked.done(std::move(page));
  state->waiting.push_back(
      {std::move(asked.selection), asked.after, asked.limit, std::move(asked.done), net::Timer(state->scheduler)});
  const auto at = std::prev(state->waiting.end());
  at->timer.after(wait, [here = state.get(), at] {
    // The waiting entry owns the timer; a timer that is destroyed never calls. Keep it alive through its own callback.
    std::list<Waiting> ending;
    ending.splice(ending.begin(), here->waiting, at);
    ending.front().done(here->read(ending.front().selection, ending.front().after, ending.front().limit));
  });
}

void EventHub::on_events(const std::vector<Event>& events) {
  for (const Event& event : events) {
    state_->head = std::max(state_->head, event.id);
    state_->deliver(event.session.value, event);
    state_->deliver(0, event);
  }
  state_->wake(events);
}

void EventHub::session_removed(storage::SessionId session) {
  const auto found = state_->subscribers.find(session.value);
  if (found == state_->subscribers.end()) return;
  const std::vector<SubscriberPtr> list = found->second;
  for (const SubscriberPtr& subscriber : list) state_->close(subscriber, close_normal, "the session was removed");
}

void EventHub::close_all(std::uint16_t code, std::string_view reason) {
  state_->closed = true;
  std::vector<SubscriberPtr> all;
  for (auto& [key, list] : state_->subscribers) all.insert(all.end(), list.begin(), list.end());
  for (const SubscriberPtr& subscriber : all) state_->close(subscriber, code, reason);
  while (!state_->waiting.empty()) {
    auto at = state_->waiting.begin();
    state_->answer(at, Page{{}, at->after, std::nullopt});
  }
}

std::size_t EventHub::subscribers() const {
  std::size_t count = 0;
  for (const auto& [key, list] : state_->subscribers) count += list.size();
  return count;
}

}  // namespace wharf::api
