#include "sandbox/network/privacy_tokens.h"

#include <string>

#include "protocol/crypto/hash.h"

namespace wharf::sandbox {

namespace {

constexpr std::uint64_t token_bucket_seconds = std::uint64_t{7} * 86'400, token_buckets = 4;

}  // namespace

PrivacyTokens::PrivacyTokens(NetworkContext& context) : c_(context) {
  const auto secret = c_.random.bytes<32>();
  secret_.assign(secret.begin(), secret.end());
}

// Opaque to clients, checked again when it comes back: its time, and a MAC over issuer, holder and time.
Bytes PrivacyTokens::make(const Party& issuer, const Party& holder, std::uint64_t t) const {
  Bytes token = protocol::to_bytes(row_number(t, 8));
  const auto text = issuer.account.lid + "|" + holder.account.lid + "|" + std::to_string(t);
  const auto mac = protocol::hmac_sha256(secret_, protocol::as_bytes(text));
  protocol::append(token, ByteView(mac).first(16));
  return token;
}

bool PrivacyTokens::valid(const Party& issuer, const Party& holder, ByteView token) const {
  if (token.size() < 8) return false;
  const auto t = protocol::from_big_endian(token.first(8));
  // 03 section 4.6: time is cut in buckets, four of them count.
  const auto bucket = c_.unix_seconds() / token_bucket_seconds;
  if (bucket >= token_buckets && t < (bucket - (token_buckets - 1)) * token_bucket_seconds) return false;
  return protocol::equal_constant_time(token, make(issuer, holder, t));
}

}  // namespace wharf::sandbox
