#include "media/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <utility>

namespace wharf::media {

using protocol::Bytes;
using protocol::ByteView;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

constexpr int first_file = 3;  // the number of files[0] in the child
constexpr int max_files = 8;
constexpr rlim_t child_descriptors = 64;

Error system_error(const char* what, int number = errno) {
  return Error(Errc::internal, std::string(what) + ": " + std::generic_category().message(number));
}

struct Pipe {
  Descriptor read, write;
};

/// Close-on-exec; reading never blocks.
Result<Pipe> new_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return system_error("pipe");
  Pipe out{Descriptor(ends[0]), Descriptor(ends[1])};
  if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return system_error("pipe");
  return out;
}

/// All that the child needs between fork and exec, made before: other threads may hold the allocator's lock when the
/// process is forked, so from there on only system calls are allowed.
struct Launch {
  const char* program;
  char* const* arguments;
  char* const* environment;
  pid_t parent;
  std::array<int, first_file + max_files> files{};  // by their number in the child
  int file_count = 0;
  int failure = -1;  // takes errno when exec fails
  std::array<std::pair<int, rlimit>, 5> limits{};
};

[[noreturn]] void give_up(int pipe) {
  const int number = errno;
  [[maybe_unused]] const auto written = write(pipe, &number, sizeof number);
  _exit(127);
}

[[noreturn]] void become_program(Launch launch) {
  setpgid(0, 0);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) give_up(launch.failure);
  if (getppid() != launch.parent) _exit(127);  // died before the line above

  // Ignored signals would stay ignored (the daemon's SIGPIPE), and a blocked mask would be inherited.
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) sigaction(number, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);

  // First out of the way of the low numbers, then into their places, which takes close-on-exec off.
  const int above = launch.file_count + 1;
  for (int i = 0; i < launch.file_count; ++i) {
    int& file = launch.files[static_cast<std::size_t>(i)];
    if ((file = fcntl(file, F_DUPFD_CLOEXEC, above)) < 0) give_up(launch.failure);
  }
  const int failure = fcntl(launch.failure, F_DUPFD_CLOEXEC, above);
  if (failure < 0 || dup3(failure, launch.file_count, O_CLOEXEC) < 0) give_up(launch.failure);
  for (int i = 0; i < launch.file_count; ++i)
    if (dup2(launch.files[static_cast<std::size_t>(i)], i) < 0) give_up(launch.file_count);
  if (close_range(static_cast<unsigned>(above), ~0u, 0) != 0) give_up(launch.file_count);
  for (const auto& [resource, limit] : launch.limits)
    if (setrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) give_up(launch.file_count);
  execve(launch.program, launch.arguments, launch.environment);
  give_up(launch.file_count);
}

/// Forks with every signal blocked, so that no handler of the process runs in the child before they are reset.
pid_t fork_into(const Launch& launch) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t child = fork();
  if (child == 0) become_program(launch);
  const int failure = errno;
  if (child > 0) setpgid(child, child);  // here too: whoever comes first, the group is there when it is killed
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = failure;
  return child;
}

/// A child that is running, killed and reaped at the latest when this dies.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) reap();
  }
  pid_t pid() const { return pid_; }

  struct End {
    int status = 0;
    rusage usage{};
  };
  /// Kills what is left of the group and takes the child off the process table. While it is not reaped nobody else can
  /// get its number, so the group is killed first. nullopt: somebody else has reaped it.
  std::optional<End> reap() {
    kill(-pid_, SIGKILL);
    End end;
    pid_t reaped = -1;
    do reaped = wait4(pid_, &end.status, 0, &end.usage);
    while (reaped < 0 && errno == EINTR);
    pid_ = -1;
    if (reaped < 0) return std::nullopt;
    return end;
  }

 private:
  pid_t pid_;
};

