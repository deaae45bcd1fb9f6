#pragma once
// Which own message announces the upload of which plain file, so that the same file need not be uploaded again. Only
// the message is named: where the file is and its key stand in that message's row and go with it. Swept by age.

#include <optional>
#include <string>

#include "protocol/crypto/hash.h"
#include "protocol/media/media_kind.h"
#include "storage/ids.h"

namespace wharf::storage {

class Database;

/// A plain file as it is uploaded: of another kind it has other keys.
struct UploadKey {
  protocol::Digest32 file_sha256{};
  protocol::MediaKind kind = protocol::MediaKind::document;
  friend auto operator<=>(const UploadKey&, const UploadKey&) = default;
};
inline constexpr UnixMs uploads_known_ms = UnixMs{14} * 86'400'000;
/// Replaces the one there is, and sweeps rows older than uploads_known_ms.
struct PutUpload {
  SessionId session;
  UploadKey key;
  std::string message_id;
  UnixMs at = 0;
  friend bool operator==(const PutUpload&, const PutUpload&) = default;
};
/// The servers have lost it. (With its message, and with a deletion for everyone, it goes by itself.) Nothing when it
/// is not known.
struct ForgetUpload {
  SessionId session;
  UploadKey key;
  friend bool operator==(const ForgetUpload&, const ForgetUpload&) = default;
};
/// The id of the own message; it may be gone by now.
std::optional<std::string> find_upload(Database& db, SessionId session, const UploadKey& key);

}  // namespace wharf::storage
