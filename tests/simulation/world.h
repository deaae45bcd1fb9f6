#pragma once
// One simulated world: virtual time, the daemon, and the network that it talks to with its phones. Everything random
// comes from the seed.

#include <map>
#include <memory>
#include <set>
#include <string>

#include "sandbox/clock.h"
#include "sandbox/connection.h"
#include "sandbox/media/media_host.h"
#include "sandbox/network.h"
#include "sandbox/phones.h"
#include "tests/simulation/file_record.h"
#include "tests/simulation/file_times.h"
#include "tests/simulation/sim_daemon.h"
#include "tests/simulation/trace.h"
#include "tests/simulation/troubles.h"
#include "tests/simulation/virtual_scheduler.h"

namespace wharf::simulation {

/// A database file of its own for one world, and directories beside it: in memory where the machine has /dev/shm. Gone
/// with the object.
class DatabaseFile {
 public:
  explicit DatabaseFile(std::uint64_t seed);
  ~DatabaseFile();
  DatabaseFile(const DatabaseFile&) = delete;
  DatabaseFile& operator=(const DatabaseFile&) = delete;
  const std::string& path() const { return path_; }
  /// Of the daemon's files and of the media host's.
  std::string vault() const { return path_ + ".vault"; }
  std::string folder() const { return path_ + ".folder"; }
  std::string media() const { return path_ + ".media"; }

 private:
  std::string path_;
};

class World {
 public:
  World(std::uint64_t seed, Trace::Show show);
  ~World();
  /// Nothing happens any more, and nobody who waits for something hears of it later than this.
  void end();

  VirtualTime time;
  Trace trace;
  /// One stream each, so that a change of one part leaves the draws of the others as they are.
  protocol::SeededRandom driving, faulting, wires, daemon_keys, network_keys, clocks, devices, kinds, files, queueing,
      tidying, indexing, fetching, timing, planning, grouping, group_faults;
  // What happened at some time: the daemon's clock was wrong, the media host failed the phones.
  bool clocks_jumped = false, phones_failed = false;
  std::set<protocol::Digest32> lost_files;  // of the media host, by the hash of what it had
  Troubles troubles;
  VirtualScheduler surroundings;  // of the network, its phones and the users
  sandbox::LoopClock clock;
  sandbox::Network network;
  sandbox::Phones phones;

 private:
  DatabaseFile file_;
  SimWorkers file_workers_;

 public:
  sandbox::MediaStore media_store;
  std::shared_ptr<sandbox::MediaHost> media;
  std::string vault_directory() const { return file_.vault(); }
  std::string folder_directory() const { return file_.folder(); }

 private:
  protocol::PublicKey noise_root_{};  // before noise_, which sets it
  sandbox::NoiseIdentity noise_;
  std::map<const sandbox::Connection*, std::shared_ptr<sandbox::Connection>>
      connections_;  // only looked up, never walked

 public:
  SimDaemon daemon;
  FileRecord file_record;
  /// A file of the daemon is about to lose its name.
  std::function<void(const std::string& path, std::int64_t used_ms)> on_removed;

 private:
  FileTimes file_times_;  // behind what it tells

  void accept(std::shared_ptr<net::WebSocket> socket);
};

}  // namespace wharf::simulation
