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

/// Why a session is not ready, for who operates it. Kept on disk as JSON (events/codec.h).
struct Reason {
  std::string code;  // qr_timeout, unlinked, replaced, banned, restricted, outdated, passkey_required, network, …
  std::string message;
  std::string next_step;
  std::optional<UnixMs> until;
  friend bool operator==(const Reason&, const Reason&) = default;
};

struct QrCode {
  std::string text;
  UnixMs expires_at = 0;
  friend bool operator==(const QrCode&, const QrCode&) = default;
};

}  // namespace wharf::events
