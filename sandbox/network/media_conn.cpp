#include "sandbox/network/media_conn.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "sandbox/network/answers.h"

namespace wharf::sandbox {

namespace {

constexpr std::uint64_t ttl_seconds = 3'600, auth_ttl_seconds = 21'600, max_buckets = 12;
constexpr std::string_view categories[] = {"audio",       "document", "gif",     "image", "md-app-state",
                                           "md-msg-hist", "ptt",      "sticker", "video"};

protocol::MediaHost host_of(const std::string& name, std::uint64_t limit) {
  protocol::MediaHost host;
  host.hostname = name;
  if (limit > 0) host.max_content_bytes = limit;
  host.accepts_uploads = true;
  host.downloads.assign(std::begin(categories), std::end(categories));
  return host;
}

}  // namespace

void MediaConnections::on_iq(const Origin& origin, const Node& iq) {
  if (iq.attr("type") != "set" || !iq.child("media_conn")) return c_.send(origin.key, error_of(iq, 400, "bad-request"));
  // Only its child: an answer of the server says `from`.
  const Node answer = protocol::media_conn_result(iq, connection(origin.key.phone));
  c_.send(origin.key, result_of(iq).add(*answer.child("media_conn")));
}

protocol::MediaConn MediaConnections::connection(const std::string& phone) const {
  protocol::MediaConn out;
  out.auth = make_upload_auth(tokens_.secret(), phone, issue_time());
  out.ttl_seconds = ttl_seconds;
  out.auth_ttl_seconds = auth_ttl_seconds;
  out.max_buckets = max_buckets;
  out.hosts.push_back(host_of(c_.settings.media_host, max_file_bytes_));
  if (fallback_.empty()) return out;
  out.hosts.back().fallback_hostname = fallback_;
  out.hosts.push_back(host_of(fallback_, max_file_bytes_));
  out.hosts.back().fallback = true;
  return out;
}

// One that is given out in the millisecond in which all were ended is a new one.
std::int64_t MediaConnections::issue_time() const { return std::max(c_.clock.unix_ms(), revoked_through_ms_ + 1); }

AuthState MediaConnections::check(std::string_view auth) const {
  const auto issued = read_upload_auth(tokens_.secret(), auth);
  if (!issued) return AuthState::unknown;
  const bool over =
      *issued <= revoked_through_ms_ || c_.clock.unix_ms() - *issued >= std::int64_t{auth_ttl_seconds} * 1000;
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
