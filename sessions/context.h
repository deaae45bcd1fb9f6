#pragma once
// What the parts of one session share: its rows, its keys, the turn being built and the ways to act in it. Owned by
// Session; the parts hold a reference. Nothing here does I/O: sending appends an effect to the turn.

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "net/clock.h"
#include "protocol/binary/node.h"
#include "protocol/crypto/random.h"
#include "protocol/stanzas/iq.h"
#include "sessions/backoff.h"
#include "sessions/key_cache.h"
#include "sessions/link_state.h"
#include "sessions/records.h"
#include "sessions/reply.h"
#include "sessions/session_view.h"
#include "sessions/settings.h"
#include "sessions/turn.h"
#include "storage/sessions.h"

namespace wharf::sessions {

using protocol::Bytes;
using protocol::ByteView;
using protocol::Errc;
using protocol::Error;
using protocol::Node;

struct Now {
  UnixMs unix_ms = 0;
  net::SteadyTime steady;
};

class Context {
 public:
  Context(storage::Database& reader, protocol::Random& random_source, const SessionSettings& session_settings,
          storage::SessionRow session_row, storage::DeviceRow device_row);

  protocol::Random& random;
  const SessionSettings& settings;
  storage::SessionRow row;
  storage::DeviceRow device;
  SessionConfig config;
  protocol::StanzaIds ids;
  Records records;  // every row that a turn writes, and every look-up
  KeyCache keys;

  // --- the turn being built
  Turn turn;
  Now now;
  std::string cause;  // the request that the input being handled belongs to; "" of those nobody asked for

  // --- state that several parts look at
  Status status = Status::initializing;
  std::optional<Reason> reason;
  LinkState link;
  std::int64_t clock_offset_ms = 0;

  storage::SessionId id() const { return row.id; }
  bool linked() const { return device.linked() && !logged_out(); }
  /// Credentials that the network has revoked are kept until the user starts the session again, never used.
  bool logged_out() const;
  /// What the server's clock says now, as far as the last login told.
  UnixMs server_ms() const { return now.unix_ms + clock_offset_ms; }
  std::uint64_t server_seconds() const { return static_cast<std::uint64_t>(server_ms() / 1000); }
  std::uint64_t unix_seconds() const { return static_cast<std::uint64_t>(now.unix_ms / 1000); }

  void send(const Node& node);
  void send_payload(Bytes payload);
  /// Sends an IQ and waits; `timeout` from now. When too many are pending the continuation gets nullptr at once. It
  /// runs with the cause that asked.
  void query(const Node& iq, IqTracker::Continuation continuation,
             std::chrono::seconds timeout = IqTracker::default_timeout);
  /// Runs `work` on a worker thread, and `then` in a later turn, with the cause that asked.
  void work(std::function<void()> work, UniqueFunction<void()> then);
  /// Runs `then` in a later turn, behind this one's commit and what others want of the loop.
  void in_later_turn(UniqueFunction<void()> then) {
    work([] {}, std::move(then));
  }
  /// Moves a file once the turn is durable, and runs `then` in a later turn with the cause that asked. The number
  /// cancels it.
  std::uint64_t upload(MediaUpload upload, UniqueFunction<void(Transferred<protocol::UploadAnswer>)> then);
  std::uint64_t download(MediaDownload download, UniqueFunction<void(Transferred<void>)> then);
  std::uint64_t fetch(SmallFile file, UniqueFunction<void(Transferred<Bytes>)> then);
  void cancel_transfer(std::uint64_t number);
  void release_file(const MediaName& name, bool kept);
  /// Answers once the turn is durable; with the error of the commit when it failed. The one way to answer in a turn.
  template <class T>
  void answer(Reply<T> reply, std::type_identity_t<Outcome<T>> outcome) {
    auto deliver = [reply = std::move(reply), outcome = std::move(outcome)](const Error* failure) mutable {
      std::move(reply)(failure ? Outcome<T>(*failure) : std::move(outcome));
    };
    answer_by(std::move(deliver));
  }
  /// The same, with what users see of the session then.
  void answer_with_view(Reply<SessionView> reply);
  /// Tells it, with the session's metadata and the request that causes it. Any kind of events/event.h may be given.
  void emit(events::Event event);
  /// The device row is written once at the end of the turn.
  void device_changed() { device_changed_ = true; }
  void row_changed() { row_changed_ = true; }
  /// Says how the session stands, after its link state has changed: the row, the status event, and `disconnected` when
  /// that follows from it. Nothing when all was said before, the connection included.
  void set_status(Status status, std::optional<Reason> why);
  /// The link state has changed and no event says so: one that follows says it only if it differs again.
  void leave_unsaid() { said_connection_ = link.seen(); }
  /// Writes what the turn changed in shared state.
  void finish_turn();
  /// A message came or went: `lastActivity` moves. Its row is written once a minute at most, not with every message.
  void active();

 private:
  /// Not in this header: a file that pushes an effect compiles the moves of all.
  void answer_by(decltype(Answer::deliver) deliver);
  template <class... Arguments>
  UniqueFunction<void(Arguments...)> in_this_cause(UniqueFunction<void(Arguments...)> continuation);

  std::uint64_t last_transfer_ = 0;
  bool device_changed_ = false;
  bool row_changed_ = false;
  Connection said_connection_ = Connection::offline;  // by the last status event
  UnixMs stored_activity_ = 0;
};

/// While it lives, what is emitted and logged is of another request than that of the input being handled.
class UnderCause {
 public:
  UnderCause(Context& context, std::string cause) : c_(context), other_(std::exchange(c_.cause, std::move(cause))) {}
  UnderCause(const UnderCause&) = delete;
  UnderCause& operator=(const UnderCause&) = delete;
  ~UnderCause() { c_.cause = std::move(other_); }

 private:
  Context& c_;
  std::string other_;
};

/// Milliseconds of steady time from now.
inline net::SteadyTime in(const Context& context, std::chrono::milliseconds delay) {
  return context.now.steady + delay;
}

/// When a moment of the wall clock is to be looked at: at most a minute from now, as that clock may be set.
inline std::optional<net::SteadyTime> by_clock(const Now& now, std::optional<UnixMs> at) {
  constexpr UnixMs minute = 60'000;
  if (!at) return std::nullopt;
  return now.steady + std::chrono::milliseconds(std::clamp<UnixMs>(*at - now.unix_ms, 0, minute));
}

}  // namespace wharf::sessions
