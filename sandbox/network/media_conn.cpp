#include "sandbox/network/media_conn.h"

#include <algorithm>
#include <utility>

#include "sandbox/network/answers.h"

namespace wharf::sandbox {

namespace {

constexpr std::int64_t ttl_seconds = 3'600, auth_ttl_seconds = 21'600, max_buckets = 12;
constexpr std::string_view categories[] = {"audio",       "document", "gif",     "image", "md-app-state",
                                           "md-msg-hist", "ptt",      "sticker", "video"};

Node host_node(const std::string& name, std::string_view type, const std::string& fallback, std::uint64_t limit) {
  Node host("host");
  host.set("hostname", name).set("type", type);
  if (!fallback.empty()) host.set("fallback_hostname", fallback);
  if (limit > 0) host.set("maxContentLengthBytes", limit);
  Node download("download");
  for (const auto category : categories) download.add(Node(std::string(category)));
  return host.add(Node("upload")).add(std::move(download));
}

}  // namespace

void MediaConnections::on_iq(const Origin& origin, const Node& iq) {
  if (iq.attr("type") != "set" || !iq.child("media_conn")) return c_.send(origin.key, error_of(iq, 400, "bad-request"));
  c_.send(origin.key, result_of(iq).add(answer(origin.key.phone)));
}

Node MediaConnections::answer(const std::string& phone) {
  Node connection("media_conn");
  connection.set("auth", make_upload_auth(tokens_.secret(), phone, issue_time()));
  connection.set("ttl", ttl_seconds).set("auth_ttl", auth_ttl_seconds).set("max_buckets", max_buckets);
  connection.set("id", c_.next_id());
  connection.add(host_node(c_.settings.media_host, "primary", fallback_, max_file_bytes_));
  if (!fallback_.empty()) connection.add(host_node(fallback_, "fallback", {}, max_file_bytes_));
  return connection;
}

// One that is given out in the millisecond in which all were ended is a new one.
std::int64_t MediaConnections::issue_time() const { return std::max(c_.clock.unix_ms(), revoked_through_ms_ + 1); }

AuthState MediaConnections::check(std::string_view auth) const {
  const auto issued = read_upload_auth(tokens_.secret(), auth);
  if (!issued) return AuthState::unknown;
  const bool over = *issued <= revoked_through_ms_ || c_.clock.unix_ms() - *issued >= auth_ttl_seconds * 1000;
  return over ? AuthState::expired : AuthState::valid;
}

void MediaConnections::expire_all() {
  // Never backwards, and past what issue_time() gave out ahead of the clock.
  revoked_through_ms_ = issue_time();
  c_.server_row_changed(row_name);
}

std::optional<Bytes> MediaConnections::row() const {
  if (revoked_through_ms_ < 0) return std::nullopt;
  return protocol::to_bytes(row_number(static_cast<std::uint64_t>(revoked_through_ms_), 8));
}

void MediaConnections::restore(ByteView row) {
  revoked_through_ms_ = static_cast<std::int64_t>(protocol::from_big_endian(row));
}

}  // namespace wharf::sandbox
