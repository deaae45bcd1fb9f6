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

}  // namespace wharf::events
