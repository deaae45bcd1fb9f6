#pragma once
// Files of the vault as the workers see them: blocking, any thread, one job at a time on each. Internal to
// sessions/media.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace wharf::sessions {

/// An open file; the name it was opened under may go meanwhile.
class DiskFile {
 public:
  DiskFile() = default;
  DiskFile(DiskFile&& other) noexcept : handle_(std::exchange(other.handle_, -1)) {}
  DiskFile& operator=(DiskFile&& other) noexcept;
  ~DiskFile();

  /// A new one, readable by its owner alone. Errors: storage, storage_full.
  static protocol::Result<DiskFile> create(const std::string& path);
  /// Errors: not_found, storage.
  static protocol::Result<DiskFile> open(const std::string& path);

  bool is_open() const { return handle_ >= 0; }
  /// Behind what is there. Errors: storage, storage_full.
  protocol::Result<void> append(protocol::ByteView bytes);
  protocol::Result<void> sync();
  protocol::Result<std::uint64_t> size() const;
  /// All of `into`. Errors: storage, also when the file ends before.
  protocol::Result<void> read(std::uint64_t offset, std::span<std::uint8_t> into) const;
  /// Its time of last use: now.
  void touch() const;

 private:
  explicit DiskFile(int handle) : handle_(handle) {}
  int handle_ = -1;
};

/// A directory for its owner alone, with those above it. Errors: storage.
protocol::Result<void> make_private_directory(const std::string& path);
/// The names in it are durable. Errors: storage, not_found.
protocol::Result<void> sync_directory(const std::string& directory);
/// The new name is durable. Errors: storage, storage_full, not_found.
protocol::Result<void> move_durably(const std::string& from, const std::string& to);
/// Nothing when it is not there.
void remove_file(const std::string& path);

struct ListedFile {
  std::uint64_t bytes = 0;
  std::int64_t used_at = 0;  // nanoseconds
};
/// nullopt: there is no plain file of this name.
std::optional<ListedFile> look_at_file(const std::string& path);
/// The plain files of a directory, by name. Errors: storage.
protocol::Result<std::map<std::string, ListedFile>> list_files(const std::string& directory);

}  // namespace wharf::sessions
