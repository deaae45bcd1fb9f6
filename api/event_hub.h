#pragma once
// Readers of the event log: WebSocket subscribers and long-polls, a cursor each. A subscriber starts in replay, where
// pages of the log are sent as fast as it drains them, and becomes live when a page ends at the head; from then on
// committed events are pushed. The cursor only grows and everything at or below it is skipped, so there is neither a
// gap nor a duplicate where replay meets live. Loop thread only.

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/event_names.h"
#include "api/event_texts.h"
#include "net/scheduler.h"
#include "net/websocket.h"
#include "storage/store.h"

namespace wharf::api {

struct EventHubSettings {
  std::size_t max_queued_bytes = 1u << 20;  // a live subscriber over it is closed with 1013; a replay pauses there
  std::chrono::milliseconds replay_patience{
      30'000};                     // a replay whose reader takes nothing for so long is closed with 1013
  std::size_t replay_page = 100;   // events read at once, while nothing is queued
  std::size_t max_scanned = 5000;  // log rows one long-poll looks at before it answers with what it has
  std::size_t max_waiting = 1024;  // long-polls
  std::chrono::milliseconds ping_interval{30'000};
};

struct EventSelection {
  std::optional<storage::SessionId> session;  // nullopt: every session
  EventNames names;
  Dialect dialect = Dialect::openwa;
  std::string request_id;  // of who selects, for the log
};

class EventHub {
 public:
  EventHub(net::Scheduler& scheduler, storage::Store& store, EventTexts& texts,
           EventHubSettings settings = EventHubSettings());
  ~EventHub();

  /// `since`: replay everything after that id first; nullopt: only what comes.
  void subscribe(std::shared_ptr<net::WebSocket> socket, EventSelection selection,
                 std::optional<storage::EventId> since);

  struct Page {
    std::vector<std::shared_ptr<const RenderedEvent>> events;
    storage::EventId cursor = 0;             // everything up to here was looked at
    std::optional<protocol::Error> failure;  // the log could not be read: storage*
  };
  /// Events after `after`, at once when there are any, else as soon as one comes or `wait` is over.
  void poll(EventSelection selection, storage::EventId after, std::size_t limit, std::chrono::milliseconds wait,
            std::function<void(Page)> done);

  /// Committed events, in id order.
  void on_events(const std::vector<storage::Event>& events);
  void session_removed(storage::SessionId session);
  /// Closes every subscriber and answers every poll.
  void close_all(std::uint16_t code, std::string_view reason);
  std::size_t subscribers() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with socket callbacks, which hold it weakly
};

}  // namespace wharf::api
