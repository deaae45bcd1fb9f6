#include "sessions/media/media_disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace wharf::sessions {

using protocol::Bytes;
using protocol::ByteView;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace fs = std::filesystem;

namespace {

Error failure(const std::string& path, const char* what, int reason) {
  const bool full = reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
  const Errc code = full ? Errc::storage_full : reason == ENOENT ? Errc::not_found : Errc::storage;
  return Error(code, path + ": " + what + ": " + std::strerror(reason));
}

}  // namespace

Result<void> sync_directory(const std::string& directory) {
  const int handle = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return failure(directory, "cannot be opened", errno);
  const bool synced = ::fsync(handle) == 0;
  const int reason = errno;
  ::close(handle);
  if (!synced) return failure(directory, "cannot be synced", reason);
  return {};
}

DiskFile& DiskFile::operator=(DiskFile&& other) noexcept {
  if (this == &other) return *this;
  if (handle_ >= 0) ::close(handle_);
  handle_ = std::exchange(other.handle_, -1);
  return *this;
}

DiskFile::~DiskFile() {
  if (handle_ >= 0) ::close(handle_);
}

Result<DiskFile> DiskFile::create(const std::string& path) {
  const int handle = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (handle < 0) return failure(path, "cannot be made", errno);
  return DiskFile(handle);
}

Result<DiskFile> DiskFile::open(const std::string& path) {
  const int handle = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (handle < 0) return failure(path, "cannot be opened", errno);
  return DiskFile(handle);
}

Result<void> DiskFile::append(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(handle_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return failure("a media file", "cannot be written", count < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> DiskFile::sync() {
  if (::fdatasync(handle_) != 0) return failure("a media file", "cannot be synced", errno);
  return {};
}

Result<std::uint64_t> DiskFile::size() const {
  struct stat status {};
  if (::fstat(handle_, &status) != 0) return failure("a media file", "cannot be looked at", errno);
  return static_cast<std::uint64_t>(status.st_size);
}

Result<void> DiskFile::read(std::uint64_t offset, std::span<std::uint8_t> into) const {
  while (!into.empty()) {
    const ssize_t read = ::pread(handle_, into.data(), into.size(), static_cast<off_t>(offset));
    if (read < 0 && errno == EINTR) continue;
    if (read < 0) return failure("a media file", "cannot be read", errno);
    if (read == 0) return Error(Errc::storage, "a media file is shorter than it was");
    into = into.subspan(static_cast<std::size_t>(read));
    offset += static_cast<std::uint64_t>(read);
  }
  return {};
}

void DiskFile::touch() const { ::futimens(handle_, nullptr); }

Result<void> make_private_directory(const std::string& path) {
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) {
    // Through the open directory: what stands here must be one, and no link to another's.
    const int handle = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (handle < 0) return failure(path, "is not a directory of ours", errno);
    const bool owned = ::fchmod(handle, 0700) == 0;
    const int reason = errno;
    ::close(handle);
    if (!owned) return failure(path, "is not ours", reason);
    return {};
  }
  return failure(path, "cannot be made", errno);
}

Result<void> move_durably(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return failure(from, "cannot be moved", errno);
  return sync_directory(to.substr(0, to.rfind('/')));
}

void remove_file(const std::string& path) { ::unlink(path.c_str()); }

std::optional<ListedFile> look_at_file(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  const std::int64_t used_at = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  return ListedFile{static_cast<std::uint64_t>(status.st_size), used_at};
}

Result<std::map<std::string, ListedFile>> list_files(const std::string& directory) {
  std::map<std::string, ListedFile> out;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    const auto file = look_at_file(entry->path().string());
    if (file) out.emplace(entry->path().filename().string(), *file);
  }
  if (error) return Error(Errc::storage, directory + ": cannot be read: " + error.message());
  return out;
}

}  // namespace wharf::sessions
