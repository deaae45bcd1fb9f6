#pragma once
// The file of a message as its stored row tells of it.

#include <cstdint>
#include <string>

#include "protocol/binary/jid.h"
#include "protocol/media/media_decryptor.h"
#include "protocol/media/media_kind.h"
#include "protocol/messages/content.h"
#include "sessions/refusal.h"

namespace wharf::sessions {

struct StoredMedia {
  protocol::MessageKind message_kind = protocol::MessageKind::document;
  protocol::MediaKind kind = protocol::MediaKind::document;
  protocol::MediaFile file;
  protocol::MediaReference reference;
  bool view_once = false;
};
/// `content`: an encoded Message, "" of one that was revoked. Errors, all about Subject::media: not_found (it has no
/// file), malformed (what it says of its file cannot be right).
Outcome<StoredMedia> stored_media(protocol::ByteView content);

/// It was uploaded so lately that the servers have it yet (04 section 4.3: about 30 days): a message may announce it
/// once more. By its key's time, which is that of the upload; of a file without one, or not uploaded yet, never. Of one
/// that lies in a channel (`chat`) neither: it is not encrypted, whatever key and time its author wrote.
bool on_servers(const protocol::Jid& chat, const protocol::MediaFile& file, std::int64_t now_ms);

}  // namespace wharf::sessions
