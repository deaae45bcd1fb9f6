#pragma once
// The states of a session as the outside knows them.

#include <optional>
#include <string>
#include <string_view>

#include "events/unix_ms.h"

namespace wharf::events {

/// The six words that clients of the first API generation know.
enum class Status { initializing, qr_ready, authenticated, ready, failed, terminated };
const char* name(Status status);
std::optional<Status> status_named(std::string_view name);

enum class Connection { connected, connecting, offline };
const char* name(Connection connection);
std::optional<Connection> connection_named(std::string_view name);

/// What can be done about a reason. In words only where routes and fields are known (api/next_step.h). `…_start`: and
/// start the session then. Those that end in `retried` need nothing else: the session tries again by itself.
enum class NextStep {
  read_log_start,  // also what an earlier release wrote in its own words
  retried,
  report,
  show_new_codes,
  restart,
  check_clock_retried,
  check_clock_start,
  check_proxy_retried,
  correct_proxy_retried,
  correct_proxy_start,
  unlock_account_start,
  appeal,
  wait_start,
  upgrade_start,
  end_other_process_start,
  remove_passkey_start,
  check_linked_devices,
  free_disk,
  check_disk,
};
const char* name(NextStep step);
/// read_log_start for a name that is none.
NextStep next_step_named(std::string_view name);

/// Why a session is not ready, for who operates it. Kept on disk as JSON (events/codec.h).
struct Reason {
  std::string code;  // qr_timeout, unlinked, replaced, banned, restricted, outdated, passkey_required, network, …
  std::string message;
  NextStep next_step = NextStep::read_log_start;
  std::optional<UnixMs> until;
  friend bool operator==(const Reason&, const Reason&) = default;
};

struct QrCode {
  std::string text;
  UnixMs expires_at = 0;
  friend bool operator==(const QrCode&, const QrCode&) = default;
};

}  // namespace wharf::events
