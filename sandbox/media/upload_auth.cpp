#include "sandbox/media/upload_auth.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "protocol/crypto/hash.h"
#include "protocol/media/media_urls.h"
#include "sandbox/rows.h"

namespace wharf::sandbox {

using protocol::ByteView;

namespace {

constexpr std::size_t claim_bytes = 16, mac_bytes = 16;
constexpr std::string_view label = "wharf sandbox media_conn";

protocol::Digest32 mac_of(ByteView secret, ByteView claim) {
  return protocol::hmac_sha256(secret, protocol::concat(protocol::as_bytes(label), claim));
}

}  // namespace

std::string make_upload_auth(ByteView secret, std::string_view phone, std::int64_t issued_ms) {
  std::uint64_t number = 0;
  std::from_chars(phone.data(), phone.data() + phone.size(), number);
  const std::string claim = row_number(static_cast<std::uint64_t>(issued_ms), 8) + row_number(number, 8);
  const auto mac = mac_of(secret, protocol::as_bytes(claim));
  return protocol::to_base64url(protocol::concat(protocol::as_bytes(claim), ByteView(mac).first(mac_bytes)));
}

std::optional<std::int64_t> read_upload_auth(ByteView secret, std::string_view auth) {
  // 32 bytes, written as the hashes are that name files.
  static_assert(claim_bytes + mac_bytes == std::tuple_size_v<protocol::Digest32>);
  const auto token = protocol::read_upload_token(auth);
  if (!token) return std::nullopt;
  const ByteView claim = ByteView(*token).first(claim_bytes);
  const auto mac = mac_of(secret, claim);
  if (!protocol::equal_constant_time(ByteView(mac).first(mac_bytes), ByteView(*token).subspan(claim_bytes)))
    return std::nullopt;
  return static_cast<std::int64_t>(protocol::from_big_endian(claim.first(8)));
}

}  // namespace wharf::sandbox
