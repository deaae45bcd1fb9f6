#pragma once
// Owns all session actors and routes to them; nothing else. Loop thread only.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/scheduler.h"
#include "net/websocket.h"
#include "net/workers.h"
#include "protocol/crypto/random.h"
#include "protocol/noise/certificate.h"
#include "protocol/noise/client_payload.h"
#include "sessions/holdings.h"
#include "sessions/session_view.h"
#include "sessions/settings.h"
#include "storage/store.h"

namespace wharf::sessions {

/// Which network the sessions talk to.
struct NetworkTarget {
  std::string chat_url = "wss://web.whatsapp.com/ws/chat";
  protocol::PublicKey noise_root = protocol::whatsapp_root_key;
  std::string name = "whatsapp";  // whatsapp, sandbox, or the URL
};

struct SupervisorSettings {
  NetworkTarget network;
  protocol::ClientProfile profile;
  std::size_t max_sessions = 10'000;
  std::size_t max_queued_messages = 10'000;  // per session; over it send-text answers rate_limited
  unsigned reconnects_per_second = 100;      // gate over all sessions
  bool resume_handshake = true;              // Noise IK
  std::size_t pre_key_batch = SessionSettings().pre_key_batch;
};

class Supervisor {
 public:
  struct Ports {
    net::Scheduler& scheduler;
    protocol::Random& random;
    storage::Store& store;
    net::Workers& workers;
    net::Transport& transport;
  };
  Supervisor(Ports ports, SupervisorSettings settings);
  ~Supervisor();

  /// Starts every stored session that was not stopped. Linked ones reconnect without a scan.
  void start();
  /// Closes all connections after their running turns; calls back when every actor is at rest.
  void stop(std::function<void()> done);

  struct NewSession {
    std::string name;
    SessionConfig config;
    std::string config_json, metadata_json;
  };
  /// Durable when `done` runs. Errors: conflict (name exists), too_large (MAX_SESSIONS_REACHED), storage*.
  void create(NewSession session, Done<SessionView> done);
  std::optional<SessionView> find(const std::string& name) const;
  std::optional<SessionView> find(storage::SessionId id) const;
  std::vector<SessionView> list() const;  // by creation
  std::optional<Holdings> holdings(const std::string& name) const;
  std::size_t count() const;
  std::size_t count_ready() const;
  /// Logs out at WhatsApp when linked and connected (at most 5 s), then deletes every row. Errors: not_found, storage*.
  void remove(const std::string& name, Done<void> done);

  /// Calls back with the view as soon as a QR is shown, or the session left initializing, or after `timeout`.
  void await_qr(const std::string& name, std::chrono::milliseconds timeout, Done<SessionView> done);
  /// Errors: not_found, not_ready (linked already / not connected in 20 s), malformed (phone), rate_limited (one is
  /// live), refused (the server's error).
  void pairing_code(const std::string& name, const std::string& phone, Done<PairingCode> done);

  void start_session(const std::string& name, Done<SessionView> done);
  void stop_session(const std::string& name, Done<SessionView> done);
  void restart_session(const std::string& name, Done<SessionView> done);
  /// Unlinks at WhatsApp, wipes the keys; the session stays and shows a QR at the next start. Errors: not_ready.
  void logout(const std::string& name, Done<SessionView> done);
  /// nullopt = unchanged.
  void update(const std::string& name, std::optional<std::string> config_json, std::optional<SessionConfig> config,
              std::optional<std::string> metadata_json, Done<SessionView> done);

  /// Durable in the session's queue when `done` runs. Errors: not_found (session, or the quoted message: detail says),
  /// not_ready (never linked or logged out), conflict (idempotency key with another body), rate_limited (queue full),
  /// malformed, storage, storage_full, not_implemented (groups, until sender keys are there).
  void send_text(const std::string& name, SendText text, Done<SentMessage> done);
  /// When the message reached `level` (or error), or timed_out with the level so far in the result.
  void await_ack(const std::string& name, const std::string& message_id, storage::AckLevel level,
                 std::chrono::milliseconds timeout, Done<SentMessage> done);
  /// The process is going to stop: who waits (await_ack, await_qr) is answered now, as if the time were up, and nobody
  /// waits after this.
  void end_waits();
  /// Deletes the stored copy of a chat, in a turn of its session: texts of it that wait in the queue are cancelled.
  /// Errors: not_found, storage*.
  void remove_chat(const std::string& name, const Jid& chat, Done<void> done);
  /// Marks the chat read: read receipts for unread messages. Errors: not_found, not_ready.
  void mark_read(const std::string& name, const Jid& chat, Done<void> done);

  /// Both identities of a user in a session, from its mapping table.
  PersonIds person(storage::SessionId session, const Jid& user) const;
  /// The canonical chat JID of any spelling (LID when a mapping is known, c.us -> s.whatsapp.net, no device).
  Jid canonical_chat(storage::SessionId session, const Jid& jid) const;

  /// Event fan-out, in id order, after the commit: for the WebSocket hub and the webhook dispatcher.
  void on_events(std::function<void(const std::vector<storage::Event>&)> listener);

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with pending completions
};

}  // namespace wharf::sessions
