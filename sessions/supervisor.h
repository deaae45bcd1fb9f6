#pragma once
// The registry of the sessions: it owns their actors, finds, lists, creates and drops them, begins and stops them all,
// and hands on what is asked of one. What is asked it does not know: that stands in commands.h. Loop thread only.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/scheduler.h"
#include "net/websocket.h"
#include "net/workers.h"
#include "protocol/crypto/random.h"
#include "protocol/noise/certificate.h"
#include "protocol/noise/client_payload.h"
#include "sessions/ack_awaited.h"
#include "sessions/commands.h"
#include "sessions/holdings.h"
#include "sessions/media/media_folder.h"
#include "sessions/media/media_transfers.h"
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
  std::chrono::seconds max_lateness = SessionSettings().max_lateness;
  unsigned reconnects_per_second = 100;  // gate over all sessions
  bool resume_handshake = true;          // Noise IK
  std::size_t pre_key_batch = SessionSettings().pre_key_batch;
  bool deduplicate_media = SessionSettings().deduplicate_media;
};

class Supervisor {
 public:
  struct Ports {
    net::Scheduler& scheduler;
    protocol::Random& random;
    storage::Store& store;
    net::Workers& workers;
    net::Transport& transport;
    MediaTransfers* media = nullptr;  // nullptr: no file can be moved
    MediaFolder* folder = nullptr;    // nullptr: no file is kept in plain
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
    std::string request_id;  // of the API: named by what comes of the creation
  };
  /// It is stored and has begun when it is answered. Errors: conflict (name exists), too_large (the maximum number is
  /// reached), storage*.
  void create(NewSession session, Reply<SessionView> reply);
  std::optional<SessionView> find(const std::string& name) const;
  std::optional<SessionView> find(storage::SessionId id) const;
  /// By creation: so many of those behind `after`. Linear in what it returns, so that the loop is not held for all.
  std::vector<SessionView> list(storage::SessionId after = {}, std::size_t most = static_cast<std::size_t>(-1)) const;
  std::optional<Holdings> holdings(const std::string& name) const;
  std::size_t count() const;
  std::size_t count_ready() const;

  /// Hands the command to the session of this name. Refused at once: not_found (no such session), storage_full (the
  /// store takes no writes: a failed commit would cost the session its connection). `request_id` names the request of
  /// the API in everything that comes of it.
  void tell(const std::string& name, Command command, std::string request_id = {});
  /// tell("anna", MarkRead{chat}, [](const Outcome<>& marked) { … })
  template <class Operation>
  void tell(const std::string& name, Operation operation, Reply<typename Operation::Answer> reply,
            std::string request_id = {}) {
    tell(name, Command(Asked<Operation>{std::move(operation), std::move(reply)}), std::move(request_id));
  }

  /// Both identities of a user in a session, from its mapping table.
  PersonIds person(storage::SessionId session, const Jid& user) const;
  /// The canonical chat JID of any spelling (LID when a mapping is known, c.us -> s.whatsapp.net, no device).
  Jid canonical_chat(storage::SessionId session, const Jid& jid) const;

  /// Somebody was told of this session what its rows do not say yet: ask it to CatchUp before they are read.
  bool behind(const std::string& name) const;

  /// For those who wait for acks (waits.h).
  std::shared_ptr<AwaitedAcks> awaited_acks() const;

  /// Event fan-out, in id order, after the commit, in the order of these calls: for the WebSocket hub, the webhook
  /// dispatcher, and who waits (waits.h).
  void on_events(std::function<void(const std::vector<storage::Event>&)> listener);
  /// A session was removed: its rows are gone and find() knows it no more. For who waits for something of it (waits.h).
  void on_removed(std::function<void(storage::SessionId)> listener);

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with pending completions
};

}  // namespace wharf::sessions
