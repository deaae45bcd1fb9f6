#pragma once
// Readiness, watchdog and stop messages to systemd; nothing happens without it.

#include <chrono>
#include <string>

namespace wharf::daemon {

void notify_ready(const std::string& status);
void notify_stopping();
void notify_alive();
/// Half of WATCHDOG_USEC; zero without a watchdog.
std::chrono::milliseconds watchdog_interval();

}  // namespace wharf::daemon
