#include "storage/events.h"

#include <algorithm>

#include "events/codec.h"
#include "events/event.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

const std::string columns = "SELECT id, org, session_id, at, session_name, name, lane, data FROM event ";
const std::string select_all = columns + "WHERE id > ?1 ORDER BY id LIMIT ?2";
const std::string select_session = columns + "WHERE session_id = ?3 AND id > ?1 ORDER BY id LIMIT ?2";
const std::string select_one = columns + "WHERE id = ?1";
constexpr const char* select_last =
    "SELECT max(ifnull((SELECT max(id) FROM event), 0),"
    " ifnull((SELECT value FROM counter WHERE name = 'event'), 0))";

constexpr std::size_t max_events_read = 5'000;

Event read_row(Statement& select) {
  Event event;
  event.id = select.integer();
  event.org = OrgId{select.integer()};
  event.session = SessionId{select.integer()};
  event.at = select.integer();
  event.session_name = select.text();
  event.name = select.text();
  event.lane = select.text();
  event.data = select.text();
  return event;
}

}  // namespace

NewEvent::NewEvent(SessionId s, events::Event told, UnixMs t)
    : session(s), name(events::name(told)), lane(events::lane(told)), data(events::encode(told)), at(t) {
  value = std::make_shared<const events::Event>(std::move(told));
}

bool operator==(const NewEvent& one, const NewEvent& other) {
  return one.session == other.session && one.name == other.name && one.lane == other.lane && one.data == other.data &&
         one.at == other.at;
}

std::vector<Event> read_events(Database& db, const EventFilter& filter) {
  std::vector<Event> events;
  Statement select(db, filter.session ? select_session.c_str() : select_all.c_str());
  select.integer(filter.after).number(std::clamp<std::size_t>(filter.limit, 1, max_events_read));
  if (filter.session) select.session(*filter.session);
  while (select.next()) events.push_back(read_row(select));
  return events;
}

EventId last_event_id(Database& db) {
  Statement select(db, select_last);
  return select.next() ? select.integer() : 0;
}

std::optional<Event> find_event(Database& db, EventId id) {
  Statement select(db, select_one.c_str());
  if (!select.integer(id).next()) return std::nullopt;
  return read_row(select);
}

protocol::Result<std::shared_ptr<const events::Event>> value_of(const Event& event) {
  if (event.value) return event.value;
  auto decoded = events::decode(event.name, event.data);
  if (!decoded) return decoded.error();
  return std::make_shared<const events::Event>(std::move(*decoded));
}

}  // namespace wharf::storage
