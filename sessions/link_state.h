#pragma once
// Where a session stands with the network, as one value (01 section 8.1). What belongs to a connection is held by the
// state of that connection and ends with it: no flag of an earlier one is left over, and nothing of it falls due.
//
//   offline -> connecting -> handshaken -> logged in -> online        forward, one step at a time
//   offline or connecting <- any state                                leave(), the one way back
//
// It decides nothing and has no effects: Session::leave_link() is the one caller of leave() that tells the parts.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <variant>

#include "net/clock.h"
#include "protocol/binary/jid.h"
#include "protocol/crypto/random.h"
#include "sessions/iq_tracker.h"
#include "sessions/keepalive.h"
#include "sessions/session_view.h"

namespace wharf::sessions {

class LinkState {
 public:
  /// From the handshake to the first stanza of the server (pair-device or success).
  static constexpr std::chrono::seconds greeting_patience{20};

  /// What lasts from the handshake to the end of the connection.
  struct Conversation {
    Keepalive keepalive;
    IqTracker iqs;
    bool uploading = false;              // prekeys: being made, or their answer is awaited
    bool uploaded_after_digest = false;  // once a connection: no loop
    /// When the last batch of the backlog was asked for; between offline_preview and offline only.
    std::optional<net::SteadyTime> backlog_asked_at;
  };
  /// No connection is wanted: a session that is new, stopped or has failed.
  struct Offline {};
  /// One is wanted and will be dialled, or is.
  struct Connecting {};
  /// The Noise handshake is done.
  struct Handshaken {
    Conversation conversation;
    net::SteadyTime since;
    bool greeted = false;  // pair-device or pair-success arrived: pairing goes on over this connection
  };
  /// `success` arrived.
  struct LoggedIn {
    Conversation conversation;
    net::SteadyTime since;
    std::optional<net::SteadyTime> rotate_at;  // the signed prekey is looked at
    /// Where the account may not post, as WhatsApp has told over it: elsewhere it may be made an admin at any time.
    enum class Closed : std::uint8_t { followed, left, deleted };
    std::map<protocol::Jid, Closed> closed_channels = {};
  };
  /// `active` was answered: ready for sends.
  struct Online {
    LoggedIn login;
    bool available = false;  // presence was sent: delivery receipts are active ones
  };

  // --- forward, each from the state before it: another one is a broken invariant (std::logic_error)
  /// Nothing in a session that is not offline.
  void connect();
  /// Draws the time of the first ping.
  void hear_handshake(net::SteadyTime now, protocol::Random& random);
  void log_in(net::SteadyTime now);
  void go_online();
  /// No step: a connection over which a device is linked stays handshaken. Nothing in another state.
  void greet();

  // --- back
  enum class Next { offline, connecting };
  /// Ends whatever there is. The questions that nobody answers any more are the caller's: fail_all(), or dropped
  /// together with a session that is thrown away. From here on epoch() is another one.
  IqTracker leave(Next next);

  // --- looking
  bool offline() const { return std::holds_alternative<Offline>(state_); }
  bool up() const { return conversation() != nullptr; }
  bool greeted() const;
  bool logged_in() const { return login() != nullptr; }
  bool online() const { return std::holds_alternative<Online>(state_); }
  /// nullptr in other states. Valid until the next step, forward or back: not across the continuation of a query.
  Conversation* conversation();
  const Conversation* conversation() const { return const_cast<LinkState*>(this)->conversation(); }
  LoggedIn* login();
  const LoggedIn* login() const { return const_cast<LinkState*>(this)->login(); }
  Online* while_online() { return std::get_if<Online>(&state_); }
  const Online* while_online() const { return std::get_if<Online>(&state_); }

  /// What users see: connected while pairing goes on or sends may go out.
  Connection seen() const;
  /// Of the connection that is wanted or there. Grows with leave(): what comes from an earlier one is ignored.
  std::uint64_t epoch() const { return epoch_; }

  /// The server is given up when it has not greeted by then.
  std::optional<net::SteadyTime> greeting_due() const;
  /// The earliest of that, a ping, the end of the patience with one, and an unanswered query.
  std::optional<net::SteadyTime> due() const;

 private:
  std::variant<Offline, Connecting, Handshaken, LoggedIn, Online> state_;
  std::uint64_t epoch_ = 0;
};

}  // namespace wharf::sessions
