#include "sessions/context.h"

#include <algorithm>
#include <utility>

#include "events/codec.h"
#include "events/event.h"

namespace wharf::sessions {

Context::Context(storage::Database& reader, protocol::Random& random_source, const SessionSettings& session_settings,
                 storage::SessionRow session_row, storage::DeviceRow device_row)
    : random(random_source),
      settings(session_settings),
      row(std::move(session_row)),
      device(std::move(device_row)),
      ids(random_source),
      records(reader, row.id),
      keys(records) {
  status = status_named(row.status).value_or(Status::initializing);
  reason = events::decode_reason(row.reason);
  stored_activity_ = row.last_activity;
}

bool Context::logged_out() const { return reason && (reason->code == "unlinked" || reason->code == "banned"); }

void Context::cancel_transfer(std::uint64_t number) { turn.effects.emplace_back(CancelTransfer{number}); }

void Context::release_file(const MediaName& name, bool kept) { turn.effects.emplace_back(ReleaseFile{name, kept}); }

void Context::answer_by(decltype(Answer::deliver) deliver) { turn.effects.emplace_back(Answer{std::move(deliver)}); }

void Context::answer_with_view(Reply<SessionView> reply) {
  turn.effects.emplace_back(AnswerWithView{std::move(reply)});
}

void Context::send(const Node& node) { send_payload(protocol::encode_node(node)); }

void Context::send_payload(Bytes payload) {
  if (auto* open = link.conversation()) open->keepalive.on_send(now.steady);
  turn.effects.emplace_back(SendPayload{std::move(payload)});
}

void Context::query(const Node& iq, IqTracker::Continuation continuation, std::chrono::seconds timeout) {
  auto* open = link.conversation();
  if (open == nullptr || open->iqs.full()) {
    continuation(nullptr);
    return;
  }
  open->iqs.expect(iq.attr("id"), now.steady + timeout, in_this_cause(std::move(continuation)));
  send(iq);
}

void Context::work(std::function<void()> work, UniqueFunction<void()> then) {
  turn.effects.emplace_back(RunWork{std::move(work), in_this_cause(std::move(then))});
}

std::uint64_t Context::upload(MediaUpload upload, UniqueFunction<void(Transferred<protocol::UploadAnswer>)> then) {
  turn.effects.emplace_back(StartUpload{++last_transfer_, std::move(upload), in_this_cause(std::move(then))});
  return last_transfer_;
}

std::uint64_t Context::download(MediaDownload download, UniqueFunction<void(Transferred<void>)> then) {
  turn.effects.emplace_back(StartDownload{++last_transfer_, std::move(download), in_this_cause(std::move(then))});
  return last_transfer_;
}

std::uint64_t Context::fetch(SmallFile file, UniqueFunction<void(Transferred<Bytes>)> then) {
  turn.effects.emplace_back(FetchSmallFile{++last_transfer_, std::move(file), in_this_cause(std::move(then))});
  return last_transfer_;
}

// Other causes may be at work when it runs: the one of that moment comes back behind it.
template <class... Arguments>
UniqueFunction<void(Arguments...)> Context::in_this_cause(UniqueFunction<void(Arguments...)> continuation) {
  if (cause.empty()) return continuation;
  return [this, asked = cause, continuation = std::move(continuation)](Arguments... arguments) mutable {
    const UnderCause scope(*this, asked);
    continuation(std::move(arguments)...);
  };
}

void Context::emit(events::Event event) {
  if (std::holds_alternative<events::NewMessage>(event.fact)) active();
  event.metadata = row.metadata;
  event.request_id = cause;
  records.emit(storage::NewEvent(id(), std::move(event), now.unix_ms));
}

void Context::active() {
  constexpr UnixMs between_rows_ms = 60'000;
  row.last_activity = std::max(row.last_activity, now.unix_ms);
  if (row.last_activity - stored_activity_ < between_rows_ms) return;
  stored_activity_ = row.last_activity;
  records.add(storage::TouchSession{id(), row.last_activity});
}

void Context::set_status(Status next, std::optional<Reason> why) {
  const Connection connection = link.seen();
  const bool same_reason = reason.has_value() == why.has_value() && (!reason || reason->code == why->code);
  if (status == next && connection == said_connection_ && same_reason) return;
  const bool was_ready = status == Status::ready;
  const bool changed_status = status != next || !same_reason;
  status = next;
  said_connection_ = connection;
  reason = std::move(why);
  // `connection` alone is live state, not a row: a reconnect of a thousand sessions would write it for nothing.
  if (changed_status) {
    row.status = name(status);
    row.reason = reason ? events::encode(*reason) : "";
    row.last_activity = now.unix_ms;
    row_changed();
  }
  const events::SessionState state{status, connection, reason};
  emit(events::StatusChanged{state});
  if (was_ready && status != Status::ready) emit(events::Disconnected{state});
}

void Context::finish_turn() {
  keys.flush();
  if (std::exchange(device_changed_, false)) records.add(storage::PutDevice{device});
  if (std::exchange(row_changed_, false)) records.add(storage::UpdateSession{row});
}

}  // namespace wharf::sessions
