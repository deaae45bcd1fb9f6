#include "sessions/session_view.h"

#include <array>
#include <utility>

namespace wharf::sessions {
namespace {

constexpr std::array<std::pair<Status, const char*>, 6> status_names = {{
    {Status::initializing, "initializing"},
    {Status::qr_ready, "qr_ready"},
    {Status::authenticated, "authenticated"},
    {Status::ready, "ready"},
    {Status::failed, "failed"},
    {Status::terminated, "terminated"},
}};

}  // namespace

const char* name(Status status) {
  for (const auto& [value, text] : status_names) {
    if (value == status) return text;
  }
  return "failed";
}

std::optional<Status> status_named(std::string_view text) {
  for (const auto& [value, known] : status_names) {
    if (text == known) return value;
  }
  return std::nullopt;
}

const char* name(Connection connection) {
  switch (connection) {
    case Connection::connected: return "connected";
    case Connection::connecting: return "connecting";
    case Connection::offline: return "offline";
  }
  return "offline";
}

}  // namespace wharf::sessions
