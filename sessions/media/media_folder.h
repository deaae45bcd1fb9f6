#pragma once
// The plain media folder, for those who want the files of messages as files:
// <folder>/<session>/<yyyy-mm>/<message>.ext, readable by their owner alone. Each is copied out of the vault, where it
// lies verified: decrypting it once more costs less than a second file beside every transfer, which no check has passed
// yet and which belongs to no message.
//
// One copy at a time, in pieces, on the media workers; never more than max_waiting wait, and what waits when the
// process ends is not written. Nothing that goes wrong here concerns the message: it is logged and counted. Loop thread
// only.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "net/workers.h"
#include "protocol/crypto/random.h"
#include "sessions/media/media_vault.h"

namespace wharf::sessions {

struct FolderSettings {
  std::string directory;
  std::uint64_t max_bytes = 10ull << 30;  // of all sessions together, the oldest month goes first; 0 = no bound
  std::chrono::hours keep{0};             // from when a file was written; 0 = as long as there is room
  /// By the first bytes of a file, ".jpg"; on a worker. "" or anything that is no plain extension becomes ".bin".
  std::function<std::string(protocol::ByteView head)> extension;
};

/// The file of a message that is to stand in the folder.
struct FolderCopy {
  std::string session, message_id;
  std::int64_t sent_ms = 0;  // of the message: its month
  protocol::MediaReference reference;
  protocol::MediaKind kind = protocol::MediaKind::document;
};
/// The message is deleted here: its file goes.
struct FolderRemoval {
  std::string session, message_id;
  std::int64_t sent_ms = 0;
};

class MediaFolder {
 public:
  static constexpr std::size_t max_waiting = 1'000;  // copies
  MediaFolder(FolderSettings settings, MediaVault& vault, net::Workers& workers, protocol::Random& random);
  ~MediaFolder();
  /// Makes the folder and empties what was on its way. Blocking: for the start. Errors: storage.
  protocol::Result<void> open();
  /// Removes the folders of sessions that are not among these, and what is too old or too much. Copies wait for it.
  void begin(std::set<std::string> sessions, std::int64_t now_ms);

  /// A file of this name that is there already stays as it is.
  void copy(FolderCopy copy);
  /// Runs `then` at once, or when no copy needs this file of the vault any more.
  void after_copies(const MediaName& file, std::function<void()> then);
  void remove(const FolderRemoval& removal);
  void remove_session(const std::string& session);
  /// What is too old, or too much: in a job of its own behind the copy that runs.
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
