#include "tests/simulation/file_times.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <utility>

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names

extern "C" {
int __real_futimens(int file, const struct timespec* times);
int __real_rename(const char* from, const char* to);
int __real_unlink(const char* path);
int __wrap_futimens(int file, const struct timespec* times);
int __wrap_rename(const char* from, const char* to);
int __wrap_unlink(const char* path);
}

namespace wharf::simulation {

namespace {

FileTimes* present = nullptr;

std::array<timespec, 2> now() {
  const std::int64_t at = present->unix_ms();
  const timespec time{at / 1'000, at % 1'000 * 1'000'000};
  return {time, time};
}

}  // namespace

FileTimes::FileTimes(std::function<std::int64_t()> unix_ms,
                     std::function<void(const std::string&, std::int64_t)> on_removed)
    : unix_ms_(std::move(unix_ms)), on_removed_(std::move(on_removed)) {
  present = this;
}

FileTimes::~FileTimes() { present = nullptr; }

void FileTimes::removes(const char* path) const {
  struct stat status {};
  if (::lstat(path, &status) != 0) return;
  on_removed_(path, std::int64_t{status.st_mtim.tv_sec} * 1'000 + status.st_mtim.tv_nsec / 1'000'000);
}

}  // namespace wharf::simulation

using wharf::simulation::present;

int __wrap_futimens(int file, const struct timespec* times) {
  if (present == nullptr || times != nullptr) return __real_futimens(file, times);
  return __real_futimens(file, wharf::simulation::now().data());
}

// A file gets the name under which it is found when all of it was written: that is a moment ago.
int __wrap_rename(const char* from, const char* to) {
  const int moved = __real_rename(from, to);
  if (moved == 0 && present != nullptr)
    (void)::utimensat(AT_FDCWD, to, wharf::simulation::now().data(), AT_SYMLINK_NOFOLLOW);
  return moved;
}

int __wrap_unlink(const char* path) {
  if (present != nullptr) present->removes(path);
  return __real_unlink(path);
}

// NOLINTEND(bugprone-reserved-identifier)
