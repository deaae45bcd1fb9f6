#include "api/next_step.h"

#include <fmt/format.h>

namespace wharf::api {

using events::NextStep;

std::string next_step_text(NextStep step, std::string_view session_name) {
  const auto route = [&](const char* operation) {
    return fmt::format("POST /api/v1/sessions/{}/{}", session_name, operation);
  };
  const auto then_start = [&](std::string_view first) { return fmt::format("{}, then {}", first, route("start")); };
  const std::string correct_proxy =
      fmt::format("correct config.proxyServerCredentials with PATCH /api/v1/sessions/{}", session_name);
  constexpr const char* check_clock = "check the clock, and that nothing intercepts the connection";
  switch (step) {
    case NextStep::read_log_start: return then_start("check the log");
    case NextStep::retried: return "nothing: it is retried";
    case NextStep::report: return "nothing; when it comes back, report it with the log";
    case NextStep::show_new_codes: return route("start") + " shows new codes";
    case NextStep::restart: return route("restart");
    case NextStep::check_clock_retried: return fmt::format("{}; it is retried", check_clock);
    case NextStep::check_clock_start: return then_start(check_clock);
    case NextStep::check_proxy_retried:
      return fmt::format("see that the proxy runs and lets us through, or {}; it is retried", correct_proxy);
    case NextStep::correct_proxy_retried:
      return fmt::format("{}; the next attempt uses them, {} makes it at once", correct_proxy, route("restart"));
    case NextStep::correct_proxy_start: return then_start(correct_proxy);
    case NextStep::unlock_account_start: return then_start("unlock the account on the phone");
    case NextStep::appeal: return "appeal in the WhatsApp app of this number";
    case NextStep::wait_start: return then_start("wait until the ban ends");
    case NextStep::upgrade_start: return then_start("install a newer Wharf");
    case NextStep::end_other_process_start: return then_start("stop the other process");
    case NextStep::remove_passkey_start: return then_start("remove the passkey requirement on the phone");
    case NextStep::check_linked_devices:
      return "look on the phone whether this device is still linked; the list is asked for again by itself";
    case NextStep::free_disk: return "free space on the disk; the session goes on by itself";
    case NextStep::check_disk:
      return "check the disk and the database file (PRAGMA integrity_check), or restore a backup; the session is tried "
             "again by itself";
  }
  return {};
}

}  // namespace wharf::api
