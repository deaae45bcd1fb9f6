// Handlers of the queue: what a session has accepted and the server does not have yet.
#include <fmt/format.h>

#include <array>
#include <utility>

#include "api/chat_id.h"
#include "api/dialect.h"
#include "api/handlers.h"
#include "api/iso_time.h"
#include "api/message_page.h"
#include "api/page_cursor.h"
#include "api/schemas.h"
#include "api/sending.h"
#include "storage/messages.h"
#include "storage/outbox.h"

namespace wharf::api {
namespace {

using storage::OutboxRow;
using storage::OutboxState;

constexpr std::int64_t default_page = 50;

struct NamedState {
  std::string_view name;
  OutboxState state;
};
constexpr std::array states = {NamedState{"scheduled", OutboxState::scheduled},
                               NamedState{"uploading", OutboxState::uploading},
                               NamedState{"waiting", OutboxState::waiting}, NamedState{"sending", OutboxState::sealed}};

std::string_view name_of(OutboxState state) {
  for (const NamedState& known : states)
    if (known.state == state) return known.name;
  return "sending";
}

constexpr char cursor_letter = 'q';

void write_queued(JsonWriter& out, People& people, storage::Database& db, const OutboxRow& row, Dialect dialect) {
  const PersonText chat = person_text(row.chat, people.of(row.chat));
  const std::string chat_text = id_text(chat, dialect);
  const auto message = storage::find_gist(db, row.session, row.message_id);
  out.begin_object().text("messageId", message_id_text(chat_text, row.message_id, dialect)).text("id", row.message_id);
  out.text("chatId", chat_text).text_if("chatLid", chat.lid);
  out.text("type", type_name(message ? std::string_view(message->kind) : "unknown", dialect));
  out.text("content", message ? std::string_view(message->body) : std::string_view());
  out.text("state", name_of(row.state)).text("priority", priority_name(row.priority));
  out.text("acceptedAt", iso_millis(row.accepted_at));
  if (row.state == OutboxState::scheduled) out.text("sendAt", iso_millis(row.send_at));
  if (row.expires_at != 0) out.text("expiresAt", iso_millis(row.expires_at));
  out.end_object();
}

net::HttpResponse render_queue(const storage::QueuePage& page, storage::Database& db, storage::SessionId session,
                               events::UnixMs now, Dialect dialect) {
  People people(db, session, now);
  JsonWriter out(256 + page.rows.size() * 256);
  out.begin_array();
  for (const OutboxRow& row : page.rows) write_queued(out, people, db, row, dialect);
  out.end_array();
  return render_success(out.view(),
                        Beside{200, {}, page.next ? cursor_json(row_cursor(cursor_letter, *page.next)) : "null"});
}

}  // namespace

void list_queue(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (!view) return;
  storage::QueueFilter filter;
  if (const auto chat = call->query.text("chatId"); !chat.empty())
    filter.chat = services->ports.supervisor.canonical_chat(view->id, *parse_chat_id(chat));  // validated
  for (const NamedState& known : states)
    if (known.name == call->query.text("state")) filter.states.push_back(known.state);
  std::int64_t after = 0;
  if (const auto cursor = call->query.text("cursor"); !cursor.empty()) {
    const auto row = parse_row_cursor(cursor_letter, cursor);
    if (!row) return refuse_field(call, "cursor", "must be the nextCursor of an earlier answer");
    after = *row;
  }
  const auto limit = static_cast<std::size_t>(call->query.integer("limit", default_page));
  read_on_worker(services, call,
                 [session = view->id, filter, limit, after, now = services->ports.scheduler.unix_ms(),
                  dialect = call->dialect](storage::Database& db) {
                   return render_queue(storage::page_queue(db, session, filter, limit, after), db, session, now,
                                       dialect);
                 });
}

void cancel_queued(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return;
  auto id = message_of_path(services, call);
  if (!id) return;
  ask(services, call, sessions::CancelMessage{std::move(id->id), std::move(id->chat)},
      [call](const sessions::Outcome<sessions::SentMessage>& cancelled) {
        if (cancelled) return call->success(sent_message_json(*cancelled, call->dialect));
        const sessions::Refusal& why = cancelled.error();
        if (why.subject != sessions::Subject::message) return call->failure(failure_of(call, why));
        const bool unknown = why.code == protocol::Errc::not_found;
        call->failure(Failure(unknown ? ErrorCode::message_not_found : ErrorCode::message_on_its_way,
                              "messageId: " + why.detail, {{"messageId", why.detail}}));
      });
}

}  // namespace wharf::api
