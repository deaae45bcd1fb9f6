#pragma once
// The daemon as one process of a simulated world: the real Supervisor with its actors, sessions and store, on virtual
// time and a memory transport. It can be killed between any two entries of the queue; what it had not committed is
// gone, its connections break, and the next life finds the file as it is.
//
// The store writes when the world says so: Store::Settings::writer hands the batches to the queue, so a commit takes
// time, and the time before it, and the time between it and its effects, are times at which a kill can come.

#include <functional>
#include <memory>
#include <string>

#include "net/workers.h"
#include "sessions/media/media_folder.h"
#include "sessions/media/media_transfers.h"
#include "sessions/media/media_upkeep.h"
#include "sessions/media/media_vault.h"
#include "sessions/supervisor.h"
#include "storage/store.h"
#include "tests/simulation/file_record.h"
#include "tests/simulation/sim_http.h"
#include "tests/simulation/sim_transport.h"

namespace wharf::simulation {

/// What the disk does to the daemon.
struct DiskFaults {
  unsigned failing_turns = 0;  // the next n turns fail to commit
  bool full = false;           // every turn fails
  unsigned slow_percent = 0;   // of the batches: 50 to 500 ms
  friend bool operator==(const DiskFaults&, const DiskFaults&) = default;
};

/// Jobs that take a while, one after the other.
class SimWorkers final : public net::Workers {
 public:
  SimWorkers(VirtualScheduler& scheduler, protocol::Random& random) : scheduler_(scheduler), random_(random) {}
  bool run(std::function<void()> work, std::function<void()> done) override;

 private:
  VirtualScheduler& scheduler_;
  protocol::Random& random_;
};

class SimDaemon {
 public:
  struct Surroundings {
    VirtualTime& time;
    VirtualScheduler& network;  // the process on the other side of the connections
    protocol::Random& chance;   // of latencies and pauses
    protocol::Random& random;   // of the daemon's keys and jitters
    Trace& trace;
    std::string database, vault, folder;  // a file and two directories
    protocol::PublicKey noise_root{};
    Latency latency;
    SimTransport::Accept accept;
    sandbox::MediaHost& media_host;
    protocol::Random& media_chance;  // of latencies on the way to it
    std::uint64_t max_spool_bytes = 16ull << 30;
    std::size_t max_queued_messages = 10'000;      // of a session
    std::chrono::seconds max_lateness{24 * 3600};  // of what is scheduled; 0: however late
    FileTerms files;
  };
  explicit SimDaemon(Surroundings surroundings);
  ~SimDaemon();

  /// A new life. Aborts the program when the file cannot be opened: nothing in the world explains that.
  void start();
  /// SIGKILL.
  void kill();
  /// SIGKILL, and a new life after the pause.
  void kill_for(std::chrono::milliseconds pause);
  /// SIGTERM; when everything is at rest it dies, and a new life begins after the pause.
  void restart(std::chrono::milliseconds pause);
  bool running() const { return life_ != nullptr; }
  /// Grows with every start: who asked an earlier life gets no answer of it.
  std::uint64_t lives() const { return lives_; }

  sessions::Supervisor& supervisor() { return *life_->supervisor; }
  storage::Store& store() { return *life_->store; }
  SimTransport& transport() { return *life_->transport; }
  sessions::MediaVault& vault() { return *life_->vault; }
  /// nullptr: none is wanted.
  sessions::MediaFolder* folder() { return life_->folder.get(); }
  const FileTerms& file_terms() const { return around_.files; }
  std::size_t max_queued_messages() const { return around_.max_queued_messages; }
  std::chrono::seconds max_lateness() const { return around_.max_lateness; }

  DiskFaults disk;
  DialFaults dials;
  HttpFaults http;
  /// Of the machine's wall clock, so every life has it; see VirtualScheduler.
  std::chrono::milliseconds clock_error{0};
  std::int64_t unix_ms() const { return around_.time.unix_ms() + clock_error.count(); }
  /// Committed events, as the daemon's own readers hear them.
  std::function<void(const std::vector<storage::Event>&)> on_events;
  /// Row changes, as they are written in a transaction that nothing fails; the database shows what was before them.
  std::function<void(storage::Database&, const storage::Change&)> on_change;
  /// Requests to the media host, as they begin.
  std::function<void(const std::string& method, const std::string& target)> on_http;
  /// A file is there; the session hears of it next.
  std::function<void()> on_uploaded;

 private:
  struct Life {
    Life(VirtualTime& time, const std::chrono::milliseconds& clock_error) : scheduler(time, &clock_error) {}
    VirtualScheduler scheduler;
    std::unique_ptr<SimWorkers> workers;
    std::unique_ptr<SimTransport> transport;
    std::unique_ptr<SimHttp> media_http;
    std::unique_ptr<sessions::MediaVault> vault;
    std::unique_ptr<sessions::MediaTransfers> transfers;
    std::unique_ptr<storage::Store> store;
    std::unique_ptr<sessions::MediaFolder> folder;
    std::unique_ptr<sessions::MediaUpkeep> upkeep;
    std::unique_ptr<sessions::Supervisor> supervisor;
  };
  storage::Store::Settings store_settings(VirtualScheduler& scheduler);
  void open_vault(Life& life);
  void open_folder(Life& life);
  void keep_probing(unsigned seconds);
  void start_after(std::chrono::milliseconds pause);

  Surroundings around_;
  std::unique_ptr<Life> life_;
  std::uint64_t lives_ = 0;
  std::uint64_t last_link_ = 0;
  std::uint64_t commits_ = 0;
};

}  // namespace wharf::simulation
