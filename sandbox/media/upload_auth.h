#pragma once
// The `auth` of media_conn: who got it and when, under a MAC, so that nothing is kept per token and a restart forgets
// none. Opaque to clients. Specification 04 section 1.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/bytes.h"

namespace wharf::sandbox {

enum class AuthState { valid, expired, unknown };

/// base64url of: time of issue (ms) 8 | number of the account 8 | the first 16 bytes of an HMAC-SHA256 over both.
/// `phone`: 7 to 15 digits. `secret` may serve other purposes too: the MAC's input is labelled.
std::string make_upload_auth(protocol::ByteView secret, std::string_view phone, std::int64_t issued_ms);
/// When it was issued; nullopt for what make_upload_auth did not make under this secret.
std::optional<std::int64_t> read_upload_auth(protocol::ByteView secret, std::string_view auth);

}  // namespace wharf::sandbox
