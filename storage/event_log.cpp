#include "storage/event_log.h"

#include <algorithm>

#include "storage/recall.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

constexpr std::int64_t prune_at_most = 2'000;

// The newest row tells the last id; the counter is of earlier releases, which deleted the newest events too.
constexpr const char* select_last_id =
    "SELECT max(ifnull((SELECT max(id) FROM event), 0),"
    " ifnull((SELECT value FROM counter WHERE name = 'event'), 0))";
constexpr const char* select_label = "SELECT org, name FROM session WHERE id = ?1";
constexpr const char* insert_event =
    "INSERT INTO event (id, org, session_id, at, session_name, name, lane, data)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

constexpr const char* select_window =
    "SELECT max(id), count(*) FROM (SELECT id FROM event WHERE id >= ?1 AND id <= ?2 ORDER BY id LIMIT ?3)";
constexpr const char* select_webhook_cursor = "SELECT min(cursor) FROM webhook WHERE removed = 0";
constexpr const char* delete_window =
    "DELETE FROM event WHERE id >= ?1 AND id <= ?2 AND (id <= ?3 OR (id <= ?4 AND NOT EXISTS"
    " (SELECT 1 FROM webhook_delivery d WHERE d.event_id = event.id)))";

// What was kept for a webhook goes with the event it names: nothing could be delivered any more.
constexpr const char* delete_orphans =
    "DELETE FROM webhook_delivery WHERE rowid IN"
    " (SELECT rowid FROM webhook_delivery WHERE event_id <= ?1 ORDER BY event_id LIMIT ?2)";

constexpr std::size_t labels_kept = 50'000;

/// Without a name when the session is gone.
SessionLabel label_of(Database& db, SessionId session) {
  auto& labels = db.recall().session_labels;
  if (const auto known = labels.find(session); known != labels.end()) return known->second;
  SessionLabel label;
  Statement select(db, select_label);
  if (!select.session(session).next()) return label;
  label.org = OrgId{select.integer()};
  label.name = select.text();
  if (labels.size() >= labels_kept) labels.clear();
  labels.emplace(session, label);
  return label;
}

}  // namespace

void EventLog::learn_labels(Database& db, const std::vector<NewEvent>& coming) {
  for (const NewEvent& event : coming) (void)label_of(db, event.session);
}

Result<void> EventLog::append(Database& db, std::vector<NewEvent> events, std::vector<Event>& appended) {
  if (events.empty()) return {};
  if (!last_id_) {
    Statement select(db, select_last_id);
    last_id_ = select.next() ? select.integer() : 0;
  }
  for (NewEvent& event : events) {
    SessionLabel label = label_of(db, event.session);
    const EventId id = *last_id_ + 1;
    const Result<void> inserted = Statement(db, insert_event)
                                      .integer(id)
                                      .integer(label.org.value)
                                      .session(event.session)
                                      .integer(event.at)
                                      .text(label.name)
                                      .text(event.name)
                                      .text(event.lane)
                                      .text(event.data)
                                      .run();
    if (!inserted) return inserted;
    last_id_ = id;
    ++appended_since_prune_;
    Event& added = appended.emplace_back();
    static_cast<NewEvent&>(added) = std::move(event);
    added.id = id;
    added.org = label.org;
    added.session_name = std::move(label.name);
  }
  return {};
}

Result<void> EventLog::prune(Database& db) {
  appended_since_prune_ = 0;
  const EventId newest_to_go = *last_id_ - max_events_;
  if (newest_to_go <= 0) return {};

  Statement window(db, select_window);
  window.integer(prune_from_).integer(newest_to_go).integer(prune_at_most);
  if (!window.next()) return {};
  const EventId from = prune_from_;
  const EventId to = window.integer();
  const bool more = window.integer() == prune_at_most;
  prune_from_ = more ? to + 1 : 0;

  Statement cursor(db, select_webhook_cursor);
  const bool webhooks = cursor.next() && !cursor.is_null();
  const EventId read_by_all = webhooks ? cursor.integer() : newest_to_go;
  const EventId kept_for_nobody = *last_id_ - 2 * max_events_;
  Result<void> done =
      Statement(db, delete_window).integer(from).integer(to).integer(kept_for_nobody).integer(read_by_all).run();
  if (!done) return done;
  done = Statement(db, delete_orphans).integer(kept_for_nobody).integer(prune_at_most).run();
  // More webhooks make more of them than events go: the next batch looks again.
  if (done && changed_rows(db) == prune_at_most) appended_since_prune_ = prune_every_events;
  return done;
}

}  // namespace wharf::storage
