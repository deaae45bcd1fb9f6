#include "tests/simulation/sim_daemon.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "net/loop_guard.h"
#include "storage/outbox.h"

namespace wharf::simulation {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

/// Prekeys are most of the work of a pairing and of no interest here: enough for a few sessions with each peer.
constexpr std::size_t pre_key_batch = 30;

}  // namespace

bool SimWorkers::run(std::function<void()> work, std::function<void()> done) {
  scheduler_.after(Micros(200 + random_.below(30'000)), [this, work = std::move(work), done = std::move(done)] {
    net::guard("worker", work);
    scheduler_.after(Micros(random_.below(500)), done);
  });
  return true;
}

SimDaemon::SimDaemon(Surroundings surroundings) : around_(std::move(surroundings)) {}

SimDaemon::~SimDaemon() { kill(); }

storage::Store::Settings SimDaemon::store_settings(VirtualScheduler& scheduler) {
  storage::Store::Settings settings;
  settings.path = around_.database;
  settings.boot = "simulated boot";  // a killed process starts again on the same machine
  // What the kernel has was written, as far as this machine is concerned: no process is killed between write and flush.
  settings.synchronous = storage::Synchronous::off;
  // The index of words follows a few messages behind, not some thousand.
  settings.max_indexed_rows = 10;
  settings.max_unindexed = 20;
  settings.max_indexed_rows_idle = 30;
  settings.unix_ms = [this] { return unix_ms(); };
  settings.post = [&scheduler](std::function<void()> run) { scheduler.post(std::move(run)); };
  settings.writer = [this, &scheduler](std::function<void()> step) {
    Micros takes(150 + around_.chance.below(3'000));
    if (disk.slow_percent > 0 && around_.chance.below(100) < disk.slow_percent) {
      takes += Micros(50'000 + around_.chance.below(450'000));
    }
    scheduler.after(takes, [this, step = std::move(step)] {
      around_.trace.note("disk", fmt::format("step {}", ++commits_));
      step();
    });
  };
  settings.before_change = [this](storage::Database& db, const storage::Change& change) -> Result<bool> {
    if (disk.full) return Error(Errc::storage_full, "simulated: the disk is full");
    if (disk.failing_turns > 0) {
      --disk.failing_turns;
      return Error(Errc::storage, "simulated: the write failed");
    }
    if (on_change) on_change(db, change);
    return true;
  };
  return settings;
}

void SimDaemon::start() {
  around_.trace.note("daemon", fmt::format("life {} begins", ++lives_));
  life_ = std::make_unique<Life>(around_.time, clock_error);
  Life& life = *life_;
  life.workers = std::make_unique<SimWorkers>(life.scheduler, around_.chance);
  life.transport =
      std::make_unique<SimTransport>(MemoryLink::World{life.scheduler, around_.network, around_.chance, around_.trace},
                                     around_.latency, dials, last_link_, around_.accept);
  auto store = storage::Store::open(store_settings(life.scheduler));
  if (!store) {
    std::fprintf(stderr, "%s: %s\n", around_.database.c_str(), store.error().detail.c_str());
    std::abort();
  }
  life.store = std::move(*store);
  if (!life.store->renewal().empty()) around_.trace.note("daemon", "ratchets renewed: " + life.store->renewal());

  open_vault(life);
  if (around_.files.has_folder) open_folder(life);
  life.upkeep = std::make_unique<sessions::MediaUpkeep>(*life.vault, life.folder.get(), life.scheduler,
                                                        sessions::UpkeepSettings{around_.files.vault_keep});
  life.upkeep->start();

  sessions::SupervisorSettings settings;
  settings.network.chat_url = "ws://simulated/ws/chat";
  settings.network.noise_root = around_.noise_root;
  settings.network.name = "simulated";
  settings.pre_key_batch = pre_key_batch;
  settings.max_queued_messages = around_.max_queued_messages;
  settings.max_lateness = around_.max_lateness;
  life.supervisor = std::make_unique<sessions::Supervisor>(
      sessions::Supervisor::Ports{life.scheduler, around_.random, *life.store, *life.workers, *life.transport,
                                  life.transfers.get(), life.folder.get()},
      settings);
  life.supervisor->on_events([this](const std::vector<storage::Event>& events) {
    if (on_events) on_events(events);
  });
  life.supervisor->start();
  keep_probing(0);
}

// As serve() does.
void SimDaemon::open_vault(Life& life) {
  std::set<sessions::MediaName> needed;
  for (const protocol::Bytes& name : storage::pending_uploads(life.store->reader())) {
    if (const auto exact = protocol::exactly<32>(name)) needed.insert(*exact);
  }
  life.media_http = std::make_unique<SimHttp>(SimHttp::Surroundings{
      life.scheduler, around_.network, around_.media_chance, around_.trace, around_.media_host, http,
      [this](const std::string& method, const std::string& target) {
        if (on_http) on_http(method, target);
      },
      [this] {
        if (on_uploaded) on_uploaded();
      }});
  sessions::VaultSettings settings;
  settings.directory = around_.vault;
  settings.max_spool_bytes = around_.max_spool_bytes;
  life.vault = std::make_unique<sessions::MediaVault>(settings, *life.workers, around_.random);
  if (const auto opened = life.vault->open(needed); !opened) {
    std::fprintf(stderr, "%s: %s\n", around_.vault.c_str(), opened.error().detail.c_str());
    std::abort();
  }
  life.transfers = std::make_unique<sessions::MediaTransfers>(*life.vault, *life.media_http, life.scheduler,
                                                              sessions::TransferSettings());
}

void SimDaemon::open_folder(Life& life) {
  sessions::FolderSettings settings;
  settings.directory = around_.folder;
  settings.max_bytes = around_.files.folder_bytes;
  settings.keep = around_.files.folder_keep;
  settings.extension = [](protocol::ByteView head) { return !head.empty() && head[0] % 2 != 0 ? ".odd" : ".even"; };
  settings.extensions = {".odd", ".even"};
  life.folder = std::make_unique<sessions::MediaFolder>(
      std::move(settings),
      sessions::MediaFolder::Ports{*life.vault, *life.workers, around_.random, *life.store, life.scheduler});
  if (const auto opened = life.folder->open(); !opened) {
    std::fprintf(stderr, "%s: %s\n", around_.folder.c_str(), opened.error().detail.c_str());
    std::abort();
  }
  life.folder->begin(life.scheduler.unix_ms());
}

// The writer thread of a store that failed looks again each second, and now and then whether the index of words is to
// be swept; here somebody has to ask.
void SimDaemon::keep_probing(unsigned seconds) {
  constexpr unsigned sweep_look = 30;
  life_->scheduler.after(std::chrono::seconds(1), [this, seconds] {
    if (!life_->store->healthy()) life_->store->ping([](bool) {});
    else if (seconds % sweep_look == 1) life_->store->look_at_sweep();
    keep_probing(seconds + 1);
  });
}

void SimDaemon::kill() {
  if (!life_) return;
  around_.trace.note("daemon", "dies");
  ++lives_;  // whoever hears of its end in its destructors hears the dead
  const auto gone = std::move(life_);
  gone->scheduler.kill();
  gone->transport->kill(around_.chance.below(2) == 0);
  gone->supervisor.reset();
  gone->upkeep.reset();
  gone->folder.reset();
  gone->transfers.reset();
  gone->vault.reset();
  gone->media_http.reset();
  gone->store.reset();
}

void SimDaemon::start_after(std::chrono::milliseconds pause) {
  around_.network.after(pause, [this] {
    if (!running()) start();
  });
}

void SimDaemon::kill_for(std::chrono::milliseconds pause) {
  kill();
  start_after(pause);
}

void SimDaemon::restart(std::chrono::milliseconds pause) {
  around_.trace.note("daemon", "is asked to stop");
  life_->supervisor->stop([this, life = lives_, pause] {
    // Not from inside a callback of what dies.
    around_.network.post([this, life, pause] {
      if (lives_ == life && running()) kill_for(pause);
    });
  });
}

}  // namespace wharf::simulation
