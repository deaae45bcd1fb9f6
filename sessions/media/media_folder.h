#pragma once
// The plain media folder, for those who want the files of messages as files:
// <folder>/<session>/<yyyy-mm>/out-<message>.ext, "in-" of what others sent, readable by their owner alone. Each is
// copied out of the vault, where it lies verified: decrypting it once more costs less than a second file beside every
// transfer, which no check has passed yet and which belongs to no message.
//
// The folder is of one installation, by a mark in it (folder_files.h), and nothing in it is removed by its name but
// what the database says (storage/folder_removals.h): another database than that of yesterday knows other sessions.
//
// One job at a time on the media workers: what is to be removed, then the bounds of age and size, then a copy, piece by
// piece. No file is written while the database remembers an older deletion of its name, that of its session too: a
// deletion that failed, or whose folder was not there, is tried again, and would take the new file along. Never more
// than max_waiting copies wait, and what waits when the process ends is not written. Nothing that goes wrong here
// concerns the message: it is logged and counted. Loop thread only.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/scheduler.h"
#include "net/workers.h"
#include "protocol/crypto/random.h"
#include "sessions/media/media_vault.h"
#include "storage/folder_removals.h"

namespace wharf::storage {
class Store;
}

namespace wharf::sessions {

struct FolderSettings {
  std::string directory;
  std::uint64_t max_bytes = 10ull << 30;  // of all sessions together, the oldest month goes first; 0 = no bound
  std::chrono::hours keep{0};             // from when a file was written; 0 = as long as there is room
  /// By the first bytes of a file, ".jpg"; on a worker. "" or anything that is no plain extension becomes ".bin".
  std::function<std::string(protocol::ByteView head)> extension;
  std::vector<std::string> extensions;  // all that it gives, and ever gave: what a deletion looks for
};

/// The file of a message that is to stand in the folder.
struct FolderCopy {
  std::string session, message_id;
  bool from_me = false;
  std::int64_t sent_ms = 0;  // of the message: its month
  protocol::MediaReference reference;
  protocol::MediaKind kind = protocol::MediaKind::document;
};

class MediaFolder {
 public:
  static constexpr std::size_t max_waiting = 1'000;  // copies
  static constexpr std::size_t removals_at_once = 64;
  /// Before the workers, who had too much to do, are asked again, and before what could not be read or written is tried
  /// once more: that twice as long each time, up to 32 times.
  static constexpr std::chrono::seconds pause{1};
  /// All of them outlive it.
  struct Ports {
    MediaVault& vault;
    net::Workers& workers;
    protocol::Random& random;
    storage::Store& store;
    net::Scheduler& scheduler;
  };
  MediaFolder(FolderSettings settings, const Ports& ports);
  ~MediaFolder();
  /// Makes the folder, or takes one that is empty or its own, and empties what was on its way. One that the database
  /// remembers must be there. In a new one nothing that was to be removed before is ended. Blocking: for the start.
  /// When it fails every copy fails, and what is to be removed waits for another start. Errors: storage*, conflict (it
  /// is another's, or is not there any more).
  protocol::Result<void> open();
  /// Ends what an earlier run left to be removed, then what is too old or too much. Copies wait for it. Never throws
  /// for rows that cannot be read: they are read again later.
  void begin(std::int64_t now_ms);

  /// A file of this name that is there already stays as it is.
  void copy(FolderCopy copy);
  /// Runs `then` at once, or when no copy needs this file of the vault any more.
  void after_copies(const MediaName& file, std::function<void()> then);
  /// The database was told that it is to be removed, and has it: no copy of it is begun any more, its files go.
  void remove(const storage::FolderRemoval& removal);
  /// What could not be removed, then what is too old, or too much: in jobs of their own behind the copy that runs.
  void sweep(std::int64_t now_ms);

  struct Counts {
    std::uint64_t written = 0, there = 0;
    std::uint64_t failed = 0;  // of which the disk, the vault or a bound is the reason
  };
  Counts counts() const;
  bool busy() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wharf::sessions
