#pragma once
// The subcommands that run until a signal: the gateway, and the simulated network alone.

#include "daemon/configuration.h"

namespace wharf::daemon {

/// Exit status.
int serve(const Configuration& configuration);

struct SandboxOptions {
  std::string listen = "127.0.0.1:0";
  std::string secure_listen = "127.0.0.1:0";
  std::string control = "127.0.0.1:0";
  std::uint64_t seed = 0;
  std::string state_file;
  bool auto_create_phones = false;
  std::string ready_file;  // the addresses as JSON are written here (and to standard output) once it listens
};
int run_sandbox(const SandboxOptions& options);

}  // namespace wharf::daemon
