#pragma once
// A program that is run for one answer and cannot do harm by hanging, flooding or dying: files without a name go in and
// come out, everything else of it is bounded. Linux only (memfd, pidfd).

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace wharf::media {

/// Owns a file descriptor. Close-on-exec is up to who opens it.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { reset(); }
  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  void reset();

 private:
  int number_;
};

/// A file in memory, on no disk and under no name; seekable. internal: the system gives none.
protocol::Result<Descriptor> new_memory_file();
/// One with `bytes` in it, sealed: nobody can change it any more.
protocol::Result<Descriptor> sealed_memory_file(protocol::ByteView bytes);
/// What is in a file. too_large: more than `max_bytes`.
protocol::Result<protocol::Bytes> read_memory_file(const Descriptor& file, std::size_t max_bytes);

struct ChildLimits {
  std::chrono::milliseconds deadline{30'000};  // wall clock; then the child and its group are killed
  std::uint32_t cpu_seconds = 60;
  std::size_t address_space_bytes = std::size_t{1} << 30;
  std::size_t written_file_bytes = 0;  // that any file it writes may reach
  std::size_t stdout_bytes = 64 * 1024;
  std::size_t stderr_bytes = 8 * 1024;  // of the end; what comes before is read and forgotten
};

struct ChildOutput {
  int exit_code = -1;  // -1: a signal ended it
  int signal = 0;
  std::string standard_output;
  std::string standard_error;  // its end; any bytes
};

/// Runs `program` (a path, nothing is searched) with `arguments` behind its name and waits for its end. Its files are
/// /dev/null as standard input and `files`, borrowed, as 3, 4, ..: it sees them as /dev/fd/3. Its environment is a
/// PATH; it leads a process group of its own, has default signals, and dies with the calling thread. Blocking; any
/// thread, any number at once. The process must not ignore SIGCHLD nor wait for children it does not know.
///
/// timed_out: the deadline or the CPU seconds were used up; too_large: it wrote more than it may; internal: it could
/// not be run, or was killed from outside. The child is gone and reaped when this returns, whatever it returns.
protocol::Result<ChildOutput> run_child(const std::string& program, const std::vector<std::string>& arguments,
                                        std::span<const int> files, const ChildLimits& limits);

}  // namespace wharf::media
