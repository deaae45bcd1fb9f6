#pragma once
// How much memory a call took at its highest: the resident set, which Linux can be asked to measure anew.

#include <malloc.h>

#include <fstream>
#include <optional>
#include <string>

namespace wharf::media::test {

inline std::size_t status_kilobytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field)) return std::stoul(line.substr(field.size() + 1));
  return 0;
}

/// Kilobytes above what was resident before; nullopt where the kernel does not let us measure.
template <class Call>
std::optional<std::size_t> peak_kilobytes(const Call& call) {
  malloc_trim(0);  // memory that was freed but stayed resident would hide as much of what the call takes
  std::ofstream reset("/proc/self/clear_refs");
  reset << "5" << std::flush;
  if (!reset) return std::nullopt;
  const std::size_t before = status_kilobytes("VmRSS:");
  call();
  const std::size_t peak = status_kilobytes("VmHWM:");
  return peak > before ? peak - before : 0;
}

}  // namespace wharf::media::test
