#pragma once
// What the media host knows of a file. The bytes themselves (ciphertext: the network holds no media key) are on disk
// under `id`, a name of our own.

#include <cstdint>
#include <string>

#include "protocol/crypto/hash.h"

namespace wharf::sandbox {

struct MediaFile {
  std::uint64_t number = 0;  // order of arrival: names the row, and is the cursor of lists
  std::string id;            // 32 hex digits, random
  std::string kind;          // "image", "md-msg-hist", "newsletter-video": media_request.h
  std::uint64_t bytes = 0;
  protocol::Digest32 hash{};         // SHA-256 of the bytes: of the ciphertext, MAC included
  std::int64_t created_ms = 0;       // on the network's clock, as the two below
  std::int64_t expires_ms = 0;       // 410 from then on; the bytes go
  std::int64_t signed_until_ms = 0;  // 403 from then on; the entry goes when it has expired too
  std::string signature;             // `oh` of the query
  bool gone = false;                 // expired: there are no bytes any more

  std::string path() const;         // "/v/t62/{id}.enc"
  std::string query() const;        // "ccb=11-4&oh={signature}&oe={end of the signature, hex seconds}"
  std::string direct_path() const;  // both: never without a '?', because clients append "&hash=…" (06 section 15)
};

}  // namespace wharf::sandbox
