#pragma once
// What a child process may not leave behind, and a place for its files.

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>

namespace wharf::media::test {

inline long open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

/// Checks at its end that no descriptor was leaked and no child is left, running or dead.
class NoTraces {
 public:
  NoTraces() = default;
  NoTraces(const NoTraces&) = delete;
  NoTraces& operator=(const NoTraces&) = delete;
  ~NoTraces() {
    CHECK(open_descriptors() == descriptors_);
    CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
  }

 private:
  long descriptors_ = open_descriptors();
};

class ScratchDirectory {
 public:
  ScratchDirectory() {
    path_ = (std::filesystem::temp_directory_path() / "wharf-media-XXXXXX").string();
    if (!mkdtemp(path_.data())) throw std::runtime_error("mkdtemp");
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace wharf::media::test
