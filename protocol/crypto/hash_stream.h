#pragma once
// SHA-256 and HMAC-SHA256 over bytes that arrive in pieces, for files larger than memory. Through OpenSSL. Messages
// that are whole already take the functions of hash.h.

#include <memory>

#include "protocol/bytes.h"
#include "protocol/crypto/hash.h"

struct evp_md_ctx_st;
struct evp_mac_ctx_st;

namespace wharf::protocol {

/// Movable; what was moved from or finished is spent.
class Sha256Stream {
 public:
  Sha256Stream();
  void update(ByteView bytes);
  Digest32 finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

/// Movable. The key stays inside until destruction, which overwrites it.
class HmacSha256Stream {
 public:
  explicit HmacSha256Stream(ByteView key);
  void update(ByteView bytes);
  Digest32 finish();
  void restart();  // under the same key; allowed after finish()

 private:
  struct Free {
    void operator()(evp_mac_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_mac_ctx_st, Free> context_;
};

}  // namespace wharf::protocol