/// Reads what is there; false once there will be no more.
bool read_some(const Descriptor& from, std::string& into) {
  std::array<char, 16 * 1024> block;
  const ssize_t count = read(from.number(), block.data(), block.size());
  if (count > 0) into.append(block.data(), static_cast<std::size_t>(count));
  return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

void keep_end(std::string& text, std::size_t bytes) {
  if (text.size() > bytes) text.erase(0, text.size() - bytes);
}

/// Collects both outputs until the child ends: its end is told by a descriptor of its own and not by the end of its
/// outputs, which a grandchild can hold open and the child itself can close.
Result<> follow(const Descriptor& process, const Descriptor& out, const Descriptor& err, const ChildLimits& limits,
                ChildOutput& output) {
  using std::chrono::steady_clock;
  const auto end = steady_clock::now() + limits.deadline;
  std::array<pollfd, 3> polled{{{process.number(), POLLIN, 0}, {out.number(), POLLIN, 0}, {err.number(), POLLIN, 0}}};
  for (bool running = true; running;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now()).count();
    if (left <= 0) return Error(Errc::timed_out, "not done after " + std::to_string(limits.deadline.count()) + " ms");
    if (poll(polled.data(), polled.size(), static_cast<int>(std::min<long>(left, 60'000))) < 0) {
      if (errno == EINTR) continue;
      return system_error("poll");
    }
    running = polled[0].revents == 0;
    if (polled[1].revents != 0 && !read_some(out, output.standard_output)) polled[1].fd = -1;
    if (polled[2].revents != 0 && !read_some(err, output.standard_error)) polled[2].fd = -1;
    if (output.standard_output.size() > limits.stdout_bytes)
      return Error(Errc::too_large, "more than " + std::to_string(limits.stdout_bytes) + " bytes of standard output");
    keep_end(output.standard_error, limits.stderr_bytes);
  }
  return {};
}

/// What is left in a pipe whose writer is gone. It holds 64 KiB; more can only come from one that left the group.
void drain(const Descriptor& from, std::string& into) {
  for (int reads = 0; reads < 16; ++reads) {
    const std::size_t before = into.size();
    if (!read_some(from, into) || into.size() == before) return;
  }
}

Result<> judge(const Child::End& end, const ChildLimits& limits, ChildOutput& output) {
  if (WIFEXITED(end.status)) output.exit_code = WEXITSTATUS(end.status);
  if (WIFSIGNALED(end.status)) output.signal = WTERMSIG(end.status);
  if (output.exit_code == 0) return {};
  // Programs may catch SIGXCPU and end as if asked to.
  if (output.signal == SIGXCPU || end.usage.ru_utime.tv_sec + end.usage.ru_stime.tv_sec >= limits.cpu_seconds)
    return Error(Errc::timed_out, "used up " + std::to_string(limits.cpu_seconds) + " seconds of CPU");
  if (output.signal == SIGXFSZ)
    return Error(Errc::too_large, "wrote more than " + std::to_string(limits.written_file_bytes) + " bytes");
  if (output.signal == SIGKILL || output.signal == SIGTERM) return Error(Errc::internal, "killed from outside");
  return {};
}

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    reset();
    number_ = std::exchange(other.number_, -1);
  }
  return *this;
}

void Descriptor::reset() {
  if (number_ >= 0) close(std::exchange(number_, -1));
}

Result<Descriptor> new_memory_file() {
  Descriptor file(memfd_create("wharf-media", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return system_error("memfd_create");
  return file;
}

Result<Descriptor> sealed_memory_file(ByteView bytes) {
  auto file = new_memory_file();
  if (!file) return file;
  while (!bytes.empty()) {
    const ssize_t written = write(file->number(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return system_error("a file in memory cannot be written");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  if (fcntl(file->number(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
    return system_error("a file in memory cannot be sealed");
  return file;
}

Result<Bytes> read_memory_file(const Descriptor& file, std::size_t max_bytes) {
  struct stat about {};
  if (fstat(file.number(), &about) != 0) return system_error("fstat");
  const auto size = static_cast<std::size_t>(about.st_size);
  if (size > max_bytes) return Error(Errc::too_large, "more than " + std::to_string(max_bytes) + " bytes");
  Bytes bytes(size);
  for (std::size_t at = 0; at < size;) {
    const ssize_t count = pread(file.number(), bytes.data() + at, size - at, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return system_error("a file in memory cannot be read");
    at += static_cast<std::size_t>(count);
  }
  return bytes;
}

Result<ChildOutput> run_child(const std::string& program, const std::vector<std::string>& arguments,
                              std::span<const int> files, const ChildLimits& limits) {
  if (files.size() > max_files) return Error(Errc::internal, "too many files for a child");
  auto out = new_pipe(), err = new_pipe(), failure = new_pipe();
  for (const auto* each : {&out, &err, &failure})
    if (!*each) return each->error();
  const Descriptor nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!nothing) return system_error("/dev/null");

  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
  char* const environment[] = {path, nullptr};

  Launch launch{program.c_str(), argv.data(), environment, getpid()};
  launch.files = {nothing.number(), out->write.number(), err->write.number()};
  std::copy(files.begin(), files.end(), launch.files.begin() + first_file);
  launch.file_count = first_file + static_cast<int>(files.size());
  launch.failure = failure->write.number();
  launch.limits = {{{RLIMIT_CPU, {limits.cpu_seconds, limits.cpu_seconds + 1}},
                    {RLIMIT_AS, {limits.address_space_bytes, limits.address_space_bytes}},
                    {RLIMIT_FSIZE, {limits.written_file_bytes, limits.written_file_bytes}},
                    {RLIMIT_CORE, {0, 0}},
                    {RLIMIT_NOFILE, {child_descriptors, child_descriptors}}}};

  Child child(fork_into(launch));
  if (child.pid() < 0) return system_error("fork");
  for (auto* each : {&out, &err, &failure}) (*each)->write.reset();
  // glibc 2.36 declares pidfd_open without C linkage. The descriptor is close-on-exec by itself.
  const Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, child.pid(), 0)));
  if (!process) return system_error("pidfd_open");

  ChildOutput output;
  const auto followed = follow(process, out->read, err->read, limits, output);
  const auto end = child.reap();
  if (!followed) return followed.error();
  if (!end) return Error(Errc::internal, "the end of the child was taken by another part of the process");
  int number = 0;
  if (read(failure->read.number(), &number, sizeof number) == sizeof number)
    return system_error(program.c_str(), number);
  drain(out->read, output.standard_output);
  drain(err->read, output.standard_error);
  keep_end(output.standard_error, limits.stderr_bytes);
  if (output.standard_output.size() > limits.stdout_bytes)
    return Error(Errc::too_large, "more than " + std::to_string(limits.stdout_bytes) + " bytes of standard output");
  if (const auto judged = judge(*end, limits, output); !judged) return judged.error();
  return output;
}

}  // namespace wharf::media
