#pragma once
// Reading the event log. The writer's side is storage/event_log.h.

#include <optional>
#include <string>
#include <vector>

#include "storage/ids.h"

namespace wharf::storage {

class Database;

/// An event to be appended to the log in the same transaction as the rows it reports.
struct NewEvent {
  NewEvent() = default;
  NewEvent(SessionId s, std::string n, std::string l, std::string d, UnixMs t)
      : session(s), name(std::move(n)), lane(std::move(l)), data(std::move(d)), at(t) {}
  SessionId session;
  std::string name;  // "message", "ack", ...
  std::string lane;  // order key for webhooks: the chat, or "" for session events
  std::string data;  // JSON object in the dialect-neutral form of sessions/event_json.h
  UnixMs at = 0;
  friend bool operator==(const NewEvent&, const NewEvent&) = default;
};
struct Event : NewEvent {
  EventId id = 0;
  std::string session_name;
};

struct EventFilter {
  std::optional<SessionId> session;  // nullopt = all
  EventId after = 0;
  std::size_t limit = 500;  // 1..5000
};
/// In id order.
std::vector<Event> read_events(Database& db, const EventFilter& filter);
EventId last_event_id(Database& db);

std::optional<Event> find_event(Database& db, EventId id);

}  // namespace wharf::storage
