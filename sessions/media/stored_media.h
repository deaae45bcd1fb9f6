#pragma once
// The file of a message as its stored row tells of it. Specification 04 sections 3.4 and 4.1.

#include <cstdint>
#include <string>

#include "protocol/binary/jid.h"
#include "protocol/media/media_decryptor.h"
#include "protocol/media/media_kind.h"
#include "protocol/messages/content.h"
#include "sessions/refusal.h"
#include "storage/messages.h"

namespace wharf::sessions {

struct StoredMedia {
  protocol::MessageKind message_kind = protocol::MessageKind::document;
  protocol::MediaKind kind = protocol::MediaKind::document;
  protocol::MediaFile file;
  protocol::MediaReference reference;  // as it lies in the vault
  bool view_once = false;
  bool plain = false;  // it lies in a channel, where nothing is encrypted
};
/// Errors, all about Subject::media: not_found (it has no file), malformed (what it says of its file cannot be right).
/// The file of a post is kept here under the key that this session made for it, or else under one that is made of what
/// the row says: whoever has neither the row nor the file can make nothing of it. What a stranger wrote as its key
/// counts for nothing.
Outcome<StoredMedia> stored_media(const storage::MessageRow& message);
/// The same of a post as a page of `channel` shows it.
Outcome<StoredMedia> posted_media(const protocol::Jid& channel, protocol::ByteView content);
/// The same of an encrypted file. `content`: an encoded Message of a chat that is no channel, "" of one that was
/// revoked.
Outcome<StoredMedia> stored_media(protocol::ByteView content);

/// It was uploaded so lately that the servers have it yet (04 section 4.3: about 30 days): a message may announce it
/// once more. By its key's time, which is that of the upload; of a file without one, or not uploaded yet, never. Of one
/// that lies in a channel (`chat`) neither: it is not encrypted, whatever key and time its author wrote.
bool on_servers(const protocol::Jid& chat, const protocol::MediaFile& file, std::int64_t now_ms);

}  // namespace wharf::sessions
