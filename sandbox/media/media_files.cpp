#include "sandbox/media/media_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace wharf::sandbox {

using protocol::Digest32;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace fs = std::filesystem;

namespace {

Error failure(const std::string& path, const char* what, int reason) {
  const bool full = reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
  return Error(full ? Errc::storage_full : Errc::storage, path + ": " + what + ": " + std::strerror(reason));
}

/// A job whose outcome travels to `done` on the loop.
template <class T>
void run(net::Workers& workers, std::function<Result<T>()> work, MediaFiles::Done<T> done) {
  const auto outcome = std::make_shared<Result<T>>(Error(Errc::internal, "the job did not end"));
  const bool taken = workers.run([outcome, work = std::move(work)] { *outcome = work(); },
                                 [outcome, done] { done(std::move(*outcome)); });
  if (!taken) done(Error(Errc::rate_limited, "too many files are being read and written"));
}

/// A name is durable when its directory is.
Result<void> sync_directory(const std::string& path) {
  const std::string directory = path.substr(0, path.rfind('/'));
  const int handle = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return failure(directory, "cannot be opened", errno);
  const bool synced = ::fsync(handle) == 0;
  const int reason = errno;
  ::close(handle);
  if (!synced) return failure(directory, "cannot be synced", reason);
  return {};
}

}  // namespace

// --- one file: on a worker

MediaBlob::~MediaBlob() {
  if (file_ >= 0) ::close(file_);
}

Result<void> MediaBlob::append(std::string_view bytes) {
  if (file_ < 0) {
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file_ < 0) return failure(path_, "cannot be made", errno);
    digest_.emplace();
  }
  if (!digest_) return Error(Errc::internal, "the file is sealed");
  for (std::string_view rest = bytes; !rest.empty();) {
    const ssize_t count = ::pwrite(file_, rest.data(), rest.size(), static_cast<off_t>(written_));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return failure(path_, "cannot be written", count < 0 ? errno : ENOSPC);
    rest.remove_prefix(static_cast<std::size_t>(count));
    written_ += static_cast<std::uint64_t>(count);
  }
  digest_->update(protocol::as_bytes(bytes));
  return {};
}

Result<Digest32> MediaBlob::seal() {
  if (!digest_) return Error(Errc::internal, "nothing was written");
  const Digest32 hash = digest_->finish();
  digest_.reset();
  if (::fdatasync(file_) != 0) return failure(path_, "cannot be synced", errno);
  if (auto synced = sync_directory(path_); !synced) return synced.error();
  return hash;
}

Result<std::string> MediaBlob::read(std::uint64_t offset, std::size_t bytes) {
  if (file_ < 0) {
    file_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file_ < 0) return failure(path_, "cannot be opened", errno);
  }
  std::string out(bytes, '\0');
  for (std::size_t got = 0; got < bytes;) {
    const ssize_t count = ::pread(file_, out.data() + got, bytes - got, static_cast<off_t>(offset + got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failure(path_, "cannot be read", errno);
    if (count == 0) return Error(Errc::storage, path_ + ": is shorter than it was");
    got += static_cast<std::size_t>(count);
  }
  return out;
}

// --- all of them

MediaFiles::MediaFiles(std::string directory, net::Workers& workers)
    : directory_(std::move(directory)), temporary_(directory_.empty()), workers_(workers) {}

MediaFiles::~MediaFiles() {
  std::error_code ignored;
  if (temporary_ && made_) fs::remove_all(directory_, ignored);
}

Result<void> MediaFiles::make_directory() {
  if (made_) return {};
  if (temporary_) {
    std::error_code none;
    auto below = fs::temp_directory_path(none);
    std::string name = (none ? fs::path("/tmp") : below).string() + "/wharf-media-XXXXXX";
    if (!::mkdtemp(name.data())) return failure(name, "cannot be made", errno);
    directory_ = std::move(name);
  } else if (::mkdir(directory_.c_str(), 0700) != 0) {
    if (errno != EEXIST) return failure(directory_, "cannot be made", errno);
    // Through the open directory: what stands here must be one, and no link to another's.
    const int handle = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (handle < 0) return failure(directory_, "is not a directory of ours", errno);
    const bool owned = ::fchmod(handle, 0700) == 0;
    const int reason = errno;
    ::close(handle);
    if (!owned) return failure(directory_, "is not ours", reason);
  }
  made_ = true;
  return {};
}

Result<MediaFiles::Blob> MediaFiles::create(const std::string& id) {
  if (auto made = make_directory(); !made) return made.error();
  return open(id);
}

MediaFiles::Blob MediaFiles::open(const std::string& id) const { return std::make_shared<MediaBlob>(path_of(id)); }

void MediaFiles::append(const Blob& blob, std::string bytes, Done<void> done) {
  const auto piece = std::make_shared<std::string>(std::move(bytes));
  run<void>(
      workers_, [blob, piece] { return blob->append(*piece); }, std::move(done));
}

void MediaFiles::seal(const Blob& blob, Done<Digest32> done) {
  run<Digest32>(
      workers_, [blob] { return blob->seal(); }, std::move(done));
}

void MediaFiles::read(const Blob& blob, std::uint64_t offset, std::size_t bytes, Done<std::string> done) {
  run<std::string>(
      workers_, [blob, offset, bytes] { return blob->read(offset, bytes); }, std::move(done));
}

void MediaFiles::remove(const std::string& id) {
  const auto unlink = [path = path_of(id)] { ::unlink(path.c_str()); };
  if (!workers_.run(unlink, [] {})) unlink();
}

Result<std::map<std::string, std::uint64_t>> MediaFiles::list() {
  std::map<std::string, std::uint64_t> found;
  std::error_code failed;
  // No directory yet: no files.
  if (temporary_ || !fs::exists(fs::symlink_status(directory_, failed))) return found;
  if (auto made = make_directory(); !made) return made.error();
  for (auto entry = fs::directory_iterator(directory_, failed); !failed && entry != fs::directory_iterator();
       entry.increment(failed)) {
    std::error_code odd;
    if (!entry->is_regular_file(odd) || entry->is_symlink(odd)) continue;
    const auto size = entry->file_size(odd);
    if (!odd) found.emplace(entry->path().filename().string(), size);
  }
  if (failed) return Error(Errc::storage, directory_ + ": cannot be listed: " + failed.message());
  return found;
}

}  // namespace wharf::sandbox
