#pragma once
// Reading the event log. The writer's side is storage/event_log.h.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/result.h"
#include "storage/ids.h"

namespace wharf::events {
struct Event;
}

namespace wharf::storage {

class Database;

/// An event to be appended to the log in the same transaction as the rows it reports.
struct NewEvent {
  NewEvent() = default;
  /// What is to be told, encoded at once; the value stays beside its bytes for those that listen to the store.
  NewEvent(SessionId session, events::Event told, UnixMs at);
  /// The bytes alone, as the log holds them.
  NewEvent(SessionId s, std::string n, std::string l, std::string d, UnixMs t)
      : session(s), name(std::move(n)), lane(std::move(l)), data(std::move(d)), at(t) {}
  SessionId session;
  std::string name;  // "message", "ack", ...
  std::string lane;  // order key for webhooks: the chat, or "" for session events
  std::string data;  // events::encode()
  UnixMs at = 0;
  /// What `data` says; shared by the turn, the committed event and whoever keeps it. nullptr when it was read from the
  /// log: value_of() decodes it then.
  std::shared_ptr<const events::Event> value;
  /// By the bytes, which say what the value says.
  friend bool operator==(const NewEvent& one, const NewEvent& other);
};
struct Event : NewEvent {
  EventId id = 0;
  OrgId org = default_org;  // of its session when it was written
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

/// The event's value, decoded when it came from the log. Errors: those of events::decode().
protocol::Result<std::shared_ptr<const events::Event>> value_of(const Event& event);

}  // namespace wharf::storage
