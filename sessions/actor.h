#pragma once
// Drives one Session: mailbox, turns, commit, effects, connection, timer. One turn at a time; the next starts when the
// commit of the last is back, so a session reads only committed rows and its own state. Loop thread only.
//
// There is one way to begin a session: its rows are read and it is started in a turn of its own, at the start of the
// daemon as after a failure. Whatever goes wrong between the mailbox and the last effect (a commit that failed, an
// exception, rows that cannot be read) ends in rebuild(): the memory is thrown away, and after a pause the session
// begins again. It costs this session its connection, and nothing else in the process anything.

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "net/scheduler.h"
#include "net/websocket.h"
#include "net/workers.h"
#include "sessions/ack_awaited.h"
#include "sessions/connect_gate.h"
#include "sessions/link.h"
#include "sessions/mailbox.h"
#include "sessions/session.h"
#include "storage/store.h"

namespace wharf::sessions {

/// What all actors of a process share. Outlives them.
struct Shared {
  net::Scheduler& scheduler;
  protocol::Random& random;
  storage::Store& store;
  net::Workers& workers;
  net::Transport& transport;
  std::string chat_url;
  protocol::PublicKey noise_root;
  bool resume_handshake;
  SessionSettings settings;
  ConnectGate gate;
  MediaTransfers* media = nullptr;  // nullptr: no file can be moved
  MediaFolder* folder = nullptr;    // nullptr: no file is kept in plain
  std::shared_ptr<AwaitedAcks> awaited_acks = std::make_shared<AwaitedAcks>();
};

class SessionActor : public std::enable_shared_from_this<SessionActor> {
 public:
  /// Throws storage::ReadFailure when the rows of the session cannot be read.
  SessionActor(Shared& shared, storage::SessionRow row, storage::DeviceRow device);
  ~SessionActor();

  /// Into the mailbox: `input` is handled in a turn. What arrives while the session is closed or begins again is
  /// dropped, a command is answered with the reason of that. A command whose turn fails, in memory or on the disk, is
  /// answered with the error of the turn.
  void post(Input input);
  /// Starts the session unless its user stopped it or it failed for good: at the start of the daemon.
  void begin(std::string request_id = {});
  /// What users see. While the session begins again after a failure, that failure is its reason.
  SessionView view() const;
  /// The server's ack of a message was told ahead of its turn, whose rows are still to come: who reads now may find an
  /// older truth than he was told. CatchUp brings them.
  bool behind() const { return told_ahead_; }
  Holdings holdings() const;
  const Session& session() const { return *session_; }
  Session& session() { return *session_; }
  /// The same as shutdown(), after the rows of what was told ahead.
  void come_to_rest(std::function<void()> done);
  /// Closes the connection, runs nothing more; `done` when the running commit is back. Commands that wait are answered
  /// closed.
  void shutdown(std::function<void()> done);
  /// Set before the first input: a turn with a Finished effect is durable.
  std::function<void()> on_finished;

 private:
  /// What the commands of a turn owe to those who wait.
  using Debts = std::vector<std::shared_ptr<Owed>>;

  /// The message that somebody waits for and that this input says the server has.
  std::optional<Session::AcceptedMessage> awaited_in(const Input& input) const;
  void linger();
  bool wants_turn() const;
  void pump();
  void run_turn();
  void turn_failed(const Debts& debts, const Error& why);
  void after_commit(std::vector<Effect> effects, const Debts& debts, const Result<void>& result);
  void log_status();
  void perform(Effect& effect);
  void finish();
  template <class Result, class Start>
  void move_file(std::uint64_t number, UniqueFunction<void(Result)> then, Start start);
  void open_link(const OpenLink& open);
  void connect(std::uint64_t epoch);
  void retire_link();
  std::unique_ptr<Session> make_session(storage::SessionRow row, storage::DeviceRow device);
  void rebuild(const Error& why);
  void restore_later();
  void restore();
  void arm_timer();
  Now now() const;
  void log(std::string_view event, const std::string& fields) const;

  Shared& shared_;
  std::string name_;
  std::unique_ptr<Session> session_;
  Mailbox mailbox_;
  std::unique_ptr<Link> link_;
  net::Timer wake_timer_, connect_timer_, restore_timer_;
  std::optional<net::SteadyTime> armed_;
  std::optional<net::SteadyTime> lingers_until_;  // what waits in the mailbox for company gets its turn then
  bool busy_ = false;                             // a turn runs or its commit is under way
  bool closed_ = false;
  std::optional<Error> broken_;  // session_ ran ahead of its rows or cannot be read: no turn until it was restored
  bool paused_ = false;
  bool wake_ = false;
  bool told_ahead_ = false;
  std::uint64_t generation_ = 0;  // of session_: late completions of an older one are dropped
  std::uint64_t link_generation_ = 0;
  std::map<std::uint64_t, TransferHandle> transfers_;
  std::uint32_t connects_ = 0;
  // The last failure that made it begin again. Forgotten once it has held for Backoff::stable_after: one that comes
  // back after each login must not make a reconnect loop without pauses, nor hide behind the moments in between.
  std::optional<Error> trouble_;
  net::SteadyTime restored_at_{};
  Backoff rebuild_backoff_;
  std::function<void()> at_rest_;
  Status logged_status_ = Status::initializing;
};

}  // namespace wharf::sessions
