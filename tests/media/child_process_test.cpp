#include "media/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <thread>

#include "tests/media/process_traces.h"
#include "tests/support/printing.h"

using namespace wharf::media;
using namespace wharf::media::test;
using namespace std::chrono_literals;
using Catch::Contains;
using wharf::protocol::Bytes;
using wharf::protocol::Errc;
using wharf::protocol::Result;
using wharf::protocol::to_bytes;

namespace {

ChildLimits test_limits() {
  ChildLimits limits;
  limits.written_file_bytes = 100'000;
  return limits;
}

Result<ChildOutput> shell(const std::string& script, const ChildLimits& limits = test_limits(),
                          std::span<const int> files = {}) {
  return run_child("/bin/sh", {"-c", script}, files, limits);
}

ChildLimits hurried() {
  ChildLimits limits = test_limits();
  limits.deadline = 300ms;
  return limits;
}

// Signals 32 and 33 are the threads' own (signal(7), "Real-time signals"): the C library lets nobody change them, and
// its posix_spawn leaves them ignored where the caller's parent had them so.
constexpr std::uint64_t kReservedByLibc = 0b11ull << 31;

std::uint64_t mask_in(const std::string& status, const std::string& name) {
  const auto at = status.find(name);
  REQUIRE(at != std::string::npos);
  return std::stoull(status.substr(at + name.size(), 16), nullptr, 16);
}

}  // namespace

TEST_CASE("a child's outputs and exit code come back") {
  const NoTraces check;
  const auto output = shell("echo out; echo err >&2; exit 3");
  REQUIRE(output);
  CHECK(output->standard_output == "out\n");
  CHECK(output->standard_error == "err\n");
  CHECK(output->exit_code == 3);
  CHECK(output->signal == 0);
}

