#pragma once
// Asking the phone to upload a file again that the media servers no longer have, both ends. Specification 04 section 6.
//
// The request is a receipt of type server-error to the own account, the answer a notification of type mediaretry. Both
// name the message in clear, and carry a protobuf sealed with a key derived from the message's media key: the server
// cannot answer by itself with a path, only with an error code. Who asks keeps a bounded table of open requests and
// drops answers to anything else.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/binary/node.h"
#include "protocol/crypto/aes.h"
#include "protocol/crypto/random.h"
#include "protocol/media/media_keys.h"

namespace wharf::protocol {

/// <rmr>: the message the file belongs to.
struct RetriedMessage {
  Jid chat;
  bool from_me = false;
  std::optional<Jid> participant;  // the author; of groups and broadcasts only
  friend bool operator==(const RetriedMessage&, const RetriedMessage&) = default;
};

/// <encrypt>: AES-256-GCM under the retry key, authenticated with the message id. At most 16 KiB.
struct SealedRetry {
  Bytes payload;
  GcmIv iv{};
};

// --- the request

/// `message` absent: the file is a history blob, and `id` that of its notification message.
Node media_retry_receipt(std::string_view id, const Jid& own, const std::optional<RetriedMessage>& message,
                         const MediaKey& key, Random& random);

struct MediaRetryRequest {
  std::string id;
  std::optional<RetriedMessage> message;
  SealedRetry sealed;
};
/// The phone's side, before it knows the media key. Errors: malformed, too_large.
Result<MediaRetryRequest> read_media_retry_receipt(const Node& receipt);
/// Errors: bad_mac (another media key or id), malformed (not a ServerErrorReceipt), conflict (of another message).
Result<void> check_media_retry_request(const MediaRetryRequest& request, const MediaKey& key);

// --- the answer

/// MediaRetryNotification.result, also the code of a bare error.
enum class MediaRetryOutcome : std::uint8_t { general_error = 0, success = 1, not_found = 2, decryption_error = 3 };

struct MediaRetryAnswer {
  MediaRetryOutcome outcome = MediaRetryOutcome::general_error;
  std::string direct_path;  // of a success: replaces that of the message, whose url is void then
  Bytes message_secret;     // 32 bytes or empty
};

struct MediaRetryNotification {
  std::string id;
  std::optional<RetriedMessage> message;
  std::optional<std::uint32_t> error_code;  // in clear, then nothing is sealed
  SealedRetry sealed;
};
/// Errors: malformed, too_large.
Result<MediaRetryNotification> read_media_retry_notification(const Node& notification);
/// An error in clear is an answer too; a code that is no known failure counts as general_error.
/// Errors: bad_mac (another media key or id, or altered), malformed (not a MediaRetryNotification, or a success without
/// a usable direct path), conflict (of another message).
Result<MediaRetryAnswer> open_media_retry(const MediaRetryNotification& notification, const MediaKey& key);

/// The phone's side. `own` is the account both belong to.
Node media_retry_notification(std::string_view id, const Jid& own, std::uint64_t unix_seconds,
                              const std::optional<RetriedMessage>& message, const MediaRetryAnswer& answer,
                              const MediaKey& key, Random& random);
/// When the phone has no media key to answer with.
Node media_retry_error(std::string_view id, const Jid& own, std::uint64_t unix_seconds,
                       const std::optional<RetriedMessage>& message, MediaRetryOutcome code);

}  // namespace wharf::protocol
