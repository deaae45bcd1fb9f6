#pragma once
// Where a file is sent to and fetched from: request targets (path and query) for a host of media_conn. No I/O, and no
// JSON: the caller reads the server's answer into UploadAnswer. Specification 04 sections 3.1, 3.2, 3.4, 3.6, 4.1.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/crypto/hash.h"
#include "protocol/media/media_kind.h"
#include "protocol/result.h"

namespace wharf::protocol {

/// For downloads while there is no session to ask for hosts.
inline constexpr std::string_view default_media_hosts[] = {"mmg.whatsapp.net", "mmg-fallback.whatsapp.net"};

/// `host` or `host:port` that can stand in a URL: a DNS name or an IPv4 address, at most 253 characters.
bool acceptable_media_host(std::string_view host);
/// A path with a query that can stand in a request line: begins with '/', printable ASCII, no fragment, at most 4096.
bool acceptable_direct_path(std::string_view path);

/// Names an uploaded file: unpadded base64url of the SHA-256 of the bytes uploaded (of the plaintext only for
/// channels).
std::string upload_token(const Digest32& uploaded_sha256);
/// As a server reads it: with or without padding. nullopt when it is no hash.
std::optional<Digest32> read_upload_token(std::string_view token);

/// POST the encrypted file here. `auth` is the token of media_conn, a secret: so is the target.
std::string upload_target(MediaKind kind, const Digest32& file_enc_sha256, std::string_view auth);
/// The same for channels, with the hash of the plain file; nullopt for kinds they do not know.
std::optional<std::string> newsletter_upload_target(MediaKind kind, const Digest32& file_sha256, std::string_view auth);
/// POST without a body: how much of it has arrived? Worth asking from 5 MiB on.
std::string resume_query_target(std::string_view upload_target);
/// POST the rest from `offset`.
std::string resume_target(std::string_view upload_target, std::uint64_t offset);
/// DELETE a history blob after it was stored. `enc_handle` may be empty.
std::string delete_history_target(const Digest32& file_enc_sha256, std::string_view direct_path, std::string_view auth,
                                  std::string_view enc_handle);

/// The JSON of an upload answer, field by field; absent fields are empty.
struct UploadAnswer {
  std::string url, direct_path;
  std::string handle;        // channels: media_id of the publish stanza
  std::string metadata_url;  // videos
  std::string resume;        // "complete" or an offset, in the answer to a resume query
};
/// Can the answer stand in a message? Errors: malformed (url or direct_path missing or not usable).
Result<void> check_upload(const UploadAnswer& answer);
/// The answer to a resume query: `file_length` when the upload is complete, the offset to go on from, or 0 to start
/// over.
std::uint64_t resume_offset(const UploadAnswer& answer, std::uint64_t file_length);

/// Where a message says its file is; absent fields are empty.
struct MediaLocation {
  std::string static_url;  // channels
  std::string direct_path;
  std::string url;
};
/// GET https://{host}{target}; `host` may hold a port.
struct DownloadTarget {
  std::string host, target;
  friend bool operator==(const DownloadTarget&, const DownloadTarget&) = default;
};
/// Every place to try, in order. A message never makes us ask a host of its own choice: its URLs count only when they
/// are https and lead to *.whatsapp.net or one of `hosts` (of media_conn; when empty default_media_hosts). A staticUrl
/// like that is all there is to try; one unlike that is passed over. `sent_sha256`: of the bytes on the server, for
/// unencrypted files absent. Errors: refused (url of a foreign host or scheme), malformed (direct path), not_found (the
/// message names no place).
Result<std::vector<DownloadTarget>> download_targets(const MediaLocation& location,
                                                     const std::optional<Digest32>& sent_sha256, MediaKind kind,
                                                     std::span<const std::string> hosts);

}  // namespace wharf::protocol
