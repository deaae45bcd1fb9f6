#pragma once
// What the parts of one session share: its rows, its keys, the turn being built and the ways to act in it. Owned by
// Session; the parts hold a reference. Nothing here does I/O: sending appends an effect to the turn.

#include <optional>
#include <string>
#include <string_view>

#include "net/clock.h"
#include "protocol/binary/node.h"
#include "protocol/crypto/random.h"
#include "protocol/stanzas/iq.h"
#include "sessions/backoff.h"
#include "sessions/deadlines.h"
#include "sessions/iq_tracker.h"
#include "sessions/keepalive.h"
#include "sessions/key_cache.h"
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
  Context(storage::Database& database, protocol::Random& random_source, const SessionSettings& session_settings,
          storage::SessionRow session_row, storage::DeviceRow device_row);

  storage::Database& db;
  protocol::Random& random;
  const SessionSettings& settings;
  storage::SessionRow row;
  storage::DeviceRow device;
  SessionConfig config;
  protocol::StanzaIds ids;
  IqTracker iqs;
  KeyCache keys;
  Deadlines deadlines;
  Keepalive keepalive;

  // --- the turn being built
  Turn turn;
  Now now;

  // --- state that several parts look at
  Status status = Status::initializing;
  Connection connection = Connection::offline;
  std::optional<Reason> reason;
  bool link_up = false;        // the handshake is done
  bool logged_in = false;      // success arrived on this connection
  bool online = false;         // ready for sends: `active` was answered
  bool presence_sent = false;  // available: delivery receipts are active ones
  std::int64_t clock_offset_ms = 0;

  storage::SessionId id() const { return row.id; }
  bool linked() const { return device.linked() && !logged_out(); }
  /// Credentials that the network has revoked are kept until the user starts the session again, never used.
  bool logged_out() const;
  std::uint64_t unix_seconds() const { return static_cast<std::uint64_t>(now.unix_ms / 1000); }

  void send(const Node& node);
  void send_payload(Bytes payload);
  /// Sends an IQ and waits; `timeout` from now. When too many are pending the continuation gets nullptr at once.
  void query(const Node& iq, IqTracker::Continuation continuation,
             std::chrono::seconds timeout = IqTracker::default_timeout);
  void answer(std::function<void(const Error* failure)> call) { turn.effects.emplace_back(Answer{std::move(call)}); }
  /// Tells it, with the session's metadata. Any kind of events/event.h may be given.
  void emit(events::Event event);
  /// The device row is written once at the end of the turn.
  void device_changed() { device_changed_ = true; }
  void row_changed() { row_changed_ = true; }
  /// Row, status event, and the events authenticated / ready / disconnected that follow from the change.
  void set_status(Status status, Connection connection, std::optional<Reason> why);
  /// Writes what the turn changed in shared state.
  void finish_turn();
  /// A message came or went: `lastActivity` moves. Its row is written once a minute at most, not with every message.
  void active();

 private:
  bool device_changed_ = false;
  bool row_changed_ = false;
  UnixMs stored_activity_ = 0;
};

/// Milliseconds of steady time from now.
inline net::SteadyTime in(const Context& context, std::chrono::milliseconds delay) {
  return context.now.steady + delay;
}

}  // namespace wharf::sessions
