#pragma once
// The file system below the daemon: a file is written and used at the time that the world's clock shows, and whoever
// watches hears of each name that is removed. The calls are taken over when the program is linked
// (tests/CMakeLists.txt); without a FileTimes they are the machine's own.

#include <cstdint>
#include <functional>
#include <string>

namespace wharf::simulation {

class FileTimes {
 public:
  /// `unix_ms`: what the clock shows. `on_removed`: a file of this path is about to lose its name, was used last at
  /// `used_ms`. One of these lives at a time.
  FileTimes(std::function<std::int64_t()> unix_ms,
            std::function<void(const std::string& path, std::int64_t used_ms)> on_removed);
  ~FileTimes();
  FileTimes(const FileTimes&) = delete;
  FileTimes& operator=(const FileTimes&) = delete;

  std::int64_t unix_ms() const { return unix_ms_(); }
  void removes(const char* path) const;

 private:
  std::function<std::int64_t()> unix_ms_;
  std::function<void(const std::string&, std::int64_t)> on_removed_;
};

}  // namespace wharf::simulation
