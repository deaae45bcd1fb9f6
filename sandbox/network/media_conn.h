#pragma once
// media_conn: where a device uploads and downloads files, and the token that lets it upload. Tokens belong to an
// account and end on the network's clock; nothing is kept about one. Specification 04 section 1, 06 section 5.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/stanzas/media_conn.h"
#include "sandbox/media/upload_auth.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/privacy_tokens.h"

namespace wharf::sandbox {

class MediaConnections {
 public:
  static constexpr std::string_view row_name = "media_auth";  // of the server row

  /// The tokens' secret is that of `tokens`: it lasts over restarts.
  MediaConnections(NetworkContext& context, const PrivacyTokens& tokens) : c_(context), tokens_(tokens) {}

  void on_iq(const Origin& origin, const Node& iq);
  /// A second host for the answers; "" for none. The first is settings.media_host.
  void set_fallback(std::string host_and_port) { fallback_ = std::move(host_and_port); }
  /// Told to clients as maxContentLengthBytes.
  void set_limit(std::uint64_t max_file_bytes) { max_file_bytes_ = max_file_bytes; }

  AuthState check(std::string_view auth) const;
  /// Every token that is out ends now.
  void expire_all();

  // --- row: server
  std::optional<Bytes> row() const;
  void restore(ByteView row);

 private:
  protocol::MediaConn connection(const std::string& phone) const;
  std::int64_t issue_time() const;

  NetworkContext& c_;
  const PrivacyTokens& tokens_;
  std::string fallback_;
  std::uint64_t max_file_bytes_ = 0;
  std::int64_t revoked_through_ms_ = -1;  // tokens of then and before have ended
};

}  // namespace wharf::sandbox