TEST_CASE("a child reads and writes files in memory by their numbers") {
  const NoTraces check;
  Bytes bytes(200'000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 / 3);
  const auto from = sealed_memory_file(bytes);
  const auto to = new_memory_file();
  REQUIRE(from);
  REQUIRE(to);
  const std::array<int, 2> files{from->number(), to->number()};
  ChildLimits limits = test_limits();
  limits.written_file_bytes = bytes.size() + 100;  // cat asks for room behind the end
  const auto output = shell("cat /dev/fd/3 > /dev/fd/4", limits, files);
  REQUIRE(output);
  CHECK(output->exit_code == 0);
  const auto copy = read_memory_file(*to, bytes.size());
  REQUIRE(copy);
  CHECK(*copy == bytes);
  CHECK(read_memory_file(*to, bytes.size() - 1).error().code == Errc::too_large);

  const auto changed = shell("echo x >> /dev/fd/3", limits, files);
  REQUIRE(changed);
  CHECK(changed->exit_code != 0);
  CHECK(*read_memory_file(*from, bytes.size()) == bytes);
}

TEST_CASE("a child that hangs is killed with all it started") {
  const NoTraces check;
  const ScratchDirectory scratch;
  const std::string fifo = scratch.path() + "/fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  const Descriptor alive(open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const auto output = shell("exec 9>" + fifo + "; sleep 1000 & sleep 1000", hurried());
  REQUIRE(!output);
  CHECK(output.error().code == Errc::timed_out);
  // The writing end is closed once nobody of the group lives. (A child too slow to open it leaves nothing to wait for.)
  pollfd closed{alive.number(), POLLIN, 0};
  poll(&closed, 1, 10'000);
  char none = 0;
  CHECK(read(alive.number(), &none, 1) == 0);
}

TEST_CASE("a child that ends while something it started lives on is not waited for") {
  const NoTraces check;
  const auto output = shell("sleep 1000 & echo done");  // sleep holds the pipes
  REQUIRE(output);
  CHECK(output->standard_output == "done\n");
}

TEST_CASE("a child that closes its outputs is waited for") {
  const NoTraces check;
  const auto output = shell("exec >&- 2>&-; cat /dev/null; exit 4");
  REQUIRE(output);
  CHECK(output->exit_code == 4);
}

TEST_CASE("a flood of standard output is too large, of standard error is forgotten but its end") {
  const NoTraces check;
  const auto flood = shell("while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done");
  REQUIRE(!flood);
  CHECK(flood.error().code == Errc::too_large);
  const auto endless = shell("while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa >&2; done", hurried());
  REQUIRE(!endless);
  CHECK(endless.error().code == Errc::timed_out);
  const auto much = shell("head -c 300000 /dev/zero >&2; echo the end >&2");
  REQUIRE(much);
  CHECK(much->standard_error.size() == ChildLimits{}.stderr_bytes);
  CHECK(much->standard_error.ends_with("the end\n"));
}

TEST_CASE("a file over its bound ends the child") {
  const NoTraces check;
  const auto to = new_memory_file();
  REQUIRE(to);
  const std::array<int, 1> files{to->number()};
  const auto output = shell("exec cat /dev/zero > /dev/fd/3", test_limits(), files);
  REQUIRE(!output);
  CHECK(output.error().code == Errc::too_large);
  CHECK(read_memory_file(*to, 100'000)->size() == 100'000);
}

TEST_CASE("a child that computes without end is stopped by its CPU seconds") {
  const NoTraces check;
  ChildLimits limits = test_limits();
  limits.cpu_seconds = 1;
  const auto output = shell("while :; do :; done", limits);
  REQUIRE(!output);
  CHECK(output.error().code == Errc::timed_out);
  CHECK_THAT(output.error().detail, Contains("CPU"));
}

TEST_CASE("a child killed from outside is no verdict about the file") {
  const NoTraces check;
  CHECK(shell("kill -KILL $$").error().code == Errc::internal);
  const auto crashed = shell("kill -SEGV $$");
  REQUIRE(crashed);
  CHECK(crashed->signal == SIGSEGV);
}

TEST_CASE("a program that cannot be run is an internal error") {
  const NoTraces check;
  const auto output = run_child("/nonexistent/program", {}, {}, test_limits());
  REQUIRE(!output);
  CHECK(output.error().code == Errc::internal);
  CHECK_THAT(output.error().detail, Contains("/nonexistent/program"));
}

TEST_CASE("a child inherits no signals, no environment and no descriptors") {
  const NoTraces check;
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked, mask;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &blocked, &mask);
  setenv("WHARF_SECRET", "hunter2", 1);
  const Descriptor open_everywhere(fcntl(STDIN_FILENO, F_DUPFD, 40));  // not close-on-exec
  REQUIRE(open_everywhere);

  const auto signals = run_child("/bin/grep", {"-E", "Sig(Blk|Ign)", "/proc/self/status"}, {}, test_limits());
  const auto environment = run_child("/usr/bin/env", {}, {}, test_limits());
  const auto descriptors = shell("ls /proc/$$/fd; :");
  const auto input = shell("cat; ulimit -c; ulimit -n; ulimit -v");
  unsetenv("WHARF_SECRET");
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  std::signal(SIGPIPE, before);

  REQUIRE(signals);
  CHECK(mask_in(signals->standard_output, "SigBlk:\t") == 0);
  CHECK((mask_in(signals->standard_output, "SigIgn:\t") & ~kReservedByLibc) == 0);
  REQUIRE(environment);
  CHECK(environment->standard_output == "PATH=/usr/local/bin:/usr/bin:/bin\n");
  REQUIRE(descriptors);
  CHECK(descriptors->standard_output == "0\n1\n2\n");
  REQUIRE(input);
  CHECK(input->standard_output == "0\n64\n1048576\n");
}

TEST_CASE("the signal mask of the caller is as before") {
  sigset_t before, after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  REQUIRE(shell(":"));
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int number = 1; number < NSIG; ++number) CHECK(sigismember(&before, number) == sigismember(&after, number));
}

TEST_CASE("children of several threads do not disturb each other") {
  const NoTraces check;
  std::array<int, 4> right{};
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < right.size(); ++t)
      threads.emplace_back([t, &right] {
        for (int i = 0; i < 10; ++i) {
          const std::string word = std::to_string(t) + "-" + std::to_string(i);
          const auto output = shell("echo " + word);
          if (output && output->standard_output == word + "\n") ++right[t];
        }
      });
  }
  CHECK(right == std::array<int, 4>{10, 10, 10, 10});
}
