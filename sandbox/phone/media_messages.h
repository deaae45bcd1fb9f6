#pragma once
// Messages with a file, as phones make and show them: the file encrypted, the Message of it, and the other way round.
// Pure. Specification 04 sections 2 and 5.

#include <optional>
#include <string>

#include "protocol/media/media_decryptor.h"
#include "protocol/messages/building.h"
#include "sandbox/phone.h"

namespace wharf::sandbox {

/// Of a file that does not say its own.
std::string usual_mimetype(protocol::MessageKind kind);

struct SealedMedia {
  protocol::MediaContent content;  // without the place of the file, which is not known yet
  Bytes file;                      // encrypted under a new key
};
/// Errors: malformed, too_large.
protocol::Result<SealedMedia> seal_media(const PhoneMedia& media, std::int64_t unix_seconds, protocol::Random& random);

/// What a phone shows of the file at first; nullopt for a message without one.
std::optional<PhoneMessage::Media> shown_media(const protocol::IncomingMessage& content);

/// What a message says of its file.
struct MessageFile {
  protocol::MediaKind kind = protocol::MediaKind::document;
  protocol::MediaReference reference;
  protocol::MediaFile file;
};
/// Errors: not_found (it has none), invalid_key, malformed.
protocol::Result<MessageFile> file_of(ByteView encoded);

}  // namespace wharf::sandbox
