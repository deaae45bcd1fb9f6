#pragma once
// The bytes of the media host's files on disk, one file each below a private directory. Nothing here runs on the loop
// but the start and the end: every piece is written, hashed or read by a worker, and no file is in memory as a whole.
// Callbacks come on the loop, once: later, or inside the call when it is refused (rate_limited). They may come after
// the end of this object, and never come when the workers end first.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/workers.h"
#include "protocol/crypto/hash_stream.h"
#include "protocol/result.h"

namespace wharf::sandbox {

/// An open file. One job works on it at a time; it stays readable when its name is removed.
class MediaBlob {
 public:
  explicit MediaBlob(std::string path) : path_(std::move(path)) {}
  ~MediaBlob();
  MediaBlob(const MediaBlob&) = delete;
  MediaBlob& operator=(const MediaBlob&) = delete;

 private:
  friend class MediaFiles;
  protocol::Result<void> append(std::string_view bytes);
  protocol::Result<protocol::Digest32> seal();
  protocol::Result<std::string> read(std::uint64_t offset, std::size_t bytes);

  std::string path_;
  int file_ = -1;
  std::uint64_t written_ = 0;
  std::optional<protocol::Sha256Stream> digest_;  // of what was written, until it is sealed
};

class MediaFiles {
 public:
  using Blob = std::shared_ptr<MediaBlob>;
  template <class T>
  using Done = std::function<void(protocol::Result<T>)>;

  /// `directory` "": a private one below the system's for temporary files, made with the first file and removed with
  /// this object.
  MediaFiles(std::string directory, net::Workers& workers);
  ~MediaFiles();

  /// Errors: storage. Of a new file; `id` is never anything that came from outside.
  protocol::Result<Blob> create(const std::string& id);
  Blob open(const std::string& id) const;
  /// Behind what was appended before. Errors: storage, storage_full, rate_limited (too much waits for the workers).
  void append(const Blob& blob, std::string bytes, Done<void> done);
  /// Syncs the file; its SHA-256. Errors as append().
  void seal(const Blob& blob, Done<protocol::Digest32> done);
  /// Exactly so many bytes. Errors: storage, also for a file that is shorter; rate_limited.
  void read(const Blob& blob, std::uint64_t offset, std::size_t bytes, Done<std::string> done);
  void remove(const std::string& id);

  /// id -> size of what is there. Blocking: for the start. Errors: storage.
  protocol::Result<std::map<std::string, std::uint64_t>> list();

 private:
  protocol::Result<void> make_directory();
  std::string path_of(const std::string& id) const { return directory_ + "/" + id; }

  std::string directory_;
  bool temporary_;
  bool made_ = false;
  net::Workers& workers_;
};

}  // namespace wharf::sandbox
