#include "events/session_state.h"

#include <array>
#include <utility>

namespace wharf::events {
namespace {

constexpr std::array<std::pair<Status, const char*>, 6> status_names = {{
    {Status::initializing, "initializing"},
    {Status::qr_ready, "qr_ready"},
    {Status::authenticated, "authenticated"},
    {Status::ready, "ready"},
    {Status::failed, "failed"},
    {Status::terminated, "terminated"},
}};

constexpr std::array<std::pair<Connection, const char*>, 3> connection_names = {{
    {Connection::connected, "connected"},
    {Connection::connecting, "connecting"},
    {Connection::offline, "offline"},
}};

constexpr std::array<std::pair<NextStep, const char*>, 19> next_step_names = {{
    {NextStep::read_log_start, "read_log_start"},
    {NextStep::retried, "retried"},
    {NextStep::report, "report"},
    {NextStep::show_new_codes, "show_new_codes"},
    {NextStep::restart, "restart"},
    {NextStep::check_clock_retried, "check_clock_retried"},
    {NextStep::check_clock_start, "check_clock_start"},
    {NextStep::check_proxy_retried, "check_proxy_retried"},
    {NextStep::correct_proxy_retried, "correct_proxy_retried"},
    {NextStep::correct_proxy_start, "correct_proxy_start"},
    {NextStep::unlock_account_start, "unlock_account_start"},
    {NextStep::appeal, "appeal"},
    {NextStep::wait_start, "wait_start"},
    {NextStep::upgrade_start, "upgrade_start"},
    {NextStep::end_other_process_start, "end_other_process_start"},
    {NextStep::remove_passkey_start, "remove_passkey_start"},
    {NextStep::check_linked_devices, "check_linked_devices"},
    {NextStep::free_disk, "free_disk"},
    {NextStep::check_disk, "check_disk"},
}};

template <class Names, class Value>
const char* name_in(const Names& names, Value value, const char* otherwise) {
  for (const auto& [known, text] : names) {
    if (known == value) return text;
  }
  return otherwise;
}

template <class Value, std::size_t Size>
std::optional<Value> named_in(const std::array<std::pair<Value, const char*>, Size>& names, std::string_view text) {
  for (const auto& [value, known] : names) {
    if (text == known) return value;
  }
  return std::nullopt;
}

}  // namespace

const char* name(Status status) { return name_in(status_names, status, "failed"); }
std::optional<Status> status_named(std::string_view text) { return named_in(status_names, text); }

const char* name(Connection connection) { return name_in(connection_names, connection, "offline"); }
std::optional<Connection> connection_named(std::string_view text) { return named_in(connection_names, text); }

const char* name(NextStep step) { return name_in(next_step_names, step, "read_log_start"); }
NextStep next_step_named(std::string_view text) {
  return named_in(next_step_names, text).value_or(NextStep::read_log_start);
}

}  // namespace wharf::events
