#pragma once
// media_conn: the hosts of the media servers and the token for uploads. Specification 04 section 1; 06 section 5,
// `w:m`.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/binary/node.h"

namespace wharf::protocol {

/// One <host>. What the server did not say is empty.
struct MediaHost {
  std::string hostname;  // `host` or `host:port`
  bool fallback = false;
  std::string fallback_hostname;
  std::string ip4, ip6, fallback_ip4, fallback_ip6;  // as text, not checked
  std::optional<std::uint64_t> max_content_bytes;
  bool accepts_uploads = false;                 // <upload/>
  std::vector<std::string> downloads, buckets;  // routing hints: tags below <download> and <download_buckets>
  friend bool operator==(const MediaHost&, const MediaHost&) = default;
};

struct MediaConn {
  std::string auth;  // opaque and secret: never logged
  std::uint64_t ttl_seconds = 0;
  std::uint64_t auth_ttl_seconds = 0;
  std::uint64_t max_buckets = 0;
  std::vector<MediaHost> hosts;  // primary ones first, otherwise in the server's order

  /// From the fetch on: the shorter of the two lifetimes.
  std::uint64_t valid_seconds() const;
  /// When to ask again: 30 seconds before that, or half way when it is shorter than a minute.
  std::uint64_t refresh_seconds() const;
  /// Hostnames to upload to, in order: those that say so, all when none does.
  std::vector<std::string> upload_hosts() const;
  std::vector<std::string> download_hosts() const;
  friend bool operator==(const MediaConn&, const MediaConn&) = default;
};

Node media_conn_iq(std::string_view id);

/// A `ttl` from 10^9 on is a unix time; it is returned relative to `unix_seconds`. Hosts without a name are skipped,
/// and hosts after the 32nd. An absent `auth_ttl` is taken to be the ttl. On an error keep what you have until it
/// expires. Errors: refused / rate_limited (an error answer), malformed (no media_conn, auth missing or over 4 KiB, a
/// lifetime missing, zero or over, a hostname that is none, no host).
Result<MediaConn> read_media_conn(const Node& answer, std::uint64_t unix_seconds);

/// The server's answer, with all four attributes: there are clients that refuse it otherwise.
Node media_conn_result(const Node& request, const MediaConn& connection);

}  // namespace wharf::protocol
