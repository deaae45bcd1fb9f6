// Handlers of the event log: long-poll and WebSocket.
#include <fmt/format.h>

#include "api/event_id.h"
#include "api/handlers.h"

namespace wharf::api {
namespace {

// The selection of a query; answers and returns nullopt when it names an unknown session.
std::optional<EventSelection> selection_of(const ServicesPtr& services, const CallPtr& call, std::string_view session) {
  EventSelection selection;
  selection.dialect = call->dialect;
  selection.request_id = call->request_id;
  if (const auto events = call->query.text("events"); !events.empty())
    selection.names = EventNames(split_names(events));
  if (session.empty()) return selection;
  const auto view = services->ports.supervisor.find(std::string(session));
  if (!view) {
    call->failure(session_not_found(session));
    return std::nullopt;
  }
  selection.session = view->id;
  return selection;
}

// Where to read on from, whichever of its names it came under; answers and returns false when there are two of them.
bool read_position(const CallPtr& call, std::optional<storage::EventId>& position) {
  std::string_view given;
  for (const std::string_view name : {"after", "since", "cursor"}) {
    const std::string_view text = call->query.text(name);
    if (text.empty()) continue;
    if (!given.empty()) {
      call->failure(failure_of({FieldProblem{std::string(name), fmt::format("must not stand beside {}", given)}}));
      return false;
    }
    given = name;
    position = parse_event_id(text);  // validated
  }
  return true;
}

void stream(const ServicesPtr& services, const CallPtr& call, std::string_view session) {
  auto selection = selection_of(services, call, session);
  if (!selection) return;
  std::optional<storage::EventId> since;
  if (!read_position(call, since)) return;
  call->accept_websocket([services, selection = std::move(*selection), since](std::shared_ptr<net::WebSocket> socket) {
    services->hub.subscribe(std::move(socket), selection, since);
  });
}

}  // namespace

void poll_events(const ServicesPtr& services, const CallPtr& call) {
  // A reader of server-sent events would wait for a stream that never begins.
  const auto accept = call->request.header("accept");
  if (accept.find("text/event-stream") != std::string_view::npos && accept.find("json") == std::string_view::npos &&
      accept.find("*/*") == std::string_view::npos) {
    return call->failure(Failure(ErrorCode::not_acceptable,
                                 "this build does not send text/event-stream: poll for JSON with "
                                 "?after= and ?wait=, or follow /api/v1/events/ws"));
  }
  auto selection = selection_of(services, call, call->query.text("session"));
  if (!selection) return;
  std::optional<storage::EventId> after;
  if (!read_position(call, after)) return;
  const auto limit = static_cast<std::size_t>(call->query.integer("limit", 100));
  const std::chrono::milliseconds wait(call->query.integer("wait", 0));
  services->hub.poll(std::move(*selection), after.value_or(0), limit, wait, [call](EventHub::Page page) {
    if (page.failure) return call->failure(failure_of(*page.failure));
    JsonWriter out(page.events.size() * 512 + 16);
    out.begin_array();
    for (const auto& event : page.events) out.raw(event->json);
    out.end_array();
    JsonWriter next;
    next.text(event_id_text(page.cursor));
    call->success(out.view(), Beside{200, {}, next.take()});
  });
}

void stream_session_events(const ServicesPtr& services, const CallPtr& call) {
  if (call->query.has("session"))
    return call->failure(failure_of({FieldProblem{"session", "must not be given here: the path names the session"}}));
  stream(services, call, call->param("sessionId"));
}

void stream_events(const ServicesPtr& services, const CallPtr& call) {
  stream(services, call, call->query.text("session"));
}

}  // namespace wharf::api
