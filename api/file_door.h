#pragma once
// How bodies with files come in: what stands between the HTTP server, the guard against web pages and the router. The
// server and its tests put them together here.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/router.h"
#include "net/web_guard.h"

namespace wharf::api {

using NewMediaWriter = std::function<std::shared_ptr<sessions::MediaWriter>(protocol::MediaKind kind)>;

/// Files of up to `max_file_bytes` go into writers of `new_writer`, kept as the route says. `refusal`: FileDoor.
FileDoor file_door(NewMediaWriter new_writer, std::uint64_t max_file_bytes,
                   std::function<std::optional<Failure>(const std::string& session)> refusal);

/// Who takes the body behind this head (net::HttpServerSettings::receive_body). What the guard refuses it refuses again
/// when it sees the request whole; until then none of it is to reach the disk.
std::unique_ptr<net::BodyReceiver> receive_body(Router& router, const net::WebGuard& guard,
                                                const net::HttpRequest& head);

}  // namespace wharf::api
